/**
 * Whether the names that a Parquet file has for its columns are those that pandas shows.
 *
 * THREAT: pandas takes the names from JSON beside the schema, and DuckDB those of the schema (seen: two exchanged there make
 * another annotator's column the label that is learnt). Where there is an Arrow schema, pyarrow takes the JSON of that one, and
 * other readers that of the file, so both are held to the names. Runs in the sandboxed process.
 */
import { z } from 'zod'
import { type ArrowSchema, parseArrowSchema } from './arrow-schema.ts'
import type { Engine } from './engine.duckdb.ts'
import type { ParquetFault } from './parquet-pages.fs.ts'
import { literal } from './sql.ts'

/** `hidden`: columns that pandas takes for the index, and does not show among the columns. */
export type NamesTold = Readonly<{ hidden: readonly string[] }> | ParquetFault

/** LIMIT: 16 MiB of each; 4,096 columns have less than one. */
const maxBytes = 16 * 1024 * 1024

/** @param file a path that the engine may read, of our own making @param names of the columns, as the schema has them */
export async function namesTold(engine: Engine, file: string, names: readonly string[]): Promise<NamesTold> {
  const rows = await engine.query(
    `SELECT decode(key), octet_length(value), if(octet_length(value) > ${maxBytes}, NULL, value) FROM parquet_kv_metadata(${literal(file)}) WHERE key IN ('pandas'::BLOB, 'ARROW:schema'::BLOB) LIMIT 3`,
  )
  if (rows.some(([, length]) => Number(length) > maxBytes))
    return { because: 'what it says of its columns beside their schema is larger than 16 MiB', code: 'ERR_DATA_LIMIT' }
  const texts = rows.map(
    ([key, , value]) => [String(key), value instanceof Uint8Array ? Buffer.from(value).toString() : ''] as const,
  )
  const because = twice(texts.map(([key]) => key))
  if (because !== undefined) return fault(because)
  const arrow = texts.find(([key]) => key === 'ARROW:schema')
  const schema = arrow === undefined ? undefined : arrowSchemaIn(arrow[1])
  if (schema === null) return fault('its Arrow schema cannot be read')
  return toldBy(texts, schema, names)
}

function toldBy(
  texts: readonly (readonly [string, string])[],
  schema: ArrowSchema | undefined,
  names: readonly string[],
): NamesTold {
  if (schema !== undefined && JSON.stringify(schema.names) !== JSON.stringify(names))
    return fault('its Arrow schema has other columns than the file')
  const inner = schema?.metadata ?? []
  const because = twice(inner.map(([key]) => key).filter((key) => key === 'pandas'))
  if (because !== undefined) return fault(because)
  const hidden = new Set<string>()
  for (const [key, text] of [...texts, ...inner]) {
    if (key !== 'pandas') continue
    const told = parsedPandas(text)
    const wrong = told === undefined ? 'what it says to pandas cannot be read' : renamed(told, names)
    if (told === undefined || wrong !== undefined) return fault(wrong ?? '')
    for (const name of indexOf(told)) if (names.includes(name) && !generated.test(name)) hidden.add(name)
  }
  return { hidden: [...hidden] }
}

function fault(because: string): ParquetFault {
  return { because: `${because}: write it anew from its rows`, code: 'ERR_DATA_UNREADABLE' }
}

function twice(keys: readonly string[]): string | undefined {
  return new Set(keys).size === keys.length ? undefined : 'it says twice what readers take its columns for'
}

/** @returns null for what is none */
function arrowSchemaIn(text: string): ArrowSchema | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  try {
    return parseArrowSchema(Buffer.from(text, 'base64'))
  } catch {
    return null // INVARIANT: refused by the caller
  }
}

const name = z.union([z.string(), z.null()])
/** SOURCE: pandas' developer documentation, "Storing pandas DataFrame objects in Apache Parquet format"; before 2017 without `field_name`. */
const pandasShape = z.object({
  columns: z.array(z.object({ name, field_name: name.optional() })),
  index_columns: z.array(z.union([z.string(), z.object({ kind: z.literal('range') })])),
  column_indexes: z.array(z.object({ numpy_type: name.optional() })).optional(),
})
type Pandas = Readonly<z.infer<typeof pandasShape>>

function parsedPandas(text: string): Pandas | undefined {
  try {
    return pandasShape.parse(JSON.parse(text))
  } catch {
    return undefined // INVARIANT: refused by the caller
  }
}

/** The names of an index that has none, or has that of a column. */
const generated = /^__index_level_\d+__$/

function indexOf({ index_columns: index }: Pandas): readonly string[] {
  return index.filter((each) => typeof each === 'string')
}

function renamed(told: Pandas, names: readonly string[]): string | undefined {
  const index = new Set(indexOf(told))
  const of = new Set(names)
  const wrong = told.columns.find(({ name: shown, field_name: field = shown }) => {
    if (shown === field || (shown === null && field === 'None')) return false
    const isUnnamedIndex = field !== null && generated.test(field) && index.has(field)
    return !(isUnnamedIndex && (shown === null || of.has(shown)))
  })
  if (wrong !== undefined) return `pandas shows another name than \`${(wrong.field_name ?? '').slice(0, 100)}\` for it`
  // names cut to so many characters may become one
  const isCut = told.column_indexes?.some(({ numpy_type: type }) => /^[<>=|]?[USa]\d*$/.test(type ?? ''))
  return isCut === true ? 'pandas shows the names of its columns cut short' : undefined
}
