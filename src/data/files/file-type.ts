/** What a file is by its first bytes, and whether its name agrees. Pure. */
import { isUtf8 } from 'node:buffer'

type Signature = Readonly<{ type: string; at: number; bytes: readonly number[] }>

const ascii = (text: string): readonly number[] => [...text].map((character) => character.charCodeAt(0))

/** SOURCE: each format's specification; the more telling first. */
const signatures: readonly Signature[] = [
  { type: 'png', at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { type: 'jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { type: 'gif', at: 0, bytes: ascii('GIF8') },
  { type: 'webp', at: 8, bytes: ascii('WEBP') },
  { type: 'wav', at: 8, bytes: ascii('WAVE') },
  { type: 'tiff', at: 0, bytes: [0x49, 0x49, 0x2a, 0x00] },
  { type: 'tiff', at: 0, bytes: [0x4d, 0x4d, 0x00, 0x2a] },
  { type: 'tiff', at: 0, bytes: [0x49, 0x49, 0x2b, 0x00] },
  { type: 'tiff', at: 0, bytes: [0x4d, 0x4d, 0x00, 0x2b] },
  { type: 'avif', at: 4, bytes: ascii('ftypavif') },
  { type: 'heif', at: 4, bytes: ascii('ftyphei') },
  { type: 'heif', at: 4, bytes: ascii('ftypmif1') },
  { type: 'heif', at: 4, bytes: ascii('ftypmsf1') },
  { type: 'mp4', at: 4, bytes: ascii('ftyp') },
  { type: 'bmp', at: 0, bytes: ascii('BM') },
  { type: 'flac', at: 0, bytes: ascii('fLaC') },
  { type: 'ogg', at: 0, bytes: ascii('OggS') },
  { type: 'mp3', at: 0, bytes: ascii('ID3') },
  { type: 'parquet', at: 0, bytes: ascii('PAR1') },
  { type: 'npy', at: 0, bytes: [0x93, ...ascii('NUMPY')] },
  { type: 'hdf5', at: 0, bytes: [0x89, 0x48, 0x44, 0x46] },
  { type: 'pdf', at: 0, bytes: ascii('%PDF-') },
  { type: 'zip', at: 0, bytes: [0x50, 0x4b, 0x03, 0x04] },
  { type: 'zip', at: 0, bytes: [0x50, 0x4b, 0x05, 0x06, 0, 0, 0, 0, 0, 0, 0, 0] },
  { type: 'gzip', at: 0, bytes: [0x1f, 0x8b] },
  { type: 'executable', at: 0, bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { type: 'executable', at: 0, bytes: ascii('MZ') },
  { type: 'pickle', at: 0, bytes: [0x80, 0x04] },
  { type: 'pickle', at: 0, bytes: [0x80, 0x05] },
  { type: 'script', at: 0, bytes: ascii('#!') },
]

/** Types that are decoded; one of their pixels is looked at, and nothing else of theirs. */
export const imageTypes: ReadonlySet<string> = new Set(['png', 'jpeg', 'gif', 'webp', 'tiff', 'avif', 'heif'])

/** Types that run, or that run something when they are read. */
export const runningTypes: ReadonlySet<string> = new Set(['executable', 'pickle', 'script', 'svg'])

/** @param head the first bytes, at least 64 when there are as many @returns `empty`, `text`, `text-8-bit` or `unknown` too */
export function fileTypeOf(head: Uint8Array): string {
  if (head.length === 0) return 'empty'
  const found = signatures.find(({ at, bytes }) => bytes.every((byte, index) => head[at + index] === byte))
  if (found !== undefined) return found.type
  const text = textTypeOf(head)
  if (text === undefined) return 'unknown'
  return /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(
    Buffer.from(head).toString('latin1'),
  )
    ? 'svg'
    : text
}

/** Of another encoding where it is no UTF-8, and has no byte that text has in none: tab, line ends, page and escape are in all. */
function textTypeOf(head: Uint8Array): 'text' | 'text-8-bit' | undefined {
  if (head.includes(0)) return undefined
  // a character may be cut at the end
  if ([0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, Math.max(0, head.length - cut))))) return 'text'
  return head.every((byte) => byte >= 0x20 || [0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte)) ? 'text-8-bit' : undefined
}

const anyText = ['text', 'text-8-bit']

const endings: ReadonlyMap<string, readonly string[]> = new Map([
  ['png', ['png']],
  ['jpg', ['jpeg']],
  ['jpeg', ['jpeg']],
  ['gif', ['gif']],
  ['webp', ['webp']],
  ['tif', ['tiff']],
  ['tiff', ['tiff']],
  ['avif', ['avif', 'heif']],
  ['heic', ['heif']],
  ['bmp', ['bmp']],
  ['wav', ['wav']],
  ['mp3', ['mp3', 'unknown']],
  ['flac', ['flac']],
  ['ogg', ['ogg']],
  ['mp4', ['mp4']],
  ['npy', ['npy']],
  ['pdf', ['pdf']],
  ['zip', ['zip']],
  ['gz', ['gzip']],
  ['parquet', ['parquet']],
  ['txt', anyText],
  ['csv', anyText],
  ['tsv', anyText],
  ['json', ['text']],
  ['jsonl', ['text']],
  ['xml', anyText],
  ['md', anyText],
  ['yaml', ['text']],
  ['yml', ['text']],
])

/** Whether the name's ending promises another type. An ending that is not known promises nothing. */
export function isMisnamed(path: string, type: string): boolean {
  const dot = path.lastIndexOf('.')
  const wanted = dot < 0 ? undefined : endings.get(path.slice(dot + 1).toLowerCase())
  return wanted !== undefined && type !== 'empty' && !wanted.includes(type)
}
