/** Gates: on whose metrics they were judged, and what a policy can ask without a project. Threat: model substitution. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builderIds, isDomainError, namespace, type Sha256, sha256Of } from '../core/index.ts'
import type { ChainVerdict } from './chain.ts'
import { gatesThatCount, maxGateVerdicts } from './chain-gates.ts'
import { passed } from './finding.ts'
import {
  digestNamed,
  keep,
  madeBy,
  newPerson,
  output,
  policyOf,
  signReproduction,
  trustedKey,
} from './fixtures/chain.ts'
import { type GateChanges, gatedChain, gateVerdict } from './fixtures/gated-chain.ts'
import type { GateVerdict } from './gate-verdict-facts.ts'
import { gateVerdictStatement } from './predicates/gate-verdict.ts'
import { refuseRequest } from './signer/sign.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const [ada, mallory] = [newPerson(), newPerson()]
const gated: Partial<TrustPolicy> = { gates: ['accuracy >= 0.9', 'test.loss < 0.2'], demands: new Set(['gates']) }

function judged(changes: GateChanges = {}, policy: Partial<TrustPolicy> = gated): ChainVerdict {
  return verifyChain({ ...gatedChain(ada, changes).question, policy: policyOf(ada, policy) })
}

const told = ({ findings }: ChainVerdict): readonly string[] =>
  findings.flatMap(({ check, code, because }) =>
    check === 'gates' || check === 'demand' ? [`${code} ${because}`] : [],
  )

test('gates that passed on metrics of a stage that read the model meet a policy that asks for them, without a project', () => {
  const verdict = judged()
  assert.deepEqual(told(verdict), [
    'OK accuracy >= 0.9: it is 0.93',
    'OK test.loss < 0.2: it is 0.1',
    'OK the policy demands that the gates of the model passed, and it is there',
  ])
  assert.deepEqual([verdict.trusted, verdict.level, verdict.stages.length], [true, 1, 3])
})

test('a gate of the policy that the metrics do not meet, or do not hold, is refused by code', () => {
  const asked = (...gates: readonly string[]): readonly string[] => told(judged({}, { gates }))
  assert.deepEqual(asked('accuracy >= 0.95').at(-1), 'ERR_GATE_FAILED accuracy >= 0.95: it is 0.93')
  assert.deepEqual(asked('recall > 0').at(-1), 'ERR_GATE_FAILED recall > 0: the metrics hold no such number')
  assert.equal(judged({}, { gates: ['recall > 0'] }).trusted, false)
})

const failing = (verdict: GateVerdict): GateVerdict => ({
  ...verdict,
  gates: [{ gate: 'accuracy >= 0.95', value: 0.93, passed: false }],
  result: 'FAILED',
})

test('a model that failed its own gates is refused whatever the policy asks, and by a demand; a newer verdict counts', () => {
  const verdict = judged({ verdict: failing }, {})
  assert.deepEqual([verdict.trusted, told(verdict)], [false, ['ERR_GATE_FAILED accuracy >= 0.95: it is 0.93']])
  const newer = (one: GateVerdict): GateVerdict => ({ ...one, at: '2026-11-21T02:00:00.000Z' })
  assert.equal(judged({ verdict: failing, beside: [newer] }).trusted, true)
  assert.equal(judged({ beside: [(one) => newer(failing(one))] }).trusted, false)
})

test('metrics that could not be read let no gate pass', () => {
  const gates = [{ gate: 'accuracy >= 0.9', passed: false }]
  const unread = { values: [], gates, result: 'FAILED' as const, fault: 'the name `a` is given twice' }
  assert.deepEqual(told(judged({ verdict: (one) => ({ ...one, ...unread }) }, {})), [
    'ERR_GATE_FAILED accuracy >= 0.9: the name `a` is given twice',
  ])
})

const lies: Readonly<Record<string, readonly [GateChanges, RegExp]>> = {
  'metrics of an evaluation that read another model': [
    {
      evaluation: (facts, _, before) => ({ ...facts, dependencies: [madeBy('stage-0', before, 'out/0.csv')] }),
    },
    /ERR_CHAIN_LINK `evaluate` did not read these bytes/,
  ],
  'metrics of a stage that read another out of the same training': [
    {
      facts: (facts) => ({ ...facts, outputs: [...facts.outputs, output('train.log')] }),
      evaluation: (facts, made) => ({ ...facts, dependencies: [madeBy('stage-1', made, 'train.log')] }),
    },
    /ERR_CHAIN_LINK `evaluate` did not read these bytes/,
  ],
  'metrics that the stage did not write': [
    { verdict: (one) => ({ ...one, metrics: { ...one.metrics, digest: digestNamed('better') } }) },
    /ERR_CHAIN_LINK `metrics\.json` is not what `evaluate` wrote/,
  ],
  'metrics of another run of the stage': [
    { verdict: (one) => ({ ...one, measured: { ...one.measured, attestation: digestNamed('gone') } }) },
    /ERR_CHAIN_LINK the statement of who wrote its metrics is not believed/,
  ],
  'a verdict that calls the stage otherwise': [
    { verdict: (one) => ({ ...one, measured: { ...one.measured, stage: 'evaluate-well' } }) },
    /ERR_CHAIN_LINK its gate verdict names other stages/,
  ],
  'a verdict on other bytes': [
    { verdict: (one) => ({ ...one, outputs: [{ ...gateVerdict.outputs[0], digest: digestNamed('x') }] as never }) },
    /no evidence proves metrics of these bytes \(it is of another model/,
  ],
  'a verdict for another statement': [
    { verdict: (one) => ({ ...one, made: { ...one.made, attestation: digestNamed('other run') } }) },
    /no evidence proves metrics of these bytes \(it is of another model/,
  ],
  'a verdict of another project': [
    { verdict: (one) => ({ ...one, project: 'other' }) },
    /belongs to the project `other`/,
  ],
  'a verdict of a time to come': [{ verdict: (one) => ({ ...one, at: '2027-01-01T00:00:00.000Z' }) }, /a time to come/],
  'a verdict from before its metrics': [
    { verdict: (one) => ({ ...one, at: '2026-11-21T00:05:00.000Z' }) },
    /ERR_CHAIN_LINK its gates were judged before its metrics were written/,
  ],
  'gates that stand in no commit': [
    { verdict: (one) => ({ ...one, definition: { ...one.definition, digest: digestNamed('lower') } }) },
    /its gates are of another `assay\.yaml` or run: assay run --force evaluate/,
  ],
  'failed gates that stand in no commit': [
    { verdict: (one) => ({ ...failing(one), definition: { ...one.definition, digest: digestNamed('lower') } }) },
    /ERR_CHAIN_LINK its gates are not those of `assay\.yaml` in the commit/,
  ],
  'a key that nobody listed': [{ signer: mallory }, /signed by a key that the policy does not list/],
}
for (const [name, [changes, because]] of Object.entries(lies)) {
  test(`refuses ${name}`, () => {
    const verdict = judged(changes)
    assert.equal(verdict.trusted, false)
    assert.match(told(verdict).join('\n'), because)
  })
}

test('a builder that may do little judges no gates of a model whose builder may do much; its own it does', () => {
  const listed = (maxLevel: 0 | 1, builder: string = builderIds.sandboxed): Partial<TrustPolicy> => ({
    ...gated,
    keys: new Map([...policyOf(ada).keys, trustedKey('mallory', mallory)]),
    builders: [...policyOf(ada).builders, { key: 'mallory', builder, maxLevel }],
  })
  const refused = judged({ signer: mallory }, listed(0))
  assert.equal(refused.trusted, false)
  assert.match(told(refused).join(), /its signer may do less than who made the model/)
  assert.equal(judged({ signer: mallory }, listed(1)).trusted, true, 'the honest twin')
})

test('another listed builder judges, under the same settings, no metrics but those that the statement of the evaluation names', () => {
  const keys = new Map([...policyOf(ada).keys, trustedKey('mallory', mallory)])
  const builders = [...policyOf(ada).builders, { key: 'mallory', builder: builderIds.sandboxed, maxLevel: 1 as const }]
  const byMallory = (more: Partial<GateVerdict>): ChainVerdict =>
    judged({ signer: mallory, verdict: (one) => ({ ...one, ...more }) }, { ...gated, keys, builders })
  const better = {
    values: [{ name: 'accuracy', value: 1 }],
    gates: [{ gate: 'accuracy >= 0.9', value: 1, passed: true }],
  }
  const { path, sizeBytes } = gateVerdict.metrics
  for (const metrics of [
    { path, sizeBytes, digest: digestNamed('metrics of mallory') },
    { path: 'better.json', sizeBytes, digest: gateVerdict.metrics.digest },
  ]) {
    const verdict = byMallory({ ...better, metrics })
    assert.equal(verdict.trusted, false)
    assert.match(told(verdict).join(), /is not what `evaluate` wrote/)
  }
  assert.equal(byMallory({}).trusted, true, 'the honest twin')
})

test('of two verdicts of one moment the one that failed counts, in whatever order they lie', () => {
  assert.equal(judged({ beside: [failing] }).trusted, false)
  assert.equal(judged({ verdict: failing, beside: [(one) => one] }).trusted, false)
  const also = (one: GateVerdict): GateVerdict => ({ ...failing(one), principal: { ...one.principal, name: 'Eve' } })
  const { question, gates } = gatedChain(ada, { beside: [failing, also] })
  const counted = [gates, gates.toReversed()].map((found) => {
    const evidence = { ...question.evidence, gatesOf: () => found }
    return verifyChain({ ...question, evidence, policy: policyOf(ada, { minimumLevel: 0 }) }).gates?.attestation
  })
  assert.equal(counted[0], gates.slice(1).toSorted()[0], 'of two that failed that of the first digest')
  assert.equal(counted[1], counted[0])
})

test('more verdicts on one statement than are read are refused and said so, whoever made them and whatever is asked', () => {
  const { evidence, question, gates } = gatedChain(ada)
  const beside = (count: number, policy: Partial<TrustPolicy>): ChainVerdict => {
    const junk = Array.from({ length: count }, (_, index) => keep(evidence, new TextEncoder().encode(`junk ${index}`)))
    const flooded = { ...question, evidence: { ...evidence, gatesOf: () => [...junk, ...gates] } }
    return verifyChain({ ...flooded, policy: policyOf(ada, policy) })
  }
  for (const policy of [gated, {}]) {
    const refused = beside(maxGateVerdicts, policy)
    assert.equal(refused.trusted, false)
    const told = refused.findings.find(({ check, code }) => check === 'limits' && code === 'ERR_CHAIN_LIMIT')
    assert.equal(told?.because, 'over 64 gate verdicts: export them again, or import them')
    assert.equal(beside(maxGateVerdicts - 1, policy).trusted, true, 'the honest twin')
  }
})

test('the last word on a model is the newest verdict of it, whichever gates it is of, of whoever may judge it', () => {
  const at = (time: string, change = (one: GateVerdict): GateVerdict => one) => {
    return (one: GateVerdict): GateVerdict => ({ ...change(one), at: time })
  }
  const newest = (changes: GateChanges): string | undefined => {
    const { question, attestations } = gatedChain(ada, changes)
    const counting = gatesThatCount(
      { ...question, policy: policyOf(ada) },
      attestations[1] ?? digestNamed('none'),
      new Map(),
    )
    return counting[0]?.verdict.at
  }
  const [first, later] = ['2026-11-21T01:00:00.000Z', '2026-11-21T02:00:00.000Z']
  assert.equal(newest({}), first)
  assert.equal(newest({ beside: [at(later, failing)] }), later, 'of other gates')
  assert.equal(newest({ beside: [at(later, onBranch)] }), later, 'of another assay.yaml')
  const none = [
    at('2099-01-01T00:00:00.000Z'),
    at(later, (one) => ({ ...one, outputs: one.outputs.map((out) => ({ ...out, digest: digestNamed('x') })) })),
    at(later, (one) => ({ ...one, builderId: `${namespace}/builder/hosted/separate` })),
  ]
  for (const beside of none) assert.equal(newest({ beside: [beside] }), first)
  assert.equal(newest({ signer: mallory }), undefined)
})

test('a person who signs with a key of their own judges no gates of what a hosted builder made', () => {
  const hosted = `${namespace}/builder/hosted/separate`
  const builders = [hosted, builderIds.sandboxed].map((builder) => ({ key: 'ada', builder, maxLevel: 4 as const }))
  const policy = { ...gated, builders, minimumLevel: 0 as const }
  const facts: GateChanges['facts'] = (one) => ({ ...one, builderId: hosted })
  assert.match(told(judged({ facts }, policy)).join(), /its signer may do less/)
  const verdict = (one: GateVerdict): GateVerdict => ({ ...one, builderId: hosted })
  assert.doesNotMatch(told(judged({ facts, verdict }, policy)).join(), /ERR_GATE_FAILED/)
})

const contradictions: Readonly<Record<string, Partial<GateVerdict>>> = {
  'a gate that passed and did not': { gates: [{ gate: 'accuracy >= 0.95', value: 0.93, passed: true }] },
  'a gate of another value than its metric': { gates: [{ gate: 'accuracy >= 0.9', value: 0.99, passed: true }] },
  'a gate without the value that is there': { gates: [{ gate: 'accuracy >= 0.9', passed: true }] },
  'a gate that is none': { gates: [{ gate: 'accuracy', value: 0.93, passed: true }] },
  'a result that is not that of its gates': { result: 'FAILED' },
  'a metric of two values': {
    values: [
      { name: 'accuracy', value: 0.93 },
      { name: 'accuracy', value: 0.1 },
    ],
  },
  'a metric that is not finite': { values: [{ name: 'accuracy', value: Number.POSITIVE_INFINITY }] },
}
for (const [name, more] of Object.entries(contradictions)) {
  test(`no statement says ${name}`, () => {
    const stage = { stage: 'x', attestation: digestNamed('x') }
    const honest: GateVerdict = { ...gateVerdict, made: stage, measured: stage }
    assert.equal(gateVerdictStatement(honest).subject.length, 1)
    assert.throws(
      () => gateVerdictStatement({ ...honest, ...more }),
      (error) => isDomainError(error, 'ERR_STATEMENT_MALFORMED'),
    )
  })
}

test('a policy that asks for gate verdicts in a log is not met by one that is in none', () => {
  const logs = [{ key: 'k', witnesses: [], threshold: 0 }]
  const policy = policyOf(ada, { ...gated, logs, logged: new Set(['gate-verdicts'] as const) })
  const { question } = gatedChain(ada)
  assert.equal(verifyChain({ ...question, policy }).trusted, false)
  const surroundings = { ...question.surroundings, loggedAt: () => passed('logged', 'is in it') }
  assert.equal(verifyChain({ ...question, surroundings, policy }).trusted, true)
})

test('a throw-away key judges no gates, nor does one of another builder', () => {
  const stage = { stage: 'x', attestation: digestNamed('x') }
  const verdict: GateVerdict = { ...gateVerdict, made: stage, measured: stage }
  const isRefused = (error: unknown): boolean => isDomainError(error, 'ERR_SIGN_REFUSED')
  assert.throws(() => refuseRequest({ kind: 'gate-verdict', verdict }, 'ephemeral'), isRefused)
  assert.throws(() => refuseRequest({ kind: 'gate-verdict', verdict }, 'real', 'https://ci.example.org'), isRefused)
  refuseRequest({ kind: 'gate-verdict', verdict }, 'real')
})

const onBranch = (one: GateVerdict): GateVerdict => ({
  ...one,
  at: '2026-11-21T02:00:00.000Z',
  definition: { ...one.definition, digest: digestNamed('of a branch'), commit: 'b'.repeat(40) },
})

/** Without the repository: nobody can look what a commit holds. */
function judgedElsewhere(changes: GateChanges, more: Partial<TrustPolicy> = {}): ChainVerdict {
  const { question } = gatedChain(ada, changes)
  const surroundings = { now: question.surroundings.now }
  return verifyChain({ ...question, surroundings, policy: policyOf(ada, { demands: new Set(['gates']), ...more }) })
}

