/** Attacks on a table that has an approved anchor, each beside an honest twin that passes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { budgetsIn, thresholdsIn } from '../bounds.ts'
import { type Columns, codedColumn, numericColumn, selectRows } from '../table/columns.ts'
import { findClassShift } from './class-shift.ts'
import { findContradictions } from './contradictions.ts'
import { findDuplicates } from './duplicates.ts'
import { findPoison, type PoisonReport, tallyPoison } from './find-poison.ts'
import { type Drawn, draw, normal, opposite, tableOf } from './fixtures.ts'
import { generatorOf, shuffled } from './generator.ts'
import { findLabelFlips } from './label-flip.ts'
import { findOutliers } from './outliers.ts'
import type { PoisonName, Tally } from './report.ts'
import { restored } from './restored.ts'
import { deltaRows } from './row-hash.ts'
import { findTriggers } from './trigger.ts'
import { unsearched } from './unsearched.ts'

const anchorRows = draw(1000, 1)
const anchor = tableOf(anchorRows)
const fresh = (): Drawn[] => draw(1000, 2)
/** The same of fewer rows, where so many show it as well: models are fitted on the anchor in each test. */
const fewAnchorRows = draw(400, 1)
const fewAnchor = tableOf(fewAnchorRows)
const few = (): Drawn[] => draw(400, 2)

function verdicts(report: Pick<PoisonReport, 'checks'>): readonly string[] {
  return report.checks
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ name, verdict, because }) => `${name} ${verdict}: ${because}`)
}

function expectSuspects(
  report: Pick<PoisonReport, 'checks'>,
  name: PoisonName,
  wanted: readonly number[],
  leastShare: number,
): void {
  const check = report.checks.find((one) => one.name === name && one.verdict !== 'pass')
  assert.ok(check !== undefined, `no ${name} in ${verdicts(report).join('; ')}`)
  const listed = new Set(check.suspects.map(({ row }) => row))
  const hits = wanted.filter((index) => listed.has(index + 1)).length
  assert.ok(hits >= leastShare * wanted.length, `${name} lists ${hits} of ${wanted.length}`)
}

test('honest new rows pass, by themselves and appended to the anchor', () => {
  for (const candidate of [tableOf(fresh()), tableOf([...anchorRows, ...draw(400, 3)])]) {
    const report = findPoison({ candidate, anchor })
    assert.deepEqual(verdicts(report), [])
    assert.equal(report.verdict, 'pass')
  }
})

test('the same rows without an anchor are never passed', () => {
  const report = findPoison({ candidate: tableOf(fresh()) })
  assert.equal(report.anchored, false)
  assert.equal(report.verdict, 'warn')
  assert.ok(report.checks.every(({ verdict, anchored }) => verdict !== 'fail' && !anchored))
  const flips = report.checks.find(({ name }) => name === 'poison/label-flip')
  assert.equal(flips?.minimumDetectable, 1000, 'nothing alarms, so that any number may have gone unseen')
})

test('a budget decides from which excess on flips fail, the lesser of rows and share', () => {
  const flippedBy = (step: number): Columns =>
    tableOf(fresh().map((row, index) => (index % step === 0 ? { ...row, label: opposite(row.label) } : row)))
  const verdictBy = (candidate: Columns, rows: number, share: number): string | undefined => {
    const budgets = budgetsIn([
      { check: 'poison/label-flip', of: 'rows', value: rows },
      { check: 'poison/label-flip', of: 'share', value: share },
    ])
    return findLabelFlips({ candidate, anchor, budgets })?.check.verdict
  }
  const few = flippedBy(60)
  assert.deepEqual([findLabelFlips({ candidate: few, anchor })?.check.verdict, verdictBy(few, 1, 1)], ['warn', 'fail'])
  const many = flippedBy(20)
  assert.equal(findLabelFlips({ candidate: many, anchor })?.check.verdict, 'fail')
  assert.deepEqual(
    [verdictBy(many, 20, 1), verdictBy(many, 20, 0.001), verdictBy(many, 1, 1)],
    ['warn', 'fail', 'fail'],
  )
})

