import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { sha256Of } from '../core/index.ts'
import { parseBundle } from './bundle.ts'
import { isSignedBy } from './dsse.ts'
import { exampleDefinitionReview, exampleFiles } from './fixtures/example-kinds.ts'
import {
  exampleAnchor,
  exampleApproval,
  exampleDataVerdict,
  exampleEnvironmentBuild,
  exampleFacts,
  exampleGateVerdict,
  exampleModelApproval,
  exampleReproduction,
  exampleReview,
  exampleSourceBuild,
  exampleSummary,
  exampleWaiver,
} from './fixtures/examples.ts'
import { formatSchemas } from './format-schemas.ts'
import { printModelStatement } from './model/sign-model.ts'
import { verificationSummaryStatement } from './predicates/verification-summary.ts'
import { statementType } from './statement.ts'
import { parseTrustPolicy } from './trust-policy-file.ts'
import {
  verifyDataDecision,
  verifyDataVerdict,
  verifyDefinitionReview,
  verifyEnvironmentBuild,
  verifyGateVerdict,
  verifyReproduction,
  verifySourceApproval,
  verifySourceBuild,
  verifyStage,
} from './verify.ts'
import { verifyChain } from './verify-chain.ts'

const formats = join(import.meta.dirname, '../../docs/formats')
const read = (name: string): Buffer => readFileSync(join(formats, name))
const stage = read('examples/stage-provenance.sigstore.json')
const approval = read('examples/source-approval.sigstore.json')
const dataVerdict = read('examples/data-verdict.sigstore.json')
const waiver = read('examples/data-waiver.sigstore.json')
const policyText = read('examples/trust.yaml')
const policy = parseTrustPolicy(policyText, 'file')

// biome-ignore lint/suspicious/noExplicitAny: documents are altered in ways that no type allows
type Loose = any
const payloadOf = (bundle: Uint8Array): Loose =>
  JSON.parse(Buffer.from(parseBundle(bundle).envelope.payload).toString())

/** The first fenced block of a page. */
function exampleIn(page: string, language: string): string {
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(read(page).toString())?.[1] ?? ''
}

/** Compiled once a schema; formats are checked by patterns. */
function validator(name: string): (document: unknown) => boolean {
  const schema = formatSchemas()[name]
  assert.ok(schema !== undefined)
  return new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: false }).compile(schema)
}

test('the schemas in docs/formats are those of the code', () => {
  for (const [name, schema] of Object.entries(formatSchemas()))
    assert.deepEqual(JSON.parse(read(name).toString()), schema)
})

test('the example of a stage is what the page shows, is valid, and is believed', () => {
  const verdict = verifyStage(stage, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.facts, exampleFacts(sha256Of(approval), sha256Of(dataVerdict)))
  assert.deepEqual(JSON.parse(exampleIn('stage-provenance.md', 'json')), payloadOf(stage))
  assert.ok(validator('stage-provenance.schema.json')(payloadOf(stage)))
})

test('the example of an approval is what the page shows, is valid, and is believed', () => {
  const verdict = verifySourceApproval(approval, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.approval, exampleApproval)
  assert.deepEqual(JSON.parse(exampleIn('source-approval.md', 'json')), payloadOf(approval))
  assert.ok(validator('source-approval.schema.json')(payloadOf(approval)))
})

test('the example of a data verdict is what the page shows, is valid, and is believed', () => {
  const verdict = verifyDataVerdict(dataVerdict, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.verdict, exampleDataVerdict(sha256Of(waiver)))
  assert.deepEqual(JSON.parse(exampleIn('data-verdict.md', 'json')), payloadOf(dataVerdict))
  assert.ok(validator('data-verdict.schema.json')(payloadOf(dataVerdict)))
})

test('the example of a gate verdict is what the page shows, is valid, and is believed', () => {
  const bundle = read('examples/gate-verdict.sigstore.json')
  const verdict = verifyGateVerdict(bundle, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.verdict, exampleGateVerdict(sha256Of(stage)))
  assert.deepEqual(JSON.parse(exampleIn('gate-verdict.md', 'json')), payloadOf(bundle))
  assert.ok(validator('gate-verdict.schema.json')(payloadOf(bundle)))
  assert.equal(verifyDataVerdict(bundle, policy).trusted, false, 'nor is it a verdict on data, of the same type')
  assert.equal(verifyGateVerdict(dataVerdict, policy).trusted, false)
})

