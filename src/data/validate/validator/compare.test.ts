/** What a version leaves in the signed history, and how it lies beside its anchor in another format. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Bound } from '../../bounds.ts'
import { type Drawn, draw, opposite, tableOf } from '../../poison/fixtures.ts'
import { profileAnchor } from '../../statistics/index.ts'
import { labelOf } from '../../table/columns.ts'
import type { Loaded } from '../../table/load-columns.ts'
import { defaultLimits } from '../run-validator.fs.ts'
import { compare, loadFor, versionOf } from './compare.ts'
import { type Bench, openBench, openRelation } from './testing.fs.ts'

const anchor = tableOf(draw(1000, 1))
const moved = draw(1000, 2).map((row) => ({ ...row, y: row.y + 0.6 }))

/** How far `y` moved, as it is kept. */
function keptOf(bounds: readonly Bound[]): number {
  const loaded: Loaded = { columns: tableOf(moved), kinds: [], rows: 1000 }
  const given = { anchorProfile: profileAnchor(anchor), increments: [], seed: 0, bounds }
  const { drift } = versionOf({ loaded, approved: undefined, before: undefined }, given)
  return drift.find(({ column }) => column === 'y')?.effect ?? 0
}

const loose = (value: number): readonly Bound[] =>
  ['drift/psi', 'drift/ks', 'drift/js', 'drift/mean', 'drift/quantile'].map((check) => ({
    check,
    of: 'threshold',
    value,
  }))

test('a drift is kept in the unit of no looser threshold than own ones, so that it shows when that is taken back', () => {
  assert.ok(keptOf([]) > 1)
  assert.equal(keptOf(loose(10)), keptOf([]))
  assert.ok(keptOf(loose(0.001)) > 10 * keptOf([]), 'the honest twin: tighter ones count')
})

const csv = (rows: readonly Drawn[], [no, yes]: readonly [string, string]): string =>
  [
    'x,y,label',
    ...rows.map(({ x, y, label }) => `${x.toFixed(4)},${y.toFixed(4)},${label === 'yes' ? yes : no}`),
    '',
  ].join('\n')

async function parquetOf({ engine, folder }: Bench, text: string, label: string): Promise<Buffer> {
  writeFileSync(join(folder, 'from.csv'), text)
  const path = join(folder, 'made.parquet')
  const columns = `x::DOUBLE AS x, y::DOUBLE AS y, label::${label} AS label`
  await engine.query(
    `COPY (SELECT ${columns} FROM read_csv('${join(folder, 'from.csv')}')) TO '${path}' (FORMAT parquet)`,
  )
  return readFileSync(path)
}

test('a label that is no column of the data fails: its misspelling would leave wrong labels unsearched', async () => {
  using bench = await openBench()
  const given = await openRelation(bench, 'given.csv', csv(draw(60, 1), ['no', 'yes']))
  const failedWith = async (label: string): Promise<readonly string[]> => {
    const { checks } = await compare(
      bench.engine,
      given,
      {},
      {
        ...{ task: 'validate', files: [], others: [], now: '2026-11-26T00:00:00Z', examples: 0 },
        ...{ limits: defaultLimits.limits, statistics: { label, seed: 1, poison: true }, reviewed: new Map() },
      },
    )
    return checks.filter(({ verdict }) => verdict === 'fail').map(({ name, because }) => `${name}: ${because}`)
  }
  assert.deepEqual(await failedWith('labell'), ['format/label: there is no column `labell` to take for the label'])
  assert.deepEqual(await failedWith('label'), [])
})

test('a class is the number that it is: in another type or spelling honest rows do not move, and wrong labels are seen', async () => {
  using bench = await openBench()
  const known = draw(300, 1)
  const anchored = await openRelation(bench, 'anchor.csv', csv(known, ['0', '1']))
  const statistics = { label: 'label', seed: 1, poison: true }
  const alarms = async (name: string, content: string | Uint8Array): Promise<readonly string[]> => {
    const { checks } = await compare(
      bench.engine,
      await openRelation(bench, name, content),
      { anchor: anchored },
      {
        ...{ task: 'validate', files: [], others: [], now: '2026-11-25T00:00:00Z', examples: 0 },
        ...{ limits: defaultLimits.limits, statistics, reviewed: new Map() },
      },
    )
    return checks.flatMap(({ name: check, column, verdict }) =>
      column === 'label' && verdict === 'fail' ? [check] : [],
    )
  }
  const flipped = [...known, ...draw(40, 5).map((row) => ({ ...row, label: opposite(row.label) }))]
  assert.deepEqual(await alarms('spelled.csv', csv(known, ['0.0', '1.0'])), [])
  assert.deepEqual(await alarms('double.parquet', await parquetOf(bench, csv(known, ['0', '1']), 'DOUBLE')), [])
  assert.deepEqual(await alarms('flipped.csv', csv(flipped, ['0.0', '1.00'])), ['poison/label-flip'])
})

