/**
 * The level table: an honest twin for each level, and each way to defeat a row. Source: trust.md section 3.
 *
 * Every case below is the honest chain of level 4 with one change; the level that is left, and the row that says why, are
 * what is asserted.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builderIds, harmlessCredentialFact, launderingFact, searchedFact, sha256Of } from '../core/index.ts'
import type { ChainVerdict } from './chain.ts'
import {
  commit,
  digestNamed,
  madeBy,
  output,
  project,
  rawData,
  signDataWaiver,
  sourceApproval,
} from './fixtures/chain.ts'
import {
  builder,
  type Changes,
  comparisons,
  control,
  diverged,
  hosted,
  judge,
  mallory,
  observed,
  other,
  policy,
  reviewOf,
  rita,
  withoutProgram,
  writtenBy,
} from './fixtures/hosted-chain.ts'
import { levelRules } from './level.ts'
import type { StageFacts, StatedFact } from './stage-facts.ts'

/** On the first stage alone: the level is the least of all. */
const onFirst = (change: (facts: StageFacts) => Partial<StageFacts>) => (facts: StageFacts, index: number) =>
  index === 0 ? { ...facts, ...change(facts) } : facts
const first = (index: number): boolean => index === 0
const asBuilder = (name: string) => (facts: StageFacts) => ({ ...facts, builderId: builder(name) })
const without = (fact: string) => onFirst(({ facts }) => ({ facts: facts.filter(({ name }) => name !== fact) }))

const failing = (verdict: ChainVerdict): readonly string[] =>
  verdict.requirements.flatMap(({ held, requirement }) => (held ? [] : [requirement]))

test('level 4: the honest chain of a control plane, reviewed, validated, and reproduced by another, reaches it', () => {
  const verdict = judge()
  assert.deepEqual(failing(verdict), [])
  assert.deepEqual([verdict.trusted, verdict.level, verdict.whyNotHigher], [true, 4, []])
})

test('level 3: the same that nobody reproduced, on a machine of which not every byte is known', () => {
  const host = onFirst(({ environment }) => ({ environment: { ...environment, kind: 'python' } }))
  const verdict = judge({ facts: host, reproduction: null })
  assert.deepEqual([verdict.trusted, verdict.level], [true, 3])
  assert.deepEqual(failing(verdict), ['root file system by digest', 'reproduced bit by bit'])
})

test('level 2: what a CI ran and signed beside its stages, for a person who is verified', () => {
  const verdict = judge({ facts: asBuilder('ci/github'), review: null, reproduction: null })
  assert.deepEqual([verdict.trusted, verdict.level], [true, 2])
  assert.deepEqual(failing(verdict), ['signer apart from the stage', 'reviewed definition', 'reproduced bit by bit'])
})

