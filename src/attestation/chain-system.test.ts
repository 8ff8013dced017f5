import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainOf, newPerson, policyOf } from './fixtures/chain.ts'
import type { StageFacts, StatedFact } from './stage-facts.ts'
import { verifyChain } from './verify-chain.ts'

const ada = newPerson()
const said = (name: string, value: string): StatedFact => ({ name, value, tier: 'observed' })

function judged(change: (facts: StageFacts) => StageFacts) {
  const verdict = verifyChain({ ...chainOf(ada, 2, change).question, policy: policyOf(ada) })
  const held = (requirement: string): boolean | undefined =>
    verdict.requirements.find((row) => row.requirement === requirement)?.held
  return { held, findings: verdict.findings.filter(({ check }) => check === 'system') }
}

test('a machine below the lock, or remembered digests, keep a chain from level 4; an image and a full re-hash do not', () => {
  const machine = judged((facts) => facts)
  assert.deepEqual([machine.held('root file system by digest'), machine.held('full re-hash')], [false, false])
  const image = judged((facts) => ({
    ...facts,
    environment: { ...facts.environment, kind: 'image' },
    facts: [said('outlived/remembered digests', 'not asked (--rehash)')],
  }))
  assert.deepEqual([image.held('root file system by digest'), image.held('full re-hash')], [true, true])
})

test('says of each stage what it stood on and who accepted that; evidence of before says nothing', () => {
  assert.deepEqual(judged((facts) => facts).findings, [])
  const on = (accepted: string): readonly string[] =>
    judged((facts) => ({
      ...facts,
      facts: [said('system/is', 'Debian 12'), said('system/accepted', accepted)],
    })).findings.map(({ code, because }) => `${code} ${because}`)
  assert.deepEqual(
    new Set(on('by assay.lock in the commit')),
    new Set(['OK ran on Debian 12; accepted by assay.lock in the commit']),
  )
  assert.match(on('without asking: any system may be run on')[0] ?? '', /^CAVEAT /)
})