test('classes that are codes stay what they are', async () => {
  using bench = await openBench()
  const classesOf = async (name: string, labels: readonly string[]): Promise<readonly string[]> => {
    const relation = await openRelation(bench, name, ['x,label', ...labels.map((each) => `1,${each}`), ''].join('\n'))
    const { columns } = await loadFor(bench.engine, relation, { label: 'label', seed: 1 }, {})
    return labelOf(columns)?.dictionary.toSorted() ?? []
  }
  assert.deepEqual(await classesOf('codes.csv', ['01', '1', '1.0', '-2.50']), ['-2.5', '01', '1'])
  assert.deepEqual(await classesOf('words.csv', ['1.0', '1', 'a']), ['1', '1.0', 'a'], 'words among them: text')
})

test('a version is compared in the sort that its anchor has, however its format holds it; values of another sort fail with their row', async () => {
  using bench = await openBench()
  const days = Array.from({ length: 400 }, (_, i) =>
    new Date(Date.UTC(2026, 0, 1 + (i % 250))).toISOString().slice(0, 10),
  )
  const numbers = draw(400, 1).map(({ x }) => x.toFixed(4))
  const table = (values: readonly string[], dates = days): string =>
    ['x,day', ...values.map((value, i) => `${value},${dates[i]}`), ''].join('\n')
  const asText = async (text: string): Promise<Buffer> => {
    writeFileSync(join(bench.folder, 'from.csv'), text)
    const path = join(bench.folder, 'text.parquet')
    const from = `read_csv('${join(bench.folder, 'from.csv')}', all_varchar=true)`
    await bench.engine.query(`COPY (SELECT x, day FROM ${from}) TO '${path}' (FORMAT parquet)`)
    return readFileSync(path)
  }
  const opened = (content: string | Uint8Array) =>
    openRelation(bench, `${Math.random()}.${typeof content === 'string' ? 'csv' : 'parquet'}`, content)
  const failing = async (before: string | Uint8Array, now: string | Uint8Array): Promise<readonly string[]> => {
    const { checks } = await compare(
      bench.engine,
      await opened(now),
      { anchor: await opened(before) },
      {
        ...{ task: 'validate', files: [], others: [], now: '2026-11-25T00:00:00Z', examples: 0 },
        ...{ limits: defaultLimits.limits, statistics: { seed: 1, poison: false }, reviewed: new Map() },
      },
    )
    return checks.flatMap(({ name, column, verdict, because }) =>
      verdict === 'fail' ? [`${name} ${column}${name === 'drift/columns' ? `: ${because}` : ''}`] : [],
    )
  }
  const at = (values: readonly string[], row: number, value: string): readonly string[] => values.with(row - 1, value)
  const few = (value: string): readonly string[] => numbers.map((each, i) => (i % 100 === 7 ? value : each))
  const [plain, text] = [table(numbers), await asText(table(numbers))]
  // honest: the same rows in another format, and another word for none
  assert.deepEqual(await failing(plain, text), [])
  assert.deepEqual(await failing(text, plain), [])
  assert.deepEqual(await failing(table(few('')), table(few('NA'))), [])
  assert.deepEqual(await failing(table(few('NA')), table(few(''))), [])
  assert.deepEqual(await failing(await asText(table(few('NA'))), plain), [])
  // what is no longer of the sort fails, and is found
  const told = (what: string, row: number) =>
    `drift/columns ${what}: it was numeric, now text: the first such value is in row ${row}`
  assert.deepEqual(await failing(plain, table(at(numbers, 123, 'n.a. yet'))), [told('x', 123)])
  assert.deepEqual(await failing(plain, await asText(table(numbers, [...at(days, 31, 'soon')]))), [told('day', 31)])
  assert.deepEqual(await failing(table(numbers.map((value) => `no ${value}`)), plain), [
    'drift/columns x: the baseline has it',
  ])
  const codes = numbers.map((_, i) => `0${i % 90}`)
  assert.deepEqual(await failing(await asText(table(codes)), table(codes.map(Number).map(String))), [
    'drift/columns x: the baseline has it',
  ])
  // and what is of it is compared as it: text hides no drift
  const later = days.map((day) => day.replace('2026', '2031'))
  const higher = numbers.map((value) => `${Number(value) + 3}`)
  for (const [before, moved] of [
    [plain, table(higher, later)],
    [plain, await asText(table(higher, later))],
    [text, table(higher, later)],
  ] as const) {
    const found = await failing(before, moved)
    for (const column of ['x', 'day'])
      assert.ok(
        found.some((each) => each.endsWith(` ${column}`)),
        `${column}: ${found}`,
      )
    assert.ok(!found.some((each) => each.startsWith('drift/columns')))
  }
})
