/** A row is known by its content: the hashes against Node's own, and which rows of a table they name. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Relation } from '../../table/relation.ts'
import type { JudgedRows, RowVerdict } from '../judged-rows.ts'
import { reviewChecks } from '../review-checks.ts'
import { differenceOf, leftChecks } from '../reviewed-columns.ts'
import { columnsOf, type Judged, judgedIn, rowContentSql, rowHashSql } from './judged-rows.ts'
import { type Bench, openBench, openRelation } from './testing.fs.ts'

let bench: Bench
let relation: Relation
const rows = ['1,"é, ""x"""', '2,', '3,z', '2,']
before(async () => {
  bench = await openBench()
  relation = await openRelation(bench, 't.csv', `id,"na'me"\n${rows.join('\n')}\n`)
})
after(() => bench[Symbol.dispose]())

const text = (id: string, name: string | null): string => JSON.stringify(['id', id, "na'me", name])
const plain = (row: string): string => createHash('sha256').update(row).digest('hex')
const key = '07'.repeat(32)
const keyed = (row: string): string => createHmac('sha256', Buffer.from(key, 'hex')).update(row).digest('hex')

test('the hash of a row is that of the JSON array of names and values; keyed, its HMAC', async () => {
  const [found] = await bench.engine.query(
    `SELECT list(${rowHashSql(relation)}), list(${rowHashSql(relation, key)}) FROM ${relation.from}`,
  )
  const contents = [text('1', 'é, "x"'), text('2', null), text('3', 'z'), text('2', null)]
  assert.deepEqual(found, [contents.map(plain), contents.map(keyed)])
  const [[content] = []] = await bench.engine.query(
    `SELECT list(${rowContentSql(relation, key)}) FROM ${relation.from}`,
  )
  const values = [text('1.0', 'é, "x"'), text('2.0', null), text('3.0', 'z'), text('2.0', null)]
  assert.deepEqual(content, values.map(keyed), 'its content is that of its values')
})

test('every row of the same content is judged, and the newest word counts', async () => {
  const judged = [
    { rows: [{ hash: plain(text('2', null)), verdict: 'good' as const }] },
    { key, rows: [{ hash: keyed(text('2', null)), verdict: 'bad' as const }] },
    { rows: [{ hash: plain(text('9', null)), verdict: 'excluded' as const }] },
  ]
  const present = await columnsOf(bench.engine, relation)
  const { judged: found, again, left } = await judgedIn(bench.engine, relation, { present, judged })
  assert.deepEqual([...found].toSorted(), [
    [2, 'bad'],
    [4, 'bad'],
  ])
  assert.deepEqual(
    reviewChecks(judged, found).map(({ name, verdict, rows: listed }) => [name, verdict, listed]),
    [
      ['review/bad-rows', 'fail', [2, 4]],
      ['review/excluded-rows', 'pass', []],
    ],
  )
  assert.deepEqual(reviewChecks([], new Map()), [])
  assert.equal(again.size, 0)
  assert.deepEqual(
    left.map(({ words }) => words),
    [['excluded']],
    'it does not say its columns, and what it names is not found',
  )
})

const asText = (name: string, kind: string) => ({ name, type: `text ${kind}` })
const reviewed = [asText('id', 'integer'), asText("na'me", 'string')]
const word = (id: string, name: string | null, verdict: RowVerdict) => ({ hash: plain(text(id, name)), verdict })
const words = [word('1', 'x', 'bad'), word('2', 'y', 'good'), word('9', 'gone', 'bad')]
const changed: readonly (readonly [
  what: string,
  csv: string,
  expected: Readonly<{ judged: Judged; again: readonly number[]; left: readonly (readonly [RowVerdict[], string])[] }>,
])[] = [
  [
    'as they were',
    `id,"na'me"\n1,x\n2,y\n`,
    {
      judged: new Map([
        [1, 'bad'],
        [2, 'good'],
      ]),
      again: [],
      left: [],
    },
  ],
  [
    'in another order',
    `"na'me",id\nx,1\ny,2\n`,
    {
      judged: new Map([
        [1, 'bad'],
        [2, 'good'],
      ]),
      again: [],
      left: [],
    },
  ],
  [
    'and one more',
    `id,new,"na'me"\n1,7,x\n1,8,x\n2,7,y\n`,
    {
      judged: new Map([
        [1, 'bad'],
        [2, 'bad'],
      ]),
      again: [1, 2],
      left: [[['good'], '`new` is new']],
    },
  ],
  [
    'one of another type, which its first row is written in',
    `id,"na'me"\n1,x\n2.0,y\n`,
    { judged: new Map([[1, 'bad']]), again: [], left: [[['good', 'bad'], '`id` was text integer, is text number']] },
  ],
  [
    'one called otherwise',
    `nr,"na'me"\n1,x\n2,y\n`,
    { judged: new Map(), again: [], left: [[['bad', 'good', 'bad'], '`id` is gone, `nr` is new']] },
  ],
]

test('THREAT a word finds its row by the columns that were reviewed, and what cannot be found is said', async () => {
  for (const [index, [what, csv, expected]] of changed.entries()) {
    const table = await openRelation(bench, `changed-${index}.csv`, csv)
    const present = await columnsOf(bench.engine, table)
    const ask = async (later: readonly JudgedRows[]) => {
      const judged = [{ columns: reviewed, rows: words }, ...later]
      const found = await judgedIn(bench.engine, table, { present, judged })
      const left = found.left.map((each) => [each.words, each.because] as const)
      return { judged: found.judged, again: [...found.again].toSorted(), left }
    }
    assert.deepEqual(await ask([]), expected, what)
    // a review of the table as it is now stands in their place, one of what it was does not
    const other = [{ hash: '0'.repeat(64), verdict: 'good' as const }]
    assert.deepEqual((await ask([{ columns: present, rows: other }])).left, [], what)
    const same = await ask([{ columns: reviewed, rows: words.slice(0, 1) }])
    assert.deepEqual(same.left.slice(0, expected.left.length), expected.left, what)
  }
})

type Table = readonly [header: string, x: string, y: string]
const asNumbers: Table = ['x,y,l', '', '']
const xText: Table = ['x,y,l', ' m', '']
const yText: Table = ['x,y,l', '', ' m']
const wider: Table = ['x,y,l,z', '', '']
const narrow: Table = ['x,l', '', '']
const renamed: Table = ['X,y,l', '', '']
const numbers = [
  ['1.5', '2.25', 'a'],
  ['3.5', '4.5', 'b'],
]
/** Two rows, in a table in one of its states. */
function tableOf([header, x, y]: Table): string {
  const rows = numbers.map(([one, two, label]) =>
    header
      .split(',')
      .map((name) => ({ x: `${one}${x}`, X: `${one}${x}`, y: `${two}${y}`, l: label, z: '1' })[name])
      .join(','),
  )
  return [header, ...rows, ''].join('\n')
}