test('the assay.yaml of a branch, which asks for less, passes no model that failed, nor metrics of the training', () => {
  const refused = judgedElsewhere({ verdict: failing, beside: [onBranch] })
  assert.deepEqual([refused.trusted, told(refused)[0]], [false, 'ERR_GATE_FAILED accuracy >= 0.95: it is 0.93'])
  assert.equal(judgedElsewhere({ verdict: onBranch }).trusted, false)
  const gates = ['accuracy >= 0.99'] as const
  const trained = (one: GateVerdict): GateVerdict => ({
    ...onBranch(one),
    measured: one.made,
    metrics: { path: 'train.json', digest: digestNamed('train.json'), sizeBytes: 5 },
    values: [{ name: 'accuracy', value: 1 }],
    gates: [{ gate: 'accuracy >= 0', value: 1, passed: true }],
  })
  const facts: GateChanges['facts'] = (one) => ({ ...one, outputs: [...one.outputs, output('train.json')] })
  assert.equal(judgedElsewhere({ facts, beside: [trained] }, { gates }).trusted, false)
  assert.equal(judgedElsewhere({ beside: [onBranch] }).trusted, true, 'the honest twin: the older one counts')
  assert.equal(judgedElsewhere({ beside: [(one) => onBranch(failing(one))] }).trusted, false, 'one that failed counts')
})

