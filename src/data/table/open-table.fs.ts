/**
 * Opens files as one table: by generated names in a folder of links, each looked at before the engine sees it.
 *
 * THREAT: an engine that expands patterns reads a neighbour for a file called `x[1].csv`; so it is never told a name
 * that others chose. Files of one table must agree on their columns: an engine that takes those of the first file would
 * not show what the others add. Runs in the sandboxed process.
 */
import { closeSync, mkdirSync, openSync, readSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { nameFault } from '../../core/index.ts'
import { hidesZip } from '../files/packed.fs.ts'
import { type DataCheck, formatFault } from '../validate/check.ts'
import { findCsvFaults, hasLongLine } from './csv-faults.fs.ts'
import { type CsvHead, readCsvHead } from './csv-head.ts'
import { type Engine, firstLine, isOverLimit } from './engine.duckdb.ts'
import { contradicts, type TableFile, tableFileOf } from './format.ts'
import { isSkipped } from './job-marks.ts'
import { overLimits } from './json-lines.fs.ts'
import { namesTold } from './parquet-names.ts'
import { parquetFault } from './parquet-pages.fs.ts'
import { generatedName, type Relation, type TableColumn } from './relation.ts'
import { identifier, listOf, literal } from './sql.ts'
import { unpackGzip } from './unpack.fs.ts'

/** `path` is where the file lies; `inner` its path in the dataset, which may name partitions (`year=2024/part.parquet`). */
export type InputFile = Readonly<{ path: string; inner: string }>

export type Opened =
  | Readonly<{
      kind: 'open'
      relation: Relation
      faults: readonly DataCheck[]
      /** Columns that pandas does not show as such. */
      hidden?: readonly string[]
      /** To find the rows at fault, should it not be readable. */
      csv?: Readonly<{ paths: readonly string[]; delimiter: string; fields: number }>
    }>
  | Readonly<{ kind: 'refused'; faults: readonly DataCheck[] }>

export type TableLimits = Readonly<{ columns: number; unpackedBytes: number }>

/** LIMIT: a header lies within the first MiB. */
const headBytes = 1024 * 1024

/** @param folder empty, below a folder that the engine may read */
export async function openTable(
  engine: Engine,
  files: readonly InputFile[],
  folder: string,
  limits: TableLimits,
): Promise<Opened> {
  const [first] = files
  const kind = first === undefined ? undefined : tableFileOf(first.inner)
  if (first === undefined || kind === undefined) return refused(formatFault('known', 'it is no table'))
  const heads = files.map((file) => readHead(file.path))
  const wrong = files.flatMap((file, index) => {
    const own = tableFileOf(file.inner)
    const same = own?.format === kind.format && own.gzip === kind.gzip
    const because = same
      ? contradicts(heads[index] ?? empty, kind)
      : 'the other files of the table are in another format'
    return because === undefined ? [] : [{ file: file.inner, because }]
  })
  if (wrong.length > 0) return refusedFiles('signature', wrong)
  const hiding = files.filter(({ path }) => hidesZip(path))
  if (hiding.length > 0)
    return refusedFiles(
      'claims',
      hiding.map(({ inner }) => ({ file: inner, because: twoFaces })),
    )
  const skipped = files.length === 1 ? [] : files.filter(({ inner }) => isSkipped(inner))
  if (skipped.length > 0)
    return refusedFiles(
      'skipped',
      skipped.map(({ inner }) => ({ file: inner, because: notRead })),
    )
  mkdirSync(folder, { recursive: true })
  const links: string[] = []
  for (const [index, file] of files.entries()) {
    const link = join(folder, `${String(index).padStart(8, '0')}.${kind.format}`)
    if (kind.gzip) {
      const because = await unpackGzip(file.path, link, limits.unpackedBytes)
      if (because !== undefined) return refusedFiles('packed', [{ file: file.inner, ...because }])
    } else symlinkSync(file.path, link)
    links.push(link)
  }
  const opened = await relationOf(engine, kind, files, links)
  if (opened.kind === 'refused') return opened
  return checkedColumns(withPartitions(opened, files), limits)
}

const empty = new Uint8Array()
const notRead = 'pandas and Spark skip it, since a name in its path begins with `_` or `.`: rename it, or take it out'
const twoFaces = 'it ends as a zip does: readers that look from the end take it for one'

function readHead(path: string): Uint8Array {
  const fd = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(headBytes)
    return buffer.subarray(0, readSync(fd, buffer, 0, headBytes, 0))
  } finally {
    closeSync(fd)
  }
}

