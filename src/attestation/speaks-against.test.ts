import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dataAnchor,
  newPerson,
  policyOf,
  signApproval,
  signDataAnchor,
  signDataReview,
  sourceApproval,
} from './fixtures/chain.ts'
import { speaksAgainst } from './speaks-against.ts'

const [ada, mallory] = [newPerson(), newPerson()]

const review = (person: typeof ada, verdict: 'good' | 'bad' | 'excluded'): Uint8Array => {
  const { because: _, dataset, replaces: __, golden: ___, ...decided } = dataAnchor
  const rows = [{ hash: '0'.repeat(64), verdict }]
  return signDataReview(person, { ...decided, subject: dataset, hash: 'sha256', rows })
}

test('a revocation, rows that are not good and an anchor speak against data, as far as the policy believes who signed', () => {
  const words: Readonly<Record<string, Uint8Array>> = {
    revoked: signApproval(ada, sourceApproval({ decision: 'revoked' })),
    bad: review(ada, 'bad'),
    excluded: review(ada, 'excluded'),
    anchor: signDataAnchor(ada, dataAnchor),
    approved: signApproval(ada, sourceApproval()),
    good: review(ada, 'good'),
    strange: review(mallory, 'bad'),
    broken: Buffer.from('{'),
  }
  const found = Object.keys(words).filter((name) => speaksAgainst(words[name] ?? Buffer.of(), policyOf(ada)))
  assert.deepEqual(found, ['revoked', 'bad', 'excluded', 'anchor'])
})
