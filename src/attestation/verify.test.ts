import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { builderIds, isDomainError } from '../core/index.ts'
import { parseBundle, printBundle } from './bundle.ts'
import { signEnvelope, statementPayloadType } from './dsse.ts'
import { newPerson, policyOf, project, signApproval, signStage, sourceApproval, stageFacts } from './fixtures/chain.ts'
import { stageFactsOf, stageStatement } from './predicates/stage-provenance.ts'
import { parseStatement, printStatement, type Statement } from './statement.ts'
import { type TrustPolicy, withRevocations } from './trust-policy.ts'
import { policyFromKey } from './trust-policy-shape.ts'
import { subjectsOfBundle, verifySourceApproval, verifyStage } from './verify.ts'

const ada = newPerson()
const eve = newPerson()
const policy = policyOf(ada)
const bytes = signStage(ada, stageFacts())

/** Codes of the findings that were refused. */
function refusals(given: Uint8Array, by: TrustPolicy = policy): readonly string[] {
  return verifyStage(given, by).findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
}

/** Signs a statement of any shape with Ada's key, as a broken or hostile builder could. */
function signed(statement: Statement, payloadType = statementPayloadType): Uint8Array {
  return printBundle({ envelope: signEnvelope(printStatement(statement), payloadType, ada.key), hint: ada.hint })
}

test('believes an honest statement, and says what it says', () => {
  const verdict = verifyStage(bytes, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.facts, stageFacts())
  assert.equal(verdict.statement.signer.name, 'ada')
  assert.deepEqual(
    verdict.findings.map(({ check }) => check),
    ['bundle', 'signature', 'role', 'payload-type', 'statement', 'builder', 'project'],
  )
})

test('believes a policy that is made of one key', () => {
  assert.equal(verifyStage(bytes, policyFromKey(ada.publicPem)).trusted, true)
  assert.equal(verifyStage(bytes, policyFromKey(eve.publicPem)).trusted, false)
})

test('any one byte changed to anything is refused', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, difference) => {
      const flipped = Uint8Array.from(bytes)
      flipped[place] = (flipped[place] ?? 0) ^ difference
      return !verifyStage(flipped, policy).trusted
    }),
    { numRuns: 2000 },
  )
})

test('every byte of the signature and of what is around it, with its lowest bit flipped, is refused', () => {
  const text = Buffer.from(bytes).toString()
  const payloadAt = text.indexOf('"payload":"') + 11
  const payloadEnd = text.indexOf('"', payloadAt)
  for (let place = 0; place < bytes.length; place += 1) {
    if (place === payloadAt) place = payloadEnd
    const flipped = Uint8Array.from(bytes)
    flipped[place] = (flipped[place] ?? 0) ^ 1
    assert.equal(verifyStage(flipped, policy).trusted, false, `byte ${place}`)
  }
})

test('a truncated or extended bundle is refused', () => {
  assert.deepEqual(refusals(bytes.subarray(0, -1)), ['ERR_BUNDLE_MALFORMED'])
  assert.deepEqual(refusals(Buffer.concat([bytes, Buffer.from('{}')])), ['ERR_BUNDLE_MALFORMED'])
})

test('refuses a signer that the policy does not list, and a signature that another key made', () => {
  assert.deepEqual(refusals(signStage(eve, stageFacts())), ['ERR_SIGNER_UNKNOWN'])
  assert.deepEqual(refusals(signStage({ ...eve, hint: ada.hint }, stageFacts())), ['ERR_SIGNATURE_INVALID'])
})

const revoked = (hint: string) => new Map([[hint, { because: 'laptop lost' }]])

