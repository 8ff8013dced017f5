/**
 * Text, line by line: the lines at the same place, and how many there are.
 *
 * No text of the files is told, since it may be data that must not be shown. LIMIT: lines up to 1 MiB; files with longer
 * ones are compared as bytes.
 */
import { type Answer, compareBytes } from './bytes.fs.ts'
import { type FilePair, type OpenFile, pause, readUpTo } from './file-pair.fs.ts'
import { counted, grouped } from './words.ts'

const maxLineBytes = 1024 * 1024
const lineFeed = 0x0a
const carriageReturn = 0x0d
/** Lines between two looks at the signal. */
const linesPerPause = 65_536

/** @param common bytes at the beginning that are the same */
export async function compareText(pair: FilePair, common: number, signal: AbortSignal): Promise<Answer> {
  const found = await countLines(pair, signal)
  if (found === undefined) return await compareBytes(pair, common, signal)
  return { verdict: 'diverged', detail: tell(found), unmeasured: 1, measures: [] }
}

type Lines = Readonly<{ left: number; right: number; differing: number; first: number; ends: number }>

function tell({ left, right, differing, first, ends }: Lines): string {
  const more = Math.abs(left - right)
  const longer = `the ${left > right ? 'first' : 'second'} file has ${counted(more, 'line')} more`
  if (differing === 0 && more === 0) return `the same lines with other line ends, in ${counted(ends, 'line')}`
  if (differing === 0) return `${longer}, all else is the same`
  const shared = Math.min(left, right)
  const told = `${grouped(differing)} of ${counted(shared, 'line')} ${differing === 1 ? 'differs' : 'differ'}, the first is line ${first}`
  return more === 0 ? told : `${told}; ${longer}`
}

/** @returns undefined when a line is too long */
async function countLines({ left, right }: FilePair, signal: AbortSignal): Promise<Lines | undefined> {
  const [one, other] = [lineReader(left), lineReader(right)]
  const counts = { left: 0, right: 0, differing: 0, first: 0, ends: 0 }
  for (;;) {
    const [a, b] = [one.next(), other.next()]
    if (one.isTooLong() || other.isTooLong()) return undefined
    if (a === undefined && b === undefined) return counts
    if (a !== undefined) counts.left += 1
    if (b !== undefined) counts.right += 1
    if (a !== undefined && b !== undefined && !a.equals(b)) {
      if (withoutReturn(a).equals(withoutReturn(b))) counts.ends += 1
      else {
        counts.differing += 1
        if (counts.first === 0) counts.first = counts.left
      }
    }
    if ((counts.left + counts.right) % linesPerPause < 2) await pause(signal)
  }
}

/** A line without its end, which is CR LF, LF or, for the last line, none. */
function withoutReturn(line: Buffer): Buffer {
  const end = line.at(-1) === lineFeed ? line.length - 1 : line.length
  return line.subarray(0, line[end - 1] === carriageReturn ? end - 1 : end)
}

type LineReader = Readonly<{ next(): Buffer | undefined; isTooLong(): boolean }>

/** Lines with their ends. */
function lineReader({ fd }: OpenFile): LineReader {
  const buffer = Buffer.allocUnsafe(2 * maxLineBytes)
  let [start, end, position, tooLong] = [0, 0, 0, false]
  const fill = (): boolean => {
    buffer.copyWithin(0, start, end)
    end -= start
    start = 0
    const length = readUpTo(fd, buffer.subarray(end), position)
    position += length
    end += length
    return length > 0
  }
  return {
    isTooLong: () => tooLong,
    next: () => {
      let feed = buffer.subarray(start, end).indexOf(lineFeed)
      if (feed < 0 && fill()) feed = buffer.subarray(start, end).indexOf(lineFeed)
      const stop = feed < 0 ? end : start + feed + 1
      if (stop - start > maxLineBytes) {
        tooLong = true
        return undefined
      }
      if (stop === start) return undefined
      const line = buffer.subarray(start, stop)
      start = stop
      return line
    },
  }
}
