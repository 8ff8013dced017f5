import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Columns, codedColumn, concatenated, numericColumn, selectRows } from '../table/columns.ts'
import { jensenShannon, largestDifference, populationStability } from './divergence.ts'
import { decideDrift, type Measure, type MeasureName } from './drift.ts'
import { differenceOf, divergenceInterval, magnitudeOf, wilson } from './intervals.ts'
import { sketchDistance } from './measure-numbers.ts'
import { profileAnchor } from './periods.ts'
import { parseTableProfile, profileTable } from './profile.ts'
import { quantileOf, rowsBelow, sketchOf } from './sketch.ts'

/** Mulberry32: the same numbers for the same seed, between 0 and 1. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

type Shape = Readonly<{ rows: number; seed: number; shift?: number; share?: number; flips?: number; nulls?: number }>

/** A normal number, a category, a label that follows both. */
function tableOf({ rows, seed, shift = 0, share = 0.3, flips = 0, nulls = 0 }: Shape): Columns {
  const random = generator(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const drawn = Array.from({ length: rows }, () => {
    const [number, inShare] = [normal(), random() < share]
    const isYes = number + (inShare ? 1 : 0) + normal() > 0 !== random() < flips
    return {
      number: random() < nulls ? null : number + shift,
      category: inShare ? 'red' : 'blue',
      label: isYes ? 'yes' : 'no',
    }
  })
  return {
    rows,
    label: 'label',
    columns: [
      numericColumn(
        'number',
        drawn.map(({ number }) => number),
      ),
      codedColumn(
        'category',
        'category',
        drawn.map(({ category }) => category),
      ),
      codedColumn(
        'category',
        'label',
        drawn.map(({ label }) => label),
      ),
    ],
  }
}

function driftOf(candidate: Columns, anchor: Columns): readonly Measure[] {
  return decideDrift(profileTable(candidate), profileTable(anchor))
}

function alarms(measures: readonly Measure[]): readonly string[] {
  return measures.filter(({ verdict }) => verdict !== 'pass').map(({ name, column }) => `${name} ${column}`)
}

function measure(measures: readonly Measure[], name: MeasureName, column: string): Measure {
  const found = measures.find((one) => one.name === name && one.column === column)
  assert.ok(found, `${name} ${column}`)
  return found
}

test('divergences by hand', () => {
  // shares 1/2 1/2 against 1/4 3/4: (1/4) ln 2 - (1/4) ln(2/3) = (1/4) ln 3
  assert.ok(Math.abs(populationStability([0.5, 0.5], [0.25, 0.75]) - Math.log(3) / 4) < 1e-12)
  // no common bin: one bit; half in common: KL((1/2, 1/2) || (3/4, 1/4)) and KL((1, 0) || (3/4, 1/4)), halved
  assert.equal(jensenShannon([3, 0], [0, 5]), 1)
  const half = (0.5 * Math.log2(0.5 / 0.75) + 0.5 * Math.log2(0.5 / 0.25) + Math.log2(1 / 0.75)) / 2
  assert.ok(Math.abs(jensenShannon([1, 1], [2, 0]) - half) < 1e-12)
  // 2/10 against 5/10
  assert.ok(Math.abs(largestDifference([2, 8], [5, 5]) - 0.3) < 1e-12)
})

test('intervals by hand', () => {
  // Newcombe (1998), table II, (a) 56/70 - 48/80, method 10: 0.0524 to 0.3339
  const difference = differenceOf(wilson(56, 70, 1.959964), wilson(48, 80, 1.959964))
  assert.deepEqual([difference.low.toFixed(4), difference.high.toFixed(4)], ['0.0524', '0.3339'])
  assert.deepEqual(magnitudeOf({ value: -2, low: -3, high: -1 }), { value: 2, low: 1, high: 3 })
  assert.deepEqual(magnitudeOf({ value: 1, low: -3, high: 2 }), { value: 1, low: 0, high: 3 })
  // what two samples of one population show, 10 degrees of freedom over 1000 rows, is nothing
  assert.equal(divergenceInterval(10 / 1000, 11, 1000, 3).low, 0)
  assert.equal(divergenceInterval(10 / 1000, 11, 1000, 3).value, 0)
})

test('a sketch counts every row, keeps steps as steps and infinities as the largest numbers', () => {
  const sketch = sketchOf(Float64Array.of(3, 1, Number.NaN, 3, 2, Number.POSITIVE_INFINITY))
  assert.deepEqual(sketch, {
    count: 5,
    mean: 2.25,
    deviation: Math.sqrt(0.6875),
    lows: [1, 2, 3, Number.MAX_VALUE],
    highs: [1, 2, 3, Number.MAX_VALUE],
    counts: [1, 1, 2, 1],
  })
  assert.deepEqual(rowsBelow(sketch, 3), { below: 2, upTo: 4 })
  assert.equal(quantileOf(sketch, 0.5), 3)
  assert.ok(Number.isNaN(quantileOf(sketchOf(new Float64Array(0)), 0.5)))
})

test('a sketch of many rows is right to a thousandth, with a heavy step in a continuum and a long tail', () => {
  const random = generator(1)
  const values = Float64Array.from({ length: 300_000 }, () => (random() < 0.3 ? 0 : Math.exp(6 * random()) - 20))
  const sketch = sketchOf(values)
  const sorted = values.toSorted()
  for (let rank = 500; rank < sorted.length; rank += 10_000) {
    const value = sorted[rank] ?? 0
    const { below, upTo } = rowsBelow(sketch, value)
    const first = sorted.indexOf(value)
    const last = sorted.lastIndexOf(value) + 1
    assert.ok(
      Math.abs(below - first) < 600 && Math.abs(upTo - last) < 600,
      `${value}: ${below} ${first} ${upTo} ${last}`,
    )
  }
  assert.ok(sketch.counts.length <= 2000)
  assert.equal(
    sketch.counts.reduce((sum, count) => sum + count, 0),
    values.length,
  )
})

test('the distance of sketches with different bins is that of the samples', () => {
  // 0 1 2 against 1 2 3: below 1 there is 1/3 against 0
  assert.ok(
    Math.abs(sketchDistance(sketchOf(Float64Array.of(0, 1, 2)), sketchOf(Float64Array.of(1, 2, 3))) - 1 / 3) < 1e-12,
  )
})

test('rounding does not eat the deviation of large numbers', () => {
  const { mean, deviation } = sketchOf(Float64Array.of(1e12, 1e12 + 1, 1e12 + 2))
  assert.equal(mean, 1e12 + 1)
  assert.ok(Math.abs(deviation - Math.sqrt(2 / 3)) < 1e-9)
})

test('a hundred rows do not hide a shift', () => {
  const anchor = tableOf({ rows: 20_000, seed: 1 })
  const shifted = alarms(driftOf(tableOf({ rows: 100, seed: 2, shift: 1 }), anchor))
  assert.ok(shifted.includes('drift/mean number') && shifted.includes('drift/psi number'), shifted.join())
  const other = alarms(driftOf(tableOf({ rows: 100, seed: 3, share: 0.6 }), anchor))
  assert.ok(other.includes('drift/l-infinity category'), other.join())
})

test('many rows do not make a small effect a drift, and tell how small it is', () => {
  const measures = driftOf(
    tableOf({ rows: 200_000, seed: 2, shift: 0.03, share: 0.31 }),
    tableOf({ rows: 200_000, seed: 1 }),
  )
  assert.deepEqual(alarms(measures), [])
  const { effect, threshold } = measure(measures, 'drift/mean', 'number')
  assert.ok(effect.low > 0 && effect.high < threshold, JSON.stringify(effect))
})

test('each kind of change raises its own statistic', () => {
  const anchor = tableOf({ rows: 5000, seed: 1 })
  assert.deepEqual(alarms(driftOf(tableOf({ rows: 5000, seed: 2 }), anchor)), [])
  const expectAlarm = (shape: Omit<Shape, 'rows' | 'seed'>, name: string): void => {
    const raised = alarms(driftOf(tableOf({ rows: 5000, seed: 2, ...shape }), anchor))
    assert.ok(raised.includes(name), `${name} is not in ${raised.join()}`)
  }
  expectAlarm({ shift: 0.6 }, 'drift/ks number')
  expectAlarm({ shift: 0.6 }, 'drift/js number')
  expectAlarm({ shift: 0.6 }, 'drift/quantile number')
  expectAlarm({ nulls: 0.2 }, 'drift/nulls number')
  expectAlarm({ flips: 0.3 }, 'drift/label-correlation number')
})

test('categories that are new, and those that are gone', () => {
  const anchor = codedColumn(
    'category',
    'c',
    Array.from({ length: 1000 }, (_, row) => (row % 10 < 3 ? 'a' : 'b')),
  )
  const candidate = codedColumn(
    'category',
    'c',
    Array.from({ length: 1000 }, (_, row) => (row % 10 < 1 ? 'new' : 'b')),
  )
  const measures = driftOf({ rows: 1000, columns: [candidate] }, { rows: 1000, columns: [anchor] })
  assert.deepEqual(
    [measure(measures, 'drift/new-categories', 'c'), measure(measures, 'drift/lost-categories', 'c')].map(
      ({ value, verdict }) => [value, verdict],
    ),
    [
      [0.1, 'fail'],
      [0.3, 'fail'],
    ],
  )
})

test('one row of a class that the anchor has not is told, and fails where only its spelling is new', () => {
  const table = (label: string, ...others: readonly string[]): Columns => ({
    rows: 1000,
    label,
    columns: [
      codedColumn(
        'category',
        'c',
        Array.from({ length: 1000 }, (_, row) => others[row] ?? ['dog', 'cat', 'New York', '7'][row % 4] ?? ''),
      ),
    ],
  })
  const verdictOf = (label: string, other: string): string =>
    measure(driftOf(table(label, other), table(label)), 'drift/new-categories', 'c').verdict
  const spellings = [
    'dog ',
    ' dog',
    'Dog',
    'DOG',
    'd\u200bog',
    'dog\u00ad',
    'd\u043eg',
    'ｄｏｇ',
    'саt',
    '\u0441at',
    'new  york',
    'New\u00a0York',
    '07',
  ]
  assert.deepEqual(
    spellings.map((spelling) => [spelling, verdictOf('c', spelling)]),
    spellings.map((spelling) => [spelling, 'fail']),
  )
  // other classes, and the same words in a column that is no label
  assert.deepEqual(
    ['owl', 'dogs', 'dög', '8'].map((other) => verdictOf('c', other)),
    ['warn', 'warn', 'warn', 'warn'],
  )
  assert.deepEqual(
    ['dog', 'cat'].map((known) => verdictOf('c', known)),
    ['pass', 'pass'],
  )
  assert.equal(verdictOf('other', 'Dog'), 'pass')
})

test('a column of singletons is no drift when the next table has other singletons', () => {
  const idsFrom = (first: number): Columns => ({
    rows: 3000,
    columns: [
      codedColumn(
        'category',
        'id',
        Array.from({ length: 3000 }, (_, row) => `id-${first + row}`),
      ),
    ],
  })
  const measures = driftOf(idsFrom(3000), idsFrom(0))
  assert.deepEqual(alarms(measures), [])
})

test('a label that is turned round is seen though its balance stays', () => {
  const anchor = tableOf({ rows: 4000, seed: 1 })
  const turned = tableOf({ rows: 4000, seed: 2 })
  const label = turned.columns[2]
  assert.ok(label?.kind === 'category')
  const swapped: Columns = {
    ...turned,
    columns: [...turned.columns.slice(0, 2), { ...label, dictionary: label.dictionary.toReversed() }],
  }
  assert.equal(measure(driftOf(swapped, anchor), 'drift/label-correlation', 'number').verdict, 'fail')
})

test('a profile survives being written, and a mended one is refused', () => {
  const profile = profileTable(tableOf({ rows: 500, seed: 1, nulls: 0.1 }))
  const written: unknown = JSON.parse(JSON.stringify(profile))
  assert.deepEqual(parseTableProfile(written), profile)
  const [first] = profile.columns
  assert.ok(first?.kind === 'numeric')
  const mended = { ...first, sketch: { ...first.sketch, counts: first.sketch.counts.map((count) => count * 2) } }
  for (const broken of [
    { ...profile, columns: [mended] },
    { ...profile, version: 2 },
    null,
    { ...profile, extra: 1 },
  ]) {
    assert.throws(() => parseTableProfile(broken), { code: 'ERR_INPUT_MALFORMED' })
  }
})

test('empty tables and columns of nulls are compared without a fault', () => {
  const empty: Columns = { rows: 0, columns: [numericColumn('x', []), codedColumn('category', 'c', [])] }
  const nulls: Columns = {
    rows: 3,
    columns: [numericColumn('x', [null, null, null]), codedColumn('category', 'c', [null, null, null])],
  }
  for (const [candidate, anchor] of [
    [empty, nulls],
    [nulls, empty],
    [empty, empty],
  ] as const) {
    for (const { effect } of driftOf(candidate, anchor)) assert.ok(Number.isFinite(effect.value))
  }
})

test('a moderate move is told as drift, a large one fails', () => {
  const anchor = tableOf({ rows: 5000, seed: 1 })
  const verdictsOf = (shift: number): ReadonlySet<string> =>
    new Set(driftOf(tableOf({ rows: 5000, seed: 2, shift }), anchor).map(({ verdict }) => verdict))
  assert.deepEqual([verdictsOf(0.4).has('warn'), verdictsOf(0.4).has('fail')], [true, false])
  assert.equal(verdictsOf(1).has('fail'), true)
})

test('what stretches of the anchor do among themselves is no drift, and nothing is excused where none differs', () => {
  const months = [0, 0.5, -0.4, 0.3, -0.3].map((shift, month) => tableOf({ rows: 2000, seed: 10 + month, shift }))
  const inOrder = months.reduce(concatenated)
  const mixed = selectRows(
    inOrder,
    Int32Array.from({ length: inOrder.rows }, (_, at) => (at % 5) * 2000 + Math.floor(at / 5)),
  )
  const now = profileTable(tableOf({ rows: 2000, seed: 20, shift: 0.35 }))
  const far = profileTable(tableOf({ rows: 2000, seed: 20, shift: 2 }))
  const mean = (candidate: typeof now, anchor: Columns): string =>
    measure(decideDrift(candidate, parseTableProfile(profileAnchor(anchor))), 'drift/mean', 'number').verdict
  assert.deepEqual([mean(now, inOrder), mean(now, mixed), mean(far, inOrder)], ['pass', 'warn', 'fail'])
  assert.equal(profileAnchor(mixed).usual, undefined)
})
