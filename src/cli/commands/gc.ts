/** `assay gc`: frees what no lock, run or attestation refers to. */
import { DomainError, formatSize } from '../../core/index.ts'
import { collectProject, openProject } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function gc(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ dryRun?: boolean; keepRuns: string }>,
): Promise<Exit> {
  if (!/^\d{1,6}$/.test(options.keepRuns))
    throw new DomainError('ERR_USAGE', `\`--keep-runs ${options.keepRuns}\` is not a number`)
  const project = await openProject(context)
  const dryRun = options.dryRun === true
  const { removed, freedBytes, runs } = await collectProject(project, { dryRun, keepRuns: Number(options.keepRuns) })
  context.output.document({ removed, freedBytes, runs, dryRun })
  context.output.line(
    `${dryRun ? 'would free' : 'freed'} ${formatSize(freedBytes)}: ${removed} objects, ${runs} records of runs`,
  )
  return 0
}
