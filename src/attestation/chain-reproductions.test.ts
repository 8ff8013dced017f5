/** Which reproductions count for a chain, and what they earn or cost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builderIds, DomainError, namespace } from '../core/index.ts'
import type { ChainVerdict } from './chain.ts'
import {
  chainOf,
  digestNamed,
  keep,
  newPerson,
  now,
  output,
  policyOf,
  signReproduction,
  signStage,
} from './fixtures/chain.ts'
import type { Reproduction } from './reproduction-facts.ts'
import type { StageFacts } from './stage-facts.ts'
import { statedStage } from './stated.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const [ada, eve] = [newPerson(), newPerson()]
const policy = policyOf(ada)

const inGvisor = (facts: StageFacts): StageFacts => ({ ...facts, sandbox: { ...facts.sandbox, engine: 'gvisor' } })
const inBubblewrap = (facts: StageFacts): StageFacts => ({
  ...facts,
  sandbox: { ...facts.sandbox, engine: 'bubblewrap' },
})

type Changes = Readonly<{
  /** Of the statements of then. */
  first?: (facts: StageFacts) => StageFacts
  /** Of the new run's statement. */
  again?: (facts: StageFacts, index: number) => StageFacts
  said?: (reproduction: Reproduction) => Reproduction
  /** Signs the new run, or the verdict, in the place of ada. */
  builder?: typeof ada
  reproducer?: typeof ada
  policy?: Partial<TrustPolicy>
  /** Those of another chain are offered instead. */
  ofOthers?: true
  withheld?: true
  /** Offered too, newest first. */
  newer?: (reproduction: Reproduction) => Reproduction
  /** So many other spellings of the honest one are offered first. */
  spellings?: number
}>

/** A chain of two stages that was reproduced on the 22nd, with changes. */
function verdictWith(changes: Changes = {}): ChainVerdict {
  const { evidence, question, attestations } = chainOf(ada, 2, changes.first)
  const made = changes.ofOthers === true ? chainOf(ada, 2, (facts) => ({ ...facts, runId: 'another' })) : undefined
  const originals = made?.attestations ?? attestations
  const stages = originals.map((original, index) => {
    const bundle = (made?.evidence ?? evidence).bundle(original)
    const facts = bundle === undefined ? undefined : statedStage(bundle)
    assert.ok(facts !== undefined)
    const now: StageFacts = {
      ...facts,
      runId: 'again',
      startedAt: '2026-11-22T00:00:00.000Z',
      finishedAt: '2026-11-22T00:00:30.000Z',
    }
    const bytes = signStage(changes.builder ?? ada, changes.again?.(now, index) ?? now)
    return { stage: facts.stage, original, again: keep(evidence, bytes) }
  })
  const honest: Reproduction = {
    project: '7d0c2f5e',
    outs: [0, 1].map((index) => ({ path: `out/${index}.csv`, digest: digestNamed(`out/${index}.csv`) })),
    stages,
    result: 'identical',
    comparisons: [0, 1].map((index) => ({
      stage: `stage-${index}`,
      path: `out/${index}.csv`,
      verdict: 'identical',
      detail: 'the same bytes',
    })),
    differences: [],
    version: '0.1.0',
    principal: { name: 'Ada', email: 'ada@example.org', tier: 'declared' },
    startedAt: '2026-11-22T00:00:00.000Z',
    finishedAt: '2026-11-22T00:01:00.000Z',
  }
  const said = keep(evidence, signReproduction(changes.reproducer ?? ada, changes.said?.(honest) ?? honest))
  const newer = changes.newer === undefined ? [] : [keep(evidence, signReproduction(ada, changes.newer(honest)))]
  const matching = signReproduction(ada, honest)
  const flood = Array.from({ length: changes.spellings ?? 0 }, (_, index) =>
    keep(evidence, Buffer.concat([matching, Buffer.from(' '.repeat(index + 1))])),
  )
  return verifyChain({
    ...question,
    evidence: { ...evidence, reproductionsOf: () => (changes.withheld === true ? [] : [...flood, ...newer, said]) },
    policy: { ...policy, ...changes.policy },
  })
}

