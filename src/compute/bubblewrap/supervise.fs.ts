/**
 * What is watched while a stage runs: time, bytes written, and, where no control group does, memory and processes.
 *
 * LIMIT: between two looks a stage may go over a limit that is held this way (memory 50 ms, bytes 250 ms or more).
 */
import { readFileSync, statfsSync } from 'node:fs'
import type { Traffic } from '../egress/index.ts'
import type { GpuSample } from '../gpu/samples.ts'
import type { Limits, ResourceProfile, StageEnd } from '../sandbox.ts'
import type { BoxEngine } from './box-engine.ts'
import type { ControlGroup } from './control-group.fs.ts'
import { holdIo } from './hold-io.fs.ts'
import { watchIo } from './io.fs.ts'
import { childrenOf, hasOwnRoot, numberWithin, quietly, treeOf, within } from './process-facts.fs.ts'
import { keepProfile } from './profile.ts'
import { earlyLooksMs, watchPrograms } from './programs.fs.ts'
import { heldInMemory, heldWithoutName, type LookUnseen, rememberNames, type Written, writtenIn } from './written.fs.ts'

export type Supervision = Readonly<{
  peaks(): Readonly<{
    memoryPeakBytes?: number
    processesPeak?: number
    programs?: readonly string[]
    profile?: ResourceProfile
    ioReadBytes?: number
    ioWrittenBytes?: number
  }>
  /** In the writable folders now. */
  written(): Written
  close(): void
}>

type LimitEnd = Extract<StageEnd, { kind: 'limit' }>

const memoryEveryMs = 50
const bytesEveryMs = 250
const ioEveryMs = 100
const sampleEveryMs = 250
/** Of the time of assay's own process: for what holds a limit, and for what is only looked at. */
const enforcedShare = 1 / 20
const lookedAtShare = 1 / 100
const longestTimerMs = 2 ** 31 - 1
const temporaryFolders = ['tmp', 'var/tmp', 'home/stage', 'dev/shm']