test('all that a revoked key signed is void, in every role; other revoked keys void nothing', () => {
  const approval = signApproval(ada, sourceApproval())
  const without = withRevocations(policy, revoked(ada.hint))
  assert.deepEqual(refusals(bytes, without), ['ERR_KEY_REVOKED'])
  const [finding] = verifySourceApproval(approval, without).findings.filter(({ passed }) => !passed)
  assert.deepEqual(finding?.because, 'is signed by `ada`, a key that was revoked: laptop lost')
  assert.deepEqual(refusals(bytes, withRevocations(policyFromKey(ada.publicPem), revoked(ada.hint))), [
    'ERR_KEY_REVOKED',
  ])

  const other = withRevocations(policy, revoked(eve.hint))
  assert.deepEqual(refusals(bytes, other), [])
  assert.equal(verifySourceApproval(approval, other).trusted, true)
})

test('of two revocations the one that voids more counts, in whatever order they are known', () => {
  const since = (day: string) => new Map([[ada.hint, { because: day, since: new Date(day) }]])
  const all = new Map([[ada.hint, { because: 'all' }]])
  const kept = (...revocations: readonly Parameters<typeof withRevocations>[1][]): string | undefined =>
    revocations.reduce(withRevocations, policy).keys.get('ada')?.revoked?.because
  assert.equal(kept(since('2026-11-02'), since('2026-11-01')), '2026-11-01')
  assert.equal(kept(since('2026-11-01'), since('2026-11-02')), '2026-11-01')
  assert.equal(kept(all, since('2026-11-01')), 'all')
  assert.equal(kept(since('2026-11-01'), all), 'all')
})

test('a key that is good for another role is refused as a builder', () => {
  assert.deepEqual(refusals(bytes, { ...policy, builders: [] }), ['ERR_SIGNER_ROLE'])
})

test('a key that is good for another builder is refused for this one', () => {
  const builders = [{ key: 'ada', builder: builderIds.unisolated, maxLevel: 0 as const }]
  assert.deepEqual(refusals(bytes, { ...policy, builders }), ['ERR_BUILDER_UNLISTED'])
})

test('of two levels for one key and builder the lower one counts, whichever stands first', () => {
  const grant = (maxLevel: 0 | 1) => ({ key: 'ada', builder: builderIds.sandboxed, maxLevel })
  for (const builders of [
    [grant(0), grant(1)],
    [grant(1), grant(0)],
  ]) {
    const verdict = verifyStage(bytes, { ...policy, builders })
    assert.equal(verdict.trusted && verdict.statement.grant.maxLevel, 0)
  }
})

test('refuses a statement of another project', () => {
  const other = signStage(ada, stageFacts({ project: { id: 'other', name: 'digits' } }))
  assert.deepEqual(refusals(other), ['ERR_CHAIN_PROJECT'])
})

test('a signature is not moved to another payload type', () => {
  assert.deepEqual(refusals(signed(stageStatement(stageFacts()), 'application/json')), ['ERR_STATEMENT_UNSUPPORTED'])
  const { envelope, hint } = parseBundle(signed(stageStatement(stageFacts()), 'application/json'))
  const moved = printBundle({ envelope: { ...envelope, payloadType: statementPayloadType }, hint })
  assert.deepEqual(refusals(moved), ['ERR_SIGNATURE_INVALID'])
})

type Change = (statement: Loose) => unknown
// biome-ignore lint/suspicious/noExplicitAny: statements of any shape are what this is about
type Loose = any

function altered(change: Change): Uint8Array {
  const statement = structuredClone(stageStatement(stageFacts()))
  change(statement)
  return signed(statement)
}