test('the example of an approval of a model is what the page shows, is valid, and is believed of a promoter alone', () => {
  const bundle = read('examples/model-approval.sigstore.json')
  const promoter = { anyOf: ['ada'], threshold: 1, distinct: 'principals' } as const
  const listed = { ...policy, roles: new Map([...policy.roles, ['promoter', promoter] as const]) }
  const verdict = verifyDataDecision('model-approval', bundle, listed)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.decision, exampleModelApproval(sha256Of(stage)))
  assert.deepEqual(JSON.parse(exampleIn('model-approval.md', 'json')), payloadOf(bundle))
  assert.ok(validator('model-approval.schema.json')(payloadOf(bundle)))
  assert.equal(verifyDataDecision('model-approval', bundle, policy).trusted, false, 'a reviewer is no promoter')
})

test('the example of a reproduction is what the page shows, is valid, and is believed', () => {
  const bundle = read('examples/reproduction.sigstore.json')
  const verdict = verifyReproduction(bundle, policy)
  assert.ok(verdict.trusted)
  const again = verdict.statement.reproduction.stages[0]?.again
  assert.ok(again !== undefined)
  assert.deepEqual(verdict.statement.reproduction, exampleReproduction(sha256Of(stage), again))
  assert.deepEqual(JSON.parse(exampleIn('reproduction.md', 'json')), payloadOf(bundle))
  assert.ok(validator('reproduction.schema.json')(payloadOf(bundle)))
})

test('the example of a build from source is what the page shows, is valid, and is believed', () => {
  const bundle = read('examples/source-build.sigstore.json')
  const verdict = verifySourceBuild(bundle, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.build, exampleSourceBuild)
  assert.deepEqual(JSON.parse(exampleIn('source-build.md', 'json')), payloadOf(bundle))
  assert.ok(validator('source-build.schema.json')(payloadOf(bundle)))
})

test('the example of an environment is what the page shows, is valid, and is believed', () => {
  const bundle = read('examples/environment-build.sigstore.json')
  const verdict = verifyEnvironmentBuild(bundle, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.build, exampleEnvironmentBuild)
  assert.deepEqual(JSON.parse(exampleIn('environment-build.md', 'json')), payloadOf(bundle))
  assert.ok(validator('environment-build.schema.json')(payloadOf(bundle)))
})

test('the example of a review of a definition is what the page shows, is valid, and is believed of a reviewer alone', () => {
  const bundle = read('examples/definition-review.sigstore.json')
  const verdict = verifyDefinitionReview(bundle, policy)
  assert.ok(verdict.trusted)
  assert.deepEqual(verdict.statement.review, exampleDefinitionReview())
  assert.deepEqual(JSON.parse(exampleIn('definition-review.md', 'json')), payloadOf(bundle))
  assert.ok(validator('definition-review.schema.json')(payloadOf(bundle)))
  const roles = new Map([...policy.roles].filter(([role]) => role !== 'reviewer'))
  assert.equal(verifyDefinitionReview(bundle, { ...policy, roles }).trusted, false)
})

test('the example of a summary is what the page shows, is valid, and is signed by the key of the examples', () => {
  const { payload, payloadType, signatures } = JSON.parse(read('examples/verification-summary.dsse.json').toString())
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString())
  assert.deepEqual(statement, { _type: statementType, ...verificationSummaryStatement(exampleSummary) })
  assert.deepEqual(JSON.parse(exampleIn('verification-summary.md', 'json')), statement)
  assert.ok(validator('verification-summary.schema.json')(statement))
  const envelope = {
    payload: Buffer.from(payload, 'base64'),
    payloadType,
    signature: Buffer.from(signatures[0].sig, 'base64'),
  }
  assert.ok(isSignedBy(envelope, (policy.keys.get('ada') ?? assert.fail()).key))
})

