/**
 * Threat: data poisoning. Data that is made to end, mislead or escape its reader: a coded verdict, in bounded time and
 * memory, never a pass. Each beside an honest twin.
 */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { claimingFewerRows, parquetOf, withFooterLength } from '../support/parquet.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

const contract = (rest = ''): string => `apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: t
    properties:
      - {name: a, logicalType: integer, required: true}
      - {name: b, logicalType: string}
${rest}`

const honest = 'a,b\n1,x\n2,y\n'

async function validate(project: Scratch, exit: number, file: string): Promise<Document> {
  return project.json(exit, 'data', 'validate', file, '--contract', 't.yaml')
}

const hostile: readonly (readonly [what: string, file: string, bytes: () => Buffer, check: string, code: string])[] = [
  [
    'a packed file that unpacks to a thousand times its size',
    'bomb.csv.gz',
    () => gzipSync(Buffer.concat([Buffer.from('a,b\n1,'), Buffer.alloc(300e6, 120), Buffer.from('\n')])),
    'format/packed',
    'ERR_DATA_LIMIT',
  ],
  [
    'a field of 100 MB',
    'field.csv',
    () => Buffer.concat([Buffer.from('a,b\n1,"'), Buffer.alloc(100e6, 120), Buffer.from('"\n')]),
    'format/readable',
    'ERR_DATA_UNREADABLE',
  ],
  [
    'rows that do not fit the header',
    'ragged.csv',
    () => Buffer.from('a,b\n1,x\n2,y,z\n'),
    'format/readable',
    'ERR_DATA_UNREADABLE',
  ],
  ['a NUL in a value', 'nul.csv', () => Buffer.from('a,b\n1,x\n2,y\0z\n'), 'format/nul', 'ERR_DATA_UNREADABLE'],
  [
    'ten thousand columns',
    'wide.csv',
    () => Buffer.from(`${Array.from({ length: 10_000 }, (_, at) => `c${at}`).join(',')}\n`),
    'format/columns',
    'ERR_DATA_LIMIT',
  ],
  [
    'another format than its name says',
    'fake.parquet',
    () => Buffer.from(honest),
    'format/signature',
    'ERR_DATA_UNREADABLE',
  ],
  ['nothing at all', 'empty.csv', () => Buffer.alloc(0), 'format/signature', 'ERR_DATA_UNREADABLE'],
]

test('hostile files never pass: each is refused by code, the honest one passes', async (context) => {
  const project = scratch(context, { 't.yaml': contract(), 'honest.csv': honest })
  assert.equal((await validate(project, 0, 'honest.csv')).verdict, 'pass')
  for (const [what, file, bytes, check, code] of hostile) {
    writeFileSync(join(project.root, file), bytes())
    const report = await validate(project, 1, file)
    const found = report.checks.find(({ name }: Document) => name === check)
    assert.deepEqual(
      [report.verdict, found?.verdict, found?.code],
      ['fail', 'fail', code],
      `${what}: ${JSON.stringify(report.checks)}`,
    )
  }
})

