/**
 * Two tables, row by row: which rows are new, gone or changed, and in which columns. Runs in the sandboxed process.
 *
 * Rows are put beside each other by a key that both have (named, or found: a unique column of integers or strings that is
 * called like one), else by position when there are as many, else by their content.
 * LIMIT: a thousand rows of each kind are listed; `counts` has them all.
 */
import { join } from 'node:path'
import type { Engine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { columnNamed, type Relation, type TableColumn, textOf } from '../../table/relation.ts'
import { formatFault } from '../check.ts'
import { unreadable } from '../evaluate.ts'
import type { DiffAnswer, DiffRequest, FileList } from '../request.ts'

const none: Pick<DiffAnswer, 'added' | 'removed' | 'changed'> = { added: [], removed: [], changed: [] }
const maxListed = 1000
const maxCharacters = 500

export async function diff(engine: Engine, request: DiffRequest, folder: string): Promise<DiffAnswer> {
  const sides: Relation[] = []
  for (const [name, files] of [
    ['left', request.left],
    ['right', request.right],
  ] as const satisfies readonly (readonly [string, FileList])[]) {
    const opened = await openTable(engine, files, join(folder, 'tables', name), request.limits)
    if (opened.kind === 'refused')
      return { ...none, checks: opened.faults.map((fault) => ({ ...fault, because: `${name}: ${fault.because}` })) }
    const fault = await unreadable(engine, opened.relation)
    if (fault !== undefined) return { ...none, checks: [{ ...fault, because: `${name}: ${fault.because}` }] }
    sides.push(opened.relation)
  }
  const [left, right] = sides
  if (left === undefined || right === undefined) throw new Error('two sides were opened')
  return compareTables(engine, left, right, request)
}

/** A misspelt label would tell that nothing was relabelled. */
function namedIn({ key = [], label, source }: DiffRequest): readonly Readonly<{ as: string; name: string }>[] {
  return [
    ...key.map((name) => ({ as: 'key', name })),
    ...(label === undefined ? [] : [{ as: 'label', name: label }]),
    ...(source === undefined ? [] : [{ as: 'source', name: source }]),
  ]
}

async function compareTables(
  engine: Engine,
  left: Relation,
  right: Relation,
  request: DiffRequest,
): Promise<DiffAnswer> {
  const columns = columnsOf(left, right)
  const shared = left.columns.filter(({ name }) => columnNamed(right, name) !== undefined).map(({ name }) => name)
  const rows = { left: await countOf(engine, left), right: await countOf(engine, right) }
  const missing = namedIn(request).find(({ name }) => !shared.includes(name))
  if (missing !== undefined) {
    const because = `not both sides have the column \`${missing.name.slice(0, 200)}\``
    return { ...none, checks: [formatFault(missing.as, because)] }
  }
  const key = request.key ?? (await findKey(engine, left, right, shared))
  const by = key ?? (rows.left === rows.right ? 'position' : 'content')
  const tables: Tables = { left: sideOf(left, shared), right: sideOf(right, shared), shared, request }
  const found =
    by === 'content'
      ? await byContent(engine, tables)
      : await byPairs(engine, tables, by === 'position' ? undefined : by)
  return { checks: [], by: by === 'position' || by === 'content' ? by : [...by], rows, columns, ...found }
}

type Tables = Readonly<{
  /** `SELECT n, v0, v1, ...`: number of the row, and the text of each shared column. */
  left: string
  right: string
  shared: readonly string[]
  request: DiffRequest
}>

function sideOf(relation: Relation, shared: readonly string[]): string {
  const values = shared.map((name, index) => `${canonical(columnNamed(relation, name))} AS v${index}`)
  return `(SELECT ${[`${relation.rowNumber ?? 'row_number() OVER ()'} AS n`, ...values].join(', ')} FROM ${relation.from})`
}

/** The characters of a value; the same value in two types of numbers has the same. */
function canonical(column: TableColumn | undefined): string {
  if (column === undefined) throw new Error('a shared column is in both')
  return textOf(column)
}

function columnsOf(left: Relation, right: Relation): NonNullable<DiffAnswer['columns']> {
  const names = (relation: Relation): string[] => relation.columns.map(({ name }) => name)
  const [before, after] = [names(left), names(right)]
  const shared = before.filter((name) => after.includes(name))
  const typeOf = (relation: Relation, name: string): string => columnNamed(relation, name)?.sqlType ?? ''
  return {
    added: after.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !after.includes(name)),
    retyped: shared
      .map((name) => ({ name, before: typeOf(left, name), after: typeOf(right, name) }))
      .filter((each) => each.before !== each.after),
    moved: shared.join('\0') !== after.filter((name) => before.includes(name)).join('\0'),
  }
}

