/**
 * Data beside the golden set: whether rows of it are in the data, and whether data that is to become the anchor agrees with
 * it. Runs in the sandboxed process.
 */
import { join } from 'node:path'
import { compareGolden, type GoldenCheck } from '../../poison/index.ts'
import { binomialTail } from '../../statistics/index.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { comparableOf, type Relation, sortOf, sorts, type TableColumn } from '../../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../../table/row-number.ts'
import { listOf } from '../../table/sql.ts'
import { type DataCheck, maxListed } from '../check.ts'
import type { ValidateRequest } from '../request.ts'
import { loadFor } from './compare.ts'

type Beside = Readonly<{ checks: readonly DataCheck[]; unseen: readonly string[] }>

/** How often rows that are alike by chance may look like copies. */
const alpha = 0.01

export async function besideGolden(
  engine: Engine,
  relation: Relation,
  request: ValidateRequest,
  folder: string,
): Promise<Beside> {
  const { golden, limits } = request
  const statistics: Named & Readonly<{ seed: number }> = request.statistics ?? { seed: 0 }
  if (golden === undefined) return { checks: [], unseen: [] }
  const opened = await openTable(engine, golden.files, join(folder, 'tables', 'golden'), limits)
  if (opened.kind === 'refused') {
    const because = `the golden set cannot be read: ${opened.faults[0]?.because ?? ''}`.slice(0, 2000)
    return { checks: [checkOf('golden/schema', { verdict: 'fail', evaluated: false, because })], unseen: [] }
  }
  const { relation: verified } = opened
  const { label, source } = statistics
  const others = await otherSorts(engine, relation, verified)
  const copies = await copiesIn(engine, relation, verified, { aside: new Set([label, source]), others })
  if (!golden.isAnchor) return { checks: [copies], unseen: [] }
  const because = `the golden set holds other sorts of values in: ${others.slice(0, 3).join(', ')}`
  if (others.some((name) => name !== source))
    return { checks: [copies, checkOf('golden/schema', { verdict: 'fail', evaluated: false, because })], unseen: [] }
  const types = request.contract?.types ?? {}
  const load = (table: Relation, wanted?: ReadonlySet<string>) =>
    loadFor(engine, table, statistics, types, { comparable: true, ...(wanted === undefined ? {} : { wanted }) })
  const { columns: anchor } = await load(relation)
  const { columns: rows } = await load(verified, new Set(anchor.columns.map(({ name }) => name)))
  const { checks, unseen } = compareGolden(anchor, rows, statistics)
  return { checks: [copies, ...checks.map(checkOfGolden)], unseen }
}

type Named = Readonly<{ label?: string; source?: string }>

/**
 * Columns of which most values are of other sorts: numbers here, words there, which no comparison would find equal. THREAT:
 * a few cells of the right sort among them make nothing comparable.
 */
async function otherSorts(engine: Engine, left: Relation, right: Relation): Promise<readonly string[]> {
  const shared = sharedColumns(left, right)
  const [own, found] = [await sortsIn(engine, left, shared), await sortsIn(engine, right, shared)]
  return shared.filter((_, at) => {
    const [here, there] = [own[at] ?? [], found[at] ?? []]
    const alike = here.reduce((sum, share, sort) => sum + Math.min(share, there[sort] ?? 0), 0)
    return here.length > 0 && there.length > 0 && alike < 0.5
  })
}

/** Of each column the shares of its values that are of each sort, of all rows, whose order may be by them; none of one that is empty. */
async function sortsIn(
  engine: Engine,
  table: Relation,
  names: readonly string[],
): Promise<readonly (readonly number[])[]> {
  if (names.length === 0) return []
  const each = columnsOf(table, names).map((column, index) => `${sortOf(column)} AS s${index}`)
  const counts = each.map((_, index) => listOf(sorts.map((sort) => `count_if(s${index} = '${sort}')`)))
  const [row = []] = await engine.query(
    `SELECT ${counts.join(', ')} FROM (SELECT ${each.join(', ')} FROM ${table.from})`,
  )
  return row.map((list) => {
    const found = numbersOf(list)
    const all = found.reduce((sum, count) => sum + count, 0)
    return all === 0 ? [] : found.map((count) => count / all)
  })
}

function sharedColumns(left: Relation, right: Relation): readonly string[] {
  const known = new Set(left.columns.map(({ name }) => name))
  return right.columns.flatMap(({ name }) => (known.has(name) ? [name] : [])).toSorted()
}

function columnsOf({ columns }: Relation, names: readonly string[]): readonly TableColumn[] {
  return names.flatMap((name) => columns.find((column) => column.name === name) ?? [])
}