test('each kind of statement has an example, and no example is of none', () => {
  assert.deepEqual(
    readdirSync(join(formats, 'examples')).toSorted(),
    [...Object.values(exampleFiles), 'trust.yaml'].toSorted(),
  )
})

test('a summary and the signature of a model are valid by their schemas, which refuse each member left out', () => {
  const summary = verificationSummaryStatement(exampleSummary)
  const resources = [{ name: 'weights.bin', digest: 'a'.repeat(64) }]
  const manifest = { terms: { hash: 'sha256', followLinks: false, ignored: ['.git'] }, resources } as const
  for (const [name, document] of [
    ['verification-summary.schema.json', { _type: statementType, ...summary }],
    ['model-signature.schema.json', JSON.parse(Buffer.from(printModelStatement('m', manifest)).toString())],
  ] as const) {
    const isValid = validator(name)
    assert.ok(isValid(document), name)
    for (const member of Object.keys(document)) assert.ok(!isValid({ ...document, [member]: undefined }), member)
    for (const member of Object.keys(document.predicate))
      assert.ok(!isValid({ ...document, predicate: { ...document.predicate, [member]: undefined } }), member)
  }
})

test('the examples of decisions about data are valid, and are believed', () => {
  const examples = { 'data-waiver': exampleWaiver, 'data-anchor': exampleAnchor, 'data-review': exampleReview } as const
  for (const kind of ['data-waiver', 'data-anchor', 'data-review'] as const) {
    const bundle = read(`examples/${kind}.sigstore.json`)
    const verdict = verifyDataDecision(kind, bundle, policy)
    assert.ok(verdict.trusted)
    assert.deepEqual(verdict.statement.decision, examples[kind])
    assert.ok(validator(`${kind}.schema.json`)(payloadOf(bundle)))
  }
  assert.deepEqual(JSON.parse(exampleIn('data-decisions.md', 'json')), payloadOf(waiver))
})

test('the example of a policy is what the page shows', () => {
  assert.equal(exampleIn('trust-policy.md', 'yaml'), policyText.toString())
})

test('the examples make a chain that is trusted at level 1', () => {
  const entry = sha256Of(stage)
  const verdict = verifyChain({
    subject: { path: 'out/sorted.txt', digest: sha256Of('apple 2\npear 1\npear 3\n') },
    entries: [entry],
    evidence: {
      bundle: (attestation) =>
        attestation === entry ? stage : attestation === sha256Of(dataVerdict) ? dataVerdict : undefined,
      bySubject: () => [],
      approvals: [
        { name: 'attestations/words.sigstore.json', bytes: approval, committed: true },
        { name: 'attestations/unique.sigstore.json', bytes: waiver, committed: true },
      ],
    },
    policy,
    surroundings: { now: new Date('2026-11-24T12:00:00Z') },
  })
  assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
})

const alterations: readonly (readonly [string, (statement: Loose) => unknown])[] = [
  ['an unknown external parameter', (s) => Object.assign(s.predicate.buildDefinition.externalParameters, { x: 1 })],
  ['another build type', (s) => Object.assign(s.predicate.buildDefinition, { buildType: 'x' })],
  ['no subject', (s) => Object.assign(s, { subject: [] })],
  ['a digest in upper case', (s) => Object.assign(s.subject[1], { digest: { sha256: 'A'.repeat(64) } })],
  [
    'an unknown role',
    (s) => Object.assign(s.predicate.buildDefinition.resolvedDependencies[0].annotations, { role: 'x' }),
  ],
]
for (const [name, alter] of alterations) {
  test(`the schema of a stage refuses ${name}, as the reader does`, () => {
    const statement = payloadOf(stage)
    alter(statement)
    assert.equal(validator('stage-provenance.schema.json')(statement), false)
  })
}

test('the schema of a stage allows unknown fields where the reader ignores them', () => {
  const statement = payloadOf(stage)
  statement.predicate.runDetails.extra = 1
  statement.subject[0].extra = 1
  assert.ok(validator('stage-provenance.schema.json')(statement))
})
