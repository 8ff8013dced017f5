/**
 * Two tables, row by row and column by column: how far numbers lie apart, and which other cells differ. Runs in the
 * sandboxed process.
 *
 * Rows stand beside each other by their position. Numbers of text (CSV, JSON) are what is spelled as JSON spells numbers,
 * and NaN and infinities: `007` is no number, and differs from `7`. Integers are exact.
 */
import { matchesName, oneLine } from '../../../core/index.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { columnNamed, familyOf, type Relation, type TableColumn } from '../../table/relation.ts'
import { literal } from '../../table/sql.ts'
import {
  type Allowance,
  type DatasetMeasure,
  type DifferenceAnswer,
  type DifferenceRequest,
  faultOf,
  sameContent,
} from '../difference.ts'
import { unreadable } from '../evaluate.ts'

/** LIMIT: columns of one scan. */
const columnsPerScan = 50

export async function measureTables(
  engine: Engine,
  request: DifferenceRequest,
  tablesFolder: string,
): Promise<DifferenceAnswer> {
  const sides: Relation[] = []
  for (const [side, files] of [
    ['first', request.left],
    ['second', request.right],
  ] as const) {
    const opened = await openTable(engine, files, `${tablesFolder}/${side}`, request.limits)
    if (opened.kind === 'refused') return faultOf(side, opened.faults[0]?.because ?? 'it cannot be read')
    const fault = await unreadable(engine, opened.relation)
    if (fault !== undefined) return faultOf(side, fault.because ?? 'it cannot be read')
    sides.push(opened.relation)
  }
  const [left, right] = sides
  if (left === undefined || right === undefined) throw new Error('two sides were opened')
  return compareTables(engine, left, right, request.allowances)
}

async function compareTables(
  engine: Engine,
  left: Relation,
  right: Relation,
  allowances: readonly Allowance[],
): Promise<DifferenceAnswer> {
  const others = otherColumns(left, right)
  const [before, after] = [await countOf(engine, left), await countOf(engine, right)]
  if (before !== after) others.push(`the first file has ${before} rows, the second ${after}`)
  const pairs = left.columns.flatMap((column) => {
    const other = columnNamed(right, column.name)
    return other === undefined || other.sqlType !== column.sqlType ? [] : [{ left: column, right: other }]
  })
  const measures: DatasetMeasure[] = []
  for (let at = 0; at < pairs.length; at += columnsPerScan) {
    const some = pairs.slice(at, at + columnsPerScan)
    measures.push(...(await measureColumns(engine, left, right, some, allowances)))
  }
  const isSameOtherwise = others.length === 0 && measures.some(({ outside }) => outside > 0)
  return {
    ...sameContent,
    others: others.slice(0, 100),
    otherCount: others.length,
    isReordered: isSameOtherwise && (await sumOfRows(engine, left)) === (await sumOfRows(engine, right)),
    measures: measures.filter(({ differing, bitsOnly }) => differing + bitsOnly > 0),
  }
}

function otherColumns(left: Relation, right: Relation): string[] {
  const names = ({ columns }: Relation): readonly string[] => columns.map(({ name }) => name)
  const [before, after] = [names(left), names(right)]
  const shared = before.filter((name) => after.includes(name))
  const told = (name: string): string => `the column \`${oneLine(name).slice(0, 100)}\``
  const typeOf = (relation: Relation, name: string): string => columnNamed(relation, name)?.sqlType.slice(0, 100) ?? ''
  return [
    ...before.filter((name) => !after.includes(name)).map((name) => `${told(name)} is missing in the second file`),
    ...after.filter((name) => !before.includes(name)).map((name) => `${told(name)} is missing in the first file`),
    ...shared
      .filter((name) => typeOf(left, name) !== typeOf(right, name))
      .map((name) => `${told(name)} was ${typeOf(left, name)} and is ${typeOf(right, name)}`),
    // members of a JSON object have no order
    ...(left.columns.every(({ storage }) => storage === 'json') ||
    shared.join('\0') === after.filter((name) => before.includes(name)).join('\0')
      ? []
      : ['the columns are in another order']),
  ]
}

async function countOf(engine: Engine, { from }: Relation): Promise<number> {
  return Number((await engine.query(`SELECT count(*) FROM ${from}`))[0]?.[0])
}

/** The same for the same rows in any order. Not safe against rows that were made for it: it only words a divergence. */
async function sumOfRows(engine: Engine, { from, columns }: Relation): Promise<string> {
  const values = columns.map(({ ref }) => ref).join(', ')
  return String((await engine.query(`SELECT sum(hash(${values})::HUGEINT) FROM ${from}`))[0]?.[0])
}

