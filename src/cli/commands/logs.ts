/** `assay logs`: what the stages of a run printed, from the store, made printable. */
import { DomainError, oneLine, printableLog, type Sha256 } from '../../core/index.ts'
import { believedStage, openProject, type Project } from '../../pipeline/index.ts'
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
  const known = logsOf(project, run)
  const wanted = [...known].filter(([stage]) => options.stage === undefined || stage === options.stage)
  if (wanted.length === 0) {
    throw new DomainError(
      'ERR_STAGE_UNKNOWN',
      `the run ${run.report.runId} has no log${options.stage === undefined ? '' : ` of \`${options.stage}\``}`,
      {
        help:
          known.size === 0 ? 'no stage of it ran, now or earlier' : `it has logs of ${[...known.keys()].join(', ')}`,
      },
    )
  }
  const documents: { stage: string; digest: string; text: string }[] = []
  for (const [stage, digest] of wanted) {
    if (!project.store.has(digest)) {
      if (wanted.length === 1) throw new DomainError('ERR_LOG_MISSING', `the log of \`${stage}\` is no longer here`)
      context.output.note(`the log of \`${oneLine(stage)}\` is no longer here`)
      continue
    }
    const text = (await project.store.read(digest, maxLogBytes)).toString('utf8')
    documents.push({ stage, digest, text })
    if (wanted.length > 1) context.output.line(context.output.style('bold', `== ${oneLine(stage)}`))
    context.output.line(printableLog(text).trimEnd())
  }
  context.output.document({ runId: run.report.runId, logs: documents })
  return 0
}

type Run = ReturnType<Project['runs']['load']>

/** In the order of the stages; of a stage that was up to date, the log of when it ran, from its statement. */
function logsOf(project: Project, { report, logs }: Run): ReadonlyMap<string, Sha256> {
  const found = new Map<string, Sha256>()
  for (const { name, attestation } of report.stages) {
    const own = Object.hasOwn(logs, name) ? logs[name] : undefined
    const digest = own ?? (attestation === undefined ? undefined : believedStage(project, attestation)?.log.digest)
    if (digest !== undefined) found.set(name, digest)
  }
  return found
}