const diverged = (reproduction: Reproduction): Reproduction => ({
  ...reproduction,
  result: 'diverged',
  comparisons: reproduction.comparisons.map((one, index) =>
    index === 1 ? { ...one, verdict: 'diverged', detail: 'other bytes' } : one,
  ),
  firstDivergence: { stage: 'stage-1', path: 'out/1.csv', because: 'other bytes' },
})

test('a whole chain that came to the same is reproduced, and the level stays', () => {
  const verdict = verdictWith()
  assert.deepEqual([verdict.trusted, verdict.level, verdict.properties.reproduced], [true, 1, true])
  const row = verdict.requirements.find(({ requirement }) => requirement === 'reproduced bit by bit')
  assert.equal(row?.held, false)
  assert.match(row?.because ?? '', /with the key that made it/)
})

test('within a tolerance it is reproduced, and never bit by bit', () => {
  const verdict = verdictWith({
    again: (facts, index) => (index === 1 ? { ...facts, outputs: [output('out/1.csv', digestNamed('close'))] } : facts),
    said: (one) => ({
      ...one,
      result: 'within-tolerance',
      comparisons: one.comparisons.map((each, index) =>
        index === 1 ? { ...each, verdict: 'within-tolerance' } : each,
      ),
    }),
  })
  assert.deepEqual([verdict.trusted, verdict.properties.reproduced], [true, true])
  assert.match(JSON.stringify(verdict.requirements), /was reproduced within a tolerance only/)
})

test('a divergence costs the level, of the stage that diverged and not of the one before it', () => {
  const verdict = verdictWith({ said: diverged })
  assert.deepEqual([verdict.trusted, verdict.level, verdict.properties.reproduced], [false, 0, false])
  assert.match(verdict.whyNotHigher.join('\n'), /`stage-1`: run again, it came to something else/)
  assert.doesNotMatch(verdict.whyNotHigher.join('\n'), /`stage-0`/)
})

const later = { finishedAt: '2026-11-23T00:01:00.000Z' }

test('a later reproduction that was not to be had hides no divergence, and no match', () => {
  const gone = (one: Reproduction): Reproduction => ({
    ...{ ...one, ...later, result: 'unavailable', comparisons: [], because: 'the data are gone' },
    stages: one.stages.map(({ stage, original }) => ({ stage, original })),
  })
  assert.equal(verdictWith({ said: diverged, newer: gone }).level, 0)
  assert.equal(verdictWith({ newer: gone }).properties.reproduced, true)
})

test('of two that say something the later one is the answer', () => {
  assert.equal(verdictWith({ newer: (one) => diverged({ ...one, ...later }) }).level, 0)
  assert.equal(verdictWith({ said: diverged, newer: (one) => ({ ...one, ...later }) }).properties.reproduced, true)
})

test('of two of one moment the one that diverged is the answer, whichever came first', () => {
  const same = (one: Reproduction): Reproduction => one
  assert.equal(verdictWith({ said: diverged, newer: same }).level, 0)
  assert.equal(verdictWith({ newer: diverged }).level, 0)
  const within = (one: Reproduction): Reproduction => ({
    ...one,
    result: 'within-tolerance',
    comparisons: one.comparisons.map((each) => ({ ...each, verdict: 'within-tolerance' })),
  })
  const rowOf = (changes: Changes): string => JSON.stringify(verdictWith(changes).requirements)
  for (const changes of [{ said: within, newer: same }, { newer: within }])
    assert.match(rowOf(changes), /was reproduced within a tolerance only/)
  assert.equal(verdictWith({ newer: same }).properties.reproduced, true, 'the honest twin')
})

