/** A campaign over twenty versions, an honest drift of the same size, and versions in which nothing happens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideDrift, profileTable } from '../statistics/index.ts'
import { type Drawn, draw, opposite, tableOf } from './fixtures.ts'
import { generatorOf } from './generator.ts'
import { decideHistory, driftObservations, type Trend, type Version } from './history.ts'
import { findLabelFlips } from './label-flip.ts'
import type { Increment } from './report.ts'

const of = 1000

/** 60 of 1000 rows disagree by nature; a binomial draw of them and `extra` rows more. */
function observed(extra: number, random: () => number): Increment {
  let found = 0
  for (let row = 0; row < of; row += 1) if (random() < 0.06) found += 1
  return {
    name: 'poison/label-flip',
    column: 'label',
    part: 'all',
    found: found + extra,
    expected: 60,
    of,
    expectedError: 0.05,
  }
}

function versions(count: number, extra: number, seed: number): readonly Version[] {
  const random = generatorOf(seed)
  return Array.from({ length: count }, () => ({ increments: [observed(extra, random)], drift: [] }))
}

const flips = (trends: readonly Trend[]): Trend['verdict'] =>
  trends.find(({ name }) => name === 'poison/label-flip')?.verdict ?? 'pass'

test('a cumulative sum by hand', () => {
  // 10 too many, twice: 20; variance of the counts 2 * 60 + 1, of the anchor (2 * 60 * 0.05)^2 = 36
  const one = { ...observed(0, () => 1), found: 70 }
  const [trend] = decideHistory([
    { increments: [one], drift: [] },
    { increments: [one], drift: [] },
  ])
  assert.equal(trend?.sum, 20)
  assert.equal(trend?.since, 1)
  assert.equal(trend?.verdict, 'pass')
  // 40 too few first are forgotten, not credited
  const [later] = decideHistory([
    { increments: [{ ...one, found: 20 }], drift: [] },
    { increments: [one], drift: [] },
  ])
  assert.deepEqual([later?.sum, later?.since], [10, 2])
})

test('a trickle that hardly a version shows is noticed by version 10', () => {
  const noticed = (count: number): number =>
    Array.from({ length: 40 }, (_, seed) => flips(decideHistory(versions(count, 15, seed)))).filter(
      (verdict) => verdict !== 'pass',
    ).length
  assert.ok(noticed(1) <= 12, `version 1: ${noticed(1)} of 40`)
  assert.ok(noticed(10) >= 38, `version 10: ${noticed(10)} of 40`)
})

test('versions in which nothing happens hardly ever alarm', () => {
  const alarms = Array.from({ length: 300 }, (_, seed) => flips(decideHistory(versions(20, 0, seed + 100))))
  assert.ok(alarms.filter((verdict) => verdict !== 'pass').length <= 6)
})

test('an honest drift is a trend of its own, and no poison', () => {
  const random = generatorOf(5)
  const drifting = Array.from({ length: 10 }, (_, index) => ({
    increments: [observed(0, random)],
    drift: [{ column: 'x', effect: 0.2 * (index + 1) }],
  }))
  const trends = decideHistory(drifting)
  assert.equal(flips(trends), 'pass')
  assert.deepEqual(
    trends.filter(({ verdict }) => verdict !== 'pass').map(({ kind, column }) => [kind, column]),
    [['drift', 'x']],
  )
})

test('five in a hundred new rows, version by version: seen by version 10, and an honest drift is drift', () => {
  const anchorRows = draw(600, 1)
  const anchor = tableOf(anchorRows)
  const profile = profileTable(anchor)
  // Each version has a hundred new rows. One campaign flips five of them, the honest one moves x by 0.06 each time.
  const versionsOf = (change: (row: Drawn, index: number, version: number) => Drawn): Version[] => {
    let rows = anchorRows
    return Array.from({ length: 10 }, (_, version) => {
      const previous = tableOf(rows)
      rows = [...rows, ...draw(100, 50 + version).map((row, index) => change(row, index, version))]
      const candidate = tableOf(rows)
      const found = findLabelFlips({ candidate, anchor, previous })
      const newest = tableOf(rows.slice(-100))
      const drift = driftObservations(decideDrift(profileTable(newest), profile))
      return { increments: found?.check.increments ?? [], drift }
    })
  }
  const alarms = (versions: readonly Version[]): readonly string[] =>
    decideHistory(versions).flatMap(({ kind, verdict }) => (verdict === 'pass' ? [] : [kind]))
  const poisoned = versionsOf((row, index) => (index % 20 === 0 ? { ...row, label: opposite(row.label) } : row))
  assert.ok(alarms(poisoned).includes('poison'))
  assert.ok(!alarms(poisoned.slice(0, 1)).includes('poison'))
  const drifting = versionsOf((row, _, version) => ({ ...row, y: row.y + 0.12 * (version + 1) }))
  assert.deepEqual(new Set(alarms(drifting)), new Set(['drift']))
  assert.deepEqual(alarms(versionsOf((row) => row)), [])
})

test('no history says nothing', () => {
  assert.deepEqual(decideHistory([]), [])
})
