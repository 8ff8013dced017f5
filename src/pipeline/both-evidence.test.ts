/** Evidence beside a file, and that of its project. Threat: so much of one that the other is not looked at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxGateVerdicts } from '../attestation/index.ts'
import { type Sha256, sha256Of } from '../core/index.ts'
import { bothOf } from './both-evidence.ts'

const [honest = assert.fail(), model = assert.fail()] = ['honest', 'model'].map((text) => sha256Of(Buffer.from(text)))
const many = Array.from({ length: maxGateVerdicts }, (_, index) => sha256Of(Buffer.from(`filler ${index}`)))
function evidenceWith(found: readonly Sha256[]) {
  const all = { gatesOf: () => found, reproductionsOf: () => found }
  return { ...all, bundle: () => undefined, bySubject: () => [], approvals: [] }
}

test('gate verdicts and reproductions of one side hide none of the other, whichever has too many', () => {
  const [flood, one] = [evidenceWith(many), evidenceWith([honest])]
  for (const both of [bothOf(flood, one, () => many), bothOf(one, flood, () => [honest])]) {
    assert.deepEqual(
      new Set(both.gatesOf?.(model)),
      new Set([honest, ...many]),
      'none is left out: too many are refused',
    )
    assert.deepEqual(new Set(both.reproductionsOf?.(model)), new Set([honest, ...many]))
  }
  assert.deepEqual(bothOf(one, one, () => [honest]).gatesOf?.(model), [honest], 'the honest twin: the same counts once')
})
