/** `assay logs`: what the stages of a run printed, from the store, made printable. */
import { DomainError, printable } from '../../core/index.ts'
import { openProject } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

/** LIMIT: the last 64 MiB of a log are shown. */
const maxLogBytes = 64 * 1024 * 1024

export async function logs(
  context: CliContext,
  [runId]: readonly string[],
  options: Readonly<{ stage?: string }>,
): Promise<Exit> {
  const project = await openProject(context)
  const run = project.runs.load(runId)
  const wanted = Object.entries(run.logs).filter(([stage]) => options.stage === undefined || stage === options.stage)
  if (wanted.length === 0) {
    const known = Object.keys(run.logs)
    throw new DomainError(
      'ERR_STAGE_UNKNOWN',
      `the run ${run.report.runId} has no log${options.stage === undefined ? '' : ` of \`${options.stage}\``}`,
      {
        help:
          known.length === 0 ? 'no stage ran in it: everything was up to date' : `it has logs of ${known.join(', ')}`,
      },
    )
  }
  const documents: { stage: string; digest: string; text: string }[] = []
  for (const [stage, digest] of wanted) {
    const text = (await project.store.read(digest, maxLogBytes)).toString('utf8')
    documents.push({ stage, digest, text })
    if (wanted.length > 1) context.output.line(context.output.style('bold', `== ${printable(stage)}`))
    context.output.line(printable(text).trimEnd())
  }
  context.output.document({ runId: run.report.runId, logs: documents })
  return 0
}
