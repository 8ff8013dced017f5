import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { worstOf } from '../check.ts'
import { type Bench, contractOf, openBench, troubles } from './testing.fs.ts'

let bench: Bench
before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.dispose]())

/** A Parquet file of a query. */
async function parquet(sql: string, options = ''): Promise<Buffer> {
  const path = join(bench.folder, `made-${Math.random()}.parquet`)
  await bench.engine.query(`COPY (${sql}) TO '${path}' (FORMAT parquet${options})`)
  return readFileSync(path)
}

const people = contractOf(`
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 120}}
      - {name: born, logicalType: date}`)

describe('a table', () => {
  test('passes when it keeps its contract', async () => {
    const answer = await bench.validate({ 't.csv': 'id,age,born\n1,30,1990-01-02\n2,,\n' }, { contract: people })
    assert.deepEqual(troubles(answer), [])
    assert.equal(answer.rows, 2)
  })

  test('names the rows that break a rule, 1-based, without the header', async () => {
    const rows = 'id,age,born\n1,30,1990-01-02\n2,121,1990-13-02\n2,x,\n,4,1990-1-2\n'
    const answer = await bench.validate({ 't.csv': rows }, { contract: people })
    assert.deepEqual(troubles(answer), [
      'fail schema/required id 4',
      'fail schema/type age 3',
      'fail schema/range age 2 3',
      'fail schema/type born 2 4',
      'fail schema/primary-key id 2 3',
    ])
  })

  test('means the same as CSV, TSV, JSONL and Parquet', async () => {
    const expected = ['fail schema/range age 2', 'fail schema/primary-key id 1 2']
    const tables = {
      't.csv': 'id,age,born\n1,30,1990-01-02\n1,121,1990-01-03\n',
      't.tsv': 'id\tage\tborn\n1\t30\t1990-01-02\n1\t121\t1990-01-03\n',
      't.jsonl': '{"id":1,"age":30,"born":"1990-01-02"}\n{"id":1,"age":121,"born":"1990-01-03"}\n',
      't.csv.gz': gzipSync('id,age,born\n1,30,1990-01-02\n1,121,1990-01-03\n'),
      't.parquet': await parquet(
        "SELECT * FROM (VALUES (1, 30, DATE '1990-01-02'), (1, 121, DATE '1990-01-03')) t(id, age, born)",
      ),
    }
    for (const [name, content] of Object.entries(tables)) {
      assert.deepEqual(troubles(await bench.validate({ [name]: content }, { contract: people })), expected, name)
    }
  })

  test('may be a folder of files with partitions, whose folders are columns', async () => {
    const contract = contractOf(
      '[{name: id, logicalType: integer, unique: true}, {name: year, logicalType: integer, required: true}]',
    )
    const part = (from: number) => parquet(`SELECT i::INT AS id FROM range(${from}, ${from + 3}) t(i)`)
    const files = { 'year=2024/a[1].parquet': await part(0), 'year=2025/a.parquet': await part(2) }
    const answer = await bench.validate(files, { contract })
    assert.deepEqual(troubles(answer), ['fail schema/unique id 3 4'])
    assert.equal(answer.rows, 6)
  })

  test('is not read with columns that only some of its files have', async () => {
    const files = {
      'a.parquet': await parquet('SELECT 1 AS id'),
      'b.parquet': await parquet('SELECT 1 AS id, 2 AS hidden'),
    }
    assert.deepEqual(troubles(await bench.validate(files)), ['fail format/columns - b.parquet'])
    const csv = { 'a.csv': 'id\n1\n', 'b.csv': 'id,hidden\n1,2\n' }
    assert.deepEqual(troubles(await bench.validate(csv)), ['fail format/columns - b.csv'])
  })

  test('is none with files among it that readers of folders skip, whose rows would count as learnt', async () => {
    const [part, rest] = ['a\n1\n2\n', 'a\n3\n']
    for (const name of ['_part-0.csv', '.part.csv', '_old/part.csv', 'sub/.old/part.csv', '_x=1/part.csv']) {
      const beside = name.startsWith('_x') ? '_x=2/b.csv' : 'b.csv'
      const [told] = troubles(await bench.validate({ [name]: part, [beside]: rest }))
      assert.match(told ?? '', /^fail format\/skipped - /, name)
      assert.ok(told?.includes(name), name)
    }
    // TWIN names that readers of folders read, and a file alone, which is read by its name
    const read = { 'part_0.csv': part, 'x=1.csv': rest, 'a.b.csv': rest }
    assert.deepEqual(troubles(await bench.validate(read)), [])
    assert.deepEqual(troubles(await bench.validate({ '_train.csv': part })), [])
  })

  test('without a contract is read whole, and that is all that its verdict says', async () => {
    assert.deepEqual(troubles(await bench.validate({ 't.csv': 'a\n1\n' })), [])
  })
})