test('Parquet that claims other than it holds, or unpacks to a thousand times its size, never passes', async (context) => {
  const project = scratch(context, { 't.yaml': contract() })
  const honest = await parquetOf("SELECT range::INT AS a, 'x' || range AS b FROM range(1000)")
  const bomb = await parquetOf(
    "SELECT range::INT AS a, repeat('x', 1000000) || range AS b FROM range(100)",
    'COMPRESSION zstd',
  )
  const dictionary = await parquetOf("SELECT range::INT AS a, repeat('x', 10000) AS b FROM range(200000)")
  const comma = await parquetOf(`SELECT range::INT AS a, repeat('x', 10000) AS "b, c" FROM range(200000)`)
  const noTexts = await parquetOf('SELECT NULL::VARCHAR AS a, NULL::VARCHAR AS b FROM range(20000000)')
  // honest: so many texts by its dictionaries that they are counted, under a name with a comma and in a struct too
  const few = await parquetOf(
    `SELECT repeat('x', 3000) || range % 3 AS "b, c", {'d': repeat('y', 3000) || range % 3} AS s, NULL::VARCHAR AS n FROM range(9000)`,
  )
  const nothing = await parquetOf('SELECT NULL::BIGINT AS a, NULL::BIGINT AS b FROM range(20000000)')
  const cases: readonly (readonly [what: string, bytes: Buffer, check: string, code: string])[] = [
    ['fewer rows in all claims', claimingFewerRows(honest, (all) => all), 'format/claims', 'ERR_DATA_UNREADABLE'],
    [
      'fewer rows of the file',
      claimingFewerRows(honest, (all) => all.slice(0, 1)),
      'format/claims',
      'ERR_DATA_UNREADABLE',
    ],
    [
      'fewer rows of a group',
      claimingFewerRows(honest, (all) => all.slice(-1)),
      'format/claims',
      'ERR_DATA_UNREADABLE',
    ],
    [
      'fewer values of a column',
      claimingFewerRows(honest, (all) => all.slice(1, 2)),
      'format/claims',
      'ERR_DATA_UNREADABLE',
    ],
    ['a bomb of a dictionary', dictionary, 'format/claims', 'ERR_DATA_LIMIT'],
    ['a bomb of a dictionary in a column with a comma', comma, 'format/claims', 'ERR_DATA_LIMIT'],
    ['a bomb of nothing', nothing, 'format/claims', 'ERR_DATA_LIMIT'],
    ['a bomb of texts that are nothing', noTexts, 'format/claims', 'ERR_DATA_LIMIT'],
    ['a bomb', bomb, 'format/claims', 'ERR_DATA_LIMIT'],
    ['no end', honest.subarray(0, honest.length - 100), 'format/readable', 'ERR_DATA_UNREADABLE'],
    ['a footer of two GiB', withFooterLength(honest, 0x7fffffff), 'format/readable', 'ERR_DATA_UNREADABLE'],
    ['a footer of four GiB', withFooterLength(honest, 0xffffffff), 'format/readable', 'ERR_DATA_UNREADABLE'],
    ['an empty footer', withFooterLength(honest, 0), 'format/readable', 'ERR_DATA_UNREADABLE'],
  ]
  writeFileSync(join(project.root, 't.parquet'), honest)
  assert.equal((await validate(project, 0, 't.parquet')).dataset.rows, 1000)
  writeFileSync(join(project.root, 't.parquet'), few)
  assert.equal((await project.json(0, 'data', 'validate', 't.parquet')).dataset.rows, 9000)
  for (const [what, bytes, check, code] of cases) {
    writeFileSync(join(project.root, 't.parquet'), bytes)
    const report = await validate(project, 1, 't.parquet')
    const found = report.checks.find(({ name }: Document) => name === check)
    assert.deepEqual([report.verdict, found?.code], ['fail', code], `${what}: ${JSON.stringify(report.checks)}`)
  }
})

test('a query of a contract reads no file, writes none and runs alone; the honest one answers', async (context) => {
  const escaped = '/tmp/assay-escaped-by-a-query'
  const queries = [
    "SELECT count(*) FROM read_text('/etc/passwd')",
    "SELECT count(*) FROM read_csv('/data/0')",
    `COPY (SELECT 1) TO '${escaped}'`,
    `SELECT 0; COPY (SELECT 1) TO '${escaped}'`,
    `ATTACH '${escaped}' AS x`,
    "SELECT count(*) FROM 'secret.csv'",
  ]
  const quality = JSON.stringify(queries.map((query, at) => ({ type: 'sql', name: `q${at}`, query, mustBe: 0 })))
  const project = scratch(context, {
    't.yaml': contract(`    quality: ${quality}\n`),
    'good.yaml': contract('    quality: [{type: sql, name: q, query: "SELECT sum(a) FROM {object}", mustBe: 3}]\n'),
    't.csv': honest,
    'secret.csv': 'a,b\n7,secret\n',
  })
  const report = await validate(project, 1, 't.csv')
  const asked = report.checks.filter(({ name }: Document) => name.startsWith('quality/q'))
  assert.equal(asked.length, queries.length)
  for (const check of asked) assert.deepEqual([check.verdict, check.evaluated], ['fail', false], check.name)
  assert.equal(existsSync(escaped), false)
  assert.equal(JSON.stringify(report).includes('root:'), false)
  const good = await project.json(0, 'data', 'validate', 't.csv', '--contract', 'good.yaml')
  assert.equal(good.verdict, 'pass')
})

test('a name that is a pattern reads its own bytes, not those of its neighbour', async (context) => {
  const project = scratch(context, { 't.yaml': contract(), 'x[1].csv': 'a,b\nnone,x\n', 'x1.csv': honest })
  const report = await validate(project, 1, 'x[1].csv')
  assert.deepEqual(
    report.checks.filter(({ verdict }: Document) => verdict === 'fail').map(({ name }: Document) => name),
    ['schema/type'],
  )
})

test('what the project holds data to is asked when nothing else is', async (context) => {
  const project = scratch(context, {
    'contracts/t.yaml': contract(),
    'data/t.csv': 'a,b\nnone,x\n',
    'dvc.yaml': 'stages:\n  s: {cmd: cat data/t.csv > out.txt, deps: [data/t.csv], outs: [out.txt]}\n',
    '.gitignore': '/out.txt\n',
  })
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  project.write({
    'assay.yaml': project.read('assay.yaml').replace('data/t.csv: {}', 'data/t.csv: {contract: contracts/t.yaml}'),
  })
  const report = await project.json(1, 'data', 'validate', 'data/t.csv')
  assert.equal(report.contract.name, 't')
})