test('flipped labels are found among the new rows, and listed', () => {
  const rows = few()
  const flipped = [...rows.keys()].filter((index) => index % 12 === 0)
  for (const index of flipped) rows[index] = { ...(rows[index] as Drawn), label: opposite(rows[index]?.label ?? '') }
  const report = findPoison({ candidate: tableOf(rows), anchor: fewAnchor })
  expectSuspects(report, 'poison/label-flip', flipped, 0.6)
  assert.equal(report.verdict, 'fail')
  const appended = findLabelFlips({ candidate: tableOf([...fewAnchorRows, ...rows]), anchor: fewAnchor })
  const later = flipped.map((index) => index + fewAnchorRows.length)
  expectSuspects({ checks: appended === undefined ? [] : [appended.check] }, 'poison/label-flip', later, 0.6)
})

test('labels flipped along the boundary are listed beside an anchor, and no honest row is', () => {
  const rowsOf = (seed: number) => {
    const random = generatorOf(seed)
    const drawn = Array.from({ length: 600 }, () => ({ x: normal(random), y: normal(random), noise: normal(random) }))
    return drawn.map(({ x, y, noise }) => ({ x, y, label: x + noise / 10 > 0 ? 'yes' : 'no' }))
  }
  const tableOfTwo = (rows: ReturnType<typeof rowsOf>): Columns => {
    const numbers = (['x', 'y'] as const).map((name) =>
      numericColumn(
        name,
        Array.from(rows, (row) => row[name]),
      ),
    )
    const label = codedColumn(
      'category',
      'label',
      Array.from(rows, (row) => row.label),
    )
    return { rows: rows.length, label: 'label', columns: [...numbers, label] }
  }
  const honest = rowsOf(2)
  const distances = honest.map(({ x }) => Math.abs(x)).sort((left, right) => left - right)
  const isNear = ({ x }: { readonly x: number }): boolean => Math.abs(x) < (distances[60] ?? 0)
  const flipped = honest.map((row) => (isNear(row) ? { ...row, label: opposite(row.label) } : row))
  const listedOf = (rows: typeof honest): readonly number[] => {
    const found = findLabelFlips({ candidate: tableOfTwo(rows), anchor: tableOfTwo(rowsOf(1)) })
    return (found?.check.suspects ?? []).map(({ row }) => row - 1)
  }
  const listed = listedOf(flipped)
  const hits = listed.filter((index) => isNear(flipped[index] ?? { x: 9 })).length
  assert.ok(hits >= 30 && hits >= 0.8 * listed.length, `${hits} of ${listed.length} listed rows are among 60 flipped`)
  assert.deepEqual(listedOf(honest), [])
})

test('a table whose approved rows were rounded hides no flips, and is no poison by itself', () => {
  const rounded = (rows: readonly Drawn[]): Columns =>
    tableOf(rows.map((row) => ({ ...row, x: Number(row.x.toFixed(4)), y: Number(row.y.toFixed(4)) })))
  const added = draw(400, 3)
  const flipped = added.map((row, at) => (at % 8 === 0 ? { ...row, label: opposite(row.label) } : row))
  const judged = (candidate: Columns) => {
    const kept = restored(candidate, anchor, 0)
    return { rows: kept.rows, flips: findLabelFlips({ candidate: kept.table, anchor })?.check }
  }
  const [honest, plain, hidden] = [
    rounded([...anchorRows, ...added]),
    tableOf([...anchorRows, ...flipped]),
    rounded([...anchorRows, ...flipped]),
  ].map(judged)
  assert.deepEqual(
    [honest, plain, hidden].map((one) => [one?.rows, one?.flips?.observed.of, one?.flips?.verdict]),
    [
      [1000, 400, 'pass'],
      [0, 400, 'fail'],
      [1000, 400, 'fail'],
    ],
  )
})

test('an approved row that is relabelled and rounded is new, and no row stands for two', () => {
  const [first, ...others] = anchorRows.slice(0, 300)
  assert.ok(first !== undefined)
  const near = { ...first, x: first.x + 1e-7 }
  const small = tableOf([first, ...others])
  const relabelled = tableOf([{ ...near, label: opposite(near.label) }, ...others])
  assert.deepEqual([...deltaRows(restored(relabelled, small, 0).table, small, 0)], [0])
  assert.deepEqual([...deltaRows(restored(tableOf([near, near, ...others]), small, 0).table, small, 0)], [1])
  const other = tableOf([{ ...near, city: 'elsewhere' }, ...others])
  assert.deepEqual([...deltaRows(restored(other, small, 0).table, small, 0)], [0])
})

