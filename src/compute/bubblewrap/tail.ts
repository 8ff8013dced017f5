/** The end of a log, for people. */
import { printableLine, shownLine } from '../../core/index.ts'

/** LIMIT: lines shown, and characters of each. */
const lines = 20
const maxCharacters = 2000

export function tailOf(all: readonly string[]): readonly string[] {
  const whole = all.at(-1) === '' ? all.slice(0, -1) : all
  return whole.slice(-lines).map((line) => printableLine(line).slice(0, maxCharacters))
}

/** LIMIT: lines that are searched for why a command failed. */
const searchedLines = 300

/** What a terminal would show of the last lines, as it is. */
export function endOfLog(all: readonly string[]): readonly string[] {
  return all.slice(-searchedLines).map((line) => shownLine(line).slice(0, maxCharacters))
}