const hostile: readonly (readonly [string, string, Change])[] = [
  [
    'another predicate type',
    'ERR_STATEMENT_UNSUPPORTED',
    (s) => Object.assign(s, { predicateType: 'https://slsa.dev/provenance/v2' }),
  ],
  [
    'another build type',
    'ERR_STATEMENT_UNSUPPORTED',
    (s) => Object.assign(s.predicate.buildDefinition, { buildType: 'https://assay.dev/stage/v2' }),
  ],
  ['no subject', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s, { subject: [] })],
  [
    'an unknown key in externalParameters',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.buildDefinition.externalParameters, { extra: 1 }),
  ],
  ['no commands', 'ERR_STATEMENT_MALFORMED', (s) => delete s.predicate.buildDefinition.externalParameters.commands],
  [
    'a dependency of an unknown role',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.buildDefinition.resolvedDependencies.at(3).annotations, { role: 'other' }),
  ],
  [
    'a dependency of an unknown origin',
    'ERR_STATEMENT_MALFORMED',
    (s) =>
      Object.assign(s.predicate.buildDefinition.resolvedDependencies.at(3).annotations, { origin: { kind: 'other' } }),
  ],
  [
    'a dependency without annotations',
    'ERR_STATEMENT_MALFORMED',
    (s) => delete s.predicate.buildDefinition.resolvedDependencies.at(3).annotations,
  ],
  [
    'two sources',
    'ERR_STATEMENT_MALFORMED',
    (s) => s.predicate.buildDefinition.resolvedDependencies.push(s.predicate.buildDefinition.resolvedDependencies[0]),
  ],
  [
    'no environment',
    'ERR_STATEMENT_MALFORMED',
    (s) =>
      Object.assign(s.predicate.buildDefinition, {
        resolvedDependencies: s.predicate.buildDefinition.resolvedDependencies.filter(
          (d: Loose) => d.annotations.role !== 'environment',
        ),
      }),
  ],
  ['an out named twice', 'ERR_STATEMENT_MALFORMED', (s) => s.subject.push(s.subject[0])],
  [
    'a subject without a digest that counts',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.subject[0], { digest: { md5: 'd41d8cd98f00b204e9800998ecf8427e' } }),
  ],
  [
    'a path that leaves the project',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.subject[0], { name: '../model' }),
  ],
  ['a path with a bidi character', 'ERR_STATEMENT_MALFORMED', (s) => Object.assign(s.subject[0], { name: 'a\u202eb' })],
  ['no log', 'ERR_STATEMENT_MALFORMED', (s) => s.predicate.runDetails.byproducts.shift()],
  [
    'a time without a zone',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.runDetails.metadata, { startedOn: '2026-11-24T10:15:00' }),
  ],
  [
    'a negative count of attempts',
    'ERR_STATEMENT_MALFORMED',
    (s) => Object.assign(s.predicate.runDetails.byproducts[1].annotations, { deniedAttempts: -1 }),
  ],
]
for (const [name, code, change] of hostile) {
  test(`refuses a correctly signed statement with ${name}`, () => {
    assert.deepEqual(refusals(altered(change)), [code])
  })
}

test('ignores unknown fields elsewhere, as in-toto demands', () => {
  const extended = altered((s) => {
    s.predicate.runDetails.extra = 1
    s.predicate.buildDefinition.resolvedDependencies[0].mediaType = 'text/plain'
    s.subject[0].annotations.extra = 1
  })
  const verdict = verifyStage(extended, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.facts, stageFacts())
})

test('refuses signed bytes that are no statement, have a key twice or another _type', () => {
  const sign = (text: string): Uint8Array =>
    printBundle({ envelope: signEnvelope(Buffer.from(text), statementPayloadType, ada.key), hint: ada.hint })
  assert.deepEqual(refusals(sign('x')), ['ERR_STATEMENT_MALFORMED'])
  assert.deepEqual(refusals(sign('{"_type":"a","_type":"a"}')), ['ERR_STATEMENT_MALFORMED'])
  assert.deepEqual(refusals(sign('{"_type":"https://in-toto.io/Statement/v0.1"}')), ['ERR_STATEMENT_UNSUPPORTED'])
  assert.deepEqual(refusals(sign('{"_type":"https://in-toto.io/Statement/v1"}')), ['ERR_STATEMENT_MALFORMED'])
  assert.deepEqual(refusals(sign('['.repeat(1000))), ['ERR_STATEMENT_MALFORMED'])
})

