/** Evidence beside a file, and that of its project. Threat: so much of one that the other is not looked at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxGateVerdicts } from '../attestation/index.ts'
import { type Sha256, sha256Of } from '../core/index.ts'
import { bothOf } from './both-evidence.ts'

const [honest, filler, model] = ['honest', 'filler', 'model'].map((text) => sha256Of(Buffer.from(text)))
function evidenceWith(found: readonly Sha256[]) {
  const all = { gatesOf: () => found, reproductionsOf: () => found }
  return { ...all, bundle: () => undefined, bySubject: () => [], approvals: [] }
}

test('gate verdicts and reproductions of one side hide none of the other, whichever has too many', () => {
  assert.ok(honest !== undefined && filler !== undefined && model !== undefined)
  const flood = evidenceWith(Array.from({ length: maxGateVerdicts + 1 }, () => filler))
  const one = evidenceWith([honest])
  for (const both of [bothOf(flood, one), bothOf(one, flood)]) {
    assert.ok(both.gatesOf?.(model).includes(honest))
    assert.ok(both.reproductionsOf?.(model).slice(0, 32).includes(honest))
  }
  assert.ok((bothOf(flood, one).gatesOf?.(model).length ?? 0) <= maxGateVerdicts, 'of its own the newest')
  assert.ok((bothOf(one, flood).gatesOf?.(model).length ?? 0) > maxGateVerdicts, 'of those beside none is left out')
  assert.deepEqual(bothOf(one, one).gatesOf?.(model), [honest, honest], 'the honest twin: few, and all of them')
})
