/**
 * One stage of a run: resolve, reuse or execute, judge, sign, put into place.
 *
 * Order: the statement is signed and stored before the outs reach the working tree, and the lock is written after both:
 * a process killed between any two steps leaves a project whose next run finds the evidence and finishes the job.
 */
import type { Environment, Gpus, Limits, Secret, StageOutcome } from '../compute/index.ts'
import { type Content, type DomainError, isDomainError, type Sha256 } from '../core/index.ts'
import { digestStageKey } from '../reproducibility/index.ts'
import { attestStage, codeIn, usedBy } from './attest-stage.ts'
import { closeMade } from './closed-objects.ts'
import { asksForUsual, compareRun } from './compare-runs.ts'
import { harmlessIn } from './credential-facts.ts'
import { gateData } from './data-gate.ts'
import type { StageDefinition, StageSettings } from './definition.ts'
import { codeWithoutGolden } from './golden.ts'
import { hermeticityOf } from './hermeticity.ts'
import { hiddenFrom } from './hidden-from.ts'
import { hostFacts } from './host-facts.fs.ts'
import type { InputRef } from './inputs.ts'
import { judgeStage } from './judge.ts'
import type { LockEntry } from './lock.ts'
import type { Project } from './project.ts'
import { refusePaths } from './refuse-paths.ts'
import type { OutputReport, StageReport } from './report.ts'
import { resolveInputs, type StageInputs } from './resolve-inputs.ts'
import { findReusable, type Reusable } from './reuse.ts'
import { isThrowAway, type RunTools } from './run-tools.ts'
import { withRunners } from './runners.ts'
import { secretsOf } from './secrets.fs.ts'
import { limitsOf, networkOf, refuseUnportable, taskOf, variablesOf } from './stage-task.ts'
import { refuseMovedSystem, standOn } from './stand-on.ts'
import { askedOnce, changedEnvironment } from './unchanged-environment.ts'

export type StageResult = Readonly<{
  report: StageReport
  /** Outs by path, in the store. */
  outs: ReadonlyMap<string, Content>
  lock?: LockEntry
  log?: Sha256
  /** A dry run says that it would run: what its outs will be is not known. */
  pending?: true
}>

/** Everything that decides what the stage would do. */
export type StageSetting = Readonly<{
  stage: StageDefinition
  settings: StageSettings
  inputs: StageInputs
  environment: Environment
  variables: Readonly<Record<string, string>>
  limits: Limits
  key: Sha256
}>

export type StageTools = RunTools &
  Readonly<{
    /**
     * Called when the stage has ended well and only its evidence is still to be made: the next may start.
     *
     * @returns when those that ended before it are in place, so that files are written in the order of the stages
     */
    release(): Promise<void>
  }>

/** INVARIANT: a refusal or failure is a result; only a fault of assay or of the world rejects. */
export async function runStage(
  project: Project,
  tools: StageTools,
  stage: StageDefinition,
  done: ReadonlyMap<string, StageResult>,
): Promise<StageResult> {
  const startedMs = performance.now()
  const elapsed = (): number => Math.round(performance.now() - startedMs)
  try {
    if (stage.frozen) return frozenResult(tools, stage, elapsed())
    const pending = pendingUpstream(project, stage, done)
    if (pending !== undefined) return planned(tools, stage, `\`${pending}\` runs before it`)
    const setting = await settingOf(project, tools, stage, done)
    const reuse = await findReusable(project, tools, setting)
    if (reuse.kind === 'reusable') return await reuseResult(project, tools, setting, reuse, elapsed)
    return await execute(project, tools, setting, reuse.because, elapsed)
  } catch (error) {
    if (!isDomainError(error) || error.code.startsWith('ERR_KEY_') || worldFaults.has(error.code)) throw error
    return refusal(stage.name, error, elapsed())
  }
}

/** Faults that end the whole run, with those of the key: the next stage would meet them too. */
const worldFaults: ReadonlySet<string> = new Set([
  'ERR_IO',
  'ERR_DISK_FULL',
  'ERR_INTERNAL',
  'ERR_SIGNER_FAILED',
  'ERR_SIGNER_DENIED',
  'ERR_SIGNER_UNREACHABLE',
  'ERR_SIGNER_WRONG',
  'ERR_IDENTITY_TOKEN',
  'ERR_SANDBOX_UNAVAILABLE',
  'ERR_ENGINE_UNAVAILABLE',
])

