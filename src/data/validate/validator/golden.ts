/**
 * Data beside the golden set: whether rows of it are in the data, and whether data that is to become the anchor agrees with
 * it. Runs in the sandboxed process.
 */
import { join } from 'node:path'
import { compareGolden, type GoldenCheck } from '../../poison/index.ts'
import { binomialTail } from '../../statistics/index.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import type { Relation } from '../../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../../table/row-number.ts'
import { type DataCheck, maxListed } from '../check.ts'
import type { ValidateRequest } from '../request.ts'
import { loadFor } from './compare.ts'
import { rowHashSql } from './judged-rows.ts'

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
  const copies = await copiesIn(engine, relation, opened.relation, statistics)
  if (!golden.isAnchor) return { checks: [copies], unseen: [] }
  const types = request.contract?.types ?? {}
  const { columns: anchor } = await loadFor(engine, relation, statistics, types)
  const wanted = new Set(anchor.columns.map(({ name }) => name))
  const { columns: verified } = await loadFor(engine, opened.relation, statistics, types, wanted)
  const { checks, unseen } = compareGolden(anchor, verified, statistics)
  return { checks: [copies, ...checks.map(checkOfGolden)], unseen }
}

type Named = Readonly<{ label?: string; source?: string }>

/**
 * Rows of the golden set that the data holds, whatever their label: a model that was trained on them is no judge of them, and
 * the golden set none of the data. In tables where rows are alike anyway some are by chance.
 *
 * LIMIT: a copy with a cell changed is another row.
 * Source: Good (1953), equation 9: the share of rows that come again is what is not seen once alone.
 */
async function copiesIn(
  engine: Engine,
  relation: Relation,
  golden: Relation,
  { label, source }: Named,
): Promise<DataCheck> {
  const known = new Set(relation.columns.map(({ name }) => name))
  const shared = golden.columns
    .map(({ name }) => name)
    .filter((name) => known.has(name) && name !== label && name !== source)
    .toSorted()
  if (shared.length === 0) {
    const because = 'the data has no column of the golden set: whether its rows are in it cannot be told'
    return checkOf('golden/rows', { verdict: 'warn', evaluated: false, because })
  }
  const hashed = (table: Relation): string => {
    const columns = shared.flatMap((name) => table.columns.find((column) => column.name === name) ?? [])
    return `(SELECT ${rowColumn(table)} AS n, ${rowHashSql({ ...table, columns })} AS h FROM ${numbered(table)})`
  }
  const found = await engine.query(
    `SELECT h, list(n) FROM ${hashed(relation)} WHERE h IN (SELECT h FROM ${hashed(golden)}) GROUP BY h`,
  )
  const [[rows] = [0]] = await engine.query(`SELECT count(DISTINCT h) FROM ${hashed(golden)}`)
  const copied = found.flatMap(([, numbers]) => [...numbersOf(numbers)]).toSorted((left, right) => left - right)
  const isMore =
    found.length > 0 && binomialTail(found.length, Number(rows), await repeating(engine, hashed(relation))) < alpha
  return checkOf('golden/rows', {
    verdict: isMore ? 'warn' : 'pass',
    observed: `${found.length} of ${rows}`,
    expected: 'none',
    rows: isMore ? copied.slice(0, maxListed) : [],
    count: isMore ? copied.length : 0,
    because: isMore
      ? 'rows of the golden set are in the data: it judges no model that was trained on them'
      : 'no more rows of the golden set are in it than are alike by chance',
  })
}

/** The share of rows that stand in the data more than once. */
async function repeating(engine: Engine, hashed: string): Promise<number> {
  const [[once, all] = [0, 1]] = await engine.query(
    `SELECT count_if(c = 1), sum(c) FROM (SELECT count(*) AS c FROM ${hashed} GROUP BY h)`,
  )
  return 1 - Number(once) / Math.max(1, Number(all))
}

function checkOfGolden({ name, ...check }: GoldenCheck): DataCheck {
  return checkOf(name, { ...check, rows: check.rows.slice(0, maxListed) })
}

function checkOf(name: string, said: Partial<DataCheck> & Pick<DataCheck, 'verdict'>): DataCheck {
  return { name, column: null, observed: null, expected: null, rows: [], count: 0, evaluated: true, ...said }
}
