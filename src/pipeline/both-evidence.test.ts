/** Evidence beside a file, and that of its project. Threat: so much of one that the other is not looked at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newPerson } from '../attestation/fixtures/chain.ts'
import { gatedChain } from '../attestation/fixtures/gated-chain.ts'
import { maxGateVerdicts } from '../attestation/index.ts'
import { type Sha256, sha256Of } from '../core/index.ts'
import { bothOf } from './both-evidence.ts'

const [honest = assert.fail(), model = assert.fail()] = ['honest', 'model'].map((text) => sha256Of(Buffer.from(text)))
const many = Array.from({ length: maxGateVerdicts }, (_, index) => sha256Of(Buffer.from(`filler ${index}`)))
function evidenceWith(found: readonly Sha256[], bundles: ReadonlyMap<Sha256, Uint8Array> = new Map()) {
  const all = { gatesOf: () => found, reproductionsOf: () => found }
  return { ...all, bundle: (digest: Sha256) => bundles.get(digest), bySubject: () => [], approvals: [] }
}

test('gate verdicts and reproductions of one side hide none of the other, whichever has too many', () => {
  const [flood, one] = [evidenceWith(many), evidenceWith([honest])]
  for (const both of [bothOf(flood, one), bothOf(one, flood)]) {
    assert.deepEqual(
      new Set(both.gatesOf?.(model)),
      new Set([honest, ...many]),
      'none is left out: too many are refused',
    )
    assert.ok(both.reproductionsOf?.(model).slice(0, 32).includes(honest))
  }
  assert.deepEqual(bothOf(one, one).gatesOf?.(model), [honest], 'the honest twin: the same counts once')
})

test('another spelling of what the project has counts once; one that nobody verified takes the place of none beside it', () => {
  const { evidence, gates } = gatedChain(newPerson())
  const [own = assert.fail()] = gates
  const text = Buffer.from(evidence.bundle(own) ?? '').toString()
  const spelt = new Map([`${text} `, `${text}  `].map((each) => [sha256Of(Buffer.from(each)), Buffer.from(each)]))
  const [here, beside] = [evidenceWith([own], evidence.bundles), evidenceWith([...spelt.keys()], spelt)]
  assert.deepEqual(bothOf(here, beside).gatesOf?.(model), [own])
  assert.deepEqual(bothOf(evidenceWith([]), beside).gatesOf?.(model), [...spelt.keys()])
})
