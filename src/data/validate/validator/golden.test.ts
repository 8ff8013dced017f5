/** Data beside a golden set, as files: by whatever format, type or spelling, a value is the same value. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DataCheck } from '../check.ts'
import { type Bench, openBench } from './testing.fs.ts'

let bench: Bench
before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.dispose]())

type Row = Readonly<{ size: number; day: string; kind: number }>

/** Two kinds that their sizes tell apart; no two rows alike. */
function drawn(count: number, from = 0): readonly Row[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = index % 2
    const day = new Date(Date.UTC(2000, 0, 1 + from + index)).toISOString().slice(0, 10)
    return { size: 100 * kind + (index % 30), day, kind }
  })
}

const rows = drawn(120)
const verified = drawn(30, 500)
const copies = rows.slice(0, 30)
const csv = (all: readonly Row[]): string =>
  ['size,day,kind', ...all.map(({ size, day, kind }) => `${size},${day},${kind}`), ''].join('\n')
/** The same, and spelled otherwise. */
const otherCsv = (all: readonly Row[]): string =>
  csv(
    all.map((row) => ({ ...row, size: `${row.size}.0`, day: `${row.day}T00:00:00Z`, kind: `${row.kind}.0` }) as never),
  )
const jsonl = (all: readonly Row[]): string => all.map((row) => `${JSON.stringify(row)}\n`).join('')

/** `size` and `kind` are doubles, `day` an instant. */
async function parquet(all: readonly Row[], size = 'DOUBLE', kind = 'DOUBLE'): Promise<Buffer> {
  const values = all.map((row) => `('${row.size}', '${row.day}', ${row.kind})`).join(', ')
  const path = join(bench.folder, `made-${Math.random()}.parquet`)
  await bench.engine.query(
    `COPY (SELECT size::${size} AS size, day::TIMESTAMP AS day, kind::${kind} AS kind FROM (VALUES ${values}) t(size, day, kind)) TO '${path}' (FORMAT parquet)`,
  )
  return readFileSync(path)
}

type Files = Readonly<Record<string, string | Uint8Array>>

async function beside(data: Files, [name, golden]: readonly [string, string | Uint8Array]): Promise<readonly string[]> {
  const { checks } = await bench.validate({ ...data, [name]: golden }, { golden: { name, label: 'kind' } })
  return checks.filter((check) => check.name.startsWith('golden/')).map(told)
}

/** Which comparison of the agreement is told is left aside. */
const told = ({ name, verdict, observed, evaluated }: DataCheck): string => {
  const seen = observed === null || name === 'golden/agreement' ? [] : [observed]
  return [name.slice(7), verdict, ...seen, ...(evaluated ? [] : ['not evaluated'])].join(' ')
}

const agreeing = ['rows pass 0 of 30', 'schema pass the same', 'labels pass 0 of 0', 'agreement pass']
const copied = ['rows warn 30 of 30', 'schema pass the same', 'labels pass 0 of 30', 'agreement pass']
/** Where labels of copies are wrong: a third of them, told by the rows themselves. */
const relabelled = copies.map((row, index) => (index % 3 === 0 ? { ...row, kind: 1 - row.kind } : row))

test('rows and labels are compared by value in every format and type: honest data agrees, copies are found', async () => {
  const again: readonly (readonly [string, string | Uint8Array])[] = [
    ['g.csv', otherCsv(copies)],
    ['g.jsonl', jsonl(copies)],
    ['g.parquet', await parquet(copies)],
    ['g.parquet', await parquet(copies, 'FLOAT', 'INTEGER')],
  ]
  for (const [index, golden] of again.entries())
    assert.deepEqual(await beside({ 't.csv': csv(rows) }, golden), copied, `${index} ${golden[0]}`)
  assert.deepEqual(await beside({ 't.csv': csv(rows) }, ['g.parquet', await parquet(verified)]), agreeing)
  assert.deepEqual(await beside({ 't.parquet': await parquet(rows) }, ['g.csv', csv(copies)]), copied)
  const wrong = await beside({ 't.csv': csv(rows) }, ['g.parquet', await parquet(relabelled)])
  assert.deepEqual(wrong.slice(0, 3), ['rows warn 30 of 30', 'schema pass the same', 'labels fail 10 of 30'])
})

test('long whole numbers, NaNs and empty text are the same in every format too', async () => {
  const sized = (all: readonly Row[], sizeOf: (row: Row, index: number) => number | string): readonly Row[] =>
    all.map((row, index) => ({ ...row, size: sizeOf(row, index) as never }))
  const micros = sized(rows, ({ size }) => `${1_600_000_000_000_000 + size}`)
  const [found] = await beside({ 't.csv': csv(micros) }, ['g.parquet', await parquet(micros.slice(0, 30))])
  assert.equal(found, 'rows warn 30 of 30')
  const holed = (hole: string) => (all: readonly Row[]) =>
    sized(all, ({ size }, index) => (index % 3 === 0 ? hole : size))
  const golden = await parquet(holed('nan')(copies))
  for (const hole of ['nan', 'NaN', '']) {
    const [seen] = await beside({ 't.csv': csv(holed(hole)(rows)) }, ['g.parquet', golden])
    assert.equal(seen, 'rows warn 30 of 30', hole)
  }
  const empty = await parquet(holed('')(copies), 'VARCHAR')
  const [seen] = await beside({ 't.csv': csv(holed('')(rows)) }, ['g.parquet', empty])
  assert.equal(seen, 'rows warn 30 of 30', 'empty text')
})

