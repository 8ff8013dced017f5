/** What every command is given: nothing global is read below `main.ts`. */
import type { Clock } from '../core/index.ts'
import type { Output, Streams } from './output.ts'
import type { Verb } from './program.ts'

export type CliContext = Readonly<{
  /** Absolute folder that the user stands in. */
  workingFolder: string
  /** The caller's environment, as `main.ts` found it. */
  environment: Readonly<Record<string, string | undefined>>
  output: Output
  /** The caller's own streams, for what hands them on (`shell`) or asks a person. */
  streams: Streams & Readonly<{ stdin: NodeJS.ReadStream }>
  /** Every verb, for what speaks of them all. */
  table: Readonly<{ verbs: readonly Verb[]; groups: Readonly<Record<string, string>> }>
  now: Clock
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal
  version: string
  /** True when a person can be asked. */
  canAsk: boolean
  /** Where a run that found nothing to do may leave its answer. */
  keeper?: Keeper
}>

/** What the next run says when nothing that this one looked at has changed. DECISION 0021. */
export type Keeper = Readonly<{
  /** There is nothing to keep: something happens. */
  end(): void
  keep(answer: Readonly<{ stdout: string; stderr: string }>): void
}>

/** The exit code that a command asks for; 0 when it returns nothing. */
export type Exit = 0 | 1 | 2 | 3 | 4
export type Command<Options> = (context: CliContext, positional: readonly string[], options: Options) => Promise<Exit>