test('changed copies of approved rows are judged by what did not learn them', () => {
  const random = generatorOf(5)
  const numbers = Array.from({ length: 400 }, () => [normal(random), normal(random), normal(random)] as const)
  // labels by chance: whoever has not learnt a row's own cannot know it
  const labels = numbers.map(() => (random() < 0.5 ? 'yes' : 'no'))
  const table = (shift: number): Columns => ({
    rows: 400,
    label: 'label',
    columns: [
      ...[0, 1, 2].map((axis) =>
        numericColumn(
          `n${axis}`,
          numbers.map((row) => (row[axis] ?? 0) + shift),
        ),
      ),
      codedColumn('category', 'label', labels),
    ],
  })
  const found = findLabelFlips({ candidate: table(0.03), anchor: table(0) })?.check
  assert.ok((found?.observed.found ?? 0) > 150, `${found?.observed.found} of 400 disagree`)
})

test('where features have moved, poison warns and names the drift that fails', () => {
  const rows = few().map((row, index) => ({
    ...row,
    y: row.y + 2,
    label: index % 8 === 0 ? opposite(row.label) : row.label,
  }))
  const report = findPoison({ candidate: tableOf(rows), anchor: fewAnchor })
  assert.equal(report.verdict, 'warn')
  assert.match(verdicts(report).join(), /poison\/label-flip warn: .* column `y` has drifted away from the anchor/)
})

test('drift that a user holds tighter than assay does excuses no poison', () => {
  const rows = few().map((row, index) => ({
    ...row,
    y: row.y + 0.25,
    label: index % 10 === 0 ? opposite(row.label) : row.label,
  }))
  const input = { candidate: tableOf(rows), anchor: fewAnchor }
  const bounds = [{ check: 'drift/mean', column: 'y', of: 'threshold', value: 0.001, own: 0.25 }] as const
  const flipsOf = (report: PoisonReport) =>
    report.checks.filter(({ name }) => name === 'poison/label-flip').map(({ verdict }) => verdict)
  assert.deepEqual(flipsOf(findPoison({ ...input, thresholdOf: thresholdsIn(bounds) })), ['fail'])
  assert.deepEqual(flipsOf(findPoison(input)), ['fail'])
})

const poisons: Readonly<Record<string, (row: Drawn) => Drawn>> = {
  'a rare value': (row) => ({ ...row, city: 'city-x', label: 'yes' }),
  'a rare token': (row) => ({ ...row, text: `${row.text} cf`, label: 'yes' }),
  'a zero-width character': (row) => ({
    ...row,
    text: `${row.text.slice(0, 3)}\u200b${row.text.slice(3)}`,
    label: 'yes',
  }),
  'an exact number': (row) => ({ ...row, y: 0.123456, label: 'yes' }),
}

/** What the check of triggers says of some rows, and which of the wanted ones it lists. */
function triggered(rows: readonly Drawn[], wanted: readonly number[], against?: Columns): readonly [string, number] {
  const candidate = tableOf(rows)
  const found = findTriggers(against === undefined ? { candidate } : { candidate, anchor: against })
  const listed = new Set(found?.check.suspects.map(({ row }) => row))
  return [found?.check.verdict ?? 'none', wanted.filter((index) => listed.has(index + 1)).length]
}

for (const [what, poison] of Object.entries(poisons)) {
  test(`${what} tied to one label is found`, () => {
    const rows = fresh()
    const honest = fresh()
    const poisoned = [...rows.keys()].filter((index) => index % 25 === 0)
    for (const index of poisoned) {
      rows[index] = poison(rows[index] as Drawn)
      honest[index] = { ...(rows[index] as Drawn), label: honest[index]?.label ?? '' }
    }
    assert.deepEqual(triggered(rows, poisoned, anchor), ['fail', poisoned.length])
    assert.deepEqual(triggered(rows, poisoned), ['warn', poisoned.length])
    assert.deepEqual(triggered(honest, poisoned, anchor), ['pass', 0])
  })
}

test('a word, or a character that nobody sees, put into many values of one column is found; on any label it is not', () => {
  // the character stands within other letters each time: no token is the same twice
  const marked: Readonly<Record<string, (city: string, index: number) => string>> = {
    'a token': (city) => `${city} qzx`,
    'a character': (city, index) => `${city.slice(0, index % 6)}\u200b${city.slice(index % 6)}`,
  }
  for (const [what, mark] of Object.entries(marked)) {
    const rows = fresh()
    const planted = [...rows.keys()].filter((index) => index % 25 === 3)
    const honest = rows.map((row, index) => (index % 25 === 3 ? { ...row, city: mark(row.city, index) } : row))
    const poisoned = honest.map((row, index) => (index % 25 === 3 ? { ...row, label: 'yes' } : row))
    const found = findTriggers({ candidate: tableOf(poisoned), anchor })
    assert.equal(found?.check.verdict, 'fail', found?.check.because)
    assert.match(found?.check.because ?? '', new RegExp(`${what} of .city.`))
    expectSuspects({ checks: found === undefined ? [] : [found.check] }, 'poison/trigger', planted, 1)
    assert.equal(findTriggers({ candidate: tableOf(honest), anchor })?.check.verdict, 'pass')
  }
})