test('THREAT a stray cell of the right sort makes no column comparable, and one of the wrong sort does not hide copies', async () => {
  const words = verified.map((row, index) => ({ ...row, size: (index === 0 ? 7 : 'more') as never }))
  const others = ['rows warn not evaluated', 'schema fail not evaluated']
  assert.deepEqual(await beside({ 't.csv': csv(rows) }, ['g.csv', csv(words)]), others)
  const stray = [...rows.slice(0, -1), { ...rows[119], size: 'unknown' } as never]
  const [found] = await beside({ 't.csv': csv(stray) }, ['g.parquet', await parquet(copies)])
  assert.equal(found, 'rows warn 30 of 30')
})

test('where values change their sort far down the table, rows that are drawn from all of it are of the same sorts', async () => {
  const tall = drawn(52_000).map((row, index) => (index < 20_500 ? row : { ...row, size: `s${row.size}` as never }))
  const copiesIn = async (data: readonly Row[], golden: readonly Row[]): Promise<string | undefined> => {
    // no column is called like the label: no model is fitted
    const unlabelled = { golden: { name: 'g.csv', label: 'none' } }
    const { checks } = await bench.validate({ 't.csv': csv(data), 'g.csv': csv(golden) }, unlabelled)
    return checks.filter(({ name }) => name === 'golden/rows').map(told)[0]
  }
  const fromAll = tall.filter((_, index) => index % 201 === 0)
  assert.equal(await copiesIn(tall, fromAll), `rows warn ${fromAll.length} of ${fromAll.length}`)
  assert.equal(
    await copiesIn(tall.slice(20_500), tall.slice(0, 200)),
    'rows warn not evaluated',
    'TWIN words and numbers',
  )
})

test('a table of several files and of partitions is compared whole', async () => {
  const parts = { 'year=2000/a.csv': csv(rows.slice(0, 60)), 'year=2001/b.csv': csv(rows.slice(60)) }
  const inYear = (all: readonly Row[]): string =>
    csv(all)
      .replaceAll(/\n(?=.)/g, ',2000\n')
      .replace(/\n$/, ',2000\n')
  const golden = (all: readonly Row[]): readonly [string, string] => [
    'g.csv',
    inYear(all).replace('size,day,kind,2000', 'size,day,kind,year'),
  ]
  assert.deepEqual(await beside(parts, golden(copies)), copied)
})

test('what is of another sort, of no rows or of a column too few is not evaluated, and nothing passes by it', async () => {
  const data = { 't.csv': csv(rows) }
  const schema = 'schema fail others not evaluated'
  const words = (column: 'size' | 'kind'): string =>
    csv(verified.map((row) => ({ ...row, [column]: row[column] > 0 ? 'more' : 'none' }) as never))
  assert.deepEqual(await beside(data, ['g.csv', words('size')]), [
    'rows warn not evaluated',
    'schema fail not evaluated',
  ])
  assert.deepEqual(await beside(data, ['g.csv', words('kind')]), ['rows pass 0 of 30', 'schema fail not evaluated'])
  const others = csv(verified.map((row) => ({ ...row, kind: row.kind + 7 })))
  assert.deepEqual(await beside(data, ['g.csv', others]), ['rows pass 0 of 30', schema])
  const narrow = verified.map(({ size, kind }) => `${size},${kind}\n`).join('')
  assert.deepEqual((await beside(data, ['g.csv', `size,kind\n${narrow}`]))[1], schema)
  assert.deepEqual((await beside(data, ['g.csv', `size,day\n1,2000-01-01\n`]))[1], schema)
  assert.deepEqual(await beside(data, ['g.csv', csv([])]), ['rows pass 0 of 0', schema])
  assert.deepEqual(await beside(data, ['g.csv', '']), ['schema fail not evaluated'])
  // a code is no number, and no column of numbers holds it
  const codes = csv(verified).replaceAll(/\n(\d)/g, '\n00$1')
  assert.equal(
    (await beside(data, ['g.csv', codes])).some((one) => one.startsWith('schema pass')),
    false,
  )
})

test('a column that is empty in the golden set is of whatever type it has in the data', async () => {
  const wide = (all: readonly Row[], note: string): string =>
    csv(all)
      .replace('kind', 'kind,note')
      .replaceAll(/(?<=,\d)\n/g, `,${note}\n`)
  assert.deepEqual(await beside({ 't.csv': wide(rows, '7') }, ['g.csv', wide(verified, '')]), agreeing)
  assert.deepEqual(await beside({ 't.csv': wide(rows, '') }, ['g.csv', wide(verified, '7')]), agreeing)
})

test('rows that the golden set or the data repeats are one row each', async () => {
  const twice = (all: readonly Row[]): readonly Row[] => [...all, ...all]
  const [found] = await beside({ 't.csv': csv(twice(rows)) }, ['g.csv', csv(copies)])
  assert.equal(found, 'rows warn 30 of 30')
  const [, schema, labels] = await beside({ 't.csv': csv(rows) }, ['g.csv', csv(twice(copies))])
  assert.deepEqual([schema, labels], ['schema pass the same', 'labels pass 0 of 30'])
})