test('level 1: what a person ran on their own machine with their own key, whatever the policy grants', () => {
  const verdict = judge({ facts: (facts) => ({ ...facts, builderId: builderIds.sandboxed }) })
  assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
  assert.match(verdict.whyNotHigher.join('\n'), /person's own key earns at most level 1/)
})

type Defeat = readonly [level: number, row: string, name: string, changes: Changes]

const ciFacts = (tier: StatedFact['tier'] = 'verified'): readonly StatedFact[] => [
  { name: 'trigger/issuer', value: 'https://token.actions.githubusercontent.com', tier },
  { name: 'trigger/subject', value: 'repo:org/digits:ref:refs/heads/main', tier },
  { name: 'trigger/claim/actor', value: 'tom', tier },
]
const setOffByService = (tier?: StatedFact['tier']) => (facts: StageFacts) => ({
  ...facts,
  principal: { name: 'digits', email: 'ci@example.org', tier: 'declared' as const },
  facts: [...facts.facts, ...ciFacts(tier)],
})
const service = {
  issuer: 'https://token.actions.githubusercontent.com',
  subject: 'repo:org/digits:ref:refs/heads/main',
  responsible: 'Tom <tom@example.org>',
}

const waiver = signDataWaiver(rita, {
  project: project.id,
  subject: { path: 'data/raw.csv', digest: digestNamed('data/raw.csv') },
  check: 'required',
  column: 'label',
  because: 'known gap',
  until: '2027-01-31',
  at: '2026-11-19T00:00:00.000Z',
  by: { name: 'Rita', email: 'rita@example.org' },
})
const defeats: readonly Defeat[] = [
  // level 1
  [0, 'clean commit', 'a dirty tree', { facts: onFirst(({ source }) => ({ source: { ...source, dirty: ['x'] } })) }],
  [0, 'clean commit', 'no git', { facts: onFirst(() => ({ source: { shallow: false, dirty: [] } })) }],
  [0, 'parameters of the commit', '--set', { facts: onFirst(() => ({ overrides: ['epochs=3'] })) }],
  [
    0,
    'definition of the commit',
    'assume-unchanged: a definition that the commit does not hold',
    { surroundings: { definitionAt: (_, path) => (path === 'assay.yaml' ? 'absent' : digestNamed(path)) } },
  ],
  [0, 'kept log', 'a log that is gone where it is kept', { surroundings: { logAt: () => 'missing' } }],
  [0, 'kept log', 'a log that was changed', { surroundings: { logAt: () => 'corrupt' } }],
  [
    0,
    'isolated, with the real key',
    '--unsafe-no-sandbox',
    {
      facts: onFirst(({ sandbox }) => ({
        builderId: builderIds.unisolated,
        sandbox: { ...sandbox, engine: 'none' },
      })),
    },
  ],
  [0, 'isolated, with the real key', 'a draft', { facts: onFirst(() => ({ draft: true })) }],
  [
    0,
    'no diverging reproduction',
    'a later reproduction that diverged',
    { later: { ...diverged, finishedAt: '2026-11-23T00:00:00.000Z' } },
  ],
  [0, 'verified chain', 'a server that the policy does not list', { signer: mallory }],
  [0, 'verified chain', 'a statement that a worker signed: a key that is listed, and for no builder', { signer: rita }],
  [
    0,
    'verified chain',
    'a stage whose statement is missing',
    {
      facts: (facts, index) =>
        index === 0 ? facts : { ...facts, dependencies: [madeBy('stage-0', digestNamed('gone'), 'out/0.csv')] },
    },
  ],
  // level 2
  [1, 'hosted builder', "a person's own key", { facts: onFirst(() => ({ builderId: builderIds.sandboxed })) }],
  [
    1,
    'responsible human',
    'a person whom the builder did not verify',
    { facts: onFirst(() => ({ principal: { name: 'Tom', email: 'tom@example.org', tier: 'declared' } })) },
  ],
  [1, 'responsible human', 'a service of CI for which the policy names nobody', { facts: setOffByService() }],
  [
    1,
    'responsible human',
    'a service of CI whose identity the builder did not verify',
    { facts: setOffByService('declared'), policy: { services: [service] } },
  ],
  [
    1,
    'responsible human',
    'the responsible of another workflow',
    { facts: setOffByService(), policy: { services: [{ ...service, subject: `${service.subject}-2` }] } },
  ],
  // level 3
  [2, 'signer apart from the stage', 'a worker beside the signer', { facts: onFirst(asBuilder('hosted/colocated')) }],
  [
    2,
    'hardened engine',
    'an engine that shares the kernel',
    { facts: onFirst(({ sandbox }) => ({ sandbox: { ...sandbox, engine: 'bubblewrap' } })) },
  ],
  [
    2,
    'limits held by the kernel',
    'a machine without control groups, where only resource limits and looks held the stage',
    { facts: onFirst(({ resources }) => ({ resources: { ...resources, heldBy: 'rlimits' } })) },
  ],
  [
    2,
    'listed network',
    'a host that is not on the list',
    {
      facts: onFirst(({ network }) => ({
        network: {
          ...network,
          allowed: ['data.example.org'],
          connections: [
            {
              host: 'evil.example.org',
              port: 443,
              address: '192.0.2.1',
              at: '2026-11-21T00:00:01.000Z',
              sentBytes: 1,
              receivedBytes: 1,
            },
          ],
        },
      })),
    },
  ],
  [
    2,
    'listed network',
    'a private network that it was let into',
    { facts: onFirst(({ network }) => ({ network: { ...network, allowed: ['db'], permitted: ['10.0.0.0/8'] } })) },
  ],
  [2, 'protected ref', 'a ref that nobody says is protected', { facts: without('source/protected-ref') }],
  [
    2,
    'protected ref',
    'a ref that is not protected',
    {
      facts: onFirst(({ facts }) => ({
        facts: [...facts.filter(({ name }) => name !== 'source/protected-ref'), observed('source/protected-ref', 'no')],
      })),
    },
  ],
  [2, 'reviewed definition', 'no review', { review: null }],
  [2, 'reviewed definition', 'a review by somebody who is no reviewer', { reviewer: mallory }],
  [2, 'reviewed definition', 'an author who is not known', { facts: without('source/author') }],
  [2, 'reviewed definition', 'a committer who is not known', { facts: without('source/committer') }],
  [
    2,
    'reviewed definition',
    'a review by its author',
    {
      facts: onFirst(({ facts }) => ({
        facts: facts.map((fact) =>
          fact.name === 'source/author' ? { ...fact, value: 'Rita <RITA@example.org>' } : fact,
        ),
      })),
    },
  ],
  [
    2,
    'reviewed definition',
    'a review by somebody who changed it since',
    { review: { authors: ['rita@example.org'] } },
  ],
  [
    2,
    'reviewed definition',
    'a review by the one who set it off',
    { facts: onFirst(() => ({ principal: { name: 'Rita', email: 'rita@example.org', tier: 'verified' } })) },
  ],
  [
    2,
    'reviewed definition',
    'a review by the one who answers for the service that set it off',
    { facts: setOffByService(), policy: { services: [{ ...service, responsible: 'Rita <rita@example.org>' }] } },
  ],
  [
    2,
    'reviewed definition',
    'a definition that changed after its review',
    {
      review: {
        files: [
          { path: 'dvc.yaml', digest: digestNamed('dvc.yaml') },
          { path: 'assay.yaml', digest: digestNamed('older') },
        ],
      },
    },
  ],
  [2, 'reviewed definition', 'code of another commit that nobody read', { review: { commit: 'a'.repeat(40) } }],
  [
    2,
    'reviewed definition',
    'a review in the name of somebody else',
    { review: { by: { name: 'Eve', email: 'eve@example.org' } } },
  ],
  [2, 'reviewed definition', 'a reviewer in the history', writtenBy('R. <RITA@example.org>')],
  [2, 'reviewed definition', 'a reviewer at another address', writtenBy('rita  <r@home.example>')],
  [
    2,
    'reviewed definition',
    'a review of what changed since a commit that nobody reviewed',
    { review: { since: 'a'.repeat(40) } },
  ],
  [
    2,
    'reviewed definition',
    'a review of what changed since a commit that its own author reviewed',
    { review: { since: 'a'.repeat(40) }, beside: [reviewOf('a', { authors: ['rita@example.org'] })] },
  ],
  [
    2,
    'reviewed definition',
    'reviews that stand on one another and on nothing',
    { review: { since: 'a'.repeat(40) }, beside: [reviewOf('a', { since: commit })] },
  ],
  [2, 'reviewed definition', 'a review of another project', { review: { project: 'other' } }],
  [2, 'reviewed definition', 'a review from the future', { review: { at: '2027-01-01T00:00:00.000Z' } }],
  [
    2,
    'reviewed definition',
    'fewer reviewers than the policy asks for',
    {
      policy: { roles: new Map([...policy.roles, ['reviewer', { anyOf: ['rita'], threshold: 2, distinct: 'keys' }]]) },
      verdict: ({ baseline: _, ...verdict }) => verdict,
    },
  ],
  [
    2,
    'full history',
    'a shallow clone',
    { facts: onFirst(({ source }) => ({ source: { ...source, shallow: true } })) },
  ],
  [
    2,
    'independent source approval',
    'a source that its owner approved',
    { approval: { source: { ...sourceApproval().source, owner: 'Rita <rita@example.org>' } } },
  ],
  [
    2,
    'independent source approval',
    'an approval by a key of which nobody says whose it is',
    {
      approver: control,
      policy: {
        roles: new Map([
          ...policy.roles,
          ['source-approver', { anyOf: ['control'], threshold: 1, distinct: 'principals' }],
        ]),
      },
    },
  ],
  [
    2,
    'inputs in the inventory',
    'an input that is in no inventory',
    {
      facts: onFirst(({ dependencies }) => ({
        dependencies: dependencies.map((one) =>
          one.origin.kind === 'source' ? { ...one, origin: { kind: 'unlisted' } } : one,
        ),
      })),
    },
  ],
  [
    2,
    'no laundering',
    'an out that equals an input',
    { facts: onFirst(({ outputs }) => ({ outputs: [...outputs, { ...output('copy'), digest: rawData.digest }] })) },
  ],
  [
    2,
    'no laundering',
    'an out with the tensors of an input',
    {
      facts: onFirst(({ facts }) => ({
        facts: [...facts, observed(`${launderingFact}out/0.csv`, 'has the tensors of base.safetensors')],
      })),
    },
  ],
  [2, 'no credentials', 'a stage that was not searched', { facts: without(searchedFact) }],
  [
    2,
    'no credentials',
    'what was declared harmless',
    {
      facts: onFirst(({ facts }) => ({
        facts: [...facts, observed(`${harmlessCredentialFact}out/0.csv`, 'a private key in out/0.csv: a test')],
      })),
    },
  ],
  [
    2,
    'validated inputs',
    'an input without a data verdict',
    { facts: onFirst(({ dependencies }) => ({ dependencies: dependencies.map(({ verdict: _, ...one }) => one) })) },
  ],
  [
    2,
    'validated inputs',
    'a waiver',
    {
      beside: [waiver],
      verdict: (verdict) => ({
        ...verdict,
        result: 'WARNED',
        checks: [
          {
            name: 'required',
            column: 'label',
            verdict: 'fail',
            observed: '1',
            expected: '0',
            count: 1,
            waiver: sha256Of(waiver),
          },
        ],
      }),
    },
  ],
  // level 4
  [1, 'own statements', 'an environment of which no statement says how it was put together', { unstated: first }],
  [
    1,
    'own statements',
    'a locked environment that calls itself host, which nobody puts together',
    { facts: onFirst(({ environment }) => ({ environment: { ...environment, kind: 'host' } })) },
  ],
  [
    0,
    'own statements',
    'a dep whose statement is missing',
    {
      facts: (facts, index) =>
        index === 0 ? facts : { ...facts, dependencies: [madeBy('stage-0', digestNamed('gone'), 'out/0.csv')] },
    },
  ],
  ...['unlisted', 'not-made-here'].map(
    (kind): Defeat => [
      2,
      'own statements',
      `a dep that has none (${kind})`,
      {
        facts: onFirst(({ dependencies }) => ({
          dependencies: dependencies.map((one) =>
            one.origin.kind === 'source'
              ? { ...one, origin: kind === 'unlisted' ? { kind } : { kind: 'not-made-here', stage: 'frozen' } }
              : one,
          ),
        })),
      },
    ],
  ),
  [
    3,
    'locked environment',
    'an environment that is not locked (host)',
    {
      facts: onFirst(({ environment }) => ({
        environment: { ...environment, name: 'host', kind: 'host', locked: false },
      })),
    },
  ],
  [
    3,
    'root file system by digest',
    'a machine that is known by lists of its packages',
    { facts: onFirst(({ environment }) => ({ environment: { ...environment, kind: 'python' } })) },
  ],
  [3, 'full re-hash', 'digests that were remembered', { facts: without('outlived/remembered digests') }],
  [
    3,
    'no network',
    'a stage that was let out',
    { facts: onFirst(({ network }) => ({ network: { ...network, allowed: ['data.example.org'] } })) },
  ],
  [3, 'anchored data verdicts', 'a verdict without an anchor', { verdict: ({ baseline: _, ...verdict }) => verdict }],
  [
    3,
    'anchored data verdicts',
    'a verdict that warned',
    {
      verdict: (verdict) => ({
        ...verdict,
        result: 'WARNED',
        checks: [{ name: 'drift', verdict: 'warn', observed: '0.3', expected: '0.2', count: 1 }],
      }),
    },
  ],
  [3, 'validator by digest', 'a verdict of before this was said', { verdict: withoutProgram }],
  [3, 'reproduced bit by bit', 'no reproduction', { reproduction: null }],
  [
    3,
    'reproduced bit by bit',
    'within a tolerance',
    {
      again: (facts, index) =>
        index === 1 ? { ...facts, outputs: [output('out/1.csv', digestNamed('close'))] } : facts,
      reproduction: {
        result: 'within-tolerance',
        comparisons: comparisons.map((one, index) => (index === 1 ? { ...one, verdict: 'within-tolerance' } : one)),
      },
    },
  ],
  [
    3,
    'reproduced bit by bit',
    'said to be identical, with other bytes',
    {
      again: (facts, index) =>
        index === 1 ? { ...facts, outputs: [output('out/1.csv', digestNamed('close'))] } : facts,
    },
  ],
  [3, 'reproduced bit by bit', 'on the same machine', { again: (facts) => ({ ...facts, facts: hosted(facts).facts }) }],
  [
    3,
    'reproduced bit by bit',
    'by the same operator',
    { again: (facts) => ({ ...facts, principal: hosted(facts).principal }) },
  ],
  [
    3,
    'reproduced bit by bit',
    'on a host that nobody vouches for',
    { again: (facts) => ({ ...facts, builderId: builderIds.sandboxed }) },
  ],
  [3, 'reproduced bit by bit', 'with the same key', { signer: other }],
  [
    3,
    'reproduced bit by bit',
    'a stage out of a cache: its statement is older than the reproduction',
    {
      again: (facts, index) =>
        index === 0
          ? { ...facts, startedAt: '2026-11-21T12:00:00.000Z', finishedAt: '2026-11-21T12:01:00.000Z' }
          : facts,
    },
  ],
  [3, 'reproduced bit by bit', 'a stale reproduction', { policy: { reproducedWithinMs: 86_400_000 } }],
  [
    3,
    'reproduced bit by bit',
    'fewer reproducers than the policy asks for',
    {
      policy: {
        roles: new Map([...policy.roles, ['reproducer', { anyOf: ['other'], threshold: 2, distinct: 'keys' }]]),
      },
    },
  ],
  // caps
  [
    3,
    '',
    'a pair of signer and builder that is granted less',
    { policy: { builders: policy.builders.map((one) => ({ ...one, maxLevel: one.key === 'control' ? 3 : 4 })) } },
  ],
  [1, '', "the repository's own policy", { policy: { origin: 'repository' } }],
]

for (const [level, row, name, changes] of defeats) {
  test(`${level === 0 ? 'no level' : `level ${level} at most`}: ${name}`, () => {
    const verdict = judge(changes)
    assert.equal(verdict.level, level, verdict.whyNotHigher.join('\n'))
    if (row === '') assert.deepEqual(failing(verdict), [])
    else assert.ok(failing(verdict).includes(row), failing(verdict).join(', '))
  })
}

test('every row of the table is defeated by a case above', () => {
  const defeated = new Set(defeats.map(([, row]) => row))
  assert.deepEqual(
    levelRules.map(({ requirement }) => requirement).filter((row) => !defeated.has(row)),
    [],
  )
})

test('evidence of before environments had statements says not who put them together: level 1, and told; a host is no environment that has one', () => {
  const told = (changes: Changes): readonly string[] =>
    judge(changes).findings.flatMap(({ check, code, because }) =>
      check === 'environment-build' && code !== 'OK' ? [`${code} ${because}`] : [],
    )
  const older = judge({ unstated: () => true })
  assert.deepEqual([older.trusted, older.level, failing(older)], [true, 1, ['hosted builder', 'own statements']])
  assert.match(older.whyNotHigher.join(), /used `train`, and nobody signed how it was put together/)
  const because = 'CAVEAT no statement says how the environment `train` was put together'
  assert.deepEqual(told({ unstated: () => true }), [because, because])
  assert.deepEqual(told({}), [])
  const host = (facts: StageFacts): StageFacts => ({
    ...facts,
    environment: { ...facts.environment, name: 'host', kind: 'host', locked: false },
  })
  assert.deepEqual(told({ facts: host }), [])
  assert.deepEqual(failing(judge({ facts: host })), ['locked environment', 'root file system by digest'])
})

test('a service of CI earns level 4 as a person does, when the policy names who answers for it', () => {
  const verdict = judge({ facts: setOffByService(), policy: { services: [service] } })
  assert.deepEqual([verdict.trusted, verdict.level, failing(verdict)], [true, 4, []])
  const said = verdict.findings.find(({ check }) => check === 'responsible')
  assert.match(said?.because ?? '', /for which `Tom <tom@example.org>` answers/)
  const nobody = judge({ facts: setOffByService() }).findings.find(({ check }) => check === 'responsible')
  assert.equal(nobody?.code, 'CAVEAT')
})