test('a payload that nobody listed signed never reaches the parser', () => {
  const bomb = printBundle({
    envelope: signEnvelope(Buffer.from('not JSON'), statementPayloadType, eve.key),
    hint: eve.hint,
  })
  assert.deepEqual(refusals(bomb), ['ERR_SIGNER_UNKNOWN'])
})

test('an approval is believed from a source-approver and refused from anybody else, or as a stage', () => {
  const approval = signApproval(ada, sourceApproval())
  const verdict = verifySourceApproval(approval, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.approval, sourceApproval())
  assert.equal(verifySourceApproval(signApproval(eve, sourceApproval()), policy).trusted, false)
  assert.equal(verifySourceApproval(approval, { ...policy, roles: new Map() }).trusted, false)
  assert.equal(verifySourceApproval(bytes, policy).trusted, false)
  assert.deepEqual(refusals(approval), ['ERR_STATEMENT_UNSUPPORTED'])
})

test('an approval of another project is refused', () => {
  const other = signApproval(ada, sourceApproval({ project: 'other' }))
  assert.equal(verifySourceApproval(other, policy).trusted, false)
})

test('the subjects of a bundle are a hint: read without a policy, empty for what is no bundle', () => {
  assert.deepEqual(subjectsOfBundle(bytes), [stageFacts().outputs[0]?.digest])
  assert.deepEqual(subjectsOfBundle(Buffer.from('x')), [])
})

test('a stage without outs is a statement about its log', () => {
  const facts = stageFacts({ outputs: [] })
  const verdict = verifyStage(signStage(ada, facts), policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.facts, facts)
})

test('facts that contradict themselves are not made into a statement', () => {
  const [first] = stageFacts().outputs
  assert.ok(first !== undefined)
  assert.throws(
    () => stageStatement(stageFacts({ outputs: [first, first] })),
    (error) => isDomainError(error, 'ERR_STATEMENT_MALFORMED'),
  )
  assert.throws(
    () => stageStatement(stageFacts({ outputs: [{ ...first, digest: `dirHash1:${'0'.repeat(64)}` }] })),
    (error) => isDomainError(error, 'ERR_STATEMENT_MALFORMED'),
  )
})

test('facts survive the way through a statement, whatever they hold', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  const count = fc.nat()
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/)
  const facts = fc.record({
    stage: fc.stringMatching(/^[a-z@.]{1,20}$/),
    commands: fc.array(text, { maxLength: 3 }),
    overrides: fc.array(text, { maxLength: 2 }),
    variables: fc.dictionary(name, text),
    parameters: fc.dictionary(
      name,
      fc.dictionary(name, fc.jsonValue({ maxDepth: 2, noUnicodeString: false }).map(finite)),
    ),
    seed: fc.integer(),
    draft: fc.boolean(),
    outputs: fc.uniqueArray(fc.record({ path: name, digest: fc.constant(stageFacts().key), sizeBytes: count }), {
      selector: ({ path }) => path,
      maxLength: 4,
    }),
    network: fc.record({ deniedAttempts: count, destinations: fc.array(text), tier: fc.constant('observed' as const) }),
  })
  fc.assert(
    fc.property(facts, (some) => {
      fc.pre(!JSON.stringify(some).includes('__proto__')) // refused wherever JSON is read
      const given = stageFacts({ ...some, project })
      // fast-check makes objects without a prototype, which JSON does not know.
      assert.deepEqual(stageFactsOf(parseStatement(printStatement(stageStatement(given)))), structuredClone(given))
    }),
    { numRuns: 200 },
  )
})

/** JSON has no -0, and integers that a double cannot hold exactly are refused on purpose. */
function finite(value: Loose): Loose {
  return JSON.parse(JSON.stringify(value), (_key, item) =>
    typeof item === 'number' && Number.isInteger(item) && !Number.isSafeInteger(item) ? 0 : item,
  )
}
