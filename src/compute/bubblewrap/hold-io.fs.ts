/**
 * Holds a stage to its limits of I/O by looking at it: ends it at the total, and pauses it where it is ahead of its rate.
 *
 * LIMIT: what was not seen of processes that nobody waited for (`io.fs.ts`) is not counted; calls are, not disks, so that what comes out of memory counts too. Where a control group holds the rate, it is the disks that count.
 */

import type { ControlGroup } from './control-group.fs.ts'
import { areOnDisks } from './disks.fs.ts'
import type { IoSum, IoWatch } from './io.fs.ts'
import { type Pace, paceOf } from './pace.ts'
import { errnoOf } from './process-facts.fs.ts'
import type { Bind, SystemLayout } from './recipe.ts'

export type IoLimits = Readonly<{ ioBytes?: number; ioBytesPerSecond?: number }>

/** For evidence; undefined for a stage without such a limit. */
export function ioHeldBy(
  { ioBytes, ioBytesPerSecond }: IoLimits,
  group: Pick<ControlGroup, 'heldBy' | 'holdsIo'> | undefined,
): string | undefined {
  if (ioBytesPerSecond === undefined) return ioBytes === undefined ? undefined : 'supervision'
  const { heldBy = 'rlimits', holdsIo = 'none' } = group ?? {}
  if (holdsIo === 'none') return 'supervision'
  return holdsIo === 'all' && ioBytes === undefined ? heldBy : `${heldBy} and supervision`
}

/** Where a stage is shown what lies on no disk, supervision holds what it reads and writes, beside the kernel. */
export function heldWhere(
  group: ControlGroup | undefined,
  { limits, workFolder }: Readonly<{ limits: IoLimits; workFolder: string }>,
  { folders }: Pick<SystemLayout, 'folders'>,
  { root, binds }: Readonly<{ root?: string; binds: readonly Bind[] }>,
): ControlGroup | undefined {
  if (group === undefined || limits.ioBytesPerSecond === undefined) return group
  const sources = binds.filter(({ kind }) => kind !== 'device').map(({ source }) => source)
  const shown = root === undefined ? ['/usr', ...folders] : [root]
  return areOnDisks([workFolder, ...shown, ...sources]) ? group : { ...group, holdsIo: 'none' }
}

export type IoHold = Readonly<{
  /**
   * One look.
   *
   * @param pids of the stage
   * @param pausable those that are stopped to pause it
   * @param mustTell one that hides what it reads is over the limit
   * @returns why it is to be ended
   */
  look(pids: readonly number[], pausable: () => readonly number[], mustTell: boolean): string | undefined
}>

/** Undefined when there is nothing to hold, or the kernel holds it all. */
export function holdIo(limits: IoLimits, holdsIo: ControlGroup['holdsIo'], io: IoWatch): IoHold | undefined {
  const { ioBytes, ioBytesPerSecond: rate } = limits
  const paces: Readonly<{ of: 'ioReadBytes' | 'ioWrittenBytes'; pace: Pace }>[] = []
  if (rate !== undefined && holdsIo === 'none') paces.push({ of: 'ioReadBytes', pace: paceOf(rate) })
  if (rate !== undefined && holdsIo !== 'all') paces.push({ of: 'ioWrittenBytes', pace: paceOf(rate) })
  if (ioBytes === undefined && paces.length === 0) return undefined
  let isPaused = false
  return {
    look: (pids, pausable, mustTell) => {
      const { hidden } = io.look(pids)
      if (hidden && mustTell) return 'one of its processes hides what it reads and writes, or cannot be looked at'
      const passed = passedIo(limits, io.sum())
      if (passed !== undefined) return passed
      const { ioReadBytes = 0, ioWrittenBytes = 0 } = io.sum()
      const used = { ioReadBytes, ioWrittenBytes }
      const told = paces.map(({ of, pace }) => pace.look(used[of], performance.now()))
      if (told.includes('escaped'))
        return `it read or wrote more than ${rate} bytes a second, and went on when it was held back`
      const wasPaused = isPaused
      isPaused = told.includes('wait')
      if (isPaused || wasPaused) signalAll(pausable().filter(io.isSame), isPaused ? 'SIGSTOP' : 'SIGCONT')
      return undefined
    },
  }
}

/** That the total is passed, in words. */
export function passedIo({ ioBytes }: IoLimits, { ioReadBytes = 0, ioWrittenBytes = 0 }: IoSum): string | undefined {
  if (ioBytes === undefined || ioReadBytes + ioWrittenBytes <= ioBytes) return undefined
  return `it read and wrote more than ${ioBytes} bytes`
}

/** THREAT: a process ends, and another user's, or the user's own, gets its number: only those that were looked at are stopped. */
function signalAll(pids: readonly number[], signal: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      // one that has ended, and whose number another's process has now
      if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error
    }
  }
}
