/**
 * The sandbox, as this folder needs it: one command, offline, with read-only mounts and one writable folder.
 *
 * `data` stands below `compute` and is given the real thing by whoever calls it.
 */
import type { ProgramMount } from './validator-program.fs.ts'

export type BoxTask = Readonly<{
  argv: readonly string[]
  mounts: readonly ProgramMount[]
  writable: ProgramMount
  variables: Readonly<Record<string, string>>
  workingDirectory?: string
  limits: Readonly<{ cpus: number; memoryBytes: number; timeMs: number; processes: number; outputBytes: number }>
  signal?: AbortSignal
}>

export type BoxResult = Readonly<{
  end:
    | Readonly<{ kind: 'exited'; code: number }>
    | Readonly<{ kind: 'signalled'; signal: string }>
    | Readonly<{ kind: 'limit'; limit: string; because: string }>
    | Readonly<{ kind: 'cancelled' }>
  /** Last lines that it printed, printable. */
  tail: readonly string[]
}>

export type BoxRunner = (task: BoxTask) => Promise<BoxResult>