function refused(...faults: readonly DataCheck[]): Opened {
  return { kind: 'refused', faults }
}

type FileFault = Readonly<{ file: string; because: string; code?: 'ERR_DATA_LIMIT' | 'ERR_DATA_UNREADABLE' }>

function refusedFiles(name: string, faults: readonly FileFault[]): Opened {
  const [first] = faults
  return refused(
    formatFault(name, first?.because ?? '', {
      rows: faults.slice(0, 100).map(({ file }) => file),
      count: faults.length,
      ...(first?.code === undefined ? {} : { code: first.code }),
    }),
  )
}

/** What the engine says, with the names that the files have to whoever reads it, not those of the links. */
function inNamesOf(files: readonly InputFile[], links: readonly string[], error: unknown): string {
  return links.reduce((text, link, index) => text.replaceAll(link, files[index]?.inner ?? ''), firstLine(error))
}

function relationOf(
  engine: Engine,
  { format }: TableFile,
  files: readonly InputFile[],
  links: readonly string[],
): Promise<Opened> {
  if (format === 'parquet') return parquetRelation(engine, files, links)
  if (format === 'jsonl') return jsonRelation(engine, files, links)
  return csvRelation(format, files, links)
}

async function csvRelation(
  format: 'csv' | 'tsv',
  files: readonly InputFile[],
  links: readonly string[],
): Promise<Opened> {
  const heads: CsvHead[] = []
  for (const [index, link] of links.entries()) {
    const head = readCsvHead(readHead(link), format)
    if ('because' in head) return refusedFiles('header', [{ file: files[index]?.inner ?? '', because: head.because }])
    heads.push(head)
  }
  const [first] = heads
  if (first === undefined) throw new Error('no file')
  const wrong = heads.flatMap((head, index) =>
    head.header.join('\0') === first.header.join('\0') && head.delimiter === first.delimiter
      ? []
      : [{ file: files[index]?.inner ?? '', because: 'its header is not that of the first file' }],
  )
  if (wrong.length > 0) return refusedFiles('columns', wrong)
  for (const link of links) {
    const long = hasLongLine(link) ? findCsvFaults(link, first.delimiter, first.header.length) : undefined
    if (long !== undefined) return refused(formatFault('readable', long.because, { rows: [...long.rows] }))
  }
  const columns = first.header.map(
    (name, index): TableColumn => ({ name, ref: generatedName(index), storage: 'text', sqlType: 'VARCHAR' }),
  )
  const types = columns.map((_, index) => `'c${index}': 'VARCHAR'`).join(', ')
  const options = [
    "auto_detect=false, header=true, strict_mode=true, null_padding=false, ignore_errors=false, nullstr=['']",
    `delim=${first.delimiter === '\t' ? 'chr(9)' : literal(first.delimiter)}, quote='"', escape='"', columns={${types}}`,
  ]
  const from = `read_csv(${listOf(links.map(literal))}, ${options.join(', ')})`
  const marked = heads.some(({ bom }) => bom)
  const because = 'it starts with a byte order mark, which some readers take for a part of the first name'
  return {
    kind: 'open',
    relation: { from, columns },
    faults: marked ? [formatFault('bom', because, { verdict: 'warn' })] : [],
    csv: { paths: links, delimiter: first.delimiter, fields: columns.length },
  }
}