type Pair = Readonly<{ left: TableColumn; right: TableColumn }>

async function measureColumns(
  engine: Engine,
  left: Relation,
  right: Relation,
  pairs: readonly Pair[],
  allowances: readonly Allowance[],
): Promise<readonly DatasetMeasure[]> {
  const side = (relation: Relation, which: 'left' | 'right', name: string): string => {
    const values = pairs.map((pair, index) => `${pair[which].ref} AS ${name}${index}`)
    return `(SELECT ${[`${relation.rowNumber ?? 'row_number() OVER ()'} AS n`, ...values].join(', ')} FROM ${relation.from})`
  }
  const joined = `${side(left, 'left', 'l')} AS a JOIN ${side(right, 'right', 'r')} AS b ON a.n = b.n`
  const compared = pairs.flatMap(({ left: column }, index) => comparedSql(column, index))
  const measured = pairs.flatMap(({ left: column }, index) => measuredSql(boundOf(allowances, column), index))
  const [row = []] = await engine.query(
    `SELECT count(*), ${measured.join(', ')} FROM (SELECT n, ${compared.join(', ')} FROM (SELECT a.n AS n, * EXCLUDE (n) FROM ${joined}))`,
  )
  return pairs.map(({ left: column }, index) =>
    measureOf(column, Number(row[0]), row.slice(1 + index * aggregates, 1 + (index + 1) * aggregates)),
  )
}

type Bound = Readonly<{ abs: number; rel: number; ulp: number }>

function boundOf(allowances: readonly Allowance[], { name }: TableColumn): Bound {
  const counting = allowances.filter(({ column }) => column === undefined || matchesName(name, column))
  const widest = (bound: keyof Bound): number => Math.max(0, ...counting.map((each) => each[bound]))
  return { abs: widest('abs'), rel: widest('rel'), ulp: widest('ulp') }
}

/** `s`: same bits, `x`, `y`: as doubles where both are numbers, `d`: their distance, `u`: steps, `i`: are integers. */
function comparedSql(column: TableColumn, index: number): readonly string[] {
  const [l, r] = [`l${index}`, `r${index}`]
  const named = (parts: Readonly<Record<'s' | 'x' | 'y' | 'd' | 'u' | 'i', string>>): readonly string[] =>
    Object.entries(parts).map(([name, sql]) => `${sql} AS ${name}${index}`)
  const same = `(${l} IS NOT DISTINCT FROM ${r})`
  const none = 'NULL::DOUBLE'
  if (column.storage !== 'typed') return named(textSql(l, r))
  const family = familyOf(column.sqlType)
  const [x, y] = [`${l}::DOUBLE`, `${r}::DOUBLE`]
  if (family === 'integer' && !/HUGE|DECIMAL/.test(column.sqlType))
    return named({ s: same, x, y, d: `abs(${l}::HUGEINT - ${r}::HUGEINT)::DOUBLE`, u: none, i: 'true' })
  // two that differ may be one double: subtracted as what they are. Null when the difference has too many digits
  const apart = `TRY(abs(${l} - ${r})::DOUBLE)`
  if (family === 'decimal' || family === 'integer')
    return named({ s: same, x, y, d: apart, u: none, i: String(family === 'integer') })
  if (family === 'float') {
    const whole = column.sqlType === 'FLOAT' ? 'INTEGER' : 'BIGINT'
    const bits = (value: string): string => `CAST(CAST(${value} AS BIT) AS ${whole})`
    const isSame = `(${bits(l)} IS NOT DISTINCT FROM ${bits(r)})`
    return named({ s: isSame, x, y, d: `abs(${x} - ${y})`, u: stepsSql(bits(l), bits(r), whole), i: 'false' })
  }
  return named({ s: same, x: none, y: none, d: none, u: none, i: 'false' })
}

/** Numbers whose text is another one: what is no number, or the same text, is null. */
function textSql(left: string, right: string): Readonly<Record<'s' | 'x' | 'y' | 'd' | 'u' | 'i', string>> {
  const [l, r] = [left, right].map((ref) => `CAST(${ref} AS VARCHAR)`) as [string, string] // two of two
  const matches = (pattern: string): string =>
    [l, r].map((text) => `regexp_full_match(${text}, ${literal(pattern)})`).join(' AND ')
  const isNumber = `(${l} <> ${r} AND ${matches(numberPattern)})`
  const isInteger = `(${l} <> ${r} AND ${matches('-?(0|[1-9][0-9]{0,36})')})`
  const [x, y] = [`TRY_CAST(${l} AS DOUBLE)`, `TRY_CAST(${r} AS DOUBLE)`]
  const bits = (value: string): string => `CAST(CAST(${value} AS BIT) AS BIGINT)`
  const when = (condition: string, value: string): string => `CASE WHEN ${condition} THEN ${value} END`
  return {
    s: `(${l} IS NOT DISTINCT FROM ${r})`,
    x: when(isNumber, x),
    y: when(isNumber, y),
    d: `CASE WHEN ${isInteger} THEN abs(${l}::HUGEINT - ${r}::HUGEINT)::DOUBLE WHEN ${isNumber} THEN abs(${x} - ${y}) END`,
    u: when(`${isNumber} AND NOT ${isInteger}`, stepsSql(bits(x), bits(y), 'BIGINT')),
    i: isInteger,
  }
}

