/** Wheels that were built from source: what their statements must say. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainError, type Sha256 } from '../core/index.ts'
import { type ChainVerdict, chainLimits } from './chain.ts'
import {
  chainOf,
  digestNamed,
  keep,
  newPerson,
  policyOf,
  signNow,
  signSourceBuild,
  sourceBuild,
} from './fixtures/chain.ts'
import { refuseRequest } from './signer/sign.ts'
import type { SourceBuild } from './source-build-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const [ada, mallory] = [newPerson(), newPerson()]
const { wheel, source, environment } = sourceBuild()
const recorded = `${source.name} ${source.digest} built by setuptools.build_meta in ${environment}, without network, to ${wheel.name}`

type Given = Readonly<{
  bundle?: Uint8Array
  /** What the stage names; the bundle's own digest when left out. */
  named?: Sha256
  change?: (facts: StageFacts) => StageFacts
  policy?: Partial<TrustPolicy>
}>

/** The verdict on a stage that ran with the wheel. */
function judged({
  bundle = signSourceBuild(ada, sourceBuild()),
  named,
  change = (facts) => facts,
  policy = {},
}: Given = {}): ChainVerdict {
  const shelved = { digest: named }
  const withBuild = (facts: StageFacts): StageFacts => {
    const build = shelved.digest ?? digestNamed('nothing')
    const materials = [
      { name: wheel.name, digest: wheel.digest, build },
      { name: source.name, digest: source.digest },
    ]
    const fact = { name: 'environment/source/tool', value: recorded, tier: 'observed' as const }
    return change({ ...facts, environment: { ...facts.environment, materials }, facts: [...facts.facts, fact] })
  }
  shelved.digest ??= keep(chainOf(ada, 1).evidence, bundle)
  const { question, evidence } = chainOf(ada, 1, withBuild)
  keep(evidence, bundle)
  return verifyChain({ ...question, policy: policyOf(ada, policy) })
}

const findingsOf = ({ findings }: ChainVerdict): readonly string[] =>
  findings.filter(({ check }) => check === 'built-from-source').map(({ code, because }) => `${code} ${because}`)