test('the assay.yaml that the evaluation ran by holds gates, that of the training or not', () => {
  const evaluation: GateChanges['evaluation'] = (facts) => ({
    ...facts,
    definition: facts.definition.map((one) =>
      one.path === 'assay.yaml' ? { ...one, digest: digestNamed('of a branch') } : one,
    ),
  })
  assert.equal(judgedElsewhere({ evaluation, verdict: failing, beside: [onBranch] }).trusted, true)
})

test('in a project its own assay.yaml holds the gates, of the evaluation that its lock names', () => {
  const { question, measured } = gatedChain(ada, { verdict: onBranch })
  const surroundings = { now: question.surroundings.now }
  const trusted = (own: string, attestation = measured): boolean => {
    const judges = [{ stage: 'evaluate', attestation }]
    const policy = policyOf(ada, { demands: new Set(['gates']) })
    return verifyChain({ ...question, surroundings, policy, judges, ownGates: digestNamed(own) }).trusted
  }
  assert.deepEqual(
    [trusted('of a branch'), trusted('another'), trusted('of a branch', digestNamed('x'))],
    [true, false, false],
  )
})

test('where a policy asks for one commit, the gates stand in it too', () => {
  const elsewhere = (one: GateVerdict): GateVerdict => ({
    ...one,
    definition: { ...one.definition, commit: 'b'.repeat(40) },
  })
  const { trusted, findings } = judgedElsewhere({ verdict: elsewhere }, { oneCommit: true })
  assert.deepEqual([trusted, findings.find(({ check }) => check === 'one-commit')?.code], [false, 'ERR_CHAIN_COMMITS'])
  assert.equal(judgedElsewhere({}, { oneCommit: true }).trusted, true, 'the honest twin')
})

