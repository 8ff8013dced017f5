/** `assay show`: one run, its stages and what they made; `--all` lists the runs. */
import { DomainError, formatDuration, formatSize } from '../../core/index.ts'
import { lookAtStage, openProject, type Project } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, stageLines, table } from '../render.ts'
import { showEnvironment } from './show-environment.ts'
import { showHermeticity } from './show-hermeticity.ts'
import { showResources } from './show-resources.ts'

type ShowOptions = Readonly<{
  all?: boolean
  stage?: string
  environment?: boolean
  resources?: boolean
  hermeticity?: string | true
  report?: string
}>

export async function show(context: CliContext, [runId]: readonly string[], options: ShowOptions): Promise<Exit> {
  refuseTwoQuestions(options)
  const project = await openProject(context)
  if (options.all === true) return showAll(context, project)
  if (options.hermeticity !== undefined) {
    const stage = options.hermeticity === true ? options.stage : options.hermeticity
    return showHermeticity(context, project, { runId, stage })
  }
  if (options.resources === true || options.report !== undefined)
    return showResources(context, project, { runId, stage: options.stage, report: options.report })
  if (options.environment === true) return showEnvironment(context, project, { runId, stage: options.stage })
  const run = project.runs.load(runId)
  if (options.stage !== undefined) return showStage(context, project, options.stage, runId)
  const { output } = context
  output.document({ ...run.report, startedAt: run.startedAt, finishedAt: run.finishedAt, commit: run.commit })
  output.line(`run ${output.style('bold', run.report.runId)}  ${run.report.status}  level ${run.report.level}`)
  output.line(`commit ${run.commit ?? 'none'}  started ${run.startedAt}`)
  for (const stage of run.report.stages) {
    output.line()
    for (const line of stageLines(output, stage)) output.line(line)
    const rows = stage.outputs.map((out) => ['        ', out.path, formatSize(out.sizeBytes), shortDigest(out.digest)])
    for (const line of table(rows)) output.line(line)
  }
  return 0
}

/** Each is an answer of its own, and a page is made of what stages used alone: none is left out without a word. */
function refuseTwoQuestions(options: ShowOptions): void {
  const asked = (['all', 'hermeticity', 'resources', 'environment'] as const).filter(
    (name) => options[name] !== undefined,
  )
  const paged = options.report !== undefined && !asked.includes('resources') ? [...asked, 'report'] : asked
  const [one, other] = paged
  if (one === undefined || other === undefined) return
  throw new DomainError('ERR_USAGE', `\`--${one}\` and \`--${other}\` are asked for at once`, {
    help: 'ask one after the other: assay show --resources --report FILE makes a page, the others print',
  })
}

function showAll({ output }: CliContext, project: Project): Exit {
  const runs = project.runs.list().map((runId) => project.runs.load(runId))
  output.document({
    runs: runs.map(({ report, startedAt, commit }) => ({
      runId: report.runId,
      status: report.status,
      level: report.level,
      startedAt,
      commit,
    })),
  })
  const rows = runs.map(({ report, commit }) => {
    const duration = report.stages.reduce((sum, stage) => sum + stage.durationMs, 0)
    return [
      report.runId,
      report.status,
      `level ${report.level}`,
      commit?.slice(0, 12) ?? 'no commit',
      formatDuration(duration),
    ]
  })
  for (const line of table(rows)) output.line(line)
  if (rows.length === 0) output.line('no run yet: assay run')
  return 0
}

async function showStage(
  { output }: CliContext,
  project: Project,
  name: string,
  runId: string | undefined,
): Promise<Exit> {
  const stage = project.runs.load(runId).report.stages.find((candidate) => candidate.name === name)
  if (stage?.attestation === undefined) {
    throw new DomainError('ERR_STAGE_UNKNOWN', `the run holds no evidence of a stage called \`${name}\``, {
      help: 'assay show lists the stages of the run',
    })
  }
  const { facts, believed } = lookAtStage(project, stage.attestation)
  if (!believed) output.note(`${output.style('yellow', 'not believed')}: ${notBelieved}`)
  output.document({ believed, ...facts })
  for (const line of table(describe(facts))) output.line(line)
  output.line()
  const rows = facts.facts.map((fact) => [fact.name, fact.value, fact.tier])
  for (const line of table(rows)) output.line(line)
  return 0
}

/** A throw-away key (--draft, --unsafe-no-sandbox), a key that was taken out of the policy, or a forgery. */
const notBelieved = 'no builder of the trust policy signed this; it is shown as it stands and proves nothing'

function list(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `: ${texts.join(', ')}`
}

function describe(facts: ReturnType<typeof lookAtStage>['facts']): readonly (readonly string[])[] {
  return [
    ['stage', facts.stage],
    ['commit', facts.source.commit ?? 'none'],
    ['commands', facts.commands.join(' && ')],
    ...facts.overrides.map((given) => ['--set', given]),
    ...Object.entries(facts.parameters).flatMap(([file, values]) =>
      Object.entries(values).map(([key, value]) => ['param', `${file}  ${key} = ${JSON.stringify(value)}`]),
    ),
    ['environment', `${facts.environment.name} ${shortDigest(facts.environment.digest)}`],
    ['started', facts.startedAt],
    ...facts.dependencies.map((dep) => ['in', `${dep.path}  ${shortDigest(dep.digest)}  ${dep.origin.kind}`]),
    ...facts.outputs.map((out) => ['out', `${out.path}  ${shortDigest(out.digest)}`]),
    ...(facts.secrets === undefined ? [] : [['secrets', facts.secrets.join(', ')]]),
    ['network', `${facts.network.deniedAttempts} attempts denied${list(facts.network.destinations)}`],
    ...(facts.network.allowed === undefined ? [] : [['let out to', facts.network.allowed.join(', ')]]),
    ...(facts.network.connections ?? []).map(({ host, port, address, sentBytes, receivedBytes, failed }) => [
      'connection',
      failed === undefined
        ? `${host}:${port} (${address})  ${formatSize(sentBytes)} sent, ${formatSize(receivedBytes)} received`
        : `${host}:${port}  ${failed}`,
    ]),
  ]
}
