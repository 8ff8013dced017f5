/**
 * Starts a box, holds it to its limits and returns when nothing of it is alive any more.
 *
 * Order: the first process waits until its network counters are open and the watch for opens is ready; only then does
 * the command start. At the end everything is killed, also when the command ended by itself: it may have left daemons.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Traffic } from '../egress/index.ts'
import { sampleGpus } from '../gpu/sampler.exec.ts'
import type { Gpus, Limits, StageEnd } from '../sandbox.ts'
import type { BoxEngine, Told } from './box-engine.ts'
import type { ControlGroup } from './control-group.fs.ts'
import type { EngineReport } from './engine-report.exec.ts'
import { findProgram, unavailable } from './machine.exec.ts'
import { openNetworkCounters } from './network-counters.fs.ts'
import type { OutputLog, StageInput } from './output.exec.ts'
import { errnoOf, isOver, processState } from './process-facts.fs.ts'
import { descriptors } from './recipe.ts'
import { type Supervision, supervise } from './supervise.fs.ts'
import type { LookUnseen, Written } from './written.fs.ts'

export type Launch = Readonly<{
  /** The chain of programs; the first is started. */
  argv: readonly string[]
  /** Files for descriptors 3 and 4, and 7 when traced; closed here. */
  argumentsFile: number
  seccompFile: number
  traceFile: number | undefined
  /** What the engine tells, by descriptor 7. */
  report?: EngineReport
  engine: BoxEngine
  /** For the descriptors from 8 on; never on a disk. */
  secrets: readonly Uint8Array[]
  log: OutputLog
  /** stderr apart from stdout, and a stdin: what a shell has. */
  errors?: OutputLog
  input?: StageInput
  /** Called with process 1 of the sandbox, seen from here, when the command is let go. */
  onStart?(pid: number): void
  onOver?(): void
  lookUnseen?: LookUnseen
  group: ControlGroup | undefined
  limits: Limits
  scratch: readonly string[]
  /** Path of the file that the stage's `/bin/sh` is, links followed. */
  shell: string
  /** Looked at while the stage runs. */
  gpus?: Gpus
  /** What must be ready before the command starts. */
  ready: Promise<unknown>
  /** Called with process 1 of the sandbox, seen from here, before the command starts. */
  enter?(pid: number): Promise<void>
  /** Bytes over its proxy so far. */
  traffic?(): Traffic
  signal: AbortSignal
  /** Called with the function that ends the stage from outside. */
  onStop(stop: (end: StageEnd) => void): void
}>

export type Launched = Readonly<{
  end: StageEnd
  startedAt: Date
  finishedAt: Date
  wallMs: number
  deniedAttempts: number
  /** Where the denied attempts went, as far as the engine told. */
  destinations: readonly string[]
  /** As in `Told`. */
  held: Told['held']
  peaks: ReturnType<Supervision['peaks']>
}>

/** @throws ERR_SANDBOX_UNAVAILABLE when the box could not be set up; the command has not run then */
export async function launchBox(launch: Launch): Promise<Launched> {
  const box = startBox(launch)
  let stopped: StageEnd | undefined
  const stop = (end: StageEnd): void => {
    stopped ??= end
    box.kill()
  }
  launch.onStop(stop)
  const cancel = (): void => stop({ kind: 'cancelled' })
  launch.signal.addEventListener('abort', cancel, { once: true })
  if (launch.signal.aborted) cancel()
  try {
    const first = await box.firstProcess
    if (first === undefined) {
      await box.exited
      return await withoutStart(launch, stopped)
    }
    return await runStarted(launch, box, first, () => stopped, stop)
  } finally {
    launch.signal.removeEventListener('abort', cancel)
    box.kill()
    await box.exited
  }
}

const gpuEveryMs = 1000

type FirstProcess = Readonly<{ pid: number; startTicks: string }>

type Box = Readonly<{
  /** Process 1 of the sandbox, held back; undefined when it did not come to that. */
  firstProcess: Promise<FirstProcess | undefined>
  release(): void
  exited: Promise<Readonly<{ signal: NodeJS.Signals | null }>>
  /** All that bubblewrap said is read. */
  closed: Promise<void>
  /** What bubblewrap said of the command; undefined when the command did not end by itself. */
  exitCode(): number | undefined
  kill(): void
}>

