/**
 * What differs between engines whose stage lives in a box on this machine: what bubblewrap is told, and what it starts.
 *
 * All else is shared: folder, control group, log, view, scratch, counters, proxy, collection. Engines that run elsewhere
 * (Slurm, Kubernetes) are a `Sandbox` of their own.
 */
import { type EngineName, type Sha256, sha256Of } from '../../core/index.ts'
import type { Limits } from '../sandbox.ts'
import { boxedCommand } from './chain.ts'
import { recipeDigest } from './policy.ts'
import { type BoxPlan, boxArguments } from './recipe.ts'
import { seccompProgram } from './seccomp.ts'
import type { Architecture } from './seccomp-calls.ts'

export type FrameRequest = Readonly<{
  plan: BoxPlan
  /** Of the stage, as it is to run inside. */
  command: readonly string[]
  limits: Limits
  /** Absolute paths inside of what is collected. */
  outs: readonly string[]
  openFiles: number
  architecture: Architecture
  prlimit: string
  /** What an image has in /etc; `link` is where a link leads. */
  etcOfRoot: readonly Readonly<{ name: string; link?: string }>[]
  /** False when no control group counts processes. */
  hasGroup: boolean
  /** Where a program of the machine can be bound from. */
  reach(path: string): string
}>

export type Frame = Readonly<{
  /** For bubblewrap, up to the command. */
  arguments: readonly string[]
  command: readonly string[]
  /** Name to text, in a read-only folder of the box at `engineFolder`. */
  files?: Readonly<Record<string, string>>
}>

/** What an engine tells of a stage by the descriptor `descriptors.trace`, line by line. */
export type Told = Readonly<{
  /** The command itself was started. */
  started: boolean
  /** Beside those that the kernel counted. */
  deniedAttempts: number
  destinations: readonly string[]
  programs: readonly string[]
  /** It was refused a process. */
  crowded: boolean
  /** Fifos and sockets in outs that nobody but the engine sees: the number of the out, and a path inside. */
  held: readonly Readonly<{ out: number; path: string }>[]
}>

/** LIMIT: of one line that a listener is told; the rest of a longer one is left out. */
export const maxReportLine = 64 * 1024

export type Listener = Readonly<{ take(line: string): void; told(): Told }>

export type EngineFacts = Readonly<Record<string, string | number | boolean>>

export type BoxEngine = Readonly<{
  name: EngineName
  /** Versions and digests of its programs and filters. */
  facts(architecture: Architecture): EngineFacts
  recipe(architecture: Architecture): Sha256
  frame(request: FrameRequest): Frame
  /** What it needs for itself, beyond the limits of the stage. */
  own: Readonly<{ memoryBytes: number; processes: number }>
  /** It holds the bytes of one file by itself, since its own files are no files of the stage. */
  limitsFiles: boolean
  /** Programs that an image must have to be the root of a stage. */
  needs: readonly string[]
  /** strace can stand outside of the box, and sees the stage and nothing else. */
  traces: boolean
  /** Whose time, memory and names are the stage's: all in the box, those of a pid namespace within, or none that can be seen. */
  processes: 'all' | 'within' | 'unseen'
  /** Folder of the box that holds the root of the stage. */
  root: string
  /** @param letOut as in the plan: then the kernel of this machine counts what is denied */
  listen?(letOut: boolean): Listener
}>

/** Of the box; holds what `Frame.files` names. */
export const engineFolder = '/run/engine'

/** bubblewrap alone. */
export const plainEngine: BoxEngine = {
  name: 'bubblewrap',
  facts: (architecture) => ({ seccomp: sha256Of(seccompProgram(architecture)) }),
  recipe: recipeDigest,
  frame: ({ plan, command, hasGroup, prlimit, limits }) => ({
    arguments: boxArguments(plan),
    command: boxedCommand(
      command,
      hasGroup ? undefined : { prlimit, processes: limits.processes, hasOwnRoot: plan.root !== undefined },
    ),
  }),
  own: { memoryBytes: 0, processes: 0 },
  limitsFiles: false,
  needs: [],
  traces: true,
  processes: 'all',
  root: '',
}
