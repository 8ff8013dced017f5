/** What one run works with, opened once: the sandbox, environments, the signer, the machine. Closed at the end. */

import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Signer, startSigner } from '../attestation/index.ts'
import {
  type Environment,
  openBubblewrap,
  openUnsafeHost,
  prepareEnvironment,
  progressText,
  readNetworkSettings,
  runInBox,
  type Sandbox,
  type StageOutcome,
  type StageTask,
} from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import { type MachineFacts, observeMachine } from '../reproducibility/index.ts'
import { holdProject } from './busy.fs.ts'
import type { Project } from './project.ts'
import type { StageReport } from './report.ts'
import type { Cost } from './schedule.ts'
import { limitsOf } from './stage-task.ts'

export type RunEvent =
  | Readonly<{ kind: 'notice' | 'progress'; text: string }>
  | Readonly<{ kind: 'planned'; stage: string; run: boolean; because: string }>
  | Readonly<{ kind: 'started'; stage: string; because: string }>
  | Readonly<{ kind: 'output'; stage: string; chunk: Buffer; beside: number }>
  | Readonly<{ kind: 'ended'; report: StageReport }>

export type RunOptions = Readonly<{
  targets: readonly string[]
  dryRun: boolean
  force: boolean
  keepGoing: boolean
  trace: boolean
  draft: boolean
  unsafeNoSandbox: boolean
  requiredLevel?: number
  signal: AbortSignal
  onEvent(event: RunEvent): void
}>

export type RunTools = AsyncDisposable &
  Readonly<{
    runId: string
    options: RunOptions
    sandbox: Sandbox
    machine: MachineFacts
    capacity: Cost
    costOf(stage: string): Cost
    /** Ready to be mounted; prepared once a run. */
    environment(name: string): Promise<Environment>
    /** Started once, when the first statement is to be signed. */
    signer(): Promise<Signer>
    execute(stage: string, task: StageTask): Promise<StageOutcome>
  }>

export async function openRunTools(project: Project, options: RunOptions): Promise<RunTools> {
  const release = options.dryRun ? (): void => undefined : holdProject(project.root)
  try {
    return await composeTools(project, options, release)
  } catch (error) {
    release()
    throw error
  }
}

async function composeTools(project: Project, options: RunOptions, release: () => void): Promise<RunTools> {
  const machine = observeMachine()
  const capacity = { cpus: machine.cpus, memoryBytes: machine.memoryBytes }
  const place = { workFolder: join(project.root, '.assay', 'boxes'), storeRoot: project.store.root }
  const sandbox = options.unsafeNoSandbox ? openUnsafeHost(place) : await openBubblewrap(place)
  const environments = new Map<string, Promise<Environment>>()
  let signer: Promise<Signer> | undefined
  let running = 0

  return {
    runId: newRunId(project.now()),
    options,
    sandbox,
    machine,
    capacity,
    costOf: (stage) => limitsOf(project.settings.settingsOf(stage), capacity),
    environment: (name) => {
      const known = environments.get(name) ?? prepare(project, options, name)
      environments.set(name, known)
      return known
    },
    signer: () => {
      signer ??= openSigner(project, options)
      return signer
    },
    execute: async (stage, task) => {
      running += 1
      try {
        return await sandbox.run(task, project.store, {
          onOutput: (chunk) => options.onEvent({ kind: 'output', stage, chunk, beside: running - 1 }),
          signal: options.signal,
        })
      } finally {
        running -= 1
      }
    },
    [Symbol.asyncDispose]: async () => {
      await (await signer?.catch(() => undefined))?.close()
      release()
    },
  }
}

/** THREAT: without a sandbox the stage runs as the user and could steal the key: the real one is never opened. */
function openSigner(project: Project, options: RunOptions): Promise<Signer> {
  const throwAway = options.unsafeNoSandbox || options.draft
  return startSigner({
    key: throwAway ? { kind: 'ephemeral' } : project.keySource(),
    objectStoreRoot: project.store.root,
  })
}

async function prepare(project: Project, options: RunOptions, name: string): Promise<Environment> {
  const definition =
    project.settings.environments.get(name) ?? (name === 'host' ? { kind: 'host' as const } : undefined)
  if (definition === undefined) throw new DomainError('ERR_SETTINGS_INVALID', `no environment is called \`${name}\``)
  return prepareEnvironment({
    name,
    definition:
      definition.kind === 'host' ? definition : { ...definition, lockBytes: await lockBytes(project, definition.lock) },
    store: project.store,
    cacheFolder: join(project.root, '.assay', 'environments'),
    workFolder: join(project.root, '.assay', 'boxes'),
    caller: { environment: project.environment, workingFolder: project.root },
    network: readNetworkSettings(project.environment, project.environment['HOME'] ?? homedir()),
    runInBox,
    onProgress: (event) => options.onEvent({ kind: 'progress', text: progressText(event) }),
    signal: options.signal,
  })
}

/** Sorts by time: `20261124T101500Z-3f9a2c`. */
function newRunId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '')
  const bytes = crypto.getRandomValues(new Uint8Array(3))
  return `${stamp}-${Buffer.from(bytes).toString('hex')}`
}

/**
 * The lock as the stage's evidence speaks of it: the commit's blob, or the working file when it is dirty.
 *
 * THREAT: a lock that changes between review and use; it is read once, by content, and its digest is in the
 * environment's identity.
 */
async function lockBytes(project: Project, path: string): Promise<Uint8Array> {
  const [content] = (await project.code.contents([path])).values()
  const found = content ?? (await project.contents.ingest(path))
  if (found?.kind !== 'file')
    throw new DomainError('ERR_DATA_MISSING', `the lock \`${path}\` is not there`, {
      help: 'make it, or name the right file in assay.yaml',
    })
  return project.store.read(found.digest, maxLockBytes)
}

/** LIMIT: a lock of packages is at most 64 MiB. */
const maxLockBytes = 64 * 1024 * 1024