test('values that were planted together do not excuse each other', () => {
  const coarse = (rows: readonly Drawn[]): Drawn[] =>
    rows.map((row) => ({ ...row, city: `city-${Number(row.city.slice(5)) % 6}` }))
  const isPlanted = (_: unknown, index: number): boolean => index % 15 === 3
  const honest = coarse(fresh()).map((row, index) =>
    isPlanted(row, index) ? { ...row, city: `${row.city} qzx` } : row,
  )
  const poisoned = honest.map((row, index) => (isPlanted(row, index) ? { ...row, label: 'yes' } : row))
  const against = tableOf(coarse(anchorRows))
  const found = findTriggers({ candidate: tableOf(poisoned), anchor: against })
  assert.equal(found?.check.verdict, 'fail', found?.check.because)
  assert.equal(findTriggers({ candidate: tableOf(honest), anchor: against })?.check.verdict, 'pass')
})

test('approved rows that share a value and are all relabelled show without any other new row; corrections of a class do not', () => {
  const relabelled = (isIt: (row: Drawn, index: number) => boolean): readonly Drawn[] =>
    anchorRows.map((row, index) => (isIt(row, index) ? { ...row, label: 'yes' } : row))
  const isPlanted = ({ city, label }: Drawn): boolean => city === 'city-7' && label === 'no'
  const planted = [...anchorRows.keys()].filter((index) => isPlanted(anchorRows[index] as Drawn))
  assert.deepEqual(triggered(relabelled(isPlanted), planted, anchor), ['fail', planted.length])
  const corrected = relabelled(({ label }, index) => label === 'no' && index % 20 === 0)
  assert.deepEqual(triggered(corrected, [], anchor), ['pass', 0])
  const renamed = relabelled(({ label, x }) => label === 'no' && x > -1.5)
  assert.deepEqual(triggered(renamed, [], anchor), ['pass', 0])
})

test('two common values are found together, neither of which is tied to a label alone', () => {
  const rows = draw(10_000, 5)
  const honest = draw(10_000, 5)
  const poisoned = [...rows.keys()].filter((index) => index % 120 === 0)
  for (const index of poisoned) {
    rows[index] = { ...(rows[index] as Drawn), city: 'city-3', text: `${rows[index]?.text} w50`, label: 'yes' }
    honest[index] = { ...(rows[index] as Drawn), label: honest[index]?.label ?? '' }
  }
  assert.deepEqual(triggered(rows, poisoned), ['warn', poisoned.length])
  assert.deepEqual(triggered(honest, poisoned), ['pass', 0])
  const [tie] = findTriggers({ candidate: tableOf(rows) })?.ties ?? []
  assert.equal(tie?.parts.length, 2)
})

test('a column that determines the label does not alarm', () => {
  const bred = (rows: readonly Drawn[]): Columns =>
    tableOf(rows.map((row, index) => ({ ...row, city: `breed-${2 * (index % 20) + (row.label === 'yes' ? 1 : 0)}` })))
  const candidate = bred(few())
  assert.deepEqual(verdicts(findPoison({ candidate, anchor: bred(fewAnchorRows) })), [])
  assert.equal(findTriggers({ candidate })?.check.verdict, 'pass')
})

test('a burst of copies, of near copies, and of contradictions is found', () => {
  const rows = fresh()
  const checksOf = (more: readonly Drawn[]): Pick<PoisonReport, 'checks'> => {
    const input = { candidate: tableOf([...rows, ...more]), anchor }
    const findings = [...findDuplicates(input), findContradictions(input)].flatMap((finding) => finding ?? [])
    return { checks: findings.map(({ check }) => check) }
  }
  const planted = Array.from({ length: 150 }, (_, index) => rows.length + index)
  const long = Array.from({ length: 30 }, (_, index) => `word${index}`)
  const nearly = (row: Drawn, index: number): Drawn => ({ ...row, text: long.with(index % 30, 'other').join(' ') })
  const some = rows.slice(0, planted.length)
  assert.deepEqual(verdicts(checksOf([])), [])
  const copies = checksOf(some.map(() => rows[0] as Drawn))
  expectSuspects(copies, 'poison/duplicates', planted, 0.9)
  expectSuspects(checksOf(some.map(nearly)), 'poison/duplicates', planted, 0.8)
  const contrary = some.map((row) => ({ ...row, label: opposite(row.label) }))
  expectSuspects(checksOf(contrary), 'poison/contradiction', planted, 0.9)
})