describe('rules', () => {
  const cases: readonly (readonly [name: string, properties: string, rest: string, trouble: readonly string[]])[] = [
    [
      'nulls in percent',
      '[{name: a, quality: [{metric: nullValues, unit: percent, mustBeLessThan: 25}]}]',
      '',
      ['fail quality/nullValues a 4'],
    ],
    [
      'missing values',
      '[{name: b, quality: [{metric: missingValues, arguments: {missingValues: [x]}, mustBe: 0}]}]',
      '',
      ['fail quality/missingValues b 1'],
    ],
    [
      'allowed values, as numbers',
      '[{name: a, quality: [{metric: invalidValues, arguments: {validValues: [1, 2.0]}, mustBe: 0}]}]',
      '',
      ['fail quality/invalidValues a 3'],
    ],
    [
      'a pattern',
      "[{name: b, logicalType: string, logicalTypeOptions: {pattern: '^[x-z]$'}}]",
      '',
      ['fail schema/pattern b 4'],
    ],
    [
      'a length',
      '[{name: b, logicalType: string, logicalTypeOptions: {minLength: 1, maxLength: 1}}]',
      '',
      ['fail schema/length b 4'],
    ],
    [
      'bits of an integer',
      '[{name: c, logicalType: integer, logicalTypeOptions: {format: u8}}]',
      '',
      ['fail schema/type c 3 4'],
    ],
    [
      'multiples',
      '[{name: c, logicalType: integer, logicalTypeOptions: {multipleOf: 5}}]',
      '',
      ['fail schema/multiple-of c 3'],
    ],
    [
      'a count of rows',
      '[{name: a}]',
      '    quality: [{metric: rowCount, mustBeBetween: [5, 9]}]',
      ['fail quality/rowCount -'],
    ],
    [
      'duplicates of pairs',
      '[{name: a}, {name: b}]',
      '    quality: [{metric: duplicateValues, arguments: {properties: [a, b]}, mustBe: 0}]',
      [],
    ],
    [
      'a severity that warns',
      '[{name: a, quality: [{metric: nullValues, mustBe: 0, severity: warning}]}]',
      '',
      ['warn quality/nullValues a 4'],
    ],
    [
      'SQL',
      '[{name: a, logicalType: integer}]',
      '    quality: [{type: sql, name: s, query: "SELECT sum(a) FROM {object}", mustBe: 6}]',
      [],
    ],
    [
      'SQL that says no',
      '[{name: c, logicalType: integer, quality: [{type: sql, name: s, query: "SELECT max({property}) FROM t", mustBeLessThan: 9}]}]',
      '',
      ['fail quality/s c'],
    ],
    [
      'a column that is not there',
      '[{name: z, logicalType: string}]',
      '',
      ['fail schema/present z', 'fail schema/type z'],
    ],
    [
      'a pattern that the engine refuses',
      "[{name: b, logicalType: string, logicalTypeOptions: {pattern: '(?<=a)b'}}]",
      '',
      ['fail schema/pattern b'],
    ],
    [
      'an example of a bound that is no date',
      '[{name: b, logicalType: date, logicalTypeOptions: {minimum: soon}}]',
      '',
      ['fail schema/type b 1 2 3 4', 'fail schema/range b'],
    ],
    [
      'freshness',
      '[{name: d, logicalType: date}]',
      'slaProperties: [{property: freshness, value: 2, unit: d, element: t.d}]',
      ['fail sla/freshness d'],
    ],
  ]
  const table = 'a,b,c,d\n1,x,10,2026-11-01\n2,y,20,2026-11-02\n3,z,-3,2026-11-03\n,long,300,2026-11-04\n'
  for (const [name, properties, rest, trouble] of cases) {
    test(`hold data to ${name}`, async () => {
      const answer = await bench.validate({ 't.csv': table }, { contract: contractOf(properties, rest) })
      assert.deepEqual(troubles(answer), trouble)
    })
  }

  test('hold foreign keys to the other table', async () => {
    const contract = contractOf(
      '[{name: who, relationships: [{to: people.id}]}]',
      '  - {name: people, properties: [{name: id}]}',
    )
    const files = { 't.csv': 'who\n1\n7\n\n2\n', 'people.jsonl': '{"id":1}\n{"id":2}\n' }
    assert.deepEqual(troubles(await bench.validate(files, { contract, others: ['people.jsonl'] })), [
      'fail schema/foreign-key who 2',
    ])
    assert.deepEqual(troubles(await bench.validate({ 't.csv': 'who\n1\n' }, { contract })), [
      'fail schema/foreign-key who',
    ])
  })

  test('never let SQL reach anything but the tables', async () => {
    const queries = [
      "SELECT count(*) FROM read_csv('/etc/passwd')",
      "SELECT count(*) FROM '/etc/passwd'",
      "SELECT count(*) FROM glob('/*')",
      'SELECT 1; SELECT 0',
      "COPY t TO '/tmp/assay-escaped.csv'",
      "ATTACH '/tmp/assay-escaped.db'",
      'INSTALL httpfs',
      'PRAGMA database_list',
      'SET threads = 1',
      'SELECT count(*) FROM duckdb_settings()',
      'SELECT count(*) FROM information_schema.tables',
      "SELECT count(*) FROM query('SELECT 0')",
      "SELECT getenv('HOME')",
      'CREATE TABLE x AS SELECT 1',
      'SELECT a, b FROM t',
      'SELECT a FROM t',
      'nonsense',
    ]
    const quality = queries.map((query) => ({ type: 'sql', query, mustBe: 0 }))
    const contract = contractOf('[{name: a}, {name: b}]', `    quality: ${JSON.stringify(quality)}`)
    const answer = await bench.validate({ 't.csv': 'a,b\n1,2\n3,4\n' }, { contract })
    const asked = answer.checks.filter(({ name }) => name === 'quality/sql')
    assert.equal(asked.length, queries.length)
    assert.deepEqual(
      asked.filter(({ verdict, evaluated }) => verdict !== 'fail' || evaluated),
      [],
    )
  })
})

