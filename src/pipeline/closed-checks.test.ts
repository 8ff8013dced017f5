import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCompared } from '../attestation/index.ts'
import type { DataCheck, Dataset, Findings } from '../data/index.ts'
import { type Closing, missingGolden as check, closedChecks, heldChecks } from './closed-checks.ts'

test('files of which nothing was compared fail beside a baseline, whatever was seen of them by themselves', () => {
  const anchorRows: Dataset = { kind: 'folder', path: '/anchor', files: [] }
  const closed = (names: readonly string[], rows?: Dataset): readonly string[] => {
    const checks = names.map((name): DataCheck => ({ ...check, name, verdict: 'pass' }))
    const found: Findings = { verdict: 'pass', checks, unseen: [] }
    const asked = { hasBaseline: true, isAnchored: true, ...(rows === undefined ? {} : { anchorRows: rows }) }
    return closedChecks(asked, found).map(({ name, verdict }) => `${name} ${verdict}`)
  }
  const folder = ['files/duplicates', 'poison/contradiction']
  // images of one class, or other files in their place; images beside approved files that are none
  for (const seen of [folder, [...folder, 'poison/label-flip', 'poison/anchor']])
    assert.deepEqual(closed(seen, anchorRows), ['format/baseline fail'])
  assert.deepEqual(closed([...folder, 'drift/mean', 'poison/label-flip'], anchorRows), [], 'the honest twin')
  // the approved images are not at hand: the validator's warning stays one
  assert.deepEqual(closed([...folder, 'poison/label-flip', 'poison/anchor']), [])
})

test('images beside an anchor whose files are not at hand are told that, with the next step; without one, that there is none', () => {
  const alone: DataCheck = {
    ...check,
    name: 'poison/anchor',
    observed: 'unanchored',
    because: 'nothing says what is honest',
  }
  const found: Findings = {
    verdict: 'warn',
    checks: [{ ...check, name: 'poison/label-flip', verdict: 'pass' }, alone],
    unseen: [],
  }
  const said = (isAnchored: boolean): readonly unknown[] =>
    heldChecks({ hasBaseline: true, isAnchored }, found).flatMap(({ name, verdict, observed, because }) =>
      name.startsWith('poison/anchor') ? [[name, verdict, observed, because]] : [],
    )
  assert.deepEqual(said(false), [['poison/anchor', 'warn', 'unanchored', 'nothing says what is honest']])
  const [[name, verdict, observed, because] = []] = said(true) as readonly string[][]
  assert.deepEqual([name, verdict, observed, said(true).length], ['poison/anchor-rows', 'warn', 'without its rows', 1])
  assert.match(because ?? '', /run once with the version that was approved in its place, or anchor anew$/)
})

test('what is byte for byte what was approved is compared by that; other bytes of which nothing is measured say what to do', () => {
  const unseen = ['the distribution of names of rows, objects, arrays and bytes: id, v']
  const closed = (asked: Closing, names: readonly string[] = []): readonly DataCheck[] =>
    closedChecks(
      { hasBaseline: true, ...asked },
      { verdict: 'pass', checks: names.map((name): DataCheck => ({ ...check, name, verdict: 'pass' })), unseen },
    )
  const told = (checks: readonly DataCheck[]): readonly string[] =>
    checks.map(({ name, verdict }) => `${name} ${verdict}`)
  const anchored = { isAnchored: true, anchorRows: { kind: 'folder', path: '/anchor', files: [] } } as const
  const same = closed({ ...anchored, isSame: true })
  assert.deepEqual(told(same), ['drift/bytes pass'])
  assert.equal(isCompared({ checks: same }), true)
  const [other] = closed({ ...anchored, isSame: false })
  assert.deepEqual(told(other === undefined ? [] : [other]), ['format/baseline fail'])
  assert.match(other?.because ?? '', /arrays and bytes: id, v; approve these very bytes/)
  // nobody approved the baseline
  assert.deepEqual(told(closed({ isSame: true })), ['drift/bytes pass', 'poison/anchor warn'])
  assert.deepEqual(told(closed({ ...anchored, isSame: true }, ['drift/psi'])), [])
})
