/** What one run works with, opened once: the sandbox, environments, the signer, the machine. Closed at the end. */

import { cpus, totalmem } from 'node:os'
import { type Signer, startSigner } from '../attestation/index.ts'
import {
  type EngineOptions,
  type Environment,
  type EnvironmentPurpose,
  engines,
  makeRunners,
  openUnsafeHost,
  prepareEnvironment,
  type Sandbox,
  type StageOutcome,
  type StageTask,
  sweepBoxes,
  unsafeHostDigest,
} from '../compute/index.ts'
import { DomainError, type EngineName, type Sha256 } from '../core/index.ts'
import { sweepStore } from '../data/index.ts'
import { type MachineFacts, observeMachine } from '../reproducibility/index.ts'
import { holdProject } from './busy.fs.ts'
import { chooseEngine } from './choose-engine.ts'
import { type FoundVerdict, findOrMakeVerdict } from './data-gate.ts'
import type { DataQuestion } from './data-question.ts'
import { type BesideDvc, openBesideDvc } from './dvc/index.ts'
import { eachTold } from './each-tried.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { boxesOf, definitionOf, environmentRequest, type WantedEnvironment } from './environment-request.ts'
import { type GpuPool, openGpus } from './gpus.ts'
import { openTrackedFiles, type TrackedFiles } from './laundering.fs.ts'
import { loadLock } from './lock.fs.ts'
import type { Lock } from './lock.ts'
import { openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'
import type { StageReport } from './report.ts'
import type { Cost } from './schedule.ts'
import { limitsOf } from './stage-task.ts'
import { sweepProject } from './sweep-project.fs.ts'
import type { SystemPins } from './system-pin.ts'
import { openSystems, type SeenSystem } from './systems.ts'

export type RunEvent =
  | Readonly<{ kind: 'notice' | 'progress'; text: string }>
  /** `restore`: it would not run, and outs would be put back into the working tree. */
  | Readonly<{ kind: 'planned'; stage: string; run: boolean; restore?: true; because: string }>
  | Readonly<{ kind: 'started'; stage: string; because: string }>
  | Readonly<{ kind: 'output'; stage: string; chunk: Buffer; beside: number }>
  | Readonly<{ kind: 'ended'; report: StageReport }>

export type RunOptions = Readonly<{
  targets: readonly string[]
  dryRun: boolean
  force: boolean
  /** Stages that run whatever is known of them, to see what they come to. */
  again?: ReadonlySet<string>
  keepGoing: boolean
  trace: boolean
  draft: boolean
  unsafeNoSandbox: boolean
  /** For every stage; else what the project and its trust policy ask for. */
  engine?: EngineName
  /** For one stage; else `engine`. */
  engines?: ReadonlyMap<string, EngineName>
  /** What is unlike earlier runs is no reason to refuse a stage. */
  acceptUnusual?: boolean
  requiredLevel?: number
  signal: AbortSignal
  onEvent(event: RunEvent): void
}>

/** The same stages once more, whatever is known of them, with the real key: for what is to be held against an earlier run. */
export function onceMore(
  stages: readonly string[],
  { signal, onEvent }: Pick<RunOptions, 'signal' | 'onEvent'>,
): RunOptions {
  return {
    targets: stages,
    again: new Set(stages),
    dryRun: false,
    force: false,
    keepGoing: false,
    trace: false,
    draft: false,
    unsafeNoSandbox: false,
    signal,
    onEvent,
  }
}

export type RunTools = AsyncDisposable &
  Readonly<{
    runId: string
    options: RunOptions
    /** What a stage is to run in; the digest is part of its key. @throws ERR_ENGINE_WEAKER, ERR_SANDBOX_UNAVAILABLE */
    engineOf(stage: string): Readonly<{ name: EngineName | 'none'; digest: Sha256 }>
    /** Each opened and tried once, when the first stage is to run in it. @throws ERR_SANDBOX_UNAVAILABLE, ERR_ENGINE_* */
    sandbox(stage: string): Promise<Sandbox>
    /** As it is on disk since this run holds the project. */
    lock: Lock
    /** Of that lock; a system that a stage of this run was the first to stand on is added. */
    systems: SystemPins & Readonly<{ working: Map<string, ReadonlyMap<Sha256, string>> }>
    /** What a stage stands on here and now. */
    system(environment: Environment): Promise<SeenSystem>
    gpus: GpuPool
    /** Whether outcomes go into `assay.lock`: evidence of a throw-away key would pin what nobody ever believes. */
    pins: boolean
    /** Where DVC is to be told what the stages came to. */
    dvc?: BesideDvc
    /** Looked at once, when the first statement is to be made. */
    machine(): MachineFacts
    capacity: Cost
    costOf(stage: string): Cost
    /** Once a run for each purpose: `identify` is cheap, `mount` has just re-hashed every byte. */
    environment(name: string, purpose: EnvironmentPurpose): Promise<Environment>
    /** Folder of the scripts that stand for environment runners; made once. */
    runners(): string
    /** Started once, when the first statement is to be signed. */
    signer(): Promise<Signer>
    /** What outs are held against. */
    trackedFiles: TrackedFiles
    /** DVC is told what it was not told yet; once, at the end. */
    tellDvc(): void
    /** What was signed goes into the project's transparency log, once, at the end. @throws ERR_TLOG_* */
    enterLog(): Promise<void>
    /** @param onOver called when nothing of the stage is alive any more, before its outs are collected */
    execute(stage: string, task: StageTask, onOver: () => void): Promise<StageOutcome>
    /** Asked once a run: stages that share data share its verdict. Undefined for a run that nobody believes. */
    dataVerdict(question: DataQuestion): Promise<FoundVerdict | undefined>
  }>

export async function openRunTools(project: Project, options: RunOptions): Promise<RunTools> {
  // Before anything is written: a full disk may be full of what a killed run left.
  if (!options.dryRun) await sweepBoxes(boxesOf(project))
  const held = options.dryRun ? new DisposableStack() : holdForRun(project)
  try {
    return composeTools(project, options, held)
  } catch (error) {
    held.dispose()
    throw error
  }
}

/** A younger file may belong to a process that cannot be seen from here. */
const leftAgeMs = 3600_000

/** The project against other runs, the store against a collector. @throws ERR_RUN_BUSY, ERR_STORE_BUSY */
function holdForRun(project: Project): DisposableStack {
  using held = new DisposableStack()
  held.defer(holdProject(project.root))
  held.use(project.store.hold())
  sweepProject(project.root)
  sweepStore(project.store, { olderThanMs: leftAgeMs, now: project.now() })
  return held.move()
}

function composeTools(project: Project, options: RunOptions, held: Disposable): RunTools {
  const gpus = openGpus(project)
  const capacity = { cpus: cpus().length, memoryBytes: totalmem(), ...(gpus.count > 0 ? { gpus: gpus.count } : {}) }
  let machine: MachineFacts | undefined
  const place = engineOptions(project)
  const engineOf = (stage: string): EngineName | 'none' => {
    const engine = options.engines?.get(stage) ?? options.engine
    const asked = { unsafeNoSandbox: options.unsafeNoSandbox, ...(engine === undefined ? {} : { engine }) }
    return chooseEngine(stage, project.settings.settingsOf(stage), project.trust, asked)
  }
  const opened = new Map<EngineName | 'none', Promise<Sandbox>>()
  const open = (name: EngineName | 'none'): Promise<Sandbox> =>
    name === 'none' ? Promise.resolve(openUnsafeHost(place)) : engines[name].open(place)
  const sandbox = (stage: string): Promise<Sandbox> => {
    const name = engineOf(stage)
    const known = opened.get(name) ?? open(name)
    opened.set(name, known)
    return known
  }
  const environments = new Map<string, Promise<Environment>>()
  const prepare = async (wanted: WantedEnvironment): Promise<Environment> => {
    const onProgress = (text: string): void => options.onEvent({ kind: 'progress', text })
    return prepareEnvironment(await environmentRequest(project, wanted, { onProgress, signal: options.signal }))
  }
  const verdicts = new Map<Sha256, Promise<FoundVerdict | undefined>>()
  const told = new Set<string>()
  let signer: Promise<Signer> | undefined
  let runners: string | undefined
  const openOnce = (): Promise<Signer> => {
    signer ??= openSigner(project, options)
    return signer
  }
  let entered: Promise<unknown> | undefined
  const enterOnce = async (): Promise<void> => {
    const started = pins && !project.apart ? await signer?.catch(() => undefined) : undefined
    if (started === undefined) return
    entered ??= enterLog(project, started, attestationsOf(project))
    await entered
  }
  let isDvcTold = false
  const tellDvcOnce = (): void => {
    if (isDvcTold) return
    isDvcTold = true
    dvc?.flush()
  }
  let running = 0
  const lock = options.dryRun ? { stages: project.lock, systems: project.systems.working } : loadLock(project.root)
  const pins = !(options.dryRun || isThrowAway(options))
  const dvc =
    pins && !project.apart ? openBesideDvc(project, (text) => options.onEvent({ kind: 'notice', text })) : undefined

  return {
    runId: newRunId(project.now()),
    options,
    engineOf: (stage) => {
      const name = engineOf(stage)
      return { name, digest: name === 'none' ? unsafeHostDigest : engines[name].recipe() }
    },
    sandbox,
    lock: lock.stages,
    systems: { working: new Map(lock.systems), committed: project.systems.committed },
    system: openSystems(project),
    gpus,
    pins,
    ...(dvc === undefined ? {} : { dvc }),
    machine: () => {
      machine ??= observeMachine(place.workFolder)
      return machine
    },
    capacity,
    costOf: (stage) => limitsOf(project.settings.settingsOf(stage), capacity),
    environment: async (name, purpose) => {
      const definition = definitionOf(project, name)
      const key = definition.kind === 'host' ? name : `${purpose} ${name}` // the host's own is looked at, not hashed
      const known = environments.get(key) ?? prepare({ name, purpose, definition })
      environments.set(key, known)
      const environment = await known
      // THREAT: code that runs before the stage's own (`.pth`, `sitecustomize`) is locked like the rest, and must be seen.
      const untold = purpose === 'mount' && !told.has(name) ? environment.warnings : []
      if (purpose === 'mount') told.add(name)
      for (const text of untold) options.onEvent({ kind: 'notice', text: `environment ${name}: ${text}` })
      return environment
    },
    runners: () => {
      runners ??= makeRunners(project.environmentsFolder)
      return runners
    },
    trackedFiles: openTrackedFiles(project),
    signer: openOnce,
    tellDvc: tellDvcOnce,
    enterLog: enterOnce,
    dataVerdict: (question) => {
      const tools = { options, signer: openOnce }
      const known = verdicts.get(question.key) ?? findOrMakeVerdict(project, tools, question, isThrowAway(options))
      verdicts.set(question.key, known)
      return known
    },
    execute: async (stage, task, onOver) => {
      running += 1
      try {
        return await (await sandbox(stage)).run(task, project.store, {
          onOutput: (chunk) => options.onEvent({ kind: 'output', stage, chunk, beside: running - 1 }),
          onOver,
          signal: options.signal,
        })
      } finally {
        running -= 1
      }
    },
    [Symbol.asyncDispose]: async () => {
      await using ending = new AsyncDisposableStack() // last in, first out; each is tried, whatever becomes of the others
      ending.use(held)
      for (const each of opened.values())
        ending.defer(async () => (await each.catch(() => undefined))?.[Symbol.dispose]())
      ending.defer(async () => (await signer?.catch(() => undefined))?.close())
      // What a fault or Ctrl-C leaves behind is told and entered too; a run that came to its end has tried both.
      const tell = (text: string): void => options.onEvent({ kind: 'notice', text })
      await eachTold(tell, [tellDvcOnce, () => (entered === undefined ? enterOnce() : undefined)])
    },
  }
}

/** The caller's word, never the repository's: which program is gVisor. */
export function engineOptions(project: Project): EngineOptions {
  const runsc = project.environment['ASSAY_RUNSC']
  return {
    workFolder: boxesOf(project),
    storeRoot: project.store.root,
    ...(runsc === undefined || runsc === '' ? {} : { runsc }),
  }
}

export function isThrowAway({ draft, unsafeNoSandbox }: Pick<RunOptions, 'draft' | 'unsafeNoSandbox'>): boolean {
  return draft || unsafeNoSandbox
}

/** @throws ERR_KEY_HOME where no `trust.yaml` says which project it is */
export function refuseNameless({ id }: Project): void {
  if (id !== '') return
  throw new DomainError('ERR_KEY_HOME', 'the project has no trust.yaml: evidence could not say what it is about', {
    help: 'make it, and a key: assay init',
  })
}

/** THREAT: without a sandbox the stage runs as the user and could steal the key: the real one is never opened. */
export async function openSigner(
  project: Project,
  options: Pick<RunOptions, 'draft' | 'unsafeNoSandbox'>,
): Promise<Signer> {
  refuseNameless(project)
  return isThrowAway(options)
    ? startSigner({ key: { kind: 'ephemeral' }, objectStoreRoot: project.store.root })
    : openProjectSigner(project)
}

/** Sorts by time: `20261124T101500042Z-3f9a2c`; to the millisecond, since two small runs may share a second. */
function newRunId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:.]/g, '')
  const bytes = crypto.getRandomValues(new Uint8Array(3))
  return `${stamp}-${Buffer.from(bytes).toString('hex')}`
}