export async function settingOf(
  project: Project,
  tools: RunTools,
  stage: StageDefinition,
  done: ReadonlyMap<string, StageResult>,
): Promise<StageSetting> {
  const settings = project.settings.settingsOf(stage.name)
  refusePaths(stage, project.pipeline.files, settings.scratch)
  const [inputs, identified] = await Promise.all([
    resolveInputs(project, stage, done),
    tools.environment(settings.environment, 'identify'),
  ])
  const environment = withRunners(stage, identified, tools.runners)
  const limits = limitsOf(settings, tools.capacity)
  const variables = variablesOf(stage, settings, limits, environment, project.environment)
  const key = digestStageKey({
    commands: stage.commands,
    workingDirectory: stage.workingDirectory,
    deps: inputs.resolved.flatMap(({ ref, content }) =>
      ref.role === 'params' ? [] : [{ path: ref.path, digest: content.digest, origin: originOf(ref) }],
    ),
    params: inputs.params,
    environment: environment.digest,
    sandbox: tools.engineOf(stage.name).digest,
    variables,
    outs: stage.outs.map(({ path, persist }) => ({ path, persist })),
    ...(settings.network === 'none' ? {} : { network: settings.network.toSorted() }),
    ...(settings.secrets.length === 0 ? {} : { secrets: settings.secrets.toSorted() }),
    ...harmlessIn(settings),
    ...(settings.scratch.length === 0 ? {} : { scratch: settings.scratch.toSorted() }),
    ...(limits.gpus === undefined ? {} : { gpus: limits.gpus }),
  })
  return { stage, settings, inputs, environment, variables, limits, key }
}

function originOf({ origin }: InputRef): string {
  return origin.kind === 'external' ? `source:${origin.source ?? ''}` : origin.kind
}

/** A frozen stage is never run; whoever needs its outs finds them in the workspace, not made here. */
function frozenResult(tools: RunTools, stage: StageDefinition, durationMs: number): StageResult {
  const because = 'it is frozen'
  if (tools.options.dryRun) tools.options.onEvent({ kind: 'planned', stage: stage.name, run: false, because })
  const report: StageReport = { name: stage.name, status: 'cached', because, durationMs, outputs: [] }
  return { report, outs: new Map() }
}

/** The stage that a dry run would run and that this one waits for: what it will read is not known. */
function pendingUpstream(
  project: Project,
  stage: StageDefinition,
  done: ReadonlyMap<string, StageResult>,
): string | undefined {
  return project.pipeline.after.get(stage.name)?.find((name) => done.get(name)?.pending === true)
}

function planned(tools: RunTools, stage: StageDefinition, because: string): StageResult {
  tools.options.onEvent({ kind: 'planned', stage: stage.name, run: true, because })
  const report: StageReport = {
    name: stage.name,
    status: 'skipped',
    because: `would run: ${because}`,
    durationMs: 0,
    outputs: [],
  }
  return { report, outs: new Map(), pending: true }
}

async function reuseResult(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
  reuse: Reusable,
  elapsed: () => number,
): Promise<StageResult> {
  const { stage } = setting
  if (tools.options.dryRun) {
    const restore = reuse.stale.size > 0 ? ({ restore: true } as const) : {}
    tools.options.onEvent({ kind: 'planned', stage: stage.name, run: false, ...restore, because: reuse.because })
  } else {
    for (const [path, content] of reuse.stale) await project.contents.restore(path, content)
    await tools.dvc?.keep({ ...setting, attestation: reuse.attestation, outs: reuse.outs })
  }
  const report: StageReport = {
    name: stage.name,
    status: 'cached',
    because: reuse.because,
    durationMs: elapsed(),
    outputs: outputsOf(reuse.outs),
    attestation: reuse.attestation,
  }
  return { report, outs: reuse.outs, lock: lockEntryOf(setting, reuse.attestation, reuse.outs) }
}

