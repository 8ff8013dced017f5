/** `assay show`: one run, its stages and what they made; `--all` lists the runs. */
import { DomainError, formatDuration, formatSize, oneLine } from '../../core/index.ts'
import { lookAtStage, openProject, type Project } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, stageLines, table } from '../render.ts'
import { sparkline } from '../sparkline.ts'
import { showHermeticity } from './show-hermeticity.ts'

type ShowOptions = Readonly<{
  all?: boolean
  stage?: string
  environment?: boolean
  resources?: boolean
  hermeticity?: string | true
}>

export async function show(context: CliContext, [runId]: readonly string[], options: ShowOptions): Promise<Exit> {
  const project = await openProject(context)
  if (options.all === true) return showAll(context, project)
  if (options.hermeticity !== undefined) {
    const stage = options.hermeticity === true ? options.stage : options.hermeticity
    return showHermeticity(context, project, { runId, stage })
  }
  const run = project.runs.load(runId)
  if (options.resources === true) return showResources(context, project, { runId, stage: options.stage })
  if (options.stage !== undefined)
    return showStage(context, project, options.stage, runId, options.environment === true)
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

/** What the stages of a run used, one after the other, as a picture. */
function showResources(
  { output }: CliContext,
  project: Project,
  { runId, stage }: Readonly<{ runId: string | undefined; stage: string | undefined }>,
): Exit {
  const ran = project.runs.load(runId).report.stages.filter(({ name }) => stage === undefined || name === stage)
  const seen = ran.flatMap(({ name, attestation }) =>
    attestation === undefined ? [] : [{ name, resources: lookAtStage(project, attestation).facts.resources }],
  )
  if (seen.length === 0)
    throw new DomainError('ERR_STAGE_UNKNOWN', 'the run holds no evidence of such a stage', {
      help: 'assay show lists the stages of the run',
    })
  output.document({ stages: seen })
  for (const { name, resources } of seen) {
    output.line(output.style('bold', oneLine(name)))
    for (const line of table(resourceRows(resources))) output.line(`  ${line}`)
  }
  return 0
}

const chartWidth = 60

function resourceRows(resources: StageResources): readonly (readonly string[])[] {
  const { wallMs, cpuMs, memoryPeakBytes, processesPeak, heldBy, programs = [], profile, unusual = [] } = resources
  const { everyMs = 0 } = profile ?? {}
  const cores = (profile?.cpuMs ?? []).map((value, index, all) => Math.max(0, value - (all[index - 1] ?? 0)) / everyMs)
  const chart = (values: readonly number[] | undefined): string => sparkline(values ?? [], chartWidth)
  const peak = (values: readonly number[] | undefined): number => Math.max(0, ...(values ?? []))
  return [
    [
      'time',
      formatDuration(wallMs),
      profile === undefined ? 'too short to be looked at' : `a look each ${formatDuration(everyMs)}`,
    ],
    [
      'processors',
      cpuMs === undefined ? 'unknown' : formatDuration(cpuMs),
      cores.length === 0 ? '' : `${chart(cores)}  up to ${peak(cores).toFixed(1)}`,
    ],
    ['memory', memoryPeakBytes === undefined ? 'unknown' : formatSize(memoryPeakBytes), chart(profile?.memoryBytes)],
    ['processes', `${processesPeak ?? peak(profile?.processes)}`, chart(profile?.processes)],
    ['written', formatSize(peak(profile?.writtenBytes)), chart(profile?.writtenBytes)],
    ...(profile?.gpuPercent === undefined
      ? []
      : [['GPU', `up to ${peak(profile.gpuPercent)} %`, chart(profile.gpuPercent)]]),
    ...(profile?.gpuMemoryBytes === undefined
      ? []
      : [['GPU memory', formatSize(peak(profile.gpuMemoryBytes)), chart(profile.gpuMemoryBytes)]]),
    ['limits', heldBy, ''],
    ['programs', programs.length === 0 ? 'none was seen' : programs.join(', '), ''],
    ...unusual.map((each) => ['unusual', each, '']),
  ]
}

async function showStage(
  { output }: CliContext,
  project: Project,
  name: string,
  runId: string | undefined,
  environmentOnly: boolean,
): Promise<Exit> {
  const stage = project.runs.load(runId).report.stages.find((candidate) => candidate.name === name)
  if (stage?.attestation === undefined) {
    throw new DomainError('ERR_STAGE_UNKNOWN', `the run holds no evidence of a stage called \`${name}\``, {
      help: 'assay show lists the stages of the run',
    })
  }
  const { facts, believed } = lookAtStage(project, stage.attestation)
  if (!believed) output.note(`${output.style('yellow', 'not believed')}: ${notBelieved}`)
  const rows = facts.facts
    .filter((fact) => !environmentOnly || !fact.name.startsWith('sandbox/'))
    .map((fact) => [fact.name, fact.value, fact.tier])
  if (environmentOnly) {
    output.document({ believed, environment: facts.environment, facts: facts.facts })
    for (const { name: packageName, version } of facts.environment.packages)
      rows.push([packageName, version, 'package'])
  } else {
    output.document({ believed, ...facts })
    for (const line of table(describe(facts))) output.line(line)
    output.line()
  }
  for (const line of table(rows)) output.line(line)
  return 0
}

/** A throw-away key (--draft, --unsafe-no-sandbox), a key that was taken out of the policy, or a forgery. */
const notBelieved = 'no builder of the trust policy signed this; it is shown as it stands and proves nothing'

type StageResources = ReturnType<typeof lookAtStage>['facts']['resources']

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
