/**
 * The engine `none`: commands as the user, in a scratch copy of the view. For machines that cannot isolate.
 *
 * LIMIT: no isolation at all. A command sees and may change whatever the user may, the network included; processes that
 * leave their process group outlive the stage. Outs are still collected by type.
 */
import { spawn } from 'node:child_process'
import { chmodSync, constants, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError, digestOfJson } from '../../core/index.ts'
import type { ObjectStore } from '../../data/index.ts'
import type { Sandbox, StageEnd, StageObserver, StageOutcome, StageTask } from '../sandbox.ts'
import { openSearch } from '../secrets/index.ts'
import { type BoxFolder, makeBoxFolder, makeFolder } from './box-folder.fs.ts'
import { stageCommand } from './chain.ts'
import { collectOuts } from './collect.fs.ts'
import { fileInside } from './inside-root.fs.ts'
import { type Layout, layoutOf } from './layout.ts'
import type { BubblewrapOptions } from './open.exec.ts'
import { type OutputLog, openOutputLog } from './output.exec.ts'
import { errnoOf } from './process-facts.fs.ts'
import { nameOfProgram } from './programs.fs.ts'
import { homeFolder, projectFolder } from './recipe.ts'
import { openSupplies, type Supplies } from './supplies.exec.ts'
import { sweepBoxes } from './sweep.fs.ts'
import { endOfLog, tailOf } from './tail.ts'
import { undeclaredReads } from './undeclared.ts'

/** LIMIT: how long output of a process that outlives its stage is waited for. */
const lingerMs = 500
const searchedLogBytes = 256 * 1024
const mkfifo = '/usr/bin/mkfifo'

export const unsafeHostDigest = digestOfJson({ engine: 'none', version: 1 })

/** `--unsafe-no-sandbox`: the same port, nothing held back. The evidence says `isolated: false`. */
export function openUnsafeHost(options: BubblewrapOptions): Sandbox {
  const supplies = openSupplies({ workFolder: options.workFolder, hostEtc: [], mkfifo })
  const facts = { isolated: false, network: 'open', dropsUid: false, limitsHeldBy: 'time and output only' }
  return {
    policy: { engine: 'none', digest: unsafeHostDigest, facts },
    run: (task, store, observer) => runUnisolated({ ...options, supplies }, task, store, observer),
    [Symbol.dispose]: () => supplies[Symbol.dispose](),
  }
}

async function runUnisolated(
  { workFolder, supplies }: Readonly<{ workFolder: string; supplies: Supplies }>,
  task: StageTask,
  store: ObjectStore,
  observer: StageObserver,
): Promise<StageOutcome> {
  if (task.root !== undefined) {
    throw new DomainError('ERR_ENV_UNSUPPORTED', 'a stage can have an image for its root only in a sandbox', {
      help: 'run it without --unsafe-no-sandbox, or give the stage another environment',
    })
  }
  await sweepBoxes(workFolder)
  const box = makeBoxFolder(workFolder, undefined)
  try {
    const layout = layoutOf(task, [])
    const project = await makeProject(box, layout, task, store)
    let stop: (end: StageEnd) => void = () => undefined
    const search = openSearch(task.secrets, task.harmlessCredentials)
    const log = openOutputLog(box, {
      name: 'log',
      finder: search.finder(),
      fifo: await supplies.fifo(undefined),
      onOutput: observer.onOutput,
      onOverLimit: () => stop({ kind: 'limit', limit: 'output', because: 'its output is over the limit of a log' }),
    })
    try {
      const ended = await runCommands(box, project, task, {
        log,
        signal: observer.signal,
        onStop: (each) => (stop = each),
      })
      // a daemon may hold the fifo for ever
      await Promise.race([log.finished, sleep(lingerMs)])
      const lines = log.readEnd(searchedLogBytes).toString('utf8').split('\n')
      const { digest } = await store.putFile(log.fd)
      const scratches = layout.scratches.map((scratch) => ({ scratch, path: join(project, scratch.folder) }))
      return {
        ...ended,
        log: { digest, sizeBytes: log.sizeBytes(), tail: tailOf(lines), lines: endOfLog(lines) },
        ...(await collectOuts(scratches, store, task.limits.outputBytes, search)),
        network: { deniedAttempts: 0, destinations: [], tier: 'declared' },
        shell: nameOfProgram(fileInside('/', '/bin/sh') ?? '/bin/sh'),
        printedSecrets: search.inLog(log.secrets()),
        harmlessCredentials: search.harmless(),
        undeclaredReads: hasFailed(ended.end) ? undeclaredReads(lines, task.hidden(), task.workingDirectory) : [],
      }
    } finally {
      log.close()
    }
  } finally {
    box.remove()
  }
}