async function execute(
  project: Project,
  tools: StageTools,
  identified: StageSetting,
  because: string,
  elapsed: () => number,
): Promise<StageResult> {
  const { stage } = identified
  if (tools.options.dryRun) return planned(tools, stage, because)
  // the first stage of a run has it tried while its key and environment are made ready; what is wrong is told below
  void tools.sandbox(stage.name).catch(() => undefined)
  if (identified.settings.portable === true) refuseUnportable(stage.name, tools.machine())
  await tools.signer() // a missing key is a fault before the stage has cost anything
  const setting = { ...identified, environment: await mountable(tools, identified) }
  const system = await standOn(project, tools, setting)
  const verdicts = await gateData(project, tools, setting.inputs.resolved)
  const { unsafeNoSandbox, signal } = tools.options
  const secrets = await secretsOf(project, stage, setting.settings, { isolated: !unsafeNoSandbox, signal })
  const code = await codeWithoutGolden(project, setting.inputs.visible)
  using taken = await tools.gpus.take(setting, (await tools.sandbox(stage.name)).policy.engine)
  tools.options.onEvent({ kind: 'started', stage: stage.name, because })
  const isUnchanged = askedOnce(setting.environment)
  const task = taskFor(project, tools, setting, { code, secrets, gpus: taken.gpus })
  const outcome = await tools.execute(stage.name, task, () => void isUnchanged().catch(() => undefined)) // it is told below
  taken.release()
  closeMade(project, setting.inputs.resolved, outcome)
  const { environment, variables } = setting
  if (!(await isUnchanged())) throw changedEnvironment(stage, environment)
  refuseMovedSystem(stage, system)
  const visible = [...code.keys(), ...setting.inputs.resolved.flatMap(({ ref }) => ref.shows)]
  const { absentSubmodules } = project.code
  const host = hostFacts(project.root, project.environment)
  const { harmlessAttempts } = setting.settings
  const ended = { stage, outcome, environment, variables, visible, absentSubmodules, host }
  const compared = await compareRun(project, setting, outcome, codeIn({ outcome, code }, setting.inputs.code))
  const blocks = asksForUsual(project) && !tools.options.acceptUnusual
  const measure = {
    harmless: harmlessAttempts,
    unexpected: compared.unexpected,
    unusual: blocks ? compared.unusual : [],
  }
  const judgement = judgeStage(ended, measure)
  const hermeticity = hermeticityOf({ stage, outcome, tracked: [...code.keys()], host })
  const traced = hermeticity === undefined ? {} : { hermeticity }
  if (judgement.kind !== 'good') {
    const { kind, ...why } = judgement
    const report: StageReport = {
      name: stage.name,
      status: kind,
      ...why,
      tail: outcome.log.tail,
      resources: usedBy(outcome, compared),
      durationMs: elapsed(),
      outputs: [],
      ...traced,
    }
    return { report, outs: new Map(), log: outcome.log.digest }
  }
  // a draft is no measure for a run that counts
  if (!(isThrowAway(tools.options) || project.apart)) compared.remember()
  for (const text of compared.notices) tools.options.onEvent({ kind: 'notice', text })
  const turn = tools.release()
  const attestation = await attestStage(project, tools, setting, {
    outcome,
    code,
    verdicts,
    system,
    gpus: taken.facts,
    compared,
  })
  await turn
  for (const [path, content] of outcome.outs) await project.contents.restore(path, content)
  await tools.dvc?.keep({ ...setting, attestation, outs: outcome.outs })
  const report: StageReport = {
    name: stage.name,
    status: 'ran',
    durationMs: elapsed(),
    outputs: outputsOf(outcome.outs),
    attestation,
    ...traced,
  }
  const lock = lockEntryOf(setting, attestation, outcome.outs)
  return { report, outs: outcome.outs, lock, log: outcome.log.digest }
}

/** INVARIANT: what is mounted is what the stage's key speaks of. */
export async function mountable(tools: RunTools, { stage, settings, environment }: StageSetting): Promise<Environment> {
  const verified = await tools.environment(settings.environment, 'mount')
  if (verified.digest !== environment.digest)
    throw new Error(`the environment ${environment.name} changed during the run`)
  return withRunners(stage, verified, tools.runners)
}

export function taskFor(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
  {
    code,
    secrets,
    gpus,
  }: Readonly<{ code: ReadonlyMap<string, Content>; secrets: readonly Secret[]; gpus?: Gpus | undefined }>,
): Parameters<RunTools['execute']>[1] {
  const { stage, inputs, environment, variables, limits } = setting
  return taskOf({
    runId: tools.runId,
    stage,
    inputs: inputs.resolved,
    code,
    before: inputs.before,
    environment,
    variables,
    limits,
    ...(gpus === undefined ? {} : { gpus }),
    network: networkOf(setting.settings, project.environment),
    secrets,
    harmlessCredentials: Object.keys(setting.settings.harmlessCredentials ?? {}),
    scratch: setting.settings.scratch,
    trace: tools.options.trace,
    hidden: () => hiddenFrom(project.root, stage, inputs),
  })
}

function lockEntryOf(setting: StageSetting, attestation: Sha256, outs: StageOutcome['outs']): LockEntry {
  return {
    attestation,
    key: setting.key,
    deps: Object.fromEntries(
      setting.inputs.resolved.flatMap(({ ref, content }) =>
        ref.role === 'params' ? [] : [[ref.path, content.digest] as const],
      ),
    ),
    params: setting.inputs.paramDigests,
    outs: Object.fromEntries([...outs].map(([path, content]) => [path, content.digest])),
  }
}

export function outputsOf(outs: ReadonlyMap<string, Content>): readonly OutputReport[] {
  return [...outs].map(([path, { digest, sizeBytes }]) => ({ path, digest, sizeBytes }))
}

function refusal(name: string, error: DomainError, durationMs: number): StageResult {
  const report: StageReport = {
    name,
    status: 'refused',
    code: error.code,
    because: error.message,
    help: error.help,
    durationMs,
    outputs: [],
  }
  return { report, outs: new Map() }
}
