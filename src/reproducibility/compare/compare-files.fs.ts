/**
 * Two files, by what they are: how an output of a run differs from the same output of its reproduction.
 *
 * Nobody changes the files meanwhile. THREAT: both were written by a stage, and are as hostile as it: what cannot be read
 * is `incomparable`, which no tolerance turns into a pass.
 */
import { ioFault, type ValidatorOptions } from '../../data/index.ts'
import { type ArchiveOptions, compareArchives, compareGzip, maxDepth } from './archive.fs.ts'
import { type Answer, compareBytes } from './bytes.fs.ts'
import type { Compared, ComparedFormat, Tolerance } from './compared.ts'
import { compareDatasets } from './dataset.ts'
import { commonBytes, type FilePair, openPair, readUpTo } from './file-pair.fs.ts'
import { headBytes, type Kind, kindOf } from './format-of.ts'
import { compareJson } from './json.fs.ts'
import { maxJsonBytes } from './json-value.ts'
import { compareNpy } from './npy.fs.ts'
import { compareOnnx } from './onnx.fs.ts'
import { compareSafetensors } from './safetensors.fs.ts'
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

/** How a file is to be taken that lies in an archive. */
type Inside = Readonly<{
  /** Its ending says what is not known by content; the path's when left out. */
  name?: string
  /** What the array of an npy file is called in an npz file. */
  array?: string
  depth: number
}>

type Task = CompareOptions & Inside

/**
 * @param left absolute, plain file: as it was first
 * @param right absolute, plain file: as it is now
 * @throws ERR_IO, ERR_DISK_FULL, and the reason of the signal
 */
export async function compareFiles(left: string, right: string, options: CompareOptions): Promise<Compared> {
  try {
    return await compareInside(left, right, { ...options, depth: 0 })
  } catch (error) {
    throw ioFault(error, options.path)
  }
}

async function compareInside(left: string, right: string, task: Task): Promise<Compared> {
  const { path, signal } = task
  using pair = openPair(left, right)
  const common = await commonBytes(pair, signal)
  const kinds = { left: kindOfFile(pair, 'left', task), right: kindOfFile(pair, 'right', task) }
  if (common === pair.left.sizeBytes && common === pair.right.sizeBytes)
    return {
      path,
      format: kinds.left.format,
      verdict: 'identical',
      detail: 'the same bytes',
      unmeasured: 0,
      measures: [],
    }
  return { path, ...(await compareKinds(pair, kinds, common, task)) }
}

function kindOfFile(pair: FilePair, side: 'left' | 'right', { path, name = path }: Task): Kind {
  const head = Buffer.alloc(headBytes)
  const { fd, sizeBytes } = pair[side]
  return kindOf(head.subarray(0, readUpTo(fd, head, 0)), name, sizeBytes)
}

type Kinds = Readonly<{ left: Kind; right: Kind }>
type Told = Readonly<{ format: ComparedFormat }> & Answer

async function compareKinds(pair: FilePair, { left, right }: Kinds, common: number, task: Task): Promise<Told> {
  if (left.certain && right.certain && left.format !== right.format) {
    const detail = `the first file is of the format ${left.format}, the second ${right.format}`
    return { format: left.format, verdict: 'diverged', detail, unmeasured: 1, measures: [] }
  }
  if (left.certain && right.certain && left.packing !== right.packing) {
    const detail = `the first file is packed as ${left.packing}, the second as ${right.packing}`
    return { format: left.format, verdict: 'diverged', detail, unmeasured: 1, measures: [] }
  }
  // where one says for certain what it is and the other does not, the other is read as the same
  const kind = left.certain ? left : right
  const kinds = { left: left.certain ? left : kind, right: right.certain ? right : kind }
  try {
    return await compareAs(kind, { pair, common, kinds, task })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { format: kind.format, verdict: 'incomparable', detail: error.message, unmeasured: 1, measures: [] }
  }
}

type Work = Readonly<{ pair: FilePair; common: number; kinds: Kinds; task: Task }>

async function compareAs({ format, packing }: Kind, work: Work): Promise<Told> {
  const { pair, common, task } = work
  switch (format) {
    case 'json':
      return { format, ...compareJson(pair, task) }
    case 'safetensors':
      return { format, ...(await compareSafetensors(pair, common, task)) }
    case 'npy':
      return { format, ...(await compareNpy(pair, common, task)) }
    case 'onnx':
      return { format, ...(await compareOnnx(pair, common, task)) }
    case 'csv':
    case 'jsonl':
    case 'parquet':
    case 'image':
      return { format, ...(await compareDatasets(format, pair, task)) }
    case 'archive':
    case 'npz':
      if (task.depth >= maxDepth) return { format: 'bytes', ...(await compareBytes(pair, common, task.signal)) }
      if (packing === 'gzip') return await compareGzip(pair, archiveOptions(work, format))
      return { format, ...(await compareArchives(pair, archiveOptions(work, format))) }
    case 'text':
      return await compareUnnamedText(pair, common, task)
    default:
      return { format: 'bytes', ...(await compareBytes(pair, common, task.signal)) }
  }
}

/** Members are files of their own, called `archive/member`; arrays of an npz file are tensors of it. */
function archiveOptions({ kinds, task }: Work, format: ComparedFormat): ArchiveOptions {
  const { path, validator, signal, depth, name = path } = task
  const { scratchRoot, limits } = validator
  const inside = (member: string): Partial<Task> => {
    if (member === '') return { name: name.replace(/\.gz$/i, '').replace(/\.tgz$/i, '.tar') }
    if (format === 'npz') return { name: member, array: member.replace(/\.npy$/, '') }
    return { path: `${path}/${member}`, name: member }
  }
  return {
    kinds,
    scratchRoot,
    unpackedBytes: limits.unpackedBytes,
    signal,
    compareMember: async (left, right, member) => {
      const found = await compareInside(left, right, { ...task, ...inside(member), depth: depth + 1 })
      const isOwn = member === '' || format === 'npz'
      const measures = found.measures.map((measure) =>
        isOwn ? measure : { ...measure, name: `${member}: ${measure.name}` },
      )
      return { ...found, path, measures }
    },
  }
}

/** Text whose name says nothing: JSON when both files are, else lines. */
async function compareUnnamedText(pair: FilePair, common: number, task: Task): Promise<Told> {
  if (looksLikeJson(pair)) {
    try {
      return { format: 'json', ...compareJson(pair, task) }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error // it only looked like JSON
    }
  }
  return { format: 'text', ...(await compareText(pair, common, task.signal)) }
}

function looksLikeJson({ left, right }: FilePair): boolean {
  return [left, right].every(({ fd, sizeBytes }) => {
    const head = Buffer.alloc(64)
    return sizeBytes <= maxJsonBytes && /^\s*[[{]/.test(head.subarray(0, readUpTo(fd, head, 0)).toString('latin1'))
  })
}
