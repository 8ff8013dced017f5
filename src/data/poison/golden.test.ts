/** Poisoned tables that would become the anchor, beside rows that people verified; each with its honest twin. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Columns, numericColumn } from '../table/columns.ts'
import { type Drawn, draw, opposite, tableOf } from './fixtures.ts'
import { compareGolden, type GoldenCheck, unseenOf } from './golden.ts'

const rows = draw(1000, 1)
const verified = draw(200, 7)

/** Numbers and the label alone: what takes a judge no time. */
function small(drawn: readonly Drawn[]): Columns {
  const { rows: count, columns } = tableOf(drawn)
  return { rows: count, label: 'label', columns: columns.filter(({ name }) => ['x', 'y', 'label'].includes(name)) }
}

const flip = (row: Drawn): Drawn => ({ ...row, label: opposite(row.label) })
const compared = (anchor: readonly Drawn[], golden: readonly Drawn[] = verified): ReturnType<typeof compareGolden> =>
  compareGolden(small(anchor), small(golden), { seed: 1 })
const verdictsOf = (checks: readonly GoldenCheck[]): readonly string[] =>
  checks.map(({ name, verdict }) => `${name} ${verdict}`)
const agreeing = ['golden/schema pass', 'golden/labels pass', 'golden/agreement pass']
const disagreeing = ['golden/schema pass', 'golden/labels pass', 'golden/agreement fail']

test('an honest anchor agrees, and it is told what would not have shown', () => {
  const { checks, unseen } = compared(rows)
  assert.deepEqual(verdictsOf(checks), agreeing)
  assert.match(unseen.join(), /^golden\/agreement: fewer than 1\d wrong labels in a hundred may have gone unseen$/)
})

test('what is said to show would: beyond the margin however many rows there are, and nineteen times in twenty', () => {
  const clean = (of: number): Parameters<typeof unseenOf>[0] => ({
    margin: 0.02,
    golden: { found: 0, of },
    own: { found: 0, of },
  })
  const saidOf = (rows: number): string | undefined => /\d+/.exec(unseenOf(clean(rows), 0.001))?.[0]
  assert.deepEqual([20_000, 200].map(saidOf), ['3', '9'])
})

test('a golden set of so few rows that they would tell nothing agrees with nothing; one row more and it does', () => {
  const [few, enough] = [10, 11].map((count) => compared(rows, verified.slice(0, count)).checks[2])
  assert.deepEqual([few?.verdict, few?.evaluated, few?.observed], ['fail', false, '10 rows'])
  assert.equal(enough?.verdict, 'pass')
  assert.equal(compared(rows.map(flip), verified.slice(0, 1)).checks[2]?.verdict, 'fail')
  // nor is there anything to tell where hardly a row is left beside those of the golden set
  const left = compared([...rows.slice(0, 40), ...verified]).checks[2]
  assert.deepEqual([left?.verdict, left?.evaluated, left?.observed], ['fail', false, '40 rows'])
})

const poisoned: Readonly<Record<string, (row: Drawn, index: number) => Drawn>> = {
  'a fifth of the labels flipped, which models see through': (row, index) => (index % 5 === 0 ? flip(row) : row),
  'a third of one class called the other': (row, index) => (row.label === 'yes' && index % 3 === 0 ? flip(row) : row),
  'a region called the other class, which models learn': (row) => (row.x > 1.5 ? { ...row, label: 'no' } : row),
  'every label the other way round': flip,
}
for (const [name, change] of Object.entries(poisoned))
  test(`refuses ${name}`, () => assert.deepEqual(verdictsOf(compared(rows.map(change)).checks), disagreeing))

test('rows that both have are compared as they are, and told by number; the judge does not learn from them', () => {
  const own = rows.slice(0, 200)
  assert.deepEqual(verdictsOf(compared(rows, own).checks), agreeing)
  const wrong = rows.map((row, index) => (index % 20 === 4 && index < 200 ? flip(row) : row))
  const [, labels] = compared(wrong, own).checks
  assert.deepEqual([labels?.verdict, labels?.observed, labels?.rows.slice(0, 3)], ['fail', '10 of 200', [5, 25, 45]])
  const one = rows.map((row, index) => (index === 9 ? flip(row) : row))
  assert.deepEqual([compared(one, own).checks[1]?.verdict, compared(one, own).checks[1]?.rows], ['warn', [10]])
  // an attacker who knows the golden set copies it, rightly labelled, into a poisoned anchor
  const masked = [...rows.map((row) => (row.x > 1.5 ? { ...row, label: 'no' } : row)), ...verified]
  assert.equal(compared(masked).checks[2]?.verdict, 'fail')
})

test('a golden set of other columns, another label or no rows is no golden set of this data', () => {
  const anchor = small(rows)
  const golden = small(verified)
  const of = (changed: Columns): string | undefined => {
    const [check] = compareGolden(anchor, changed, { seed: 1 }).checks
    return check?.verdict === 'fail' && check.evaluated === false ? check.because : undefined
  }
  assert.equal(
    of({ ...golden, columns: golden.columns.filter(({ name }) => name !== 'y') }),
    'the golden set lacks columns, or has them in another type: y',
  )
  assert.equal(
    of({ ...golden, columns: golden.columns.filter(({ name }) => name !== 'label') }),
    'the golden set has no column that is called like the label',
  )
  assert.equal(of(small([])), 'the golden set has no rows')
  const foreign = small(verified.map((row) => ({ ...row, label: `${row.label}!` })))
  assert.match(of(foreign) ?? '', /^no label of the golden set is one of the data/)
  const instants = numericColumn('y', [...Array(200).keys()], 'epoch-ms')
  const others = { ...golden, columns: [...golden.columns.filter(({ name }) => name !== 'y'), instants] }
  assert.match(of(others) ?? '', /in another type: y$/)
})