test('THREAT a review of another state of the table, or of fewer columns, makes no bad row forgotten', async () => {
  let opened = 0
  const open = async (state: Table) => {
    const table = await openRelation(bench, `state-${opened++}.csv`, tableOf(state))
    return { table, present: await columnsOf(bench.engine, table) }
  }
  const review = async (state: Table, row: number, verdict: RowVerdict) => {
    const { table, present } = await open(state)
    const hashes = await bench.engine.query(`SELECT ${rowHashSql(table)} FROM ${table.from}`)
    return { columns: present, rows: [{ hash: String(hashes[row]?.[0]), verdict }] }
  }
  const bad = await review(asNumbers, 0, 'bad')
  const { columns: _, ...old } = bad
  const good = { as: await review(asNumbers, 1, 'good'), x: await review(xText, 1, 'good') }
  const cases: readonly (readonly [what: string, Table, readonly JudgedRows[], expected: string])[] = [
    ['y becomes text', yText, [bad], 'fail'],
    ['a later review, when x was text', yText, [bad, good.x], 'fail'],
    ['an old review and a later one, then one column more', wider, [old, good.as], 'fail'],
    ['a later review without y, then x renamed', renamed, [bad, await review(narrow, 1, 'good')], 'fail'],
    ['an old review, one column more', wider, [old], 'fail'],
    ['TWIN a later review of the table as it is', xText, [bad, good.x], 'none'],
    ['TWIN a good word of another state after it', xText, [bad, good.x, good.as], 'pass'],
    ['TWIN back again, and found', asNumbers, [bad, good.x], 'found'],
  ]
  for (const [what, state, judged, expected] of cases) {
    const { table, present } = await open(state)
    const { judged: found, left } = await judgedIn(bench.engine, table, { present, judged })
    const [check] = leftChecks(left)
    const isFound = [...found.values()].includes('bad')
    assert.equal(isFound ? 'found' : (check?.verdict ?? 'none'), expected, what)
  }
})

