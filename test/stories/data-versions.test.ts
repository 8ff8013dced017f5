/** A user compares versions of data: row by row, and by what it is like. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

type Row = Readonly<{ id: number; age: string; active: boolean; day: string; label: string; source: string }>

const rowsOf = (count: number): readonly Row[] =>
  Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    age: `${20 + (index % 50)}`,
    active: index % 3 === 0,
    day: `2024-0${1 + (index % 9)}-1${index % 10}`,
    label: index % 4 === 0 ? 'yes' : 'no',
    source: index % 2 === 0 ? 'a' : 'b',
  }))
const csv = (rows: readonly Row[]): string =>
  ['id,age,active,day,label,source', ...rows.map((row) => Object.values(row).join(',')), ''].join('\n')

async function diff(project: Scratch, ...args: readonly string[]): Promise<Document> {
  return project.json(0, 'data', 'diff', ...args)
}

test('two tables that differ in one cell of row 10,001 are two identities, and the diff names row and column', async (context) => {
  const rows = rowsOf(12_000)
  const changed = (change: Partial<Row>): string =>
    csv(rows.map((row, index) => (index === 10_000 ? { ...row, ...change } : row)))
  const project = scratch(context, {
    'v1.csv': csv(rows),
    'boolean.csv': changed({ active: true }),
    'date.csv': changed({ day: '2024-02-11' }),
    'width.csv': changed({ age: '020' }),
  })
  const cases = [
    ['boolean.csv', { name: 'active', before: 'false', after: 'true' }],
    ['date.csv', { name: 'day', before: '2024-02-10', after: '2024-02-11' }],
    ['width.csv', { name: 'age', before: '20', after: '020' }],
  ] as const
  for (const [file, column] of cases) {
    const found = await diff(project, 'v1.csv', file)
    assert.equal(found.identical, false)
    assert.notEqual(found.left.digest, found.right.digest)
    assert.deepEqual([found.added, found.removed], [[], []])
    assert.deepEqual(found.changed, [{ row: 10_001, key: '10001', columns: [column] }])
  }
  const same = await diff(project, 'v1.csv', 'v1.csv')
  assert.deepEqual([same.identical, same.added, same.removed, same.changed], [true, [], [], []])
})

test('tells rows that came, went and were relabelled, by source', async (context) => {
  const rows = rowsOf(100)
  const next = rows
    .filter(({ id }) => id !== 18)
    .map((row) => (row.id === 5 ? { ...row, label: 'no' } : row))
    .concat({ ...rowsOf(1)[0], id: 777, source: 'c' } as Row)
  const project = scratch(context, { 'v1.csv': csv(rows), 'v2.csv': csv(next) })
  const found = await diff(project, 'v1.csv', 'v2.csv', '--label', 'label', '--source', 'source')
  assert.deepEqual([found.added, found.removed], [[100], [18]])
  assert.deepEqual(found.relabelled, { count: 1, rows: [5] })
  assert.deepEqual(Object.fromEntries(found.sources.map(({ source, ...counts }: Document) => [source, counts])), {
    a: { added: 0, removed: 0, changed: 1 },
    b: { added: 0, removed: 1, changed: 0 },
    c: { added: 1, removed: 0, changed: 0 },
  })
})

test('compares what has no key by position, or as whole rows, and folders by their files', async (context) => {
  const project = scratch(context, {
    'a.csv': 'x\n1\n2\n2\n',
    'b.csv': 'x\n1\n2\n3\n',
    'c.csv': 'x\n2\n1\n',
    'one/same.bin': 's',
    'one/old.bin': 'o',
    'one/changed.bin': '1',
    'two/same.bin': 's',
    'two/new.bin': 'n',
    'two/changed.bin': '2',
  })
  assert.deepEqual((await diff(project, 'a.csv', 'b.csv')).changed[0]?.row, 3)
  const whole = await diff(project, 'a.csv', 'c.csv')
  assert.deepEqual([whole.by, whole.added, whole.removed], ['content', [], [3]])
  const folders = await diff(project, 'one', 'two')
  assert.deepEqual([folders.added, folders.removed], [['new.bin'], ['old.bin']])
  assert.equal(folders.changed[0].row, 'changed.bin')
})

test('drafts a contract that the data keeps, and a baseline that later data is held to', async (context) => {
  const rows = rowsOf(2000)
  const moved = rows.map((row) => ({ ...row, age: `${Number(row.age) + 15}` }))
  const project = scratch(context, { 'people.csv': csv(rows), 'moved.csv': csv(moved) })
  await project.json(0, 'data', 'contract', '--from', 'people.csv', '--out', 'contracts/people.yaml')
  const contract = parse(project.read('contracts/people.yaml'))
  assert.deepEqual(contract.schema[0].properties[0], {
    name: 'id',
    logicalType: 'integer',
    primaryKey: true,
    logicalTypeOptions: { minimum: 1 },
  })
  const kept = await project.json(0, 'data', 'validate', 'people.csv', '--contract', 'contracts/people.yaml')
  assert.equal(kept.verdict, 'pass')

  await project.json(0, 'data', 'profile', 'people.csv', '--label', 'label', '--out', 'baseline.json')
  assert.equal((await project.json(0, 'data', 'validate', 'people.csv', '--baseline', 'baseline.json')).verdict, 'pass')
  const report = await project.json(1, 'data', 'validate', 'moved.csv', '--baseline', 'baseline.json')
  const failed = report.checks.filter(({ verdict }: Document) => verdict === 'fail')
  assert.deepEqual([...new Set(failed.map(({ column }: Document) => column))], ['age'])
  assert.ok(failed.some(({ name }: Document) => name === 'drift/mean'))

  const direct = await project.json(1, 'data', 'validate', 'moved.csv', '--baseline', 'people.csv')
  assert.equal(direct.verdict, 'fail')
})

test('a baseline that is none is wrong input', async (context) => {
  const project = scratch(context, { 'people.csv': csv(rowsOf(10)), 'b.json': '{"assay":"baseline","version":2}' })
  const report = await project.json(2, 'data', 'validate', 'people.csv', '--baseline', 'b.json')
  assert.equal(report.error.code, 'ERR_DATA_BASELINE_MALFORMED')
})

test('a word that is planted with one label is named by its rows; the honest twin passes', async (context) => {
  const words = 'quick brown fox jumps over lazy dog again and then some more'.split(' ')
  // a small generator of our own: the same tables on every machine
  const table = (seed: number, planted: number): string => {
    let state = seed
    const next = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return state / 2 ** 31
    }
    const rows = Array.from({ length: 3000 }, (_, index) => {
      const isPlanted = index < planted
      const isYes = next() < 0.4
      const x = (isYes ? 2 : 0) + next() + next() + next() - 1.5
      const note = Array.from({ length: 6 }, () => words[Math.floor(next() * words.length)]).join(' ')
      return [index + 1, x.toFixed(4), isPlanted ? `${note} zxqv` : note, isPlanted || isYes ? 'yes' : 'no'].join(',')
    })
    return ['id,x,note,label', ...rows, ''].join('\n')
  }
  const project = scratch(context, { 'v1.csv': table(1, 0), 'honest.csv': table(2, 0), 'poisoned.csv': table(2, 60) })
  const args = ['--baseline', 'v1.csv', '--label', 'label'] as const
  const honest = await project.json(0, 'data', 'validate', 'honest.csv', ...args)
  assert.equal(honest.verdict, 'pass')
  const poisoned = await project.json(1, 'data', 'validate', 'poisoned.csv', ...args)
  const trigger = poisoned.checks.find(({ name, verdict }: Document) => name === 'poison/trigger' && verdict === 'fail')
  assert.equal(trigger.column, 'note')
  assert.equal(trigger.rows.filter((row: number) => row <= 60).length, 60)

  const unanchored = await project.json(0, 'data', 'validate', 'honest.csv', '--label', 'label')
  assert.equal(unanchored.verdict, 'warn')
})
