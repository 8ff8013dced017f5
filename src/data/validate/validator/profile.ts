/** What a table is like: for a baseline, and for the draft of a contract. Runs in the sandboxed process. */
import { join } from 'node:path'
import { tallyPoison } from '../../poison/index.ts'
import { profileAnchor } from '../../statistics/index.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import type { KindedColumn } from '../../table/load-columns.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { instantOf, isNull, numberOf, type Relation, textOf } from '../../table/relation.ts'
import { formatFault } from '../check.ts'
import { unreadable } from '../evaluate.ts'
import type { ColumnFact, ProfileAnswer, ProfileRequest } from '../request.ts'
import { loadFor } from './compare.ts'

export async function profile(engine: Engine, request: ProfileRequest, folder: string): Promise<ProfileAnswer> {
  const opened = await openTable(engine, request.files, join(folder, 'tables', '0'), request.limits)
  if (opened.kind === 'refused') return { checks: [...opened.faults], unseen: [] }
  const fault = await unreadable(engine, opened.relation)
  if (fault !== undefined) return { checks: [fault], unseen: [] }
  const loaded = await loadFor(engine, opened.relation, request.statistics, request.types)
  if (loaded.rows === 0) return { checks: [formatFault('rows', 'it has no rows')], unseen: [] }
  const { label, source } = request.statistics
  if (label !== undefined && loaded.columns.label === undefined)
    return { checks: [formatFault('label', `there is no column \`${label}\``)], unseen: [] }
  // later versions would be held to it, source by source, and none would be
  if (source !== undefined && loaded.columns.source === undefined)
    return { checks: [formatFault('source', `there is no column \`${source}\``)], unseen: [] }
  const facts: ColumnFact[] = []
  for (const column of loaded.kinds) facts.push(await factOf(engine, opened.relation, column, loaded.rows))
  const { rows } = loaded.columns
  const { poison: isWanted, seed } = request.statistics
  const { tallies: poison, judged } = isWanted
    ? tallyPoison({ candidate: loaded.columns, seed })
    : { tallies: [], judged: rows }
  const unseen = [
    ...(rows < loaded.rows ? [`the profile is of ${rows} of ${loaded.rows} rows`] : []),
    ...(judged < rows ? [`labels and outliers were counted among ${judged} of ${rows} rows`] : []),
  ]
  return {
    rows: loaded.rows,
    checks: [...opened.faults],
    unseen,
    profile: profileAnchor(loaded.columns),
    poison: [...poison],
    facts,
  }
}

/** A column of at most so many values is one whose values can be listed. */
const fewValues = 20
const listable: ReadonlySet<string> = new Set(['string', 'boolean'])

async function factOf(
  engine: Engine,
  relation: Relation,
  { column, kind, distinct }: KindedColumn,
  rows: number,
): Promise<ColumnFact> {
  const ask = async (expressions: readonly string[]): Promise<readonly unknown[]> =>
    (await engine.query(`SELECT ${expressions.join(', ')} FROM ${relation.from}`))[0] ?? []
  const empty = { name: column.name, kind, isUnique: false, min: null, max: null, longest: null, values: null }
  if (kind === 'nested' || kind === 'binary') {
    const [nulls] = await ask([`count_if(${isNull(column)})`])
    return { ...empty, nulls: Number(nulls) }
  }
  const isNumber = kind === 'integer' || kind === 'number'
  const isInstant = kind === 'date' || kind === 'timestamp'
  const value = isNumber ? `CAST(${numberOf(column)} AS DOUBLE)` : isInstant ? instantOf(column) : textOf(column)
  const finite = isNumber ? ` FILTER (WHERE isfinite(${value}))` : ''
  const shown = isInstant
    ? (sql: string) => `strftime(${sql}, '${kind === 'date' ? '%Y-%m-%d' : '%Y-%m-%dT%H:%M:%S'}')`
    : (sql: string) => sql
  // the engine's estimate is up to a quarter off
  const mayBeUnique = distinct > rows * 0.5
  const [nulls, min, max, longest, unique] = await ask([
    `count_if(${isNull(column)})`,
    ...(isNumber || isInstant ? [shown(`min(${value})${finite}`), shown(`max(${value})${finite}`)] : ['NULL', 'NULL']),
    kind === 'string' ? `max(length(${value}))` : 'NULL',
    mayBeUnique ? `count(${column.ref}) = count(DISTINCT ${column.ref})` : 'false',
  ])
  const values = listable.has(kind) && distinct <= fewValues ? await valuesOf(engine, relation, textOf(column)) : null
  const bound = (each: unknown): string | number | null =>
    typeof each === 'string' || typeof each === 'number' ? each : null
  return {
    ...empty,
    nulls: Number(nulls),
    isUnique: unique === true && Number(nulls) < rows,
    min: bound(min),
    max: bound(max),
    longest: longest === null ? null : Number(longest),
    values,
  }
}

async function valuesOf(engine: Engine, relation: Relation, text: string): Promise<string[] | null> {
  const rows = await engine.query(
    `SELECT DISTINCT ${text} FROM ${relation.from} WHERE ${text} IS NOT NULL ORDER BY 1 LIMIT ${fewValues + 1}`,
  )
  const values = rows.map(([value]) => String(value))
  return values.length > fewValues || values.some((value) => value.length > 200) ? null : values
}
