/** A row is known by its content: the hashes against Node's own, and which rows of a table they name. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Relation } from '../../table/relation.ts'
import { reviewChecks } from '../review-checks.ts'
import { judgedIn, rowHashSql } from './judged-rows.ts'
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
})

test('every row of the same content is judged, and the newest word counts', async () => {
  const judged = [
    { rows: [{ hash: plain(text('2', null)), verdict: 'good' as const }] },
    { key, rows: [{ hash: keyed(text('2', null)), verdict: 'bad' as const }] },
    { rows: [{ hash: plain(text('9', null)), verdict: 'excluded' as const }] },
  ]
  const found = await judgedIn(bench.engine, relation, judged)
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
})
