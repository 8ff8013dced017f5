/**
 * Bytes that a stage's processes read and wrote by system calls, from files, pipes and sockets alike.
 *
 * Calls and not disks: what a disk is asked for depends on what is in memory already, so that the second of two equal runs
 * reads nothing. What is read by mapping a file into memory is in neither. SOURCE: proc_pid_io(5); a process that has
 * ended counts with its parent once that has waited for it (Linux, kernel/exit.c).
 */
import { readFileSync } from 'node:fs'
import { errnoOf, isAlive } from './process-facts.fs.ts'

export type IoSum = Readonly<{ ioReadBytes?: number; ioWrittenBytes?: number }>

export type IoWatch = Readonly<{
  /** @returns whether one of them does not let us look */
  look(pids: readonly number[]): Readonly<{ hidden: boolean }>
  /** So far; empty where the machine does not tell. It never falls: a process that ends between two looks is not taken back. */
  sum(): IoSum
}>

export function watchIo(): IoWatch {
  let seen: Readonly<{ ioReadBytes: number; ioWrittenBytes: number }> | undefined
  return {
    look: (pids) => {
      let hidden = false
      const each = pids.flatMap((pid) => {
        try {
          return [readFileSync(`/proc/${pid}/io`, 'utf8')]
        } catch (error) {
          const code = errnoOf(error)
          if (code === undefined) throw error
          hidden ||= (code === 'EACCES' || code === 'EPERM') && isAlive(pid)
          return []
        }
      })
      if (each.length === 0) return { hidden }
      const total = (name: string): number => each.reduce((sum, text) => sum + numberIn(text, name), 0)
      seen = {
        ioReadBytes: Math.max(seen?.ioReadBytes ?? 0, total('rchar')),
        ioWrittenBytes: Math.max(seen?.ioWrittenBytes ?? 0, total('wchar')),
      }
      return { hidden }
    },
    sum: () => seen ?? {},
  }
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}
