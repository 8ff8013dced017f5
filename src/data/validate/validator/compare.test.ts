/** What a version leaves in the signed history. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bound } from '../../bounds.ts'
import { draw, tableOf } from '../../poison/fixtures.ts'
import { profileAnchor } from '../../statistics/index.ts'
import type { Loaded } from '../../table/load-columns.ts'
import { versionOf } from './compare.ts'

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
