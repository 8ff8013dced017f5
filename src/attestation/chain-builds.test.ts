/** Environments, and wheels that were built from source: what their statements must say. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { type ChainSurroundings, type ChainVerdict, chainLimits } from './chain.ts'
import type { EnvironmentBuild } from './environment-build-facts.ts'
import { passed, refused } from './finding.ts'
import {
  chainOf,
  digestNamed,
  environmentBuild,
  keep,
  newPerson,
  policyOf,
  signEnvironmentBuild,
  signNow,
  signSourceBuild,
  signStage,
  sourceBuild,
  stageFacts,
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
  surroundings?: Partial<ChainSurroundings>
}>

/** The verdict on a stage that ran with the wheel. */
function judged({
  bundle = signSourceBuild(ada, sourceBuild()),
  named,
  change = (facts) => facts,
  policy = {},
  surroundings = {},
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
  const around = { ...question.surroundings, ...surroundings }
  return verifyChain({ ...question, surroundings: around, policy: policyOf(ada, policy) })
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

test('a policy that asks for builds in a log is not met by one that is in none, whatever becomes of its stage', () => {
  const asked = (given: Partial<ChainSurroundings>): readonly [trusted: boolean, logged: readonly string[]] => {
    const logs = [{ key: 'k', witnesses: [], threshold: 0 }]
    const verdict = judged({ policy: { logs, logged: new Set(['source-builds']) }, surroundings: given })
    const logged = verdict.findings.filter(({ check }) => check === 'logged')
    return [verdict.trusted, logged.map(({ code, subject }) => `${code} ${subject}`)]
  }
  const loggedAt = () => refused('logged', 'ERR_TLOG_PROOF', 'is not')
  assert.deepEqual(asked({}), [false, ['ERR_TLOG_ENTRY tool']])
  assert.deepEqual(asked({ loggedAt }), [false, ['ERR_TLOG_PROOF tool']])
  assert.deepEqual(asked({ loggedAt: () => passed('logged', 'is in it') }), [true, ['OK tool']], 'the honest twin')
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

test('a build that was signed on its own host is said to be, beside the stages', () => {
  const because = (builderId: string): string => {
    const bundle = signSourceBuild(ada, sourceBuild({ builderId }))
    const builders = [...policyOf(ada).builders, { key: 'ada', builder: builderId, maxLevel: 4 as const }]
    const { requirements } = judged({ bundle, policy: { builders } })
    return requirements.find(({ requirement }) => requirement === 'signer apart from the stage')?.because ?? ''
  }
  assert.match(because('https://assay.dev/builder/hosted/colocated'), /the build of `tool` was signed on its own host/)
  assert.doesNotMatch(because('https://assay.dev/builder/hosted/separate'), /build of/)
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

type GivenEnvironment = Given &
  Readonly<{
    /** What lies under the name that the stage gives; the bundle when left out. */
    found?: Uint8Array
  }>

/** The verdict on a stage that says which statement its environment has. */
function judgedIn({
  bundle = signEnvironmentBuild(ada, environmentBuild()),
  found = bundle,
  named = sha256Of(bundle),
  change = (facts) => facts,
  policy = {},
}: GivenEnvironment = {}): ChainVerdict {
  const withBuild = (facts: StageFacts): StageFacts =>
    change({ ...facts, environment: { ...facts.environment, build: named } })
  const { question, evidence } = chainOf(ada, 1, withBuild)
  evidence.bundles.set(sha256Of(bundle), found)
  return verifyChain({ ...question, policy: policyOf(ada, policy) })
}

const ofEnvironment = ({ findings }: ChainVerdict): readonly string[] =>
  findings.filter(({ check }) => check === 'environment-build').map(({ code, because }) => `${code} ${because}`)

test('an environment is believed by the statement of how it was put together, which counts for the level', () => {
  const verdict = judgedIn()
  assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
  assert.deepEqual(ofEnvironment(verdict), [
    'OK the environment `train` was put together from 1 materials that are named by digest',
  ])
  const hosted = verdict.requirements.find(({ requirement }) => requirement === 'hosted builder')
  assert.match(hosted?.because ?? '', /the build of `train` was signed by a person's own key/)
})

const otherBuild = (more: Partial<EnvironmentBuild>): GivenEnvironment => ({
  bundle: signEnvironmentBuild(ada, environmentBuild(more)),
})
const { materials } = stageFacts().environment
const lock = { name: 'requirements.lock', digest: digestNamed('lock') }

/** The signature stays; a material is another. */
function tampered(): Uint8Array {
  const bundle = JSON.parse(Buffer.from(signEnvironmentBuild(ada, environmentBuild())).toString())
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
  const changed = payload.replaceAll(digestNamed('lock').slice(7), digestNamed('another lock').slice(7))
  assert.notEqual(changed, payload)
  bundle.dsseEnvelope.payload = Buffer.from(changed).toString('base64')
  return Buffer.from(JSON.stringify(bundle))
}

/** A key that the policy lists, and not as a builder. */
function withoutRole(): Partial<TrustPolicy> {
  const key = policyOf(mallory).keys.get('ada')
  if (key === undefined) throw new Error('the policy of a fixture lists its key')
  return { keys: new Map([...policyOf(ada).keys, ['mallory', { ...key, name: 'mallory' }]]) }
}

const environmentLies: Readonly<Record<string, readonly [given: GivenEnvironment, because: RegExp]>> = {
  'a statement that is not at hand': [{ named: digestNamed('gone') }, /^ERR_EVIDENCE_MISSING .*not at hand/],
  'a statement that was changed after it was signed': [{ bundle: tampered() }, /^ERR_SIGNATURE_INVALID .*`train`/],
  'another statement under the name that was pinned': [
    { found: signEnvironmentBuild(ada, environmentBuild({ at: '2026-11-20T10:00:04.000Z' })) },
    /^ERR_CHAIN_LINK .*another statement than was pinned/,
  ],
  'a statement by a key that the policy does not list': [
    { bundle: signEnvironmentBuild(mallory, environmentBuild()) },
    /^ERR_SIGNER_UNKNOWN .*`train`/,
  ],
  'a statement by a key that is listed, and is no builder': [
    { bundle: signEnvironmentBuild(mallory, environmentBuild()), policy: withoutRole() },
    /^ERR_SIGNER_ROLE .*`mallory` is not listed as builder/,
  ],
  'a statement of another project': [otherBuild({ project: 'other' }), /^ERR_CHAIN_PROJECT/],
  'a statement of another environment': [
    otherBuild({ digest: digestNamed('another environment') }),
    /^ERR_CHAIN_LINK .*is not the one that was put together/,
  ],
  'a statement of an environment of another name': [otherBuild({ name: 'other' }), /^ERR_CHAIN_LINK .*is not the one/],
  'a statement of an environment of another kind': [otherBuild({ kind: 'conda' }), /^ERR_CHAIN_LINK .*is not the one/],
  'a material that the stage does not say': [
    otherBuild({ materials: [...materials, { name: 'evil.whl', digest: digestNamed('evil') }] }),
    /^ERR_CHAIN_LINK .*`evil\.whl`, which the stage does not say/,
  ],
  'a material with other bytes than the stage says': [
    otherBuild({ materials: [{ ...lock, digest: digestNamed('another lock') }] }),
    /^ERR_CHAIN_LINK .*`requirements\.lock`, which the stage does not say/,
  ],
  'a build from source that the stage leaves out': [
    otherBuild({ materials: [{ ...lock, build: digestNamed('build') }] }),
    /^ERR_CHAIN_LINK .*`requirements\.lock`, which the stage does not say/,
  ],
  'an environment that was put together after the stage': [
    otherBuild({ at: '2026-11-22T11:00:00.000Z' }),
    /^ERR_CHAIN_LINK .*after it was used/,
  ],
  'the statement of a wheel in its place': [
    { bundle: signSourceBuild(ada, sourceBuild()) },
    /^ERR_STATEMENT_UNSUPPORTED .*`train`/,
  ],
  'the statement of a stage in its place': [
    { bundle: signStage(ada, stageFacts()) },
    /^ERR_STATEMENT_UNSUPPORTED .*`train`/,
  ],
}
for (const [what, [given, because]] of Object.entries(environmentLies)) {
  test(`refuses ${what}, of an environment`, () => {
    const verdict = judgedIn(given)
    assert.equal(verdict.trusted, false)
    assert.match(ofEnvironment(verdict).join(), because)
  })
}

test('a key that is listed and is no builder changes nothing for what a builder signed', () => {
  assert.equal(judgedIn({ policy: withoutRole() }).trusted, true)
})

test('no key signs an environment of which a material is named twice', () => {
  const sign = (more: Partial<EnvironmentBuild>): Uint8Array => signEnvironmentBuild(ada, environmentBuild(more))
  assert.throws(() => sign({ materials: [lock, lock] }), DomainError)
  assert.ok(sign({ materials: [lock] }).length > 0)
})