/** SOURCE: RFC 8259 section 6, and what pandas and numpy write for the rest. */
const numberPattern = '-?((0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?|nan|NaN|inf|Infinity)'

/** Steps between two floating-point numbers, from their bits as integers. */
function stepsSql(l: string, r: string, whole: 'INTEGER' | 'BIGINT'): string {
  const lowest = whole === 'INTEGER' ? '-2147483648' : '-9223372036854775808'
  const order = (bits: string): string =>
    `CASE WHEN ${bits} < 0 THEN ${lowest}::HUGEINT - ${bits} ELSE ${bits}::HUGEINT END`
  return `abs((${order(l)}) - (${order(r)}))::DOUBLE`
}

/** In the order of `measureOf`. */
function measuredSql({ abs, rel, ulp }: Bound, index: number): readonly string[] {
  const [s, x, y, d, u, i] = ['s', 'x', 'y', 'd', 'u', 'i'].map((name) => `${name}${index}`) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ] // six of six
  // beyond 2^53 two integers may be one double
  const isEqual = `(NOT ${s} AND coalesce(${d} = 0 AND (${i} OR abs(${x}) < 9007199254740992) OR (isnan(${x}) AND isnan(${y})), false))`
  const isOther = `(NOT ${s} AND NOT ${isEqual})`
  const areFinite = `(${isOther} AND coalesce(isfinite(${x}) AND isfinite(${y}) AND ${d} IS NOT NULL, false))`
  const relative = `${d} / greatest(abs(${x}), abs(${y}))`
  // a bound of nothing allows nothing: what is next to nothing is not compared with it
  const ways = [
    ...(abs > 0 ? [`${d} <= ${abs}::DOUBLE`] : []),
    ...(rel > 0 ? [`(NOT ${i} AND ${relative} <= ${rel}::DOUBLE)`] : []),
    ...(ulp > 0 ? [`(NOT ${i} AND ${u} <= ${ulp}::DOUBLE)`] : []),
  ]
  // texts of two numbers that are one double lie apart by nobody knows how much
  const within = `coalesce(${d} > 0 AND (${ways.length === 0 ? 'false' : ways.join(' OR ')}), false)`
  const exponent = `((CAST(CAST(${d} AS BIT) AS BIGINT) >> 52) & 2047) - 1023`
  return [
    `count_if(${isOther})`,
    `count_if(${isOther} AND NOT (${areFinite} AND ${within}))`,
    `count_if(${isEqual})`,
    `count_if(${isOther} AND NOT ${areFinite})`,
    `max(${d}) FILTER (${areFinite})`,
    `max(${relative}) FILTER (${areFinite})`,
    `max(${u}) FILTER (${areFinite})`,
    `arg_max(n - 1, ${d}) FILTER (${areFinite})`,
    `histogram(${exponent}) FILTER (${areFinite} AND ${d} > 0)`,
  ]
}
const aggregates = 9

function measureOf(column: TableColumn, elements: number, row: readonly unknown[]): DatasetMeasure {
  const number = (at: number): number => Math.min(Number(row[at] ?? 0), Number.MAX_VALUE)
  const bins = Array.isArray(row[8]) ? row[8] : []
  const isFloat = column.storage !== 'typed' || familyOf(column.sqlType) === 'float'
  return {
    name: column.name,
    type: column.storage === 'typed' ? column.sqlType.slice(0, 200) : column.storage,
    elements,
    differing: number(0),
    outside: number(1),
    bitsOnly: number(2),
    withoutDistance: number(3),
    maxAbs: number(4),
    maxRel: number(5),
    maxUlp: isFloat && row[6] !== null ? number(6) : null,
    ...(row[7] === null || row[7] === undefined ? {} : { worst: number(7) }),
    histogram: bins
      .map(({ key, value }: Readonly<{ key: unknown; value: unknown }>): [number, number] => [
        Number(key),
        Number(value),
      ])
      .toSorted(([a], [b]) => a - b),
  }
}