async function jsonRelation(engine: Engine, files: readonly InputFile[], links: readonly string[]): Promise<Opened> {
  const faults = links.flatMap((link, index): readonly FileFault[] => {
    const because = overLimits(link)
    return because === undefined ? [] : [{ file: files[index]?.inner ?? '', because, code: 'ERR_DATA_LIMIT' }]
  })
  if (faults.length > 0) return refusedFiles('readable', faults)
  const paths = listOf(links.map(literal))
  const whole = `format='newline_delimited', maximum_depth=1, sample_size=-1, union_by_name=true`
  let names: readonly string[]
  try {
    const rows = await engine.query(`SELECT column_name FROM (DESCRIBE SELECT * FROM read_json(${paths}, ${whole}))`)
    names = rows.map(([name]) => String(name))
    const [others = []] = await engine.query(
      `SELECT count_if(json_type(json) <> 'OBJECT') FROM read_ndjson_objects(${paths})`,
    )
    if (Number(others[0]) > 0) return refused(formatFault('readable', `${others[0]} of its lines are no objects`))
  } catch (error) {
    return refused(formatFault('readable', inNamesOf(files, links, error)))
  }
  const columns = names.map((name): TableColumn => ({ name, ref: identifier(name), storage: 'json', sqlType: 'JSON' }))
  const types = names.map((name) => `${literal(name)}: 'JSON'`).join(', ')
  return {
    kind: 'open',
    relation: { from: `read_json(${paths}, format='newline_delimited', columns={${types}})`, columns },
    faults: [],
  }
}

async function parquetRelation(engine: Engine, files: readonly InputFile[], links: readonly string[]): Promise<Opened> {
  const shapes: string[] = []
  const hidden = new Set<string>()
  let columns: readonly TableColumn[] = []
  for (const [index, link] of links.entries()) {
    const file = files[index]?.inner ?? ''
    try {
      const described = await engine.query(
        `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(${literal(link)}, hive_partitioning=false))`,
      )
      const own = described.map(
        ([name, type]): TableColumn => ({
          name: String(name),
          ref: identifier(String(name)),
          storage: 'typed',
          sqlType: String(type),
        }),
      )
      if (index === 0) columns = own
      shapes.push(own.map(({ name, sqlType }) => `${name}\0${sqlType}`).join('\0\0'))
      const fault = await parquetFault(engine, link)
      if (fault !== undefined) return refusedFiles('claims', [{ file, ...fault }])
      const twins = await twinsOf(engine, link)
      if (twins !== undefined)
        return refusedFiles('columns', [{ file, because: `it has the column \`${twins}\` twice` }])
      const names = own.map(({ name }) => name)
      const told = await namesTold(engine, link, names)
      if ('because' in told) return refusedFiles('claims', [{ file, ...told }])
      for (const name of told.hidden) hidden.add(name)
    } catch (error) {
      const because = inNamesOf(files, links, error)
      return refusedFiles('readable', [{ file, because, ...(isOverLimit(because) ? { code: 'ERR_DATA_LIMIT' } : {}) }])
    }
  }
  const wrong = shapes.flatMap((shape, index) =>
    shape === shapes[0]
      ? []
      : [{ file: files[index]?.inner ?? '', because: 'its columns are not those of the first file' }],
  )
  if (wrong.length > 0) return refusedFiles('columns', wrong)
  const from = `read_parquet(${listOf(links.map(literal))}, hive_partitioning=false)`
  const isOwn = links.length === 1 && columns.every(({ name }) => name.toLowerCase() !== 'file_row_number')
  const counted = isOwn ? { rowNumber: 'file_row_number + 1' } : {}
  return { kind: 'open', relation: { from, columns, ...counted }, faults: [], hidden: [...hidden] }
}