function hasFailed(end: StageEnd): boolean {
  return end.kind !== 'exited' || end.code !== 0
}

/** Copies, never links: the command may write to them, and an object must not change. */
async function makeProject(box: BoxFolder, layout: Layout, task: StageTask, store: ObjectStore): Promise<string> {
  const project = makeFolder(join(box.path, 'project'))
  makeFolder(join(box.path, 'home'))
  await store.prove(layout.files.map(({ digest }) => digest))
  for (const folder of layout.folders) mkdirSync(join(project, folder))
  for (const { path, digest, executable } of layout.files) {
    copyFileSync(store.pathOf(digest), join(project, path), constants.COPYFILE_FICLONE)
    chmodSync(join(project, path), executable ? 0o755 : 0o644)
  }
  for (const { path, before } of task.outs) {
    if (before !== undefined) await store.restore(before, join(project, path), { within: project })
  }
  return project
}

/** Paths of the sandbox as they are on this machine. */
function localVariables(box: BoxFolder, project: string, task: StageTask): Readonly<Record<string, string>> {
  const places = [
    { target: projectFolder, source: project },
    { target: homeFolder, source: join(box.path, 'home') },
    ...task.mounts.filter(({ source, target }) => source !== target),
  ]
  const local = (value: string): string =>
    value
      .split(':')
      .map((part) => {
        const place = places.find(({ target }) => part === target || part.startsWith(`${target}/`))
        return place === undefined ? part : place.source + part.slice(place.target.length)
      })
      .join(':')
  return Object.fromEntries(Object.entries(task.variables).map(([name, value]) => [name, local(value)]))
}

function runCommands(
  box: BoxFolder,
  project: string,
  task: StageTask,
  held: Readonly<{ log: OutputLog; signal: AbortSignal; onStop(stop: (end: StageEnd) => void): void }>,
): Promise<Pick<StageOutcome, 'end' | 'startedAt' | 'finishedAt' | 'resources'>> {
  const [program = '', ...args] = stageCommand(task.commands)
  const startedAt = new Date()
  const startedMs = performance.now()
  const child = spawn(program, args, {
    cwd: join(project, task.workingDirectory),
    env: localVariables(box, project, task),
    stdio: ['ignore', held.log.writeEnd, held.log.writeEnd],
    detached: true,
  })
  held.log.handedOver()
  let stopped: StageEnd | undefined
  const stop = (end: StageEnd): void => {
    stopped ??= end
    killGroup(child.pid)
  }
  held.onStop(stop)
  const cancel = (): void => stop({ kind: 'cancelled' })
  const timer = setTimeout(
    () => stop({ kind: 'limit', limit: 'time', because: `it ran longer than ${task.limits.timeMs} ms` }),
    Math.min(task.limits.timeMs, 2 ** 31 - 1),
  )
  held.signal.addEventListener('abort', cancel, { once: true })
  if (held.signal.aborted) cancel()
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      held.signal.removeEventListener('abort', cancel)
      killGroup(child.pid)
      const end =
        stopped ?? (code === null ? { kind: 'signalled', signal: signal ?? 'SIGKILL' } : { kind: 'exited', code })
      const wallMs = Math.round(performance.now() - startedMs)
      resolve({
        end,
        startedAt,
        finishedAt: new Date(),
        resources: { wallMs, heldBy: 'none', ...unheldIo(task.limits) },
      })
    })
  })
}

function unheldIo({ ioBytes, ioBytesPerSecond }: StageTask['limits']): Readonly<{ ioHeldBy?: string }> {
  return ioBytes === undefined && ioBytesPerSecond === undefined ? {} : { ioHeldBy: 'none' }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}
