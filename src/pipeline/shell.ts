/**
 * A person in the sandbox of a stage: what the stage would see, now. Nothing is recorded, signed, pinned or put into place.
 *
 * Read next: `run-stage.ts`, whose first half this is, and `compute/bubblewrap/shell.exec.ts`.
 */
import { type ShellEnd, type ShellSession, shellInBox } from '../compute/index.ts'
import { type Content, DomainError, isDomainError, nearest, quotedForShell } from '../core/index.ts'
import { chooseEngine } from './choose-engine.ts'
import type { StageDefinition } from './definition.ts'
import { boxesOf } from './environment-request.ts'
import { planRun } from './plan.ts'
import type { Project } from './project.ts'
import { mountable, runStage, type StageResult, settingOf, taskFor } from './run-stage.ts'
import { openRunTools, type RunEvent, type RunTools } from './run-tools.ts'
import { secretsOf } from './secrets.fs.ts'

export type ShellOptions = Readonly<{
  stage: string
  session: ShellSession
  onEvent(event: RunEvent): void
}>

/**
 * @throws ERR_STAGE_UNKNOWN, ERR_STAGE_UPSTREAM, ERR_DATA_MISSING, ERR_SOURCE_* as a run of the stage would
 * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate
 * @throws ERR_ENGINE_WEAKER when the stage must be isolated more than a shell is
 */
export async function openShell(project: Project, options: ShellOptions): Promise<ShellEnd> {
  const stage = stageNamed(project, options.stage)
  refuseWeaker(project, stage.name)
  const { order } = planRun(project.pipeline, [stage.name])
  await using tools = await openRunTools(project, {
    targets: [stage.name],
    // asked as a dry run is: what is not up to date is told, and nothing of the project changes
    ...{ dryRun: true, force: false, keepGoing: false, trace: false, draft: false, unsafeNoSandbox: false },
    signal: options.session.signal,
    onEvent: (event) => {
      if (event.kind !== 'planned') options.onEvent(event)
    },
  })
  using _hold = project.store.hold()
  const done = new Map<string, StageResult>()
  for (const upstream of order) {
    if (upstream.name !== stage.name) done.set(upstream.name, await resultOf(project, tools, upstream, done))
  }
  const identified = await settingOf(project, tools, stage, done)
  const setting = { ...identified, environment: await mountable(tools, identified) }
  const code = await project.code.contents(setting.inputs.visible)
  const { signal } = options.session
  const secrets = await secretsOf(project, stage, setting.settings, { isolated: true, signal })
  using taken = await tools.gpus.take(setting, engine)
  const task = taskFor(project, tools, setting, { code, secrets, gpus: taken.gpus })
  return await shellInBox(boxesOf(project), task, project.store, options.session)
}

/** What a shell runs in. */
const engine = 'bubblewrap'

/** THREAT: code that a stronger wall was asked for would meet a weaker one, with the stage's secrets. */
function refuseWeaker({ settings, trust }: Project, stage: string): void {
  try {
    chooseEngine(stage, settings.settingsOf(stage), trust, { engine, unsafeNoSandbox: false })
  } catch (error) {
    if (!isDomainError(error, 'ERR_ENGINE_WEAKER')) throw error
    throw new DomainError('ERR_ENGINE_WEAKER', error.message, {
      help: `assay shell knows \`${engine}\` alone: look at what the stage leaves behind with assay run ${quotedForShell(stage)}`,
    })
  }
}

/** Exactly one; a group of `foreach` or `matrix` is several. */
function stageNamed({ pipeline }: Project, name: string): StageDefinition {
  const found = pipeline.stages.find((stage) => stage.name === name)
  if (found !== undefined) return found
  const names = pipeline.stages.map((stage) => stage.name)
  const group = names.filter((each) => each.startsWith(`${name}@`))
  const suggestion = group[0] ?? nearest(name, names)
  const said = group.length > 0 ? `\`${name}\` is a group of ${group.length} stages` : `no stage is called \`${name}\``
  throw new DomainError('ERR_STAGE_UNKNOWN', said, {
    ...(suggestion === undefined ? {} : { help: `did you mean \`${suggestion}\`?` }),
  })
}

/** What is proven; of a stage that is out of date what the working tree holds, and that is said. */
async function resultOf(
  project: Project,
  tools: RunTools,
  stage: StageDefinition,
  done: ReadonlyMap<string, StageResult>,
): Promise<StageResult> {
  const result = await runStage(project, { ...tools, release: () => Promise.resolve() }, stage, done)
  const { code, because } = result.report
  if (code !== undefined)
    throw new DomainError('ERR_STAGE_UPSTREAM', `\`${stage.name}\` is refused: ${because} (${code})`, {
      ...(result.report.help === undefined ? {} : { help: result.report.help }),
    })
  if (result.pending !== true) return result
  const { pending: _, ...rest } = result
  const outs = new Map<string, Content>()
  for (const { path } of stage.outs) {
    const content = await project.contents.ingest(path)
    if (content === undefined)
      throw new DomainError('ERR_DATA_MISSING', `\`${stage.name}\` has not made \`${path}\` yet`, {
        help: `make it first: assay run ${quotedForShell(stage.name)}`,
      })
    outs.set(path, content)
  }
  tools.options.onEvent({
    kind: 'notice',
    text: `\`${stage.name}\` is out of date: its outs are shown as they are in the working tree`,
  })
  return { ...rest, outs }
}