/** A name that stands twice at the top, or twice but for its case: the engine would show another name. */
async function twinsOf(engine: Engine, link: string): Promise<string | undefined> {
  const rows = await engine.query(`SELECT name, num_children FROM parquet_schema(${literal(link)})`)
  const seen = new Set<string>()
  for (let at = 1; at < rows.length; at += sizeOf(rows, at)) {
    const name = String(rows[at]?.[0])
    if (seen.has(name.toLowerCase())) return name
    seen.add(name.toLowerCase())
  }
  return undefined
}

/** Entries that the one at `at` and all below it take. SOURCE: Parquet format, SchemaElement, depth first. */
function sizeOf(rows: readonly (readonly unknown[])[], at: number): number {
  let open = 1
  let next = at
  while (open > 0 && next < rows.length) {
    open += Number(rows[next]?.[1] ?? 0) - 1
    next += 1
  }
  return Math.max(1, next - at)
}

/** Folders called `name=value` are columns, as in Hive. */
function withPartitions(opened: Extract<Opened, { kind: 'open' }>, files: readonly InputFile[]): Opened {
  const pairs = files.map(({ inner }) => new Map(partitionsOf(inner)))
  const names = [...(pairs[0]?.keys() ?? [])]
  if (pairs.some((own) => own.size !== names.length || names.some((name) => !own.has(name)))) {
    return refused(formatFault('partitions', 'its folders do not name the same partitions for every file'))
  }
  if (names.length === 0) return opened
  const { relation } = opened
  const added = names.map((name, index) => {
    const values = listOf(pairs.map((own) => literal(own.get(name) ?? '')))
    return {
      name,
      ref: identifier(`p${index}`),
      sql: `nullif(${values}[CAST(file_index AS BIGINT) + 1], '__HIVE_DEFAULT_PARTITION__')`,
    }
  })
  const from = `(SELECT *, ${added.map(({ ref, sql }) => `${sql} AS ${ref}`).join(', ')} FROM ${relation.from})`
  // the number of a row in its file is out of reach behind the select
  const columns = added.map(({ name, ref }): TableColumn => ({ name, ref, storage: 'text', sqlType: 'VARCHAR' }))
  return { ...opened, relation: { from, columns: [...relation.columns, ...columns] } }
}

function partitionsOf(inner: string): readonly (readonly [string, string])[] {
  return inner
    .split('/')
    .slice(0, -1)
    .flatMap((folder) => {
      const at = folder.indexOf('=')
      return at < 1 ? [] : [[folder.slice(0, at), decode(folder.slice(at + 1))] as const]
    })
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value // not an escape: the value is meant as it stands
  }
}

function checkedColumns(opened: Opened, limits: TableLimits): Opened {
  if (opened.kind === 'refused') return opened
  const { columns } = opened.relation
  if (columns.length === 0) return refused(formatFault('columns', 'it has no columns'))
  if (columns.length > limits.columns) {
    const because = `it has ${columns.length} columns, the limit is ${limits.columns}`
    return refused(formatFault('columns', because, { code: 'ERR_DATA_LIMIT', observed: columns.length }))
  }
  const names = columns.map(({ name }) => name)
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined)
    return refused(
      formatFault('columns', `it has the column \`${twin.slice(0, 100)}\` twice`, { column: twin.slice(0, 1000) }),
    )
  const odd = names.find((name) => name.length > 1000)
  if (odd !== undefined)
    return refused(
      formatFault('columns', 'it has a column whose name is longer than 1,000 characters', { code: 'ERR_DATA_LIMIT' }),
    )
  const strange = names.filter((name) => name === '' || /["'`;\\]|--/.test(name) || nameFault(name) === notPrinting)
  if (strange.length === 0) return opened
  const because = 'it has names of columns that are empty, look like code, or do not print'
  const fault = formatFault('names', because, { verdict: 'warn', column: strange[0] ?? null, count: strange.length })
  return { ...opened, faults: [...opened.faults, fault] }
}

const notPrinting = 'holds a character that does not print'
