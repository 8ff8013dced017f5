/**
 * Faults with a name.
 *
 * Question answered: what went wrong, in one sentence, and what should be done next? A fault is thrown as a
 * `DomainError` whose code stands in `error-codes.ts`; verdicts ("no, because ...") are return values and never thrown.
 */
import { type ErrorCode, errorTable } from './error-codes.ts'

export type { ErrorCode } from './error-codes.ts'

/** Facts safe to log and to show: digests, ids, names, sizes. Never contents, tokens or environment values. */
export type Details = Readonly<Record<string, string | number | boolean | readonly string[]>>

export type ErrorOptions = Readonly<{
  /** The next step for the user; the code's own from `errorTable` when left out. */
  help?: string
  details?: Details
  cause?: unknown
}>

/** LIMIT: characters of a message: it may quote names that came from elsewhere. */
const maxMessage = 3000

/**
 * One fault, by code.
 *
 * @param message one lower-case sentence without a full stop, the user's own words in backticks
 */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode
  readonly details: Details
  readonly help: string

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message.length <= maxMessage ? message : `${message.slice(0, maxMessage)}…`, { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.help = options.help ?? errorTable[code].help
  }
}

/** True for a `DomainError` with one of the codes, or with any code when none is given. */
export function isDomainError(error: unknown, ...codes: readonly ErrorCode[]): error is DomainError {
  return error instanceof DomainError && (codes.length === 0 || codes.includes(error.code))
}