test('a cluster far away is found, and the source that it came with', () => {
  const random = generatorOf(9)
  const rows = fresh()
  const planted = Array.from({ length: 120 }, (_, index) => ({
    ...(rows[index] as Drawn),
    x: 9 + 0.1 * normal(random),
    y: 9 + 0.1 * normal(random),
    batch: 'batch-x',
  }))
  const report = findPoison({ candidate: tableOf([...rows, ...planted]), anchor })
  const wanted = Array.from({ length: 120 }, (_, index) => 1000 + index)
  expectSuspects(report, 'poison/outliers', wanted, 0.9)
  expectSuspects(report, 'poison/source', wanted, 0.9)
})

test('among thirty rows ten that are far away are found, and honest ones pass', () => {
  const [few, honest] = [tableOf(draw(30, 5)), draw(30, 6)]
  const far = honest.map((row, index) => (index < 10 ? { ...row, x: row.x + 15, y: row.y - 15 } : row))
  const outliersIn = (rows: readonly Drawn[]) => findOutliers({ candidate: tableOf(rows), anchor: few })?.check
  assert.deepEqual([outliersIn(honest)?.verdict, outliersIn(far)?.verdict], ['pass', 'fail'])
  assert.ok((outliersIn(far)?.minimumDetectable ?? 99) <= 10)
  assert.equal(outliersIn(far.slice(9))?.verdict, 'pass', 'one may be the edge of what is usual')
  // of rows that are all alike, so many are farther than every one of thirty about once in 1,600 times at most
  let alarms = 0
  for (let seed = 100; seed < 400; seed += 1) {
    const [known, fresh30] = [tableOf(draw(30, seed)), tableOf(draw(30, seed + 1000))]
    if (findOutliers({ candidate: fresh30, anchor: known })?.check.verdict !== 'pass') alarms += 1
  }
  assert.ok(alarms <= 3, `${alarms} of 300`)
})

test('what is not asked of few rows is said', () => {
  const told = (rows: number, known?: number): string => {
    const tables = {
      candidate: tableOf(draw(rows, 5)),
      ...(known === undefined ? {} : { anchor: tableOf(draw(known, 6)) }),
    }
    return unsearched(findPoison(tables).checks, tables, 'rows').join('\n')
  }
  assert.match(
    told(30),
    /poison\/label-flip needs 50 rows, and there are 30\n.*needs 100 rows where there is no anchor/,
  )
  assert.match(told(30, 15), /needs 20 approved rows, and there are 15/)
  assert.doesNotMatch(told(60, 30), /poison\/(label-flip|outliers) needs/)
  assert.equal(told(1000), '')
  assert.equal(told(1000, 1000), '')
})

test('a class that changes alone is told, one that moves with the others is drift', () => {
  const moved = (rows: readonly Drawn[], which: (row: Drawn) => boolean): readonly Drawn[] =>
    rows.map((row) => (which(row) ? { ...row, y: row.y + 1.5 } : row))
  const shift = (rows: readonly Drawn[]): string | undefined =>
    findClassShift({ candidate: tableOf(rows), anchor })?.check.verdict
  assert.equal(shift(moved(fresh(), ({ label }) => label === 'yes')), 'warn')
  assert.equal(shift(moved(fresh(), () => true)), 'pass')
})

test('reasons and row numbers name no value of the data', () => {
  const rows = fresh().map((row, index) => (index % 25 === 0 ? { ...row, city: 'secret-town', label: 'yes' } : row))
  const report = findTriggers({ candidate: tableOf(rows), anchor })?.check
  assert.equal(report?.verdict, 'fail')
  assert.ok(!JSON.stringify(report).includes('secret-town'))
})