test('where columns of one type stand in another order, a bad row that is not found is told, and warns', async () => {
  const columns = ['x', 'y'].map((name) => asText(name, 'integer'))
  const judged = [{ columns, rows: [{ hash: plain(JSON.stringify(['x', '1', 'y', '2'])), verdict: 'bad' as const }] }]
  const ask = async (name: string, csv: string, later: readonly JudgedRows[] = []) => {
    const table = await openRelation(bench, name, csv)
    const present = await columnsOf(bench.engine, table)
    const { judged: found, left } = await judgedIn(bench.engine, table, { present, judged: [...judged, ...later] })
    return [[...found.values()], leftChecks(left).map(({ verdict }) => verdict)]
  }
  assert.deepEqual(await ask('headers.csv', 'y,x\n1,2\n3,4\n'), [[], ['warn']])
  assert.deepEqual(await ask('headers-more.csv', 'y,x,z\n1,2,0\n3,4,0\n'), [[], ['warn']])
  assert.deepEqual(await ask('moved.csv', 'y,x\n2,1\n4,3\n'), [['bad'], []], 'TWIN the values came along')
  assert.deepEqual(await ask('gone.csv', 'x,y\n3,4\n'), [[], []], 'TWIN it was taken out')
  const again = { columns: columns.toReversed(), rows: [{ hash: '0'.repeat(64), verdict: 'good' as const }] }
  assert.deepEqual(await ask('again.csv', 'y,x\n1,2\n3,4\n', [again]), [[], []], 'TWIN somebody looked again')
})

test('THREAT what a reviewer did not find good is found in every spelling of its values, and asked about again; a good word is for one', async () => {
  const spelled = [
    '1.5,2020-01-01,true,a',
    '1.50,2020-01-01T00:00:00Z,True,a',
    '+01.5,2020-01-01,true,a',
    '15e-1,2020-01-01,TRUE,a',
  ]
  const others = ['1.6,2020-01-01,true,a', '1.5,2020-01-02,true,a', '1.5,2020-01-01,true,b', '-1.5,2020-01-01,true,a']
  const table = await openRelation(bench, 'spelled.csv', ['n,d,t,l', ...spelled, ...others, ''].join('\n'))
  const present = await columnsOf(bench.engine, table)
  const wordOn = async (row: number, verdict: RowVerdict, under?: string): Promise<JudgedRows> => {
    const sql = `${rowHashSql(table, under)}, ${rowContentSql(table, under)}`
    const [hash, content] = (await bench.engine.query(`SELECT ${sql} FROM ${table.from}`))[row - 1]?.map(String) ?? []
    const rows = [{ hash: hash ?? '', verdict, ...(verdict === 'good' || content === undefined ? {} : { content }) }]
    return { columns: present, rows, ...(under === undefined ? {} : { key: under }) }
  }
  const ask = async (...judged: readonly JudgedRows[]) => {
    const { judged: found, again } = await judgedIn(bench.engine, table, { present, judged })
    return { found: [...found].toSorted(), again: [...again].toSorted() }
  }
  const all = (verdict: RowVerdict) => [1, 2, 3, 4].map((row) => [row, verdict])
  for (const under of [undefined, key])
    assert.deepEqual(await ask(await wordOn(2, 'bad', under)), { found: all('bad'), again: [1, 3, 4] })
  assert.deepEqual((await ask(await wordOn(4, 'excluded'))).found, all('excluded'))
  assert.deepEqual(await ask(await wordOn(2, 'good')), { found: [[2, 'good']], again: [] }, 'a good word is for one')
  const bad = await wordOn(1, 'bad')
  const mended = await ask(bad, await wordOn(3, 'good'))
  assert.deepEqual(mended, { found: all('bad').with(2, [3, 'good']), again: [2, 4] }, 'looked at again, it is right')
  const old = { ...bad, rows: bad.rows.map(({ content: _, ...word }) => word) }
  assert.deepEqual(
    await ask(old),
    { found: [[1, 'bad']], again: [] },
    'TWIN a review of before knows its spelling alone',
  )
})

