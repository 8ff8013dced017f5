/** Promoters: who approves a model, and who does not count. Threat: one person makes a model and lets it into production. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../core/index.ts'
import type { ChainVerdict } from './chain.ts'
import { promoterFault } from './chain-approvals.ts'
import type { ModelApproval } from './data-decisions.ts'
import {
  chainOf,
  digestNamed,
  newPerson,
  type Person,
  policyOf,
  project,
  signNow,
  trustedKey,
} from './fixtures/chain.ts'
import { gatedChain } from './fixtures/gated-chain.ts'
import { refuseRequest } from './signer/sign.ts'
import type { StageFacts } from './stage-facts.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const [ada, rita, tom, mallory] = [newPerson(), newPerson(), newPerson(), newPerson()]
const base = policyOf(ada)
const policy: TrustPolicy = {
  ...base,
  keys: new Map([
    ...base.keys,
    trustedKey('rita', rita, 'Rita <rita@example.org>'),
    trustedKey('ritas-other', mallory, 'R. <RITA@example.org>'),
    trustedKey('tom', tom, 'Tom <tom@example.org>'),
  ]),
  roles: new Map([
    ...base.roles,
    ['promoter', { anyOf: ['rita', 'ritas-other', 'tom', 'ada'], threshold: 1, distinct: 'principals' }],
  ]),
  demands: new Set(['approved-model']),
}
const two: TrustPolicy = {
  ...policy,
  roles: new Map([
    ...policy.roles,
    ['promoter', { anyOf: ['rita', 'ritas-other', 'tom'], threshold: 2, distinct: 'principals' }],
  ]),
}

type Given = readonly [signer: Person, more?: Partial<ModelApproval>]
const byRita = { name: 'Rita', email: 'rita@example.org' }
const byTom = { name: 'Tom', email: 'tom@example.org' }

function judged(
  given: readonly Given[],
  by: TrustPolicy = policy,
  change: (facts: StageFacts) => StageFacts = (facts) => facts,
): ChainVerdict {
  const { question, evidence, attestations } = chainOf(ada, 2, change)
  const made = attestations.at(-1)
  assert.ok(made !== undefined)
  const approvals = given.map(([signer, more], index) => {
    const { subject } = question
    const decision = {
      project: project.id,
      subject,
      made,
      because: 'read',
      at: '2026-11-22T00:00:00.000Z',
      by: byRita,
      ...more,
    }
    const bytes = signNow({ kind: 'model-approval', decision }, signer)
    return { name: `attestations/model-${index}`, bytes, committed: true }
  })
  const shelf = { ...evidence, approvals: [...evidence.approvals, ...approvals] }
  return verifyChain({ ...question, evidence: shelf, policy: by })
}

const told = ({ findings }: ChainVerdict): string =>
  findings
    .flatMap(({ check, code, because }) => (/^(model-approval|demand)$/.test(check) ? [`${code} ${because}`] : []))
    .join('\n')

test('a promoter who neither built the model nor ran it approves it, and a policy that demands that is met', () => {
  const verdict = judged([[rita]])
  assert.equal(verdict.trusted, true)
  assert.match(told(verdict), /^OK was approved by 1 of 1 promoters .*\nOK .*it is there$/)
  assert.equal(judged([[rita], [tom, { by: byTom }]], two).trusted, true)
})

test('a policy that lists promoters tells that none approved; only its demand refuses', () => {
  const { demands: _, ...undemanding } = policy
  const verdict = judged([], undemanding)
  assert.deepEqual(
    [verdict.trusted, told(verdict)],
    [true, 'CAVEAT was approved by 0 of 1 promoters that the policy asks for'],
  )
})

function countingKeys(one: TrustPolicy): TrustPolicy {
  const rule = one.roles.get('promoter')
  assert.ok(rule !== undefined)
  return { ...one, roles: new Map([...one.roles, ['promoter', { ...rule, distinct: 'keys' }]]) }
}

const refused: Readonly<Record<string, readonly [readonly Given[], TrustPolicy?]>> = {
  'no approval': [[]],
  'the approval of whoever built it': [[[ada, { by: { name: 'Ada', email: 'ada@example.org' } }]]],
  'an approval of other bytes': [[[rita, { subject: { path: 'out/1.csv', digest: digestNamed('x') } }]]],
  'an approval of the same bytes of another run': [[[rita, { made: digestNamed('another run') }]]],
  'an approval of another project': [[[rita, { project: 'other' }]]],
  'an approval of a time to come': [[[rita, { at: '2027-01-01T00:00:00.000Z' }]]],
  'an approval in the name of somebody else': [[[rita, { by: byTom }]]],
  'a key that nobody listed': [[[newPerson()]]],
  'one promoter where two are asked for': [[[rita]], two],
  'one promoter twice': [[[rita], [rita, { because: 'again' }]], two],
  'one promoter by two keys': [[[rita], [mallory]], two],
  'one promoter by two keys, where the rule counts keys': [[[rita], [mallory]], countingKeys(two)],
  'a promoter who may be the builder whom the policy calls nobody': [
    [[rita]],
    { ...policy, keys: new Map([...policy.keys, trustedKey('ada', ada)]) },
  ],
  'a demand without promoters': [[[rita]], { ...policy, roles: base.roles }],
  'a promoter whom the policy calls nobody': [
    [[rita]],
    { ...policy, keys: new Map([...base.keys, trustedKey('rita', rita)]) },
  ],
}
for (const [name, [given, by]] of Object.entries(refused)) {
  test(`does not take for approved: ${name}`, () => {
    const verdict = judged(given, by)
    assert.equal(verdict.trusted, false)
    assert.match(
      told(verdict),
      /ERR_POLICY_DEMAND the policy demands that promoters approved the model, and it is missing of/,
    )
  })
}

test('whoever set a run off does not approve what it made, by whatever key', () => {
  const setOff = (facts: StageFacts): StageFacts => ({
    ...facts,
    principal: { ...facts.principal, email: 'Rita@Example.org' },
  })
  assert.equal(judged([[rita]], policy, setOff).trusted, false)
  assert.match(told(judged([[mallory]], policy, setOff)), /judged or triggered it does not count/)
  assert.equal(judged([[tom, { by: byTom }]], policy, setOff).trusted, true, 'the honest twin')
})

test('an approval that a policy asks for in a log counts when it is in one', () => {
  const logs = [{ key: 'k', witnesses: [], threshold: 0 }]
  const asked = judged([[rita]], { ...policy, logs, logged: new Set(['approvals'] as const) })
  const open = asked.findings.flatMap(({ check, subject }) => (check === 'logged' ? [subject] : []))
  assert.ok(open.includes('the model'))
})

test('a throw-away key approves no model', () => {
  const decision = {
    project: 'p',
    subject: { path: 'm', digest: digestNamed('m') },
    made: digestNamed('s'),
    because: 'x',
    at: '2026-11-22T00:00:00.000Z',
    by: byRita,
  }
  assert.throws(
    () => refuseRequest({ kind: 'model-approval', decision }, 'ephemeral'),
    (error) => isDomainError(error, 'ERR_SIGN_REFUSED'),
  )
})

test('whoever signed or set off the gate verdict approves no model by it', () => {
  const builders = [...base.builders, ...base.builders.map((grant) => ({ ...grant, key: 'ritas-other' }))]
  const by: TrustPolicy = { ...policy, builders, demands: new Set(['approved-model', 'gates']) }
  const trusted = (signer: Person, email: string): boolean => {
    const { question, evidence, attestations } = gatedChain(ada, {
      signer,
      verdict: (one) => ({ ...one, principal: { ...one.principal, email } }),
    })
    const made = attestations[1]
    assert.ok(made !== undefined)
    const at = '2026-11-22T00:00:00.000Z'
    const decision = { project: project.id, subject: question.subject, made, because: 'read', at, by: byRita }
    const approval = { name: 'm', bytes: signNow({ kind: 'model-approval', decision }, rita), committed: true }
    const shelf = { ...evidence, approvals: [...evidence.approvals, approval] }
    return verifyChain({ ...question, evidence: shelf, policy: by }).trusted
  }
  assert.deepEqual([trusted(mallory, 'x@example.org'), trusted(ada, 'Rita@example.org')], [false, false])
  assert.equal(trusted(ada, 'ada@example.org'), true, 'the honest twin')
})

test('what a promoter would sign is judged before it is signed', () => {
  const { stages } = judged([])
  const told = (signer: string, email: string): string | undefined => {
    const key = policy.keys.get(signer) ?? { name: signer }
    return promoterFault(policy, { signer: key, decision: { by: { name: 'x', email } } }, { stages })
  }
  assert.match(told('eve', 'eve@example.org') ?? '', /lists `eve` as no promoter/)
  assert.match(told('rita', 'tom@example.org') ?? '', /calls `rita` Rita <rita@example.org>, and not tom@example.org/)
  assert.match(told('ada', 'ada@example.org') ?? '', /whoever built, judged/)
  assert.equal(told('rita', 'rita@example.org'), undefined, 'the honest twin')
})