test('a divergence stands until as many as the policy asks for came to the same afterwards', () => {
  const rule = (threshold: number): Partial<TrustPolicy> => ({
    roles: new Map([...policy.roles, ['reproducer', { anyOf: ['ada', 'eve'], threshold, distinct: 'keys' }]]),
  })
  const newer = (one: Reproduction): Reproduction => ({ ...one, ...later })
  assert.equal(verdictWith({ said: diverged, newer, policy: rule(2) }).level, 0)
  assert.equal(verdictWith({ said: diverged, newer, policy: rule(1) }).level, 1)
  assert.equal(verdictWith({ newer, policy: rule(2) }).level, 1, 'nothing diverged, and nothing counts as reproduced')
})

test('a reproduction that dates itself after it was signed says nothing', () => {
  const signedBefore = (at: string): ChainVerdict =>
    verdictWith({ policy: { times: { now, witnessed: () => ({ at: new Date(at), by: 'a witness' }) } } })
  assert.equal(signedBefore('2026-11-22T00:01:00Z').properties.reproduced, true)
  assert.equal(signedBefore('2026-11-22T00:00:59Z').properties.reproduced, true, 'clocks differ')
  const late = verdictWith({
    policy: { times: { now, witnessed: () => ({ at: new Date('2026-11-22T00:01:00Z'), by: 'a witness' }) } },
    newer: (one) => ({ ...diverged(one), finishedAt: '2026-11-23T00:00:00.000Z' }),
  })
  assert.equal(late.properties.reproduced, true, 'the one of the 23rd was signed on the 22nd')
})

test('a stage of an earlier commit is reproduced at a later one when it opened the same code', () => {
  const other = (facts: StageFacts): StageFacts => ({ ...facts, source: { ...facts.source, commit: '1'.repeat(40) } })
  assert.equal(verdictWith({ again: other }).properties.reproduced, true)
})

test('in an engine as strong as the policy asks it counts', () => {
  const verdict = verdictWith({ policy: { engines: new Map([['*', 'gvisor']]) }, first: inGvisor })
  assert.equal(verdict.properties.reproduced, true)
})

test('withheld reproductions earn nothing and cost nothing', () => {
  const verdict = verdictWith({ withheld: true })
  assert.deepEqual([verdict.trusted, verdict.level, verdict.properties.reproduced], [true, 1, false])
})

const none = 'was not reproduced'
const unbelieved = 'is said to be reproduced, and no believed run shows it'
const other = 'is said to be reproduced bit by bit, and that run made other bytes'
const old = 'was last reproduced on 2026-11-22, and the policy asks for it within 1 days'
const itself =
  'was reproduced with the key that made it and by the one who made it and on a host that nobody vouches for' +
  ' and on the same machine, as far as what is recorded tells'