export function supervise(
  options: Readonly<{
    limits: Limits
    group: ControlGroup | undefined
    /** Process 1 of the sandbox, as seen from here. */
    firstPid: number
    scratch: readonly string[]
    /** Around each look at one of these. */
    lookUnseen?: LookUnseen
    /** As for `watchPrograms`. */
    shell: string
    /** Bytes that went over the proxy so far, of a stage that has one. */
    traffic?(): Traffic
    /** As in `BoxEngine`, with what it needs for itself. */
    engine: Pick<BoxEngine, 'processes' | 'root'>
    stop(end: LimitEnd): void
    gpu?(): GpuSample | undefined
  }>,
): Supervision {
  const { limits, group, firstPid, scratch, traffic, engine, stop } = options
  const over = (limit: LimitEnd['limit'], because: string): void => stop({ kind: 'limit', limit, because })
  let memoryPeakBytes = 0
  let processesPeak = 0
  const timers = new Set<NodeJS.Timeout>()
  const after = (delayMs: number, look: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      look()
    }, delayMs)
    timers.add(timer)
  }
  /** Takes at most a `share` of the time, however long one look takes. */
  const repeat = (everyMs: () => number, share: number, look: () => void): void => {
    const again = (delayMs: number): void =>
      after(delayMs, () => {
        const startedMs = performance.now()
        look()
        again(Math.max(everyMs(), (performance.now() - startedMs) / share))
      })
    again(everyMs())
  }
  after(Math.min(limits.timeMs, longestTimerMs), () => over('time', `it ran longer than ${limits.timeMs} ms`))
  const temporary = (): number => temporaryBytes(firstPid, engine.root)
  const namesIn = rememberNames(scratch, options.lookUnseen)
  const writtenNow = (names?: typeof namesIn): Written => {
    const { bytes, ...fault } = writtenIn(scratch, undefined, names)
    return { bytes: bytes + temporary(), ...fault }
  }
  /** Those of the stage, its shell included; where they cannot be told apart, those of the engine. */
  const stagePids = (): readonly number[] =>
    engine.processes === 'within' ? within(firstPid, treeOf(firstPid)) : treeOf(firstPid)
  const isSeen = engine.processes !== 'unseen'
  const memoryOf = isSeen ? residentIn : heldInMemory
  const heldNow = (): Written => {
    // an engine's own processes hide what they hold, the first of the stage's pid namespace too before it is its shell
    const ofStage = stagePids().filter((pid) => engine.processes === 'all' || numberWithin(pid) !== 1)
    const { bytes, fault } = heldWithoutName(isSeen ? ofStage : treeOf(firstPid), scratch[0])
    isSetUp ||= hasOwnRoot(firstPid)
    return { bytes, ...(fault !== undefined && isSeen && isSetUp ? { fault } : {}) }
  }
  /** Of what RLIMIT_NPROC holds, to one more than the limit, so that more can be seen. */
  const lookAtNumber = (pids: readonly number[]): void => {
    processesPeak = Math.max(processesPeak, pids.length - 1)
    if (processesPeak > limits.processes) over('processes', `it started more than ${limits.processes} processes`)
  }
  let isSetUp = false
  let written = 0
  repeat(
    () => bytesEveryMs,
    enforcedShare,
    () => {
      const held = heldNow()
      const { bytes, fault = held.fault } = writtenNow(namesIn)
      written = bytes + held.bytes
      if (fault !== undefined) over('output', fault)
      if (written > limits.outputBytes) over('output', `it wrote more than ${limits.outputBytes} bytes`)
      if (group !== undefined && engine.processes === 'all')
        processesPeak = Math.max(processesPeak, group.processes() - 2)
    },
  )
  if (group === undefined) {
    repeat(
      () => memoryEveryMs,
      enforcedShare,
      () => {
        const pids = stagePids()
        const bytes = memoryOf(pids) + temporary()
        memoryPeakBytes = Math.max(memoryPeakBytes, bytes)
        if (isSeen) lookAtNumber(pids)
        if (bytes > limits.memoryBytes) over('memory', `it used more than ${limits.memoryBytes} bytes of memory`)
      },
    )
  }
  const profile = keepProfile(sampleEveryMs)
  const programs = watchPrograms(firstPid, options.shell)
  const io = watchIo()
  const ioHold = holdIo(limits, group?.holdsIo ?? 'none', io)
  if (ioHold !== undefined) {
    repeat(
      () => ioEveryMs,
      enforcedShare,
      () => {
        const pids = stagePids()
        isSetUp ||= hasOwnRoot(firstPid)
        // the processes below a kernel of the stage's own are its tools, and it stops when that kernel does
        const pausable = (): readonly number[] => (isSeen ? pids : [firstPid, ...childrenOf(firstPid)])
        const because = ioHold.look(pids, pausable, isSeen && isSetUp)
        if (because !== undefined) over('io', because)
      },
    )
  }
  const look = (): readonly number[] => {
    const pids = stagePids()
    if (isSeen) programs.look(pids)
    io.look(pids)
    return pids
  }
  for (const delayMs of earlyLooksMs) after(delayMs, look)
  repeat(profile.everyMs, lookedAtShare, () => {
    const pids = look()
    const now = {
      ...(group?.now() ?? { memoryBytes: memoryOf(pids) }),
      ...io.sum(),
      ...traffic?.(),
      ...options.gpu?.(),
    }
    const counted = isSeen ? { processes: Math.max(0, pids.length - 1) } : {}
    if (engine.processes === 'within') lookAtNumber(pids)
    profile.add({ ...now, ...counted, writtenBytes: written })
  })
  return {
    peaks: () => ({
      ...(isSeen ? { programs: programs.names() } : {}),
      ...profileIn(profile.profile()),
      ...io.sum(),
      ...(memoryPeakBytes > 0 ? { memoryPeakBytes } : {}),
      ...(processesPeak > 0 ? { processesPeak } : {}),
    }),
    written: () => writtenNow(),
    close: () => {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

function profileIn(profile: ResourceProfile | undefined): Readonly<{ profile?: ResourceProfile }> {
  return profile === undefined ? {} : { profile }
}

/** Where no control group counts: what is alive now, so that the time of processes that have ended is not in it. */
function residentIn(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytes(pid), 0)
}

/** SOURCE: Linux, mm/shmem.c, BOGO_INODE_SIZE. THREAT: files without a byte take memory too. */
const inodeBytes = 1024

/** The sandbox's own memory file systems, seen through its first process; 0 where we may not look. */
function temporaryBytes(pid: number, root: string): number {
  if (!hasOwnRoot(pid)) return 0
  return temporaryFolders.reduce((sum, folder) => {
    const stats = quietly(() => statfsSync(`/proc/${pid}/root${root}/${folder}`))
    if (stats === undefined) return sum
    return sum + (stats.blocks - stats.bfree) * stats.bsize + (stats.files - stats.ffree) * inodeBytes
  }, 0)
}

/** Proportional share, so that pages shared by workers count once. THREAT: a process may hide it; then all its pages count. */
function residentBytes(pid: number): number {
  const pss = /^Pss:\s+(\d+) kB/m.exec(quietly(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? '')?.[1]
  if (pss !== undefined) return Number(pss) * 1024
  const pages = (quietly(() => readFileSync(`/proc/${pid}/statm`, 'utf8')) ?? '').split(' ')[1]
  return (Number(pages) || 0) * 4096
}