test('THREAT a bad row that comes back in another type is found by its values, and one that does not is missed', async () => {
  const before = await openRelation(bench, 'integers.csv', 'x,l\n1,a\n2,b\n')
  const columns = await columnsOf(bench.engine, before)
  const rows = await bench.engine.query(`SELECT ${rowHashSql(before)}, ${rowContentSql(before)} FROM ${before.from}`)
  const judged = [
    {
      columns,
      rows: rows.map(([hash, content]) => ({ hash: `${hash}`, content: `${content}`, verdict: 'bad' as const })),
    },
  ]
  const ask = async (name: string, content: string | Uint8Array) => {
    const table = await openRelation(bench, name, content)
    const found = await judgedIn(bench.engine, table, { present: await columnsOf(bench.engine, table), judged })
    return [[...found.judged.keys()].toSorted(), found.left.map(({ words }) => words.length)]
  }
  assert.deepEqual(await ask('doubles.csv', 'x,l\n1.0,a\n2.0,b\n'), [[1, 2], []])
  assert.deepEqual(await ask('one-double.csv', 'x,l\n3.5,a\n2.0,b\n'), [[2], [1]])
  const path = `${bench.folder}/doubles.parquet`
  await bench.engine.query(`COPY (SELECT 2::DOUBLE AS x, 'b' AS l) TO '${path}' (FORMAT parquet)`)
  assert.deepEqual(await ask('doubles-1.parquet', readFileSync(path)), [[1], [1]])
})

test('names of columns are told without control characters', () => {
  const [check] = leftChecks([{ words: ['bad'], because: differenceOf([], [asText('\u001b[2Jx\nPASS', 'integer')]) }])
  assert.match(check?.because ?? '', /`\\u\{1b\}\[2Jx\\nPASS` is new/)
})

test('of rows that are left behind bad ones fail, those to be left out warn, good ones are told', () => {
  const verdictOf = (...left: RowVerdict[]) => leftChecks([{ words: left, because: 'x' }]).map(({ verdict }) => verdict)
  assert.deepEqual(
    [verdictOf('good', 'bad'), verdictOf('good', 'excluded'), verdictOf('good'), verdictOf()],
    [['fail'], ['warn'], ['pass'], []],
  )
})

test('Parquet says its own types', async () => {
  const path = `${bench.folder}/typed.parquet`
  await bench.engine.query(`COPY (SELECT 1::INT AS a, 1.5::DOUBLE AS b, 'x' AS c) TO '${path}' (FORMAT parquet)`)
  const table = await openRelation(bench, 'typed.parquet', readFileSync(path))
  assert.deepEqual(await columnsOf(bench.engine, table), [
    { name: 'a', type: 'INTEGER' },
    { name: 'b', type: 'DOUBLE' },
    { name: 'c', type: 'VARCHAR' },
  ])
})