/** What is offered, and what is said of the second stage and of the first. */
const worthNothing: readonly (readonly [string, Changes, second: string, first: string])[] = [
  ['by a key without the role', { reproducer: eve }, none, none],
  [
    'where nobody has the role',
    { policy: { roles: new Map([...policy.roles].filter(([role]) => role !== 'reproducer')) } },
    none,
    none,
  ],
  ['of another chain with equal bytes', { ofOthers: true }, none, none],
  ['of another project', { said: (one) => ({ ...one, project: 'other' }) }, none, none],
  ['whose run nobody signed who may build', { builder: eve }, unbelieved, unbelieved],
  [
    'whose run made other bytes than it says',
    {
      again: (facts) => ({
        ...facts,
        outputs: [output('out/0.csv', digestNamed('x')), output('out/1.csv', digestNamed('x'))],
      }),
    },
    other,
    other,
  ],
  [
    'whose run was of another commit, and opened other code',
    {
      again: (facts) => ({
        ...facts,
        source: { ...facts.source, commit: '0'.repeat(40) },
        code: { kind: 'opened', files: [{ path: 'src/prepare.py', digest: digestNamed('other') }], folders: [] },
      }),
    },
    unbelieved,
    unbelieved,
  ],
  [
    'whose run was another command',
    { again: (facts) => ({ ...facts, commands: ['cp old new'] }) },
    unbelieved,
    unbelieved,
  ],
  [
    'whose run read other data',
    {
      again: (facts) => ({
        ...facts,
        dependencies: facts.dependencies.map((one) =>
          one.path === 'data/raw.csv' ? { ...one, digest: digestNamed('other data') } : one,
        ),
      }),
    },
    itself,
    unbelieved,
  ],
  [
    'whose run was of uncommitted changes',
    { again: (facts) => ({ ...facts, source: { ...facts.source, dirty: ['src/prepare.py'] } }) },
    unbelieved,
    unbelieved,
  ],
  [
    'whose run is the one of then',
    {
      said: (one) => ({
        ...one,
        stages: one.stages.map(({ stage, original }) => ({ stage, original, again: original })),
      }),
    },
    unbelieved,
    unbelieved,
  ],
  [
    'whose run is older than it',
    { again: (facts) => ({ ...facts, startedAt: '2026-11-21T12:00:00.000Z' }) },
    unbelieved,
    unbelieved,
  ],
  [
    'that compared all outs for another stage',
    { said: (one) => ({ ...one, comparisons: one.comparisons.map((each) => ({ ...each, stage: 'stage-0' })) }) },
    unbelieved,
    itself,
  ],
  [
    'in an engine that is weaker than the policy asks',
    { policy: { engines: new Map([['*', 'gvisor']]) }, first: inGvisor, again: inBubblewrap },
    unbelieved,
    unbelieved,
  ],
  [
    'whose run had another parameter',
    { again: (facts) => ({ ...facts, overrides: ['prepare.split=0.3'] }) },
    unbelieved,
    unbelieved,
  ],
  [
    'of a time to come',
    { said: (one) => ({ ...one, startedAt: '2027-01-01T00:00:00.000Z', finishedAt: '2027-01-01T00:00:01.000Z' }) },
    none,
    none,
  ],
  ['from before the run', { said: (one) => ({ ...one, startedAt: '2026-11-01T00:00:00.000Z' }) }, none, none],
  ['that is older than the policy takes', { policy: { reproducedWithinMs: 86_400_000 } }, old, old],
]
for (const [what, changes, second, first] of worthNothing) {
  test(`a reproduction ${what} earns nothing, and it is said why`, () => {
    const { properties, requirements } = verdictWith(changes)
    assert.equal(properties.reproduced, false)
    const row = requirements.find(({ requirement }) => requirement === 'reproduced bit by bit')
    assert.deepEqual([row?.held, row?.because], [false, `\`stage-1\` ${second}, \`stage-0\` ${first}`])
  })
}

test('a policy that asks for reproductions says what is missing', () => {
  const verdict = verdictWith({ withheld: true, policy: { reproducedWithinMs: 30 * 86_400_000 } })
  const because = verdict.findings.filter(({ check }) => check === 'reproduction').map((finding) => finding.because)
  assert.deepEqual(because, Array(2).fill('was not reproduced, and the policy asks for it within 30 days'))
  assert.equal(verdict.trusted, true)
  assert.equal(verdictWith({ policy: { reproducedWithinMs: 30 * 86_400_000 } }).properties.reproduced, true)
})

test('another key of another person counts towards level 4 only with a host that somebody vouches for', () => {
  const both = { ...policy, keys: new Map(policy.keys), builders: [...policy.builders], roles: new Map(policy.roles) }
  const other = policyOf(eve).keys.get('ada')
  assert.ok(other !== undefined)
  both.keys.set('eve', { ...other, name: 'eve' })
  both.builders.push({ key: 'eve', builder: builderIds.sandboxed, maxLevel: 4 })
  const rowOf = (verdict: ChainVerdict): string =>
    verdict.requirements.find(({ requirement }) => requirement === 'reproduced bit by bit')?.because ?? ''
  const principal = { name: 'Eve', email: 'eve@example.org', tier: 'declared' } as const
  assert.match(rowOf(verdictWith({ policy: both, builder: eve })), /by the one who made it/)
  const apart = verdictWith({ policy: both, builder: eve, again: (facts) => ({ ...facts, principal }) })
  assert.match(rowOf(apart), /on a host that nobody vouches for/)
})