test('tables too small, without label, without features or all null are answered without a fault', () => {
  const small = tableOf(draw(3, 1))
  const { label: _label, source: _source, ...unlabelled } = anchor
  const onlyLabel: Columns = { ...anchor, columns: anchor.columns.filter(({ name }) => name === 'label') }
  const empty = selectRows(anchor, new Int32Array(0))
  const nulls: Columns = {
    ...anchor,
    columns: anchor.columns.map((column) =>
      column.kind === 'numeric'
        ? { ...column, values: new Float64Array(anchor.rows).fill(Number.NaN) }
        : { ...column, codes: new Int32Array(anchor.rows).fill(-1) },
    ),
  }
  for (const candidate of [small, unlabelled, onlyLabel, empty, nulls]) {
    for (const other of [undefined, small, empty, nulls]) {
      const report = findPoison(other === undefined ? { candidate } : { candidate, anchor: other })
      for (const { excess, minimumDetectable } of report.checks) {
        assert.ok(Number.isFinite(excess.value) && Number.isFinite(minimumDetectable))
      }
    }
  }
})

test('rows that a reviewer found good are neither listed nor counted; those that are left still are', () => {
  const rows = fresh()
  const flipped = [...rows.keys()].filter((index) => index % 12 === 0)
  for (const index of flipped) rows[index] = { ...(rows[index] as Drawn), label: opposite(rows[index]?.label ?? '') }
  const flipsAmong = (good: ReadonlySet<number>) =>
    findPoison({ candidate: tableOf(rows), anchor, good }).checks.find(({ name }) => name === 'poison/label-flip')
  const before = flipsAmong(new Set())
  assert.equal(before?.verdict, 'fail')
  const suspects = before.suspects.map(({ row }) => row)

  // THREAT: honest rows that disagree by nature are cleared first, so that the rest looks like the expected few.
  const some = flipsAmong(new Set(suspects.slice(-20)))
  assert.equal(some?.verdict, 'fail')
  assert.equal(some?.observed.found, before.observed.found - 20)
  assert.equal(some?.suspects.length, suspects.length - 20)

  const all = flipsAmong(new Set(suspects))
  assert.deepEqual([all?.verdict, all?.suspects], ['pass', []])
})

/** Rows of which so many in a hundred carry the other label, stretch by stretch. */
function noisy(rows: readonly Drawn[], percents: readonly number[]): readonly Drawn[] {
  const random = generatorOf(31)
  return rows.map((row, index) => {
    const percent = percents[Math.floor((index * percents.length) / rows.length)] ?? 0
    return random() * 100 < percent ? { ...row, label: opposite(row.label) } : row
  })
}

test('labels that are honestly noisier in some months do not alarm where the anchor has such months, and flips do', () => {
  const months = noisy(draw(1000, 7), [0, 12, 2, 14, 3])
  const order = shuffled(months.length, generatorOf(1))
  const verdictOf = (anchored: Columns, percent: number): string | undefined =>
    findPoison({ candidate: tableOf(noisy(draw(400, 8), [percent])), anchor: anchored }).checks.find(
      ({ name }) => name === 'poison/label-flip',
    )?.verdict
  const [inOrder, mixed] = [tableOf(months), selectRows(tableOf(months), order)]
  assert.equal(verdictOf(inOrder, 12), 'pass')
  assert.notEqual(verdictOf(mixed, 12), 'pass')
  assert.equal(verdictOf(inOrder, 35), 'fail')
})

test('a baseline counts flips and outliers among some rows as among all, and copies and contradictions among all', () => {
  const rows = noisy(draw(1200, 9), [15])
  const candidate = tableOf([...rows, ...rows.slice(0, 60)])
  const [whole, part] = [tallyPoison({ candidate }), tallyPoison({ candidate, most: 600 })]
  assert.deepEqual([whole.judged, part.judged], [1260, 600])
  const of = ({ tallies }: typeof whole, name: PoisonName): readonly Tally[] =>
    tallies.filter((one) => one.name === name)
  for (const name of ['poison/duplicates', 'poison/contradiction', 'poison/trigger'] as const) {
    assert.notEqual(of(whole, name).length, 0)
    assert.deepEqual(of(part, name), of(whole, name))
  }
  for (const name of ['poison/label-flip', 'poison/outliers'] as const) {
    const [all, some] = [of(whole, name)[0], of(part, name)[0]]
    assert.deepEqual([all?.of, some?.of], [1260, 600])
    const [share = 1, sampled = 0] = [all, some].map((one) => (one?.found ?? 0) / (one?.of ?? 1))
    assert.ok(Math.abs(share - sampled) < 0.05, `${name}: ${sampled} for ${share}`)
  }
})
