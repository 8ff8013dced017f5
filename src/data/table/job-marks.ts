/**
 * What a job of Spark or Hadoop leaves beside the files of a table: pure.
 *
 * THREAT: data under such a name, which nobody looks into. Only what can hold nothing, or next to nothing, and decides nothing
 * of what is read is taken for one. `_metadata`, `_common_metadata` and `_committed_*` are not: readers that know them read the
 * rows that those name, and no others.
 */
import { isTableName } from './format.ts'

export type FilesOfTable = Readonly<{ tables: readonly string[]; marks: readonly string[] }>

/** @param sizeOf in bytes @returns undefined when it is no table in one file or several */
export function filesOfTable(names: readonly string[], sizeOf: (name: string) => number): FilesOfTable | undefined {
  const tables = names.filter(isTableName)
  if (tables.length === 0) return undefined
  const all = new Set(names)
  const marks = names.filter((name) => !isTableName(name))
  return marks.every((name) => isMark(name, all, sizeOf)) ? { tables, marks } : undefined
}

/** @param files of a folder, each by its path in it */
export function isTable(files: readonly Readonly<{ path: string; sizeBytes: number }>[]): boolean {
  const sizes = new Map(files.map(({ path, sizeBytes }) => [path, sizeBytes]))
  return filesOfTable([...sizes.keys()], (name) => sizes.get(name) ?? 0) !== undefined
}

const success = '_SUCCESS'

function isMark(name: string, all: ReadonlySet<string>, sizeOf: (name: string) => number): boolean {
  if (name === success) return sizeOf(name) === 0
  const [, folder = '', sibling = ''] = /^(.*\/)?\.([^/]+)\.crc$/.exec(name) ?? []
  const of = `${folder}${sibling}`
  if (!(isTableName(of) || of === success) || !all.has(of)) return false
  return sizeOf(name) <= checksumBytes(sizeOf(of))
}

/** SOURCE: Hadoop's ChecksumFileSystem: `crc` and NUL, how many bytes a sum is of, then four bytes for each 512. */
function checksumBytes(sizeBytes: number): number {
  return 8 + 4 * Math.ceil(sizeBytes / 512)
}

/** What a verdict says of them. Of checksums no names, which may hold values: those of partitions. */
export function marksTold(marks: readonly string[]): readonly string[] {
  if (marks.length === 0) return []
  const sums = marks.filter((name) => name !== success).length
  const what = [
    ...(marks.includes(success) ? [`\`${success}\`, which is empty`] : []),
    ...(sums === 0 ? [] : [`${sums} checksum ${sums === 1 ? 'file' : 'files'} (.NAME.crc)`]),
  ]
  return [`what a job left beside the files of the table: ${what.join(', and ')}`]
}

/**
 * THREAT: rows that only a validator reads make those few seem many that a trainer reads.
 *
 * SOURCE: pyarrow 26, which skips folders called `_name=value` too, and Spark, which reads those.
 */
export function isSkipped(inner: string): boolean {
  return inner.split('/').some((name) => /^[_.]/.test(name))
}