/** A table of two rows, of which the last has so many bytes. */
function lastRow(sizeBytes: number): Buffer {
  return Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.alloc(sizeBytes - 2, 'x'), Buffer.from('\n')])
}

describe('hostile data never passes', () => {
  const contract = contractOf('[{name: a}, {name: b}]')
  const cases: readonly (readonly [name: string, file: string, content: string | Uint8Array, trouble: string])[] = [
    ['an empty file', 't.csv', '', 'fail format/signature - t.csv'],
    ['a header without rows', 't.csv', 'a,b\n', 'fail format/rows -'],
    ['rows with another number of fields', 't.csv', 'a,b\n1,2\n"x\ny",2\n1,2,3\n4\n', 'fail format/readable - 3 4'],
    ['a quote that does not close', 't.csv', 'a,b\n1,2\n"3,4\n', 'fail format/readable - 2'],
    ['text behind a quote', 't.csv', 'a,b\n1,"2"x\n', 'fail format/readable - 1'],
    ['a NUL', 't.csv', 'a,b\n1,2\n3\0,4\n', 'fail format/nul - 2'],
    [
      'two encodings',
      't.csv',
      Buffer.from([...Buffer.from('a,b\nü,2\n'), 0xfc, 0x2c, 0x32, 0x0a]),
      'fail format/readable - 2',
    ],
    ['UTF-16', 't.csv', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'fail format/signature - t.csv'],
    ['a byte order mark', 't.csv', '\ufeffa,b\n1,2\n', 'warn format/bom -'],
    ['a formula', 't.csv', 'a,b\n1,2\n"=HYPERLINK(""http://x"")",+cmd|calc!A0\n-5,+49 30\n', 'warn format/formula - 2'],
    ['a column twice', 't.csv', 'a,b,a\n1,2,3\n', 'fail format/columns a'],
    [
      'a field of 100 MB',
      't.csv',
      Buffer.concat([Buffer.from('a,b\n1,"'), Buffer.alloc(100e6, 120), Buffer.from('"\n')]),
      'fail format/readable - 1',
    ],
    ['a last row that the engine leaves out', 't.csv', lastRow(40e6), 'fail format/readable - 2'],
    [
      'a last row that the engine leaves out, packed',
      't.csv.gz',
      gzipSync(lastRow(40e6), { level: 0 }),
      'fail format/readable - 2',
    ],
    ['a Parquet that is a CSV', 't.parquet', 'a,b\n1,2\n', 'fail format/signature - t.parquet'],
    ['a CSV that is a Parquet', 't.csv', 'PAR1aaaaaaaaaPAR1', 'fail format/signature - t.csv'],
    [
      'a packed file that ends early',
      't.csv.gz',
      gzipSync('a,b\n' + '1,2\n'.repeat(99_999)).subarray(0, 300),
      'fail format/packed - t.csv.gz',
    ],
    [
      'a bomb',
      't.csv.gz',
      gzipSync(Buffer.concat([Buffer.from('a,b\n'), Buffer.alloc(200e6, 49)])),
      'fail format/packed - t.csv.gz',
    ],
    ['JSON that breaks off', 't.jsonl', '{"a":1,"b":2}\n{"a":', 'fail format/readable -'],
    ['JSON with a key twice', 't.jsonl', '{"a":1,"b":2,"a":3}\n', 'fail format/readable -'],
    ['JSON that is no object', 't.jsonl', '[1,2]\n', 'fail format/readable -'],
    ['JSON nested beyond the stack', 't.jsonl', nested(100_000), 'fail format/readable - t.jsonl'],
    ['a JSON object of 20 MB', 't.jsonl', `{"a":1,"b":"${'x'.repeat(20e6)}"}\n`, 'fail format/readable - t.jsonl'],
    ['a CSV that ends as a zip', 't.csv', `a,b\n1,2\n${endOfZip(0)}`, 'fail format/claims - t.csv'],
    [
      'a packed CSV that ends as a zip',
      't.csv.gz',
      gzipSync(`a,b\n1,2\n${endOfZip(8)}`, { level: 0 }),
      'fail format/claims - t.csv.gz',
    ],
    ['a torn Parquet', 't.parquet', 'PAR1\0\0\0\0PAR1', 'fail format/readable - t.parquet'],
  ]
  test('what the engine says of a file names it as its owner does', async () => {
    for (const [name, content] of [
      ['t.jsonl', '{"a":1}\n{"a":'],
      ['t.parquet', `PAR1${'\0'.repeat(100)}PAR1`],
    ] as const) {
      const [check] = (await bench.validate({ [name]: content })).checks
      assert.match(check?.because ?? '', new RegExp(`file ["']${name}["']`))
    }
  })

  test('a last row as long as a row may be is read', async () => {
    const answer = await bench.validate({ 't.csv': lastRow(1_999_990) }, { contract })
    assert.deepEqual([troubles(answer), answer.rows], [[], 2])
  })

  test('a Parquet whose footer is the comment of a zip', async () => {
    const honest = await parquet("SELECT 1 AS a, 'x' AS b")
    const footer = 8 + honest.readUInt32LE(honest.length - 8)
    const zip = Buffer.from(endOfZip(footer), 'latin1')
    const bytes = Buffer.concat([honest.subarray(0, -footer), zip, honest.subarray(-footer)])
    assert.deepEqual(troubles(await bench.validate({ 't.parquet': honest }, { contract })), [])
    assert.deepEqual(troubles(await bench.validate({ 't.parquet': bytes }, { contract })), [
      'fail format/claims - t.parquet',
    ])
  })

  test('JSON that is large and deep within the limits is read', async () => {
    const text = `${nested(990)}{"a":2,"b":"${'['.repeat(15e6)}"}\n`
    const { checks } = await bench.validate({ 't.jsonl': text }, { contract })
    assert.deepEqual(
      checks.filter(({ name, verdict }) => name.startsWith('format/') && verdict === 'fail'),
      [],
    )
  })

  for (const [name, file, content, trouble] of cases) {
    test(name, async () => {
      const answer = await bench.validate({ [file]: content }, { contract })
      assert.ok(troubles(answer).includes(trouble), JSON.stringify(answer.checks, undefined, 1))
      assert.notEqual(worstOf(answer.checks), 'pass')
      for (const check of answer.checks)
        if (check.verdict === 'fail' && check.name.startsWith('format/'))
          assert.ok(check.code !== undefined || check.name === 'format/rows', check.name)
    })
  }

  test('statistics that lie do not hide a row', async () => {
    const honest = await parquet(
      'SELECT (i % 10 + 1)::INT AS a, 0 AS b FROM range(20) t(i) UNION ALL SELECT -999, 0',
      ', COMPRESSION uncompressed',
    )
    const lying = Buffer.from(honest)
    const footer = lying.length - 8 - lying.readUInt32LE(lying.length - 8)
    const evil = Buffer.alloc(4)
    evil.writeInt32LE(-999)
    let patched = 0
    for (let at = lying.indexOf(evil, footer); at >= 0; at = lying.indexOf(evil, at + 1)) {
      lying.writeInt32LE(1, at)
      patched += 1
    }
    assert.ok(patched > 0)
    const strict = contractOf('[{name: a, logicalType: integer, logicalTypeOptions: {minimum: 1}}, {name: b}]')
    for (const content of [honest, lying]) {
      assert.deepEqual(troubles(await bench.validate({ 't.parquet': content }, { contract: strict })), [
        'fail schema/range a 21',
      ])
    }
  })

  test('a damaged Parquet page', async () => {
    const bytes = await parquet("SELECT i AS a, 'text ' || i AS b FROM range(5000) t(i)")
    for (const at of [200, 4000, 20_000]) bytes.fill(0xff, at, at + 64)
    const answer = await bench.validate({ 't.parquet': bytes }, { contract })
    assert.notEqual(worstOf(answer.checks), 'pass')
  })

  test('10,000 columns', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `c${index}`).join(',')
    const answer = await bench.validate({ 't.csv': `${names}\n${names}\n` })
    assert.deepEqual(
      answer.checks.map(({ name, code }) => [name, code]),
      [['format/columns', 'ERR_DATA_LIMIT']],
    )
  })

  test('names of columns that are code are names', async () => {
    const evil = `a"; DROP TABLE t; --`
    const answer = await bench.validate({ 't.csv': `"${evil.replaceAll('"', '""')}",b\n1,2\n` })
    assert.deepEqual(troubles(answer), [`warn format/names ${evil}`])
  })

  test('a name with a pattern does not read its neighbour', async () => {
    const answer = await bench.validate({ 'x[1].csv': 'a\nown\n', 'x1.csv': 'b\nother\n' }, { others: ['x1.csv'] })
    assert.equal(answer.rows, 1)
    const missing = await bench.validate(
      { 'data*.csv': 'a\nown\n', 'data1.csv': 'a\n1\n2\n' },
      { others: ['data1.csv'] },
    )
    assert.equal(missing.rows, 1)
  })
})

test('the engine reads nothing outside its folders and stays closed', async () => {
  writeFileSync(join(bench.folder, 'inside.csv'), 'a\n1\n')
  for (const sql of [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "COPY (SELECT 1) TO '/tmp/assay-escaped.csv'",
    "ATTACH '/tmp/assay-escaped.db'",
    'SET enable_external_access = true',
    "SET allowed_directories = ['/']",
    'LOAD httpfs',
  ]) {
    await assert.rejects(bench.engine.query(sql), sql)
  }
})

/** One line of JSON, this many arrays deep. */
function nested(levels: number): string {
  return `{"a":1,"b":${'['.repeat(levels)}${']'.repeat(levels)}}\n`
}

/** What readers of zips look for from the end of a file. */
function endOfZip(commentBytes: number): string {
  return `PK\x05\x06${'\0'.repeat(16)}${String.fromCharCode(commentBytes % 256, Math.floor(commentBytes / 256))}`
}
