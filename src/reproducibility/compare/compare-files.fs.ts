/**
 * Two files, by what they are: how an output of a run differs from the same output of its reproduction.
 *
 * Nobody changes the files meanwhile. THREAT: both were written by a stage, and are as hostile as it: what cannot be read
 * is `incomparable`, which no tolerance turns into a pass.
 */
import { ioFault, type ValidatorOptions } from '../../data/index.ts'
import { type Answer, compareBytes } from './bytes.fs.ts'
import type { Compared, ComparedFormat, Tolerance } from './compared.ts'
import { commonBytes, type FilePair, openPair, readUpTo } from './file-pair.fs.ts'
import { headBytes, type Kind, kindOf } from './format-of.ts'
import { compareJson } from './json.fs.ts'
import { maxJsonBytes } from './json-value.ts'
import { compareText } from './text.fs.ts'
import { Unreadable } from './unreadable.ts'

export type CompareOptions = Readonly<{
  /** Of the out, in the project; its ending says what is not known by content, and tolerances go by it. */
  path: string
  tolerances: readonly Tolerance[]
  /** The sandbox that tables and images are read in, and the folder that archives are unpacked to. */
  validator: ValidatorOptions
  signal: AbortSignal
}>

/**
 * @param left absolute, plain file: as it was first
 * @param right absolute, plain file: as it is now
 * @throws ERR_IO, ERR_DISK_FULL, and the reason of the signal
 */
export async function compareFiles(left: string, right: string, options: CompareOptions): Promise<Compared> {
  const { path, signal } = options
  try {
    using pair = openPair(left, right)
    const common = await commonBytes(pair, signal)
    const kinds = [kindOfFile(pair, 'left', path), kindOfFile(pair, 'right', path)] as const
    if (common === pair.left.sizeBytes && common === pair.right.sizeBytes)
      return { path, format: kinds[0].format, verdict: 'identical', detail: 'the same bytes', measures: [] }
    return { path, ...(await compareKinds(pair, kinds, common, options)) }
  } catch (error) {
    throw ioFault(error, path)
  }
}

function kindOfFile(pair: FilePair, side: 'left' | 'right', path: string): Kind {
  const head = Buffer.alloc(headBytes)
  const { fd, sizeBytes } = pair[side]
  return kindOf(head.subarray(0, readUpTo(fd, head, 0)), path, sizeBytes)
}

type Told = Readonly<{ format: ComparedFormat }> & Answer

async function compareKinds(
  pair: FilePair,
  [left, right]: readonly [Kind, Kind],
  common: number,
  options: CompareOptions,
): Promise<Told> {
  // where one says for certain what it is and the other does not, the other is read as the same
  const kind = left.certain ? left : right.certain ? right : left
  if (left.certain && right.certain && left.format !== right.format) {
    const detail = `the first file is of the format ${left.format}, the second ${right.format}`
    return { format: left.format, verdict: 'diverged', detail, measures: [] }
  }
  try {
    return await compareAs(kind, pair, common, options)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { format: kind.format, verdict: 'incomparable', detail: error.message, measures: [] }
  }
}

async function compareAs(kind: Kind, pair: FilePair, common: number, options: CompareOptions): Promise<Told> {
  const { path, tolerances, signal } = options
  switch (kind.format) {
    case 'json':
      return { format: 'json', ...compareJson(pair, path, tolerances) }
    case 'text':
      return await compareUnnamedText(pair, common, options)
    default:
      return { format: 'bytes', ...(await compareBytes(pair, common, signal)) }
  }
}

/** Text whose name says nothing: JSON when both files are, else lines. */
async function compareUnnamedText(pair: FilePair, common: number, options: CompareOptions): Promise<Told> {
  const { path, tolerances, signal } = options
  if (looksLikeJson(pair)) {
    try {
      return { format: 'json', ...compareJson(pair, path, tolerances) }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error // it only looked like JSON
    }
  }
  return { format: 'text', ...(await compareText(pair, common, signal)) }
}

function looksLikeJson({ left, right }: FilePair): boolean {
  return [left, right].every(({ fd, sizeBytes }) => {
    const head = Buffer.alloc(64)
    return sizeBytes <= maxJsonBytes && /^\s*[[{]/.test(head.subarray(0, readUpTo(fd, head, 0)).toString('latin1'))
  })
}