function startBox(launch: Launch): Box {
  const [program = '', ...args] = launch.argv
  const { argumentsFile, seccompFile, traceFile, report, log, errors, input } = launch
  const outputs = [log.writeEnd, (errors ?? log).writeEnd] as const
  // THREAT: bubblewrap's own environment can be read in the sandbox as /proc/1/environ
  // detached: Ctrl-C reaches the terminal's whole process group, and it is assay who ends a stage
  const child: ChildProcess = spawn(program, args, {
    env: {},
    cwd: '/',
    detached: true,
    stdio: [
      ...[input?.readEnd ?? 'ignore', ...outputs, argumentsFile, seccompFile, 'pipe', 'pipe'],
      traceFile ?? report?.writeEnd ?? 'ignore',
      ...launch.secrets.map(() => 'pipe' as const),
    ] as const,
  })
  for (const stream of [log, errors, input, report]) stream?.handedOver()
  for (const fd of [argumentsFile, seccompFile, ...(traceFile === undefined ? [] : [traceFile])]) closeSync(fd)
  const pipes: readonly unknown[] = child.stdio
  const status = pipes[descriptors.status] as Readable // 'pipe' above
  const block = pipes[descriptors.block] as Writable // 'pipe' above
  for (const [index, value] of launch.secrets.entries()) {
    const pipe = pipes[descriptors.secrets + index] as Writable // 'pipe' above
    pipe.on('error', () => undefined).end(value) // a box that is gone reads no more; its exit tells
  }
  block.on('error', () => undefined) // a box that is gone reads no more; its exit tells
  let told = ''
  const exited = new Promise<{ signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (_code, signal) => resolve({ signal }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let first: FirstProcess | undefined
  const firstProcess = new Promise<FirstProcess | undefined>((resolve) => {
    status.on('data', (chunk: Buffer) => {
      told += chunk.toString('latin1')
      const pid = numberIn(told, 'child-pid')
      if (pid === undefined || first !== undefined) return
      first = startOf(pid)
      resolve(first)
    })
    status.once('close', () => resolve(undefined))
    child.once('error', () => resolve(undefined))
  })
  return {
    firstProcess,
    release: () => block.end('x'),
    exited,
    closed,
    exitCode: () => numberIn(told, 'exit-code'),
    kill: () => killBox(child, first, launch.group),
  }
}

function startOf(pid: number): FirstProcess | undefined {
  const state = processState(pid)
  return state === undefined ? undefined : { pid, startTicks: state.startTicks }
}

function numberIn(text: string, name: string): number | undefined {
  const digits = new RegExp(`"${name}":\\s*(\\d+)`).exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The outer process and the first inside; each takes the rest with it. The group catches what is not yet inside. */
function killBox(child: ChildProcess, first: FirstProcess | undefined, group: ControlGroup | undefined): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  if (first !== undefined && !isOver(first.pid, first.startTicks)) {
    try {
      process.kill(first.pid, 'SIGKILL')
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error
    }
  }
  group?.kill()
}

async function runStarted(
  launch: Launch,
  box: Box,
  first: FirstProcess,
  stopped: () => StageEnd | undefined,
  stop: (end: StageEnd) => void,
): Promise<Launched> {
  const { limits, group, scratch, shell, log, errors, engine, report } = launch
  const counters = openNetworkCounters(first.pid, launch.traceFile !== undefined)
  try {
    await Promise.all([launch.ready, launch.enter?.(first.pid)])
    const startedAt = new Date()
    const startedMs = performance.now()
    using gpu = sampleGpus(launch.gpus, () => findProgram('nvidia-smi'), gpuEveryMs)
    const traffic = launch.traffic === undefined ? {} : { traffic: launch.traffic }
    const unseen = launch.lookUnseen === undefined ? {} : { lookUnseen: launch.lookUnseen }
    const held = { limits, group, firstPid: first.pid, scratch, shell, engine, stop, ...unseen }
    const watch = supervise({ ...held, gpu: () => gpu?.last(), ...traffic })
    launch.onStart?.(first.pid)
    box.release()
    const { signal } = await box.exited
    const wallMs = performance.now() - startedMs
    const finishedAt = new Date()
    watch.close()
    box.kill()
    await untilOver(first)
    launch.onOver?.()
    await Promise.all([log.finished, errors?.finished, report?.finished, box.closed])
    const told = report?.told()
    const exitCode = told?.started === false ? undefined : box.exitCode()
    const written = watch.written()
    const peaks = { ...watch.peaks(), ...(told === undefined || told.programs.length === 0 ? {} : pick(told)) }
    const crowded = told?.crowded === true
    const end = stopped() ?? endOf({ exitCode, signal, group, limits, written, peaks, crowded })
    if (end === undefined) throw setUpFault(launch)
    const deniedAttempts = counters.deniedAttempts() + (told?.deniedAttempts ?? 0)
    const { destinations = [], held: heldByEngine = [] } = told ?? {}
    return { end, startedAt, finishedAt, wallMs, deniedAttempts, destinations, held: heldByEngine, peaks }
  } finally {
    counters.close()
  }
}

function pick({ programs }: Told): Pick<Launched['peaks'], 'programs'> {
  return { programs }
}

/** It was stopped before there was a process inside, or it could not be set up. */
async function withoutStart(launch: Launch, stopped: StageEnd | undefined): Promise<Launched> {
  await Promise.all([launch.log.finished, launch.errors?.finished])
  if (stopped === undefined) throw setUpFault(launch)
  const now = new Date()
  return {
    end: stopped,
    startedAt: now,
    finishedAt: now,
    wallMs: 0,
    deniedAttempts: 0,
    destinations: [],
    held: [],
    peaks: {},
  }
}

function setUpFault({ log, errors }: Launch): Error {
  const said = (errors ?? log).readEnd(2000).toString().trim().split('\n').at(-1) ?? ''
  return unavailable(
    `the sandbox could not be set up (${said.slice(0, 300)})`,
    'assay doctor says what to install or enable',
  )
}

/**
 * INVARIANT: returns only when the first process of the pid namespace is dead or a zombie, since then all others are
 * dead. A process in an uninterruptible read may take long; nothing is collected before.
 */
async function untilOver({ pid, startTicks }: FirstProcess): Promise<void> {
  for (let delayMs = 1; !isOver(pid, startTicks); delayMs = Math.min(50, delayMs * 2)) await sleep(delayMs)
}

const signalNames: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
}
const fileSizeSignal = 25

/** How a command ended that was not stopped by us; undefined when it never started. */
function endOf(
  facts: Readonly<{
    exitCode: number | undefined
    signal: NodeJS.Signals | null
    group: ControlGroup | undefined
    limits: Limits
    written: Written
    peaks: Launched['peaks']
    /** The engine told that a process was refused. */
    crowded: boolean
  }>,
): StageEnd | undefined {
  const { exitCode, signal, group, limits, peaks } = facts
  const { bytes: written, fault } = facts.written
  const over = (limit: 'memory' | 'processes' | 'output', because: string): StageEnd => ({
    kind: 'limit',
    limit,
    because,
  })
  if (fault !== undefined) return over('output', fault)
  if (written > limits.outputBytes) return over('output', `it wrote more than ${limits.outputBytes} bytes`)
  // Asked whatever the exit code: a shell goes on, and ends well, after the kernel killed or refused its child.
  const crowded = group === undefined && exitCode !== 0 && (peaks.processesPeak ?? 0) >= limits.processes
  const hit = crowded || facts.crowded ? 'processes' : group?.hit()
  if (hit === 'memory') return over('memory', `it used more than ${limits.memoryBytes} bytes of memory`)
  if (hit === 'processes') return over('processes', `it started more than ${limits.processes} processes`)
  if (exitCode === 0) return { kind: 'exited', code: 0 }
  if (exitCode === 128 + fileSizeSignal || (exitCode !== undefined && written >= limits.outputBytes)) {
    return over('output', `it wrote more than ${limits.outputBytes} bytes`)
  }
  if (exitCode === undefined) return signal === null ? undefined : { kind: 'signalled', signal }
  const name = signalNames[exitCode - 128]
  return name === undefined ? { kind: 'exited', code: exitCode } : { kind: 'signalled', signal: name }
}