test('a wheel that was built from source is believed by the statement of its build, which counts for the level', () => {
  const verdict = judged()
  assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
  assert.deepEqual(findingsOf(verdict), [
    'OK `tool-1.0-py3-none-any.whl` was built from `tool-1.0.tar.gz` in a sandbox, without network',
  ])
  const hosted = verdict.requirements.find(({ requirement }) => requirement === 'hosted builder')
  assert.match(hosted?.because ?? '', /the build of `tool` was signed by a person's own key/)
  const tried = judged({ bundle: signSourceBuild(ada, sourceBuild({ deniedAttempts: 3 })) })
  assert.match(findingsOf(tried).join(), /^CAVEAT .*which it tried to reach 3 times$/)
  assert.equal(tried.trusted, true)
})

const other = (more: Partial<SourceBuild>): Given => ({ bundle: signSourceBuild(ada, sourceBuild(more)) })
const lies: Readonly<Record<string, readonly [given: Given, because: RegExp]>> = {
  'a bundle that is not at hand': [{ named: digestNamed('gone') }, /^ERR_EVIDENCE_MISSING .*not at hand/],
  'a statement that no builder signed': [
    { bundle: signSourceBuild(mallory, sourceBuild()) },
    /^ERR_SIGNER_UNKNOWN the build of `tool-1\.0-py3-none-any\.whl`/,
  ],
  'a statement of another wheel': [
    other({ wheel: { ...wheel, digest: digestNamed('x') } }),
    /^ERR_CHAIN_LINK .*not the wheel/,
  ],
  'a statement of another source': [
    other({ source: { ...source, digest: digestNamed('x') } }),
    /^ERR_CHAIN_LINK .*does not name/,
  ],
  'a statement of another package': [other({ package: { name: 'x', version: '1' } }), /^ERR_CHAIN_LINK .*built as `x`/],
  'a statement of a build in another environment': [
    other({ environment: digestNamed('x') }),
    /^ERR_CHAIN_LINK .*another environment/,
  ],
  'a statement of a build that nothing isolated': [
    other({ sandbox: { ...sourceBuild().sandbox, engine: 'none' } }),
    /^ERR_EVIDENCE_UNISOLATED the build of `tool-1/,
  ],
  'a statement of another project': [other({ project: 'other' }), /^ERR_CHAIN_PROJECT|^ERR_CHAIN_LINK/],
  'a build after the stage': [other({ finishedAt: '2026-11-22T11:00:00.000Z' }), /^ERR_CHAIN_LINK .*after it was used/],
  'a stage that names no build': [
    {
      change: (facts) => {
        const materials = facts.environment.materials.map(({ name, digest }) => ({ name, digest }))
        return { ...facts, environment: { ...facts.environment, materials } }
      },
    },
    /^ERR_EVIDENCE_MISSING `tool` was built from source/,
  ],
}
for (const [what, [given, because]] of Object.entries(lies)) {
  test(`refuses ${what}`, () => {
    const verdict = judged(given)
    assert.equal(verdict.trusted, false)
    assert.match(findingsOf(verdict).join(), because)
  })
}

test('a build that nothing isolated costs the level, where a policy takes level 0', () => {
  const bundle = signSourceBuild(ada, sourceBuild({ sandbox: { ...sourceBuild().sandbox, engine: 'none' } }))
  const { trusted, level, requirements } = judged({ bundle, policy: { minimumLevel: 0 } })
  assert.deepEqual([trusted, level], [true, 0])
  const row = requirements.find(({ requirement }) => requirement.startsWith('isolated'))
  assert.equal(row?.because, 'the build of `tool` ran without a sandbox')
})

test('no key signs a build that nothing isolated, or that contradicts itself', () => {
  const unsigned: readonly Partial<SourceBuild>[] = [
    { sandbox: { ...sourceBuild().sandbox, engine: 'none' } },
    { builderId: 'https://assay.dev/builder/hosted/separate' },
    { finishedAt: '2026-11-19T09:00:00.000Z' },
    { wheel: { ...wheel, name: '../x.whl' } },
  ]
  const sign = (more: Partial<SourceBuild>): Uint8Array => {
    const request = { kind: 'source-build' as const, build: sourceBuild(more) }
    refuseRequest(request, 'real')
    return signNow(request, ada)
  }
  for (const more of unsigned) assert.throws(() => sign(more), DomainError)
  assert.ok(sign({}).length > 0)
})

test('a build that many stages name is read once, and counts for the limits of the chain', () => {
  const bundle = signSourceBuild(ada, sourceBuild())
  const build = keep(chainOf(ada, 1).evidence, bundle)
  const length = 4
  const { question, evidence } = chainOf(ada, length, (facts) => {
    const materials = [
      { name: wheel.name, digest: wheel.digest, build },
      { name: source.name, digest: source.digest },
    ]
    const fact = { name: 'environment/source/tool', value: recorded, tier: 'observed' as const }
    return { ...facts, environment: { ...facts.environment, materials }, facts: [...facts.facts, fact] }
  })
  keep(evidence, bundle)
  let asked = 0
  const counting = {
    ...evidence,
    bundle: (attestation: Sha256) => {
      if (attestation === build) asked += 1
      return evidence.bundle(attestation)
    },
  }
  const judge = (statements: number): ChainVerdict =>
    verifyChain({ ...question, evidence: counting, policy: policyOf(ada), limits: { ...chainLimits, statements } })
  const verdict = judge(length + 1)
  assert.deepEqual([verdict.trusted, findingsOf(verdict).length, asked], [true, length, 1])
  const over = judge(length)
  assert.equal(over.trusted, false)
  assert.ok(over.findings.some(({ code }) => code === 'ERR_CHAIN_LIMIT'))
})
