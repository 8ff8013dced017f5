/** What a policy demands beside signatures and levels: each demand with a way to miss it, and the honest twin. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChainVerdict } from './chain.ts'
import { evidenceDemands } from './chain-policy.ts'
import { passed, refused } from './finding.ts'
import { newPerson, policyOf, rawData } from './fixtures/chain.ts'
import { type Changes, diverged, judge } from './fixtures/hosted-chain.ts'
import { type LoggedKind, loggedKinds, type TrustPolicy } from './trust-policy.ts'

const codes = ({ findings }: ChainVerdict): readonly string[] =>
  findings.flatMap(({ check, code, passed: yes, subject = '' }) =>
    yes || check === 'minimum-level' ? [] : [`${check} ${code} ${subject}`.trim()],
  )

const under = (policy: Partial<TrustPolicy>, more: Changes = {}): readonly string[] => codes(judge({ ...more, policy }))
const dayMs = 86_400_000
const unlisted: Changes['facts'] = (facts, index) =>
  index === 0 ? { ...facts, dependencies: [{ ...rawData, origin: { kind: 'unlisted' } }] } : facts

type Case = readonly [
  name: string,
  honest: Partial<TrustPolicy>,
  missed: Partial<TrustPolicy>,
  expected: string,
  more?: Changes,
]
const cases: readonly Case[] = [
  ['evidence that is too old', { maximumAgeMs: 30 * dayMs }, { maximumAgeMs: dayMs }, 'age ERR_EVIDENCE_OLD stage-1'],
  [
    'the code of another repository',
    { repositories: ['https://git.example.org/digits'] },
    { repositories: ['https://git.example.org/other'] },
    'repository ERR_POLICY_DEMAND stage-1',
  ],
  [
    'another source',
    { sources: ['uci-digits'] },
    { sources: ['other'] },
    'source ERR_POLICY_DEMAND stage-0: data/raw.csv',
  ],
  [
    'an input of no source',
    {},
    { sources: ['uci-digits'] },
    'source ERR_POLICY_DEMAND stage-0: data/raw.csv',
    { facts: unlisted },
  ],
  [
    'an input that nobody approved',
    {},
    { demands: new Set(['approved-sources']) },
    'demand ERR_POLICY_DEMAND',
    { facts: unlisted },
  ],
  [
    'data without a verdict',
    {},
    { demands: new Set(['data-verdicts']) },
    'demand ERR_POLICY_DEMAND',
    { facts: unlisted },
  ],
  [
    'a chain without a reproduction',
    {},
    { demands: new Set(['reproduction']) },
    'demand ERR_POLICY_DEMAND',
    { reproduction: null },
  ],
  [
    'a chain that diverged',
    {},
    { demands: new Set(['reproduction']) },
    'demand ERR_POLICY_DEMAND',
    { reproduction: diverged },
  ],
  ['a definition without a review', {}, { demands: new Set(['review']) }, 'demand ERR_POLICY_DEMAND', { review: null }],
]
for (const [name, honest, missed, expected, more = {}] of cases) {
  test(`refuses ${name}`, () => {
    assert.deepEqual(under({ minimumLevel: 0, ...honest }, more), [])
    assert.ok(under({ minimumLevel: 0, ...missed }, more).includes(expected), under(missed, more).join(', '))
  })
}

test('the honest chain has all that can be demanded', () => {
  const demands = new Set(['approved-sources', 'data-verdicts', 'reproduction', 'review'] as const)
  assert.deepEqual(under({ demands, minimumLevel: 4 }), [])
})

test('a policy that asks for a status is not met where none is known, whoever asks', () => {
  const takenBack = { statements: new Map(), recalled: new Map() }
  assert.deepEqual(under({ statusRequired: true }), ['status ERR_STATUS_MISSING'])
  assert.deepEqual(under({ statusRequired: true, takenBack }), [])
})

test('every kind of statement can be demanded to be in a log, and only those that are', () => {
  const logs = [{ key: 'k', witnesses: [], threshold: 0 }]
  const asked = (kind: LoggedKind, surroundings: Changes['surroundings']): readonly string[] =>
    codes(judge({ policy: { logs, logged: new Set([kind]) }, ...(surroundings === undefined ? {} : { surroundings }) }))
  // of builds those of its environments; those of wheels: `chain-builds.test.ts`, gate verdicts: `chain-gates.test.ts`
  for (const kind of loggedKinds.filter((each) => each !== 'gate-verdicts')) {
    assert.ok(
      asked(kind, undefined).every((text) => text.startsWith('logged ERR_TLOG_ENTRY')),
      kind,
    )
    assert.notEqual(asked(kind, undefined).length, 0, kind)
    assert.deepEqual(asked(kind, { loggedAt: () => passed('logged', 'is in it') }), [], kind)
    const forged = asked(kind, { loggedAt: () => refused('logged', 'ERR_TLOG_PROOF', 'is not in it') })
    assert.ok(forged.every((text) => text.startsWith('logged ERR_TLOG_PROOF')) && forged.length > 0, kind)
  }
  assert.deepEqual(codes(judge({ policy: { logs, logged: new Set() } })), [])
  assert.deepEqual(codes(judge({ policy: { logs } })).length, 2, 'stages alone when nothing is said')
})

test('gates and approvals that nobody judged meet no demand', () => {
  const policy = policyOf(newPerson(), { demands: new Set(['gates', 'approved-model'] as const) })
  const none = { inputs: [], data: [], reproductions: [], reviews: [], stages: judge({}).stages }
  assert.deepEqual(
    evidenceDemands(policy, none).map(({ code }) => code),
    ['ERR_POLICY_DEMAND', 'ERR_POLICY_DEMAND'],
  )
  const judgedGood = evidenceDemands(policy, { ...none, gates: [], approval: [] })
  assert.ok(
    judgedGood.every((finding) => finding.passed),
    'the honest twin',
  )
})

test('what a builder found unlike earlier runs is told, and refused where usual resources are demanded; so is what nobody compared', () => {
  const having =
    (unusual?: readonly string[]): NonNullable<Changes['facts']> =>
    ({ resources: { unusual: _, ...resources }, ...facts }) => ({
      ...facts,
      resources: { ...resources, ...(unusual === undefined ? {} : { unusual }) },
    })
  const demands = new Set(['usual-resources'] as const)
  const told = judge({ facts: having(['started `xmrig`, never seen before']) })
  assert.ok(
    told.findings.some(({ code, because }) => code === 'CAVEAT' && /^was unlike .*: started `xmrig`/.test(because)),
  )
  assert.deepEqual(codes(told), [], 'told, where nothing demands more')
  for (const [unusual, expected] of [
    [['time: 3 % of the usual'], ['demand ERR_POLICY_DEMAND']],
    [undefined, ['demand ERR_POLICY_DEMAND']],
    [[], []],
  ] as const)
    assert.deepEqual(under({ demands }, { facts: having(unusual) }), expected, unusual?.join() ?? 'nobody compared')
})
