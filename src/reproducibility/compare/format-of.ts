/** What a file is read as: by its first bytes where they say so, by its name where they do not. Pure. */
import { fileTypeOf, imageTypes } from '../../data/index.ts'
import type { ComparedFormat } from './compared.ts'

/** `zip`, `tar`, `gzip`: what an archive is packed with. `certain`: the bytes themselves say it. */
export type Kind = Readonly<{ format: ComparedFormat; packing?: 'zip' | 'tar' | 'gzip'; certain: boolean }>

/** Bytes that are asked for at least, where the file has as many. */
export const headBytes = 512

const byType: Readonly<Record<string, Omit<Kind, 'certain'>>> = {
  parquet: { format: 'parquet' },
  npy: { format: 'npy' },
  zip: { format: 'archive', packing: 'zip' },
  gzip: { format: 'archive', packing: 'gzip' },
}

const byEnding: Readonly<Record<string, Omit<Kind, 'certain'>>> = {
  safetensors: { format: 'safetensors' },
  npy: { format: 'npy' },
  npz: { format: 'npz', packing: 'zip' },
  onnx: { format: 'onnx' },
  parquet: { format: 'parquet' },
  csv: { format: 'csv' },
  tsv: { format: 'csv' },
  jsonl: { format: 'jsonl' },
  ndjson: { format: 'jsonl' },
  json: { format: 'json' },
  zip: { format: 'archive', packing: 'zip' },
  gz: { format: 'archive', packing: 'gzip' },
  tgz: { format: 'archive', packing: 'gzip' },
  tar: { format: 'archive', packing: 'tar' },
  png: { format: 'image' },
  jpg: { format: 'image' },
  jpeg: { format: 'image' },
  gif: { format: 'image' },
  webp: { format: 'image' },
  tif: { format: 'image' },
  tiff: { format: 'image' },
}

/** @param head the first `headBytes`, or all there are @param path its name counts */
export function kindOf(head: Uint8Array, path: string, sizeBytes: number): Kind {
  // first of all: the length of a header may begin like the signature of another format
  if (isSafetensors(head, sizeBytes)) return { format: 'safetensors', certain: true }
  const type = fileTypeOf(head)
  const ending = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  const known = Object.hasOwn(byType, type) ? byType[type] : undefined
  if (known !== undefined)
    return { ...known, ...(ending === 'npz' && type === 'zip' ? { format: 'npz' } : {}), certain: true }
  if (imageTypes.has(type)) return { format: 'image', certain: true }
  if (isTar(head)) return { format: 'archive', packing: 'tar', certain: true }
  const named = Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined
  if (named !== undefined) return { ...named, certain: false }
  if (type === 'text' || type === 'script' || type === 'svg') return { format: 'text', certain: false }
  return { format: 'bytes', certain: false }
}

/** SOURCE: POSIX.1-1988 ustar, the magic at 257. */
function isTar(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar'
}

/** SOURCE: safetensors, README "Format": a header has at most 100 MB. */
const maxHeaderBytes = 100_000_000n

/** The length of a JSON header that fits, and its first brace. */
function isSafetensors(head: Uint8Array, sizeBytes: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false
  const length = Buffer.from(head.subarray(0, 8)).readBigUInt64LE()
  return length >= 2n && length <= maxHeaderBytes && length + 8n <= BigInt(sizeBytes)
}