test('gate verdicts and reproductions are verified once, however often the same is asked under one policy', () => {
  const { question, gates, attestations } = gatedChain(ada, { beside: [failing] })
  const reproduction = signReproduction(ada, {
    project: gateVerdict.project,
    outs: [{ path: 'out/1.csv', digest: digestNamed('out/1.csv') }],
    stages: [{ stage: 'stage-1', original: attestations[1] ?? assert.fail() }],
    ...{ result: 'unavailable', because: 'its code is gone', comparisons: [], differences: [], version: '0.1.0' },
    principal: gateVerdict.principal,
    startedAt: '2026-11-22T00:00:00.000Z',
    finishedAt: '2026-11-22T00:01:00.000Z',
  })
  const spoken = sha256Of(reproduction)
  const bundle = (digest: Sha256) => (digest === spoken ? reproduction : question.evidence.bundle(digest))
  const evidence = { ...question.evidence, bundle, reproductionsOf: () => [spoken] }
  let asked: Sha256[] = []
  const witnessed = (attestation: Sha256): undefined => void asked.push(attestation)
  const policy = policyOf(ada, { times: { now: question.surroundings.now, witnessed } })
  const verdicts = new Map()
  const verify = (by: TrustPolicy, known = verdicts): readonly number[] => {
    asked = []
    const { trusted } = verifyChain({ ...question, evidence, policy: by, verdicts: known })
    assert.equal(trusted, false, 'its gates failed')
    return [...gates, spoken].map((attestation) => asked.filter((one) => one === attestation).length)
  }
  assert.deepEqual([verify(policy), verify(policy)], [Array(3).fill(1), Array(3).fill(0)])
  assert.deepEqual(verify(policy, new Map()), Array(3).fill(1), 'nothing is known under another')
})