async function countOf(engine: Engine, { from }: Relation): Promise<number> {
  return Number((await engine.query(`SELECT count(*) FROM ${from}`))[0]?.[0])
}

const keyName = /(^|[_ .-])(id|key|uuid|guid|name|nr|no|index)$|^(id|key)|[a-z](Id|Key)$/i

async function findKey(
  engine: Engine,
  left: Relation,
  right: Relation,
  shared: readonly string[],
): Promise<readonly string[] | undefined> {
  for (const name of shared.filter((each) => keyName.test(each)).slice(0, 10)) {
    const isKey = await Promise.all(
      [left, right].map(async (relation) => {
        const ref = columnNamed(relation, name)?.ref ?? 'NULL'
        const [row] = await engine.query(`SELECT count(*) = count(DISTINCT ${ref}) FROM ${relation.from}`)
        return row?.[0] === true
      }),
    )
    if (isKey.every(Boolean)) return [name]
  }
  return undefined
}

type Found = Pick<DiffAnswer, 'counts' | 'added' | 'removed' | 'changed' | 'relabelled' | 'sources'>

/** One scan that counts and one that lists: rows that have a partner and differ, or have none. */
async function byPairs(engine: Engine, tables: Tables, key: readonly string[] | undefined): Promise<Found> {
  const { shared, request } = tables
  const on =
    key === undefined
      ? 'l.n = r.n'
      : key.map((name) => `l.v${shared.indexOf(name)} IS NOT DISTINCT FROM r.v${shared.indexOf(name)}`).join(' AND ')
  const differ = shared.map((_, index) => `l.v${index} IS DISTINCT FROM r.v${index}`).join(' OR ') || 'false'
  const joined = `${tables.left} AS l FULL JOIN ${tables.right} AS r ON ${on}`
  const kind = `CASE WHEN l.n IS NULL THEN 'added' WHEN r.n IS NULL THEN 'removed' WHEN ${differ} THEN 'changed' END`
  const cells = shared.flatMap((_, index) => [
    `left(l.v${index}, ${maxCharacters})`,
    `left(r.v${index}, ${maxCharacters})`,
  ])
  const isRelabelled = conditionOf(shared, request.label)
  const source = sourceOf(shared, request.source)
  // what differs is little of two versions of a table: it is found once and kept
  await engine.query(
    `CREATE TEMP TABLE differing AS SELECT * FROM (SELECT ${kind} AS kind, l.n AS ln, r.n AS rn, ${isRelabelled} AS relabelled, ${source} AS source, ${list(cells)} AS cells FROM ${joined}) WHERE kind IS NOT NULL`,
  )
  const counts = countsFrom(await engine.query('SELECT kind, count(*) FROM differing GROUP BY kind'))
  const rowsOf = async (what: string, number: string): Promise<number[]> =>
    (await engine.query(`SELECT ${number} FROM differing WHERE ${what} ORDER BY 1 LIMIT ${maxListed}`)).map(([row]) =>
      Number(row),
    )
  const changedRows = await engine.query(
    `SELECT rn, cells FROM differing WHERE kind = 'changed' ORDER BY rn LIMIT ${maxListed}`,
  )
  const relabelled = await engine.query("SELECT count(*) FROM differing WHERE kind = 'changed' AND relabelled")
  return {
    counts,
    added: await rowsOf("kind = 'added'", 'rn'),
    removed: await rowsOf("kind = 'removed'", 'ln'),
    changed: changedRows.map(([row, values]) =>
      changeOf(Number(row), Array.isArray(values) ? values : [], shared, key),
    ),
    ...(request.label === undefined
      ? {}
      : {
          relabelled: {
            count: Number(relabelled[0]?.[0]),
            rows: await rowsOf("kind = 'changed' AND relabelled", 'rn'),
          },
        }),
    ...(request.source === undefined ? {} : { sources: await sourcesOf(engine) }),
  }
}

