/** What a file is by its name, and whether its first bytes agree. */

export type TableFormat = 'csv' | 'tsv' | 'jsonl' | 'parquet'

/** `gzip`: the whole file is packed; Parquet packs itself. */
export type TableFile = Readonly<{ format: TableFormat; gzip: boolean }>

const endings: Readonly<Record<string, TableFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  parquet: 'parquet',
}

/** @returns undefined when the name is not that of a table */
export function tableFileOf(name: string): TableFile | undefined {
  const [, ending = '', packed] = /\.([a-z]+)(\.gz)?$/i.exec(name) ?? []
  const format = endings[ending.toLowerCase()]
  if (format === undefined || (format === 'parquet' && packed !== undefined)) return undefined
  return { format, gzip: packed !== undefined }
}

const signatures: readonly Readonly<{ name: string; bytes: readonly number[] }>[] = [
  { name: 'Parquet', bytes: [0x50, 0x41, 0x52, 0x31] },
  { name: 'gzip', bytes: [0x1f, 0x8b] },
  { name: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { name: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'bzip2', bytes: [0x42, 0x5a, 0x68, 0x39, 0x31] },
  { name: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'PNG', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { name: 'JPEG', bytes: [0xff, 0xd8, 0xff] },
  { name: 'PDF', bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
  { name: 'an executable', bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { name: 'HDF5', bytes: [0x89, 0x48, 0x44, 0x46] },
  { name: 'SQLite', bytes: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66] },
  { name: 'UTF-16 text', bytes: [0xff, 0xfe] },
  { name: 'UTF-16 text', bytes: [0xfe, 0xff] },
]

/** @returns why the first bytes contradict the name, or undefined */
export function contradicts(head: Uint8Array, { format, gzip }: TableFile): string | undefined {
  if (head.length === 0) return 'it is empty'
  const found = signatures.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte))?.name
  const wanted = gzip ? 'gzip' : format === 'parquet' ? 'Parquet' : undefined
  if (found === wanted) return undefined
  return `its name says ${format}${gzip ? ', packed' : ''}, its first bytes are ${found ?? `not ${wanted}`}`
}

export function isTableName(path: string): boolean {
  return tableFileOf(path) !== undefined
}
