/** Where something stands in a file, and the refusal that says so. */
import { DomainError, type ErrorCode, nearest, printable } from '../../core/index.ts'

/** 1-based, in characters as an editor counts them; 0 when the place is not known. */
export type Place = Readonly<{ file: string; line: number; column: number }>

export function placeText(place: Place): string {
  return place.line === 0 ? `\`${place.file}\`` : `\`${place.file}\` line ${place.line}, column ${place.column}`
}

/**
 * A refusal of a user's file: `FILE line L, column C: what is wrong`.
 *
 * THREAT: `what` quotes hostile files, so it is made printable here, once, and cut.
 */
export function faultAt(code: ErrorCode, place: Place, what: string, help?: string): DomainError {
  const details = { file: place.file, ...(place.line === 0 ? {} : { line: place.line, column: place.column }) }
  const message = printable(`${placeText(place)}: ${what}`).slice(0, 1000)
  return new DomainError(code, message, { details, ...(help === undefined ? {} : { help: printable(help) }) })
}

/** `did you mean ...?`, or undefined when nothing is near. LIMIT: 5,000 candidates are looked at. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates].slice(0, 5000)
  if (word.length > 200) return undefined
  const near = nearest(word, known) ?? known.find((candidate) => isSwap(word, candidate))
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** True when two neighbours changed places, the commonest slip of all. */
function isSwap(word: string, candidate: string): boolean {
  if (word.length !== candidate.length) return false
  const at = word.split('').findIndex((unit, index) => unit !== candidate[index])
  if (at < 0 || word[at] !== candidate[at + 1] || word[at + 1] !== candidate[at]) return false
  return word.slice(at + 2) === candidate.slice(at + 2)
}

/** The user's own word in backticks, short. */
export function quoted(word: string): string {
  return `\`${word.length > 100 ? `${word.slice(0, 100)}...` : word}\``
}