function list(cells: readonly string[]): string {
  return cells.length === 0 ? '[]::VARCHAR[]' : `[${cells.join(', ')}]`
}

function conditionOf(shared: readonly string[], label: string | undefined): string {
  const index = shared.indexOf(label ?? '')
  return index < 0 ? 'false' : `l.v${index} IS DISTINCT FROM r.v${index}`
}

function sourceOf(shared: readonly string[], source: string | undefined): string {
  const index = shared.indexOf(source ?? '')
  return index < 0 ? 'NULL::VARCHAR' : `left(coalesce(r.v${index}, l.v${index}), ${maxCharacters})`
}

function countsFrom(rows: readonly (readonly unknown[])[]): NonNullable<DiffAnswer['counts']> {
  const of = (kind: string): number => Number(rows.find(([each]) => each === kind)?.[1] ?? 0)
  return { added: of('added'), removed: of('removed'), changed: of('changed') }
}

function changeOf(
  row: number,
  cells: readonly unknown[],
  shared: readonly string[],
  key: readonly string[] | undefined,
): DiffAnswer['changed'][number] {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  const pairs = shared.map((name, index) => ({
    name,
    before: text(cells[index * 2]),
    after: text(cells[index * 2 + 1]),
  }))
  const named = key?.map((name) => pairs.find((pair) => pair.name === name)?.after ?? '')
  return {
    row,
    key: named === undefined ? row : named.join(', '),
    columns: pairs.filter((pair) => pair.before !== pair.after),
  }
}

async function sourcesOf(engine: Engine): Promise<NonNullable<DiffAnswer['sources']>> {
  const count = (kind: string): string => `count_if(kind = '${kind}')`
  const rows = await engine.query(
    `SELECT source, ${count('added')}, ${count('removed')}, ${count('changed')} FROM differing GROUP BY source ORDER BY count(*) DESC, source LIMIT ${maxListed}`,
  )
  return rows.map(([source, added, removed, changed]) => ({
    source: typeof source === 'string' ? source : null,
    added: Number(added),
    removed: Number(removed),
    changed: Number(changed),
  }))
}

/** As multisets: how often a row stands on one side beyond the other. */
async function byContent(engine: Engine, { left, right, shared, request }: Tables): Promise<Found> {
  const values = shared.map((_, index) => `v${index}`)
  const source = shared.indexOf(request.source ?? '')
  const beyond = (own: string, other: string): string => {
    const turn = (side: string): string =>
      `(SELECT *, row_number() OVER (PARTITION BY ${values.join(', ')} ORDER BY n) AS turn FROM ${side})`
    const equal = [...values, 'turn'].map((value) => `l.${value} IS NOT DISTINCT FROM r.${value}`).join(' AND ')
    return `SELECT l.n AS n, ${source < 0 ? 'NULL::VARCHAR' : `left(l.v${source}, ${maxCharacters})`} AS source FROM ${turn(own)} AS l ANTI JOIN ${turn(other)} AS r ON ${equal}`
  }
  await engine.query(
    `CREATE TEMP TABLE differing AS SELECT 'added' AS kind, n, source FROM (${beyond(right, left)}) UNION ALL SELECT 'removed', n, source FROM (${beyond(left, right)})`,
  )
  const rowsOf = async (kind: string): Promise<number[]> =>
    (await engine.query(`SELECT n FROM differing WHERE kind = '${kind}' ORDER BY n LIMIT ${maxListed}`)).map(([row]) =>
      Number(row),
    )
  return {
    counts: countsFrom(await engine.query('SELECT kind, count(*) FROM differing GROUP BY kind')),
    added: await rowsOf('added'),
    removed: await rowsOf('removed'),
    changed: [],
    ...(request.source === undefined ? {} : { sources: await sourcesOf(engine) }),
  }
}
