/** Columns are called what pandas shows them as, or the file is refused. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Bench, openBench, troubles } from '../validate/validator/testing.fs.ts'
import { literal } from './sql.ts'

/** As pyarrow 26 writes it, of the columns `label` and `other`, and the same words to pandas as `honest`. */
const arrow =
  '/////0ABAAAQAAAAAAAKAA4ABgAFAAgACgAAAAABBAAQAAAAAAAKAAwAAAAEAAgACgAAAKQAAAAEAAAAAQAAAAwAAAAIAAwABAAIAAgAAAB8AAAABAAAAGwAAAB7ImNvbHVtbnMiOlt7Im5hbWUiOiJsYWJlbCIsImZpZWxkX25hbWUiOiJsYWJlbCJ9LHsibmFtZSI6Im90aGVyIiwiZmllbGRfbmFtZSI6Im90aGVyIn1dLCJpbmRleF9jb2x1bW5zIjpbXX0AAAAABgAAAHBhbmRhcwAAAgAAAEAAAAAEAAAA2P///wAAAQUQAAAAGAAAAAQAAAAAAAAABQAAAG90aGVyAAAAyP///xAAFAAIAAYABwAMAAAAEAAQAAAAAAABBRAAAAAcAAAABAAAAAAAAAAFAAAAbGFiZWwAAAAEAAQABAAAAAA='

const honest = [
  { name: 'label', field_name: 'label' },
  { name: 'other', field_name: 'other' },
]
const pandas = (columns: readonly object[], rest: object = {}): string =>
  JSON.stringify({ columns, index_columns: [], ...rest })

/** The bytes of the Arrow schema, with other words of the same length in it. */
function arrowWith(from: string, to: string): string {
  return Buffer.from(Buffer.from(arrow, 'base64').toString('latin1').replace(from, to), 'latin1').toString('base64')
}
const exchangedNames = [
  '"label","field_name":"label"},{"name":"other"',
  '"other","field_name":"label"},{"name":"label"',
] as const

async function written({ engine, folder }: Bench, said: Readonly<Record<string, string>>, sql: string) {
  const path = join(folder, `${Math.random()}.parquet`)
  const pairs = Object.entries(said).map(([key, value]) => `${literal(key)}: ${literal(value)}`)
  const options = pairs.length === 0 ? '' : `, KV_METADATA {${pairs.join(', ')}}`
  await engine.query(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet${options})`)
  return readFileSync(path)
}
const columns = "SELECT 'a' AS label, 'b' AS other"
const indexed = `${columns}, 1 AS __index_level_0__`
const index = { index_columns: ['__index_level_0__'] }
const exchanged = [
  { name: 'other', field_name: 'label' },
  { name: 'label', field_name: 'other' },
]

test('names that pandas shows and the schema has not are refused, wherever they are written', async () => {
  using bench = await openBench()
  const attacks: Readonly<Record<string, readonly [Readonly<Record<string, string>>, sql?: string]>> = {
    'two exchanged': [{ pandas: pandas(exchanged) }],
    'in the Arrow schema alone': [{ 'ARROW:schema': arrowWith(...exchangedNames) }],
    'in the Arrow schema, beside honest ones': [
      { pandas: pandas(honest), 'ARROW:schema': arrowWith(...exchangedNames) },
    ],
    'in the file, beside an honest Arrow schema': [{ pandas: pandas(exchanged), 'ARROW:schema': arrow }],
    'the last of two that a column has': [{ pandas: pandas([...honest, ...exchanged]) }],
    'none for a column': [{ pandas: pandas([{ name: null, field_name: 'label' }]) }],
    'one for an index that is none': [
      { pandas: pandas([{ name: 'label', field_name: '__index_level_0__' }]) },
      indexed,
    ],
    'cut names': [{ pandas: pandas(honest, { column_indexes: [{ numpy_type: '<U3' }] }) }],
    'broken JSON': [{ pandas: '{"columns":' }],
    'no columns': [{ pandas: '{}' }],
    'other fields in the Arrow schema': [{ 'ARROW:schema': arrow }, "SELECT 'a' AS other, 'b' AS label"],
    'a broken Arrow schema': [{ 'ARROW:schema': arrow.slice(0, 200) }],
    'an Arrow schema that leads out of itself': [{ 'ARROW:schema': Buffer.alloc(300, 0xfe).toString('base64') }],
    'more than anybody writes': [{ pandas: ' '.repeat(16 * 1024 * 1024 + 1) }],
  }
  for (const [name, [said, sql]] of Object.entries(attacks)) {
    const content = await written(bench, said, sql ?? columns)
    assert.deepEqual(troubles(await bench.validate({ 't.parquet': content })), ['fail format/claims - t.parquet'], name)
  }
})

test('the honest twins: what pandas, pyarrow and older ones write of columns and of an index is read', async () => {
  using bench = await openBench()
  const twins: Readonly<Record<string, readonly [Readonly<Record<string, string>>, sql?: string]>> = {
    nothing: [{}],
    'a frame': [{ pandas: pandas(honest, { index_columns: [{ kind: 'range', name: null }] }), 'ARROW:schema': arrow }],
    'an Arrow schema alone': [{ 'ARROW:schema': arrow }],
    'of 2016': [{ pandas: pandas([{ name: 'label' }, { name: 'other' }]) }],
    'an index without a name': [
      { pandas: pandas([...honest, { name: null, field_name: '__index_level_0__' }], index) },
      indexed,
    ],
    'an index called as a column is': [
      { pandas: pandas([...honest, { name: 'label', field_name: '__index_level_0__' }], index) },
      indexed,
    ],
  }
  for (const [name, [said, sql]] of Object.entries(twins)) {
    const answer = await bench.validate({ 't.parquet': await written(bench, said, sql ?? columns) })
    assert.deepEqual([troubles(answer), answer.unseen], [[], []], name)
  }
})

test('a column that pandas takes for the index is told, and is no label', async () => {
  using bench = await openBench()
  const content = await written(bench, { pandas: pandas(honest, { index_columns: ['other'] }) }, columns)
  const told = await bench.validate({ 't.parquet': content })
  assert.deepEqual(troubles(told), [])
  assert.deepEqual(told.unseen, ['what pandas takes for the index, and not for a column: `other`'])
  const labelled = (label: string) =>
    bench.validate(
      { 't.parquet': content, 'golden.csv': 'label,other\na,b\n' },
      { golden: { name: 'golden.csv', label } },
    )
  const faults = async (label: string) =>
    (await labelled(label)).checks.filter(({ name }) => name === 'format/label').map(({ because }) => because)
  assert.deepEqual(await faults('other'), ['pandas takes the label `other` for the index, and not for a column'])
  assert.deepEqual(await faults('label'), [])
})