/**
 * Rows of the golden set that the data holds, whatever their label: a model that was trained on them is no judge of them, and
 * the golden set none of the data. In tables where rows are alike anyway some are by chance.
 *
 * LIMIT: a copy with a cell changed is another row; where many rows are alike it is told that nothing can be.
 * Source: Good (1953), equation 9: the share of rows that come again is what is not seen once alone.
 */
async function copiesIn(
  engine: Engine,
  relation: Relation,
  golden: Relation,
  { aside, others }: Readonly<{ aside: ReadonlySet<string | undefined>; others: readonly string[] }>,
): Promise<DataCheck> {
  const shared = sharedColumns(relation, golden).filter((name) => !aside.has(name))
  const other = others.filter((name) => !aside.has(name))
  if (shared.length === 0 || other.length > 0) {
    const why =
      shared.length === 0
        ? 'the data has no column of the golden set'
        : `the golden set holds other sorts of values in: ${other.slice(0, 3).join(', ')}`
    const because = `${why}; whether its rows are in the data cannot be told`
    return checkOf('golden/rows', { verdict: 'warn', evaluated: false, because })
  }
  const hashed = (table: Relation): string => {
    const row = `to_json(${listOf(columnsOf(table, shared).map(comparableOf))})::VARCHAR`
    return `(SELECT ${rowColumn(table)} AS n, sha256(${row}) AS h FROM ${numbered(table)})`
  }
  const found = await engine.query(
    `SELECT h, list(n) FROM ${hashed(relation)} WHERE h IN (SELECT h FROM ${hashed(golden)}) GROUP BY h`,
  )
  const [[rows] = [0]] = await engine.query(`SELECT count(DISTINCT h) FROM ${hashed(golden)}`)
  const copied = found.flatMap(([, numbers]) => [...numbersOf(numbers)]).toSorted((left, right) => left - right)
  const alike = await alikeByChance(engine, hashed(golden), hashed(relation))
  return checkOf('golden/rows', {
    ...copiesSaid(found.length, Number(rows), alike),
    observed: `${found.length} of ${rows}`,
    expected: 'none',
    ...(isUsual(found.length, Number(rows), alike) ? {} : { rows: copied.slice(0, maxListed), count: copied.length }),
  })
}

/** Chances that a row of the golden set is in the data though nobody copied it: at least, and at most. */
type Alike = Readonly<{ least: number; most: number }>

function copiesSaid(
  found: number,
  rows: number,
  alike: Alike,
): Readonly<{ verdict: 'pass' | 'warn'; evaluated: boolean; because: string }> {
  if (isUsual(found, rows, alike)) {
    const because = 'no more rows of the golden set are in it than are alike by chance'
    return { verdict: 'pass', evaluated: true, because }
  }
  const isTold = binomialTail(found, rows, alike.most) < alpha
  const because = isTold
    ? 'rows of the golden set are in the data: it judges no model that was trained on them'
    : 'rows of the golden set are alike themselves: whether those in the data are copies cannot be told'
  return { verdict: 'warn', evaluated: isTold, because }
}

/** None, or no more than are alike in the golden set itself, where more than that would show. */
function isUsual(found: number, rows: number, { least }: Alike): boolean {
  const wouldShow = binomialTail(rows, rows, least) < alpha
  return found === 0 || (wouldShow && binomialTail(found, rows, least) >= alpha)
}

/**
 * By the golden set's own repeats. THREAT: rows that the contributor doubles make copies look like chance: of the data only the
 * number of different rows counts, and it can make a warning vague, not go. A row that comes again among n comes again among k*n
 * with a chance of 1 - (1 - share)^k at most, since that bends down.
 */
async function alikeByChance(engine: Engine, golden: string, data: string): Promise<Alike> {
  const [[once, all] = [0, 1]] = await engine.query(
    `SELECT count_if(c = 1), sum(c) FROM (SELECT count(*) AS c FROM ${golden} GROUP BY h)`,
  )
  const least = 1 - Number(once) / Math.max(1, Number(all))
  if (least === 0) return { least, most: 0 }
  const [[different] = [0]] = await engine.query(`SELECT count(DISTINCT h) FROM ${data}`)
  return { least, most: 1 - (1 - least) ** Math.max(1, Number(different) / Number(all)) }
}

function checkOfGolden({ name, ...check }: GoldenCheck): DataCheck {
  return checkOf(name, { ...check, rows: check.rows.slice(0, maxListed) })
}

function checkOf(name: string, said: Partial<DataCheck> & Pick<DataCheck, 'verdict'>): DataCheck {
  return { name, column: null, observed: null, expected: null, rows: [], count: 0, evaluated: true, ...said }
}