test('bit by bit by an independent hosted builder it counts towards level 4, and on the same machine it does not', () => {
  const hosted = `${namespace}/builder/hosted/separate`
  const eves = policyOf(eve).keys.get('ada')
  assert.ok(eves !== undefined)
  const both = {
    ...{ ...policy, keys: new Map([...policy.keys, ['eve', { ...eves, name: 'eve' }]]) },
    builders: [...policy.builders, { key: 'eve', builder: hosted, maxLevel: 4 as const }],
  }
  const apart = (kernel: string, more: Partial<StageFacts['principal']> = {}): ChainVerdict =>
    verdictWith({
      ...{ policy: both, builder: eve },
      again: (facts) => ({
        ...{ ...facts, builderId: hosted },
        principal: { name: 'Eve', email: 'eve@example.org', tier: 'verified', ...more },
        facts: facts.facts.map((one) => (one.name === 'machine/kernel' ? { ...one, value: kernel } : one)),
      }),
    })
  const rowOf = ({ requirements }: ChainVerdict): Readonly<{ held?: boolean; because?: string }> =>
    requirements.find(({ requirement }) => requirement === 'reproduced bit by bit') ?? {}
  const saidOf = ({ findings }: ChainVerdict): string =>
    findings.flatMap(({ check, because }) => (check === 'reproduction' ? [because] : [])).join('\n')

  const elsewhere = apart('6.19.2')
  assert.deepEqual(
    [rowOf(elsewhere).held, rowOf(elsewhere).because],
    [true, 'every stage was reproduced bit by bit by another builder'],
  )
  assert.doesNotMatch(saidOf(elsewhere), /same machine/)
  const here = apart('6.18.0')
  assert.deepEqual([rowOf(here).held, here.properties.reproduced], [false, true], 'it earns the property only')
  for (const said of [saidOf(here), rowOf(here).because ?? ''])
    assert.match(said, /was reproduced on the same machine, as far as what is recorded tells/)
  assert.equal(rowOf(apart('6.19.2', { email: 'Ada@example.org' })).held, false, 'by the same operator')
})

const contradictions: readonly (readonly [string, (one: Reproduction) => Reproduction])[] = [
  ['identical with an out that diverged', (one) => ({ ...one, comparisons: diverged(one).comparisons })],
  ['identical without one of the outs', (one) => ({ ...one, comparisons: one.comparisons.slice(0, 1) })],
  [
    'identical without a stage that ran',
    (one) => ({ ...one, stages: one.stages.map(({ stage, original }) => ({ stage, original })) }),
  ],
  ['identical and unavailable', (one) => ({ ...one, because: 'the data are gone' })],
  ['diverged with nothing that did', (one) => ({ ...one, result: 'diverged' })],
  ['of one stage twice', (one) => ({ ...one, stages: [...one.stages, ...one.stages] })],
]
for (const [what, change] of contradictions) {
  test(`nobody signs a reproduction that is ${what}`, () => {
    assert.throws(
      () => verdictWith({ said: change }),
      (error) => error instanceof DomainError && error.code === 'ERR_STATEMENT_MALFORMED',
    )
  })
}

test('a reproduction that matched, in many spellings, does not hide the newer one that diverged; too many are refused', () => {
  const said = (one: Reproduction): Reproduction => ({ ...diverged(one), finishedAt: '2026-11-22T02:01:00.000Z' })
  for (const spellings of [1, 40]) assert.equal(verdictWith({ said, spellings }).level, 0)
  assert.equal(verdictWith({ spellings: 40 }).properties.reproduced, true, 'the honest twin')
  const over = verdictWith({ said, spellings: 1_000 })
  assert.ok(over.findings.some(({ code, passed }) => code === 'ERR_CHAIN_LIMIT' && !passed))
  assert.equal(over.trusted, false)
})
