import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builderIds, type Sha256 } from '../core/index.ts'
import { type ChainQuestion, type ChainVerdict, chainLimits } from './chain.ts'
import {
  chainOf,
  digestNamed,
  keep,
  madeBy,
  newPerson,
  now,
  output,
  policyOf,
  rawData,
  shelf,
  signApproval,
  signStage,
  sourceApproval,
  stageFacts,
} from './fixtures/chain.ts'
import type { StageFacts } from './stage-facts.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const ada = newPerson()
const policy = policyOf(ada)
const unbuilt = 'environment-build' // of each stage of `chainOf`: nobody stated how its environment was put together

/** Checks and codes of all that was refused. */
function refusals({ findings }: ChainVerdict): readonly string[] {
  return findings.flatMap(({ check, passed, code }) => (passed ? [] : [`${check} ${code}`]))
}
/** All of them, each check once. */
function caveats({ findings }: ChainVerdict): readonly string[] {
  const told = findings.filter(({ code }) => code === 'CAVEAT')
  return [...new Set(told.map(({ check }) => check))]
}

type Changes = Readonly<{
  facts?: (facts: StageFacts, index: number) => StageFacts
  policy?: Partial<TrustPolicy>
  surroundings?: Partial<ChainQuestion['surroundings']>
  question?: Partial<ChainQuestion>
}>
/** The verdict on a chain of three, with changes. */
function verdictWith(changes: Changes = {}): ChainVerdict {
  const { question } = chainOf(ada, 3, changes.facts)
  return verifyChain({
    ...question,
    surroundings: { ...question.surroundings, ...changes.surroundings },
    policy: { ...policy, ...changes.policy },
    ...changes.question,
  })
}
const onFirst = (more: Partial<StageFacts>) => (facts: StageFacts, index: number) =>
  index === 0 ? { ...facts, ...more } : facts

test('believes an honest chain back to its approved source, at level 1, and says what 2 would need', () => {
  const verdict = verdictWith()
  assert.deepEqual(refusals(verdict), [])
  assert.deepEqual(
    verdict.findings.flatMap(({ check, code, subject }) => (code === 'CAVEAT' ? [`${check} ${subject}`] : [])),
    ['stage-2', 'stage-1', 'stage-0'].map((stage) => `${unbuilt} ${stage}`),
  )
  assert.equal(verdict.trusted, true)
  assert.equal(verdict.level, 1)
  assert.deepEqual(
    verdict.stages.map(({ stage }) => stage.facts.stage),
    ['stage-2', 'stage-1', 'stage-0'],
  )
  assert.deepEqual(verdict.commits, [stageFacts().source.commit])
  assert.deepEqual(verdict.properties, {
    isolated: true,
    hermetic: true,
    inputsApproved: true,
    locked: true,
    validated: true,
    reproduced: false,
  })
  assert.match(verdict.whyNotHigher.join('\n'), /hosted builder/)
  assert.match(verdict.whyNotHigher.join('\n'), /person's own key earns at most level 1/)
})

test('shows the requirements of every level', () => {
  const { requirements } = verdictWith()
  assert.deepEqual([...new Set(requirements.map(({ level }) => level))], [1, 2, 3, 4])
  assert.ok(requirements.every(({ held, howTo }) => held === (howTo === '')))
})

test('the row of a hardened engine is earned by every stage in gVisor, and by no name that is not known', () => {
  const inEngine = (engine: (index: number) => string) => (facts: StageFacts, index: number) => {
    return { ...facts, sandbox: { ...facts.sandbox, engine: engine(index) } }
  }
  const hardened = (engine: (index: number) => string): boolean | undefined =>
    verdictWith({ facts: inEngine(engine) }).requirements.find(({ requirement }) => requirement === 'hardened engine')
      ?.held
  assert.equal(
    hardened(() => 'gvisor'),
    true,
  )
  for (const weaker of ['bubblewrap', 'podman', 'gvisor-2'])
    assert.equal(
      hardened((index) => (index === 1 ? weaker : 'gvisor')),
      false,
      weaker,
    )
})

/** What must be refused: name, the one change, what is refused. Every one of them passes without its change. */
const refused: readonly (readonly [string, Changes, readonly string[]])[] = [
  [
    'other bytes',
    { question: { subject: { path: 'out/2.csv', digest: digestNamed('forged') } } },
    ['subject ERR_SUBJECT_MISMATCH'],
  ],
  [
    'bytes of another stage under the name of the last',
    { question: { subject: { path: 'out/2.csv', digest: digestNamed('out/1.csv') } } },
    ['subject ERR_SUBJECT_MISMATCH'],
  ],
  ['no evidence', { question: { entries: [] } }, ['subject ERR_EVIDENCE_MISSING', 'minimum-level ERR_LEVEL_TOO_LOW']],
  [
    'an engine that isolates less than the policy demands, at any level',
    { policy: { engines: new Map([['stage-1', 'gvisor']]), minimumLevel: 0 } },
    ['engine ERR_EVIDENCE_ENGINE'],
  ],
  ['an expired policy', { policy: { expiresAt: now } }, ['policy-expiry ERR_POLICY_EXPIRED']],
  [
    'uncommitted changes upstream',
    { facts: onFirst({ source: { ...stageFacts().source, dirty: ['src/prepare.py'] } }) },
    ['commit ERR_EVIDENCE_DIRTY', 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'no commit',
    { facts: onFirst({ source: { shallow: false, dirty: [] } }) },
    ['commit ERR_EVIDENCE_DIRTY', 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'a parameter of the command line',
    { facts: onFirst({ overrides: ['train.epochs=3'] }) },
    ['overrides ERR_EVIDENCE_OVERRIDE', 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'a stage without a sandbox, even with a key that is listed for it',
    {
      policy: {
        builders: [...policy.builders, { key: 'ada', builder: builderIds.unisolated, maxLevel: 1 }],
      },
      question: unsafeQuestion(),
    },
    ['isolation ERR_EVIDENCE_UNISOLATED', 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'a log that is gone where it is kept',
    { surroundings: { logAt: () => 'missing' } },
    [...Array(3).fill('log ERR_LOG_MISSING'), 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'a definition that the commit does not hold',
    { surroundings: { definitionAt: (_, path) => (path === 'assay.yaml' ? 'absent' : digestNamed(path)) } },
    [...Array(3).fill('definition ERR_DEFINITION_MISMATCH')],
  ],
  [
    'a definition that leaves out its own pipeline file',
    { facts: onFirst({ definition: [{ path: 'assay.yaml', digest: digestNamed('assay.yaml') }] }) },
    ['definition ERR_DEFINITION_MISMATCH'],
  ],
  [
    'a date in the future',
    { surroundings: { now: new Date('2026-11-20T23:00:00Z') } },
    [...Array(3).fill('time ERR_EVIDENCE_FUTURE')],
  ],
  [
    'an end before the start',
    { facts: onFirst({ finishedAt: '2026-11-20T00:00:00.000Z' }) },
    ['time ERR_EVIDENCE_FUTURE'],
  ],
  [
    'a use before the making',
    { facts: onFirst({ startedAt: '2026-11-22T00:00:00.000Z', finishedAt: '2026-11-22T00:01:00.000Z' }) },
    ['order ERR_CHAIN_ORDER'],
  ],
  [
    'two commits where the policy demands one',
    { facts: onFirst({ source: { ...stageFacts().source, commit: 'a'.repeat(40) } }), policy: { oneCommit: true } },
    ['one-commit ERR_CHAIN_COMMITS'],
  ],
  [
    'another project upstream',
    { facts: onFirst({ project: { id: 'other', name: 'digits' } }) },
    ['project ERR_CHAIN_PROJECT', 'minimum-level ERR_LEVEL_TOO_LOW'],
  ],
  [
    'a source that sources.yaml marks as revoked',
    { surroundings: { revokedSources: [{ id: 'uci-digits', digest: digestNamed('replaced since') }] } },
    ['source-approval ERR_SOURCE_REVOKED'],
  ],
  [
    'the bytes of a revoked source under another id',
    { surroundings: { revokedSources: [{ id: 'old', digest: rawData.digest }] } },
    ['source-approval ERR_SOURCE_REVOKED'],
  ],
  [
    'a source whose review is overdue',
    { surroundings: { now: new Date('2027-07-01T00:00:00Z') } },
    ['source-approval ERR_SOURCE_EXPIRED'],
  ],
  [
    'a source that needs two people',
    {
      policy: {
        roles: new Map([
          ...policy.roles,
          ['source-approver', { anyOf: ['ada'], threshold: 2, distinct: 'keys' as const }],
        ]),
      },
    },
    ['source-approval ERR_SOURCE_UNAPPROVED'],
  ],
  ['a minimum level that is not reached', { policy: { minimumLevel: 2 } }, ['minimum-level ERR_LEVEL_TOO_LOW']],
  [
    'a builder that may earn nothing',
    { policy: { builders: policy.builders.map((grant) => ({ ...grant, maxLevel: 0 as const })) } },
    ['minimum-level ERR_LEVEL_TOO_LOW'],
  ],
]
for (const [name, changes, expected] of refused) {
  test(`refuses ${name}`, () => {
    const verdict = verdictWith(changes)
    assert.equal(verdict.trusted, false)
    assert.deepEqual(
      refusals(verdict).filter(
        (text) => expected.includes('minimum-level ERR_LEVEL_TOO_LOW') || !text.startsWith('minimum-level'),
      ),
      expected,
    )
  })
}

/** One stage that ran without a sandbox, signed by a real key as no signer of ours would. */
function unsafeQuestion(): Partial<ChainQuestion> {
  const facts = stageFacts({
    builderId: builderIds.unisolated,
    sandbox: { ...stageFacts().sandbox, engine: 'none' },
  })
  const evidence = shelf()
  const entry = keep(evidence, signStage(ada, facts))
  const [made] = facts.outputs
  assert.ok(made !== undefined)
  return { entries: [entry], evidence, subject: { path: made.path, digest: made.digest } }
}

test('a dirty chain is accepted at level 0 by a policy that says minimumLevel 0', () => {
  const dirty = {
    facts: onFirst({ source: { ...stageFacts().source, dirty: ['x'] } }),
    policy: { minimumLevel: 0 as const },
  }
  const verdict = verdictWith(dirty)
  assert.deepEqual([verdict.trusted, verdict.level, refusals(verdict)], [true, 0, []])
  assert.match(verdict.whyNotHigher.join(), /clean commit: `stage-0` ran on uncommitted changes: x/)
})

test('what is not at hand is a caveat and costs nothing', () => {
  const { question } = chainOf(ada, 3)
  const verdict = verifyChain({ ...question, policy, surroundings: { now } })
  assert.deepEqual([verdict.trusted, verdict.level, caveats(verdict)], [true, 1, ['definition', 'log', unbuilt]])
})

test("the repository's own policy earns at most level 1, with a caveat", () => {
  const builders = policy.builders.map((grant) => ({ ...grant, maxLevel: 4 as const }))
  const verdict = verdictWith({ policy: { origin: 'repository', builders } })
  assert.deepEqual([verdict.trusted, verdict.level, caveats(verdict)], [true, 1, ['policy', unbuilt]])
})

test("a person's key earns at most level 1, whatever a policy says", () => {
  assert.equal(
    verdictWith({ policy: { builders: policy.builders.map((g) => ({ ...g, maxLevel: 4 as const })) } }).level,
    1,
  )
})

test('the evidence is found by the bytes when the entries lead elsewhere', () => {
  const { question, attestations } = chainOf(ada, 3)
  const [first, , last] = attestations
  assert.ok(first !== undefined && last !== undefined)
  const evidence = { ...question.evidence, bySubject: () => [last] }
  assert.equal(verifyChain({ ...question, evidence, entries: [first], policy }).trusted, true)
  assert.deepEqual(refusals(verifyChain({ ...question, entries: [first], policy })), [
    'subject ERR_SUBJECT_MISMATCH',
    'minimum-level ERR_LEVEL_TOO_LOW',
  ])
})

test('statements that nobody is believed for hide none that is, however many there are', () => {
  const mallory = newPerson()
  const { question, evidence, attestations } = chainOf(ada, 1)
  const lies = Array.from({ length: chainLimits.candidates + 8 }, (_, at) =>
    keep(evidence, signStage(mallory, stageFacts({ stage: `lie-${at}`, outputs: [output('out/0.csv')] }))),
  )
  const among = (known: readonly Sha256[]): ChainVerdict =>
    verifyChain({ ...question, evidence: { ...evidence, bySubject: () => known }, entries: [], policy })
  assert.equal(among([...lies, ...attestations]).trusted, true)
  assert.equal(among(lies).trusted, false)
})

test('bytes under another name are believed, with a caveat, where their name may differ, and refused where not', () => {
  const subject = { path: 'count', digest: digestNamed('out/2.csv') }
  const verdict = verdictWith({ question: { subject, renamed: true } })
  assert.deepEqual([verdict.trusted, caveats(verdict)], [true, ['subject', unbuilt]])
  assert.deepEqual(refusals(verdictWith({ question: { subject } }))[0], 'subject ERR_SUBJECT_MISMATCH')
})

test('two runs that made equal bytes are not spliced: the statement that was built on is missing', () => {
  const { question, evidence, attestations } = chainOf(ada, 2)
  const [first] = attestations
  assert.ok(first !== undefined)
  evidence.bundles.delete(first)
  keep(
    evidence,
    signStage(
      ada,
      stageFacts({
        stage: 'stage-0',
        runId: 'another',
        outputs: [output('out/0.csv')],
        startedAt: '2026-11-20T00:00:00.000Z',
        finishedAt: '2026-11-20T00:00:01.000Z',
      }),
    ),
  )
  assert.deepEqual(refusals(verifyChain({ ...question, policy })), [
    'evidence ERR_EVIDENCE_MISSING',
    'minimum-level ERR_LEVEL_TOO_LOW',
  ])
})

test('evidence that is not what its name says is refused, so no cycle can be made', () => {
  const { question, evidence, attestations } = chainOf(ada, 2)
  const [first, last] = attestations
  assert.ok(first !== undefined && last !== undefined)
  const own = evidence.bundles.get(last)
  assert.ok(own !== undefined)
  evidence.bundles.set(first, own)
  assert.deepEqual(refusals(verifyChain({ ...question, policy })), [
    'evidence ERR_EVIDENCE_CORRUPT',
    'minimum-level ERR_LEVEL_TOO_LOW',
  ])
})

/** A chain of two whose second stage names its dep as `change` says. */
function linked(change: Partial<StageFacts['dependencies'][number]>, upstream: Partial<StageFacts> = {}): ChainVerdict {
  const evidence = shelf([signApproval(ada, sourceApproval())])
  const first = keep(
    evidence,
    signStage(ada, stageFacts({ stage: 'first', outputs: [output('a'), output('b')], ...upstream })),
  )
  const dependency = { ...madeBy('first', first, 'a'), ...change }
  const last = keep(
    evidence,
    signStage(
      ada,
      stageFacts({
        stage: 'last',
        outputs: [output('c')],
        dependencies: [dependency],
        startedAt: '2026-11-24T10:16:00.000Z',
        finishedAt: '2026-11-24T10:17:00.000Z',
      }),
    ),
  )
  const { question } = chainOf(ada, 1)
  return verifyChain({
    ...question,
    evidence,
    entries: [last],
    subject: { path: 'c', digest: digestNamed('c') },
    policy,
  })
}

test('a dep is what the named stage made, under that path', () => {
  assert.deepEqual(refusals(linked({})), [])
  assert.deepEqual(refusals(linked({ digest: digestNamed('forged') })).slice(0, 1), ['link ERR_CHAIN_LINK'])
  assert.deepEqual(refusals(linked({ digest: digestNamed('b') })).slice(0, 1), ['link ERR_CHAIN_LINK'])
  assert.deepEqual(refusals(linked({}, { stage: 'other' })).slice(0, 1), ['link ERR_CHAIN_LINK'])
})

test('an approval counts for its bytes, its id and its project, from one who may', () => {
  const eve = newPerson()
  const cases: readonly (readonly [Uint8Array, readonly string[]])[] = [
    [signApproval(ada, sourceApproval()), []],
    [signApproval(ada, sourceApproval({ digest: digestNamed('other') })), ['source-approval ERR_SOURCE_UNAPPROVED']],
    [signApproval(ada, sourceApproval({ project: 'other' })), ['source-approval ERR_SOURCE_UNAPPROVED']],
    [signApproval(eve, sourceApproval()), ['source-approval ERR_SOURCE_UNAPPROVED']],
    [signApproval(ada, sourceApproval({ at: '2026-12-24T00:00:00.000Z' })), ['source-approval ERR_SOURCE_UNAPPROVED']],
    [Buffer.from('not a bundle'), ['source-approval ERR_SOURCE_UNAPPROVED']],
  ]
  for (const [bytes, expected] of cases) {
    const { question, evidence } = chainOf(ada, 1)
    const approvals = [{ name: 'attestations/a', bytes, committed: true }]
    const verdict = verifyChain({ ...question, evidence: { ...evidence, approvals }, policy })
    assert.deepEqual(
      refusals(verdict).filter((text) => !text.startsWith('minimum')),
      expected,
    )
  }
})

test('a revocation is for ever: it takes every approval away, also a later one', () => {
  const revoked = sourceApproval({ decision: 'revoked', at: '2026-11-21T00:00:00.000Z', digest: digestNamed('any') })
  const again = sourceApproval({ at: '2026-11-22T00:00:00.000Z' })
  const judge = (...approvals: readonly Uint8Array[]): readonly string[] => {
    const { question, evidence } = chainOf(ada, 1)
    const held = shelf(approvals).approvals
    return refusals(verifyChain({ ...question, evidence: { ...evidence, approvals: held }, policy })).slice(0, 1)
  }
  const approve = signApproval(ada, sourceApproval())
  const revoke = signApproval(ada, revoked)
  assert.deepEqual(judge(approve, revoke), ['source-approval ERR_SOURCE_REVOKED'])
  assert.deepEqual(judge(revoke, approve), ['source-approval ERR_SOURCE_REVOKED'])
  assert.deepEqual(judge(approve, revoke, signApproval(ada, again)), ['source-approval ERR_SOURCE_REVOKED'])
  assert.deepEqual(judge(approve, signApproval(ada, again)), [])
})

test('revoked bytes are refused wherever they came from, and only they', () => {
  const kinds: readonly StageFacts['dependencies'][number][] = [
    { ...rawData, origin: { kind: 'unlisted' } },
    { ...rawData, origin: { kind: 'unlisted' }, role: 'persist' },
    { ...rawData, origin: { kind: 'not-made-here', stage: 'frozen' } },
    { ...rawData, origin: { kind: 'code' } },
    { ...rawData, origin: { kind: 'source', id: 'other', classification: 'public' } },
  ]
  const approved = signApproval(ada, sourceApproval({ source: { ...sourceApproval().source, id: 'other' } }))
  const revocationOf = (digest: Sha256): Uint8Array =>
    signApproval(ada, sourceApproval({ decision: 'revoked', digest }))
  const judge = (change: Partial<StageFacts>, revocation: Uint8Array): readonly string[] => {
    const { question, evidence } = chainOf(ada, 1, onFirst(change))
    const { approvals } = shelf([approved, revocation])
    return refusals(verifyChain({ ...question, evidence: { ...evidence, approvals }, policy })).slice(0, 1)
  }
  const { digest } = rawData
  const revoked = revocationOf(digestNamed('data/raw.csv'))
  for (const dependency of kinds) {
    const change = { dependencies: [dependency] }
    assert.deepEqual(judge(change, revoked), ['source-approval ERR_SOURCE_REVOKED'], dependency.origin.kind)
    assert.deepEqual(judge(change, revocationOf(digestNamed('other bytes'))), [], dependency.origin.kind)
    const stranger = signApproval(newPerson(), sourceApproval({ decision: 'revoked' }))
    assert.deepEqual(judge(change, stranger), [], 'a revocation by nobody who may')
  }
  const opened = { path: 'data/raw.csv', digest: digestNamed('data/raw.csv') }
  const code = { dependencies: [], code: { kind: 'opened' as const, files: [opened], folders: [] } }
  assert.equal(opened.digest, digest)
  assert.deepEqual(judge(code, revoked), ['source-approval ERR_SOURCE_REVOKED'])
  assert.deepEqual(judge(code, revocationOf(digestNamed('other bytes'))), [])
})

test('an owner who approves, an approval that is not committed, and one that came later are caveats', () => {
  const own = sourceApproval({
    source: { ...sourceApproval().source, owner: 'Ada <ADA@example.org>' },
    at: '2026-11-22T00:00:00.000Z',
  })
  const { question, evidence } = chainOf(ada, 1)
  const approvals = [{ name: 'attestations/a', bytes: signApproval(ada, own), committed: false }]
  const verdict = verifyChain({ ...question, evidence: { ...evidence, approvals }, policy })
  assert.deepEqual(
    [verdict.trusted, caveats(verdict)],
    [true, ['separation-of-duties', 'approval-committed', 'approval-order', unbuilt]],
  )
  assert.equal(
    verdict.requirements.find(({ requirement }) => requirement === 'independent source approval')?.held,
    false,
  )
})

test('an input of no inventory and one of a frozen stage are caveats, and not approved inputs', () => {
  for (const origin of [{ kind: 'unlisted' } as const, { kind: 'not-made-here', stage: 'frozen' } as const]) {
    const verdict = verdictWith({ facts: onFirst({ dependencies: [{ ...rawData, origin }] }) })
    assert.deepEqual(
      [verdict.trusted, caveats(verdict), verdict.properties.inputsApproved],
      [true, ['inventory', 'data-verdict', unbuilt], false],
    )
  }
})

test('an out that equals an input is found; previous bytes of a persisted out and empty files are not', () => {
  const copy = { ...output('out/2.csv'), path: 'copy', digest: rawData.digest }
  const launder = (facts: StageFacts, index: number): StageFacts =>
    index === 2 ? { ...facts, outputs: [...facts.outputs, copy] } : facts
  const verdict = verdictWith({ facts: launder })
  assert.deepEqual(
    verdict.findings.filter(({ check }) => check === 'output-equals-input').map(({ subject }) => subject),
    ['stage-2: copy'],
  )
  const persist = {
    path: 'out/0.csv',
    digest: digestNamed('out/0.csv'),
    role: 'persist',
    origin: { kind: 'unlisted' },
  } as const
  assert.deepEqual(caveats(verdictWith({ facts: onFirst({ dependencies: [rawData, persist] }) })), [
    'inventory',
    'data-verdict',
    unbuilt,
  ])
  const empty = (facts: StageFacts, index: number): StageFacts =>
    index === 2 ? { ...facts, outputs: [...facts.outputs, { ...copy, sizeBytes: 0 }] } : facts
  assert.deepEqual(caveats(verdictWith({ facts: empty })), [unbuilt])
})

test('a judging stage counts only when it judged these bytes', () => {
  const { question, evidence, attestations } = chainOf(ada, 2)
  const model = attestations[1]
  assert.ok(model !== undefined)
  const late = { startedAt: '2026-11-22T00:00:00.000Z', finishedAt: '2026-11-22T00:01:00.000Z' }
  const judge = (dependencies: StageFacts['dependencies']): Sha256 =>
    keep(
      evidence,
      signStage(ada, stageFacts({ stage: 'evaluate', outputs: [output('metrics.json')], dependencies, ...late })),
    )
  const honest = judge([madeBy('stage-1', model, 'out/1.csv')])
  const other = judge(stageFacts().dependencies)
  const judgedBy = (attestation: Sha256 | undefined, stage = 'evaluate'): readonly string[] => {
    const named = attestation === undefined ? { stage } : { stage, attestation }
    return refusals(verifyChain({ ...question, judges: [named], policy }))
  }
  assert.deepEqual(judgedBy(honest), [])
  assert.deepEqual(judgedBy(other).slice(0, 1), ['judged ERR_CHAIN_LINK'])
  assert.deepEqual(judgedBy(digestNamed('none')).slice(0, 2), [
    'evidence ERR_EVIDENCE_MISSING',
    'judged ERR_CHAIN_LINK',
  ])
  assert.deepEqual(judgedBy(undefined).slice(0, 1), ['judged ERR_EVIDENCE_MISSING'], 'a judge is withheld')
  assert.deepEqual(judgedBy(model).slice(0, 1), ['judged ERR_CHAIN_LINK'], 'no statement judges itself')
  assert.deepEqual(judgedBy(honest, 'audit').slice(0, 1), ['judged ERR_CHAIN_LINK'], 'another stage is no judge')
})

test('limits on statements, depth, edges and bytes are refusals, and the same chain passes within them', () => {
  const { question } = chainOf(ada, 12)
  const judge = (limits: Partial<typeof chainLimits>): readonly string[] =>
    refusals(verifyChain({ ...question, policy, limits: { ...chainLimits, ...limits } })).filter((text) =>
      text.startsWith('limits'),
    )
  assert.deepEqual(judge({}), [])
  for (const limits of [
    { statements: 5 },
    { depth: 5 },
    { edges: 5 },
    { totalBytes: 10_000 },
    { bundleBytes: 1000 },
    { approvals: 0 },
  ]) {
    assert.deepEqual(judge(limits), ['limits ERR_CHAIN_LIMIT'], JSON.stringify(limits))
  }
})

test('a chain of 900 stages costs no stack', () => {
  const { question } = chainOf(ada, 900)
  assert.equal(verifyChain({ ...question, policy }).trusted, true)
})

test('a diamond is verified once a statement and checked once a link', () => {
  const evidence = shelf()
  const at = (minute: number): Pick<StageFacts, 'startedAt' | 'finishedAt'> => ({
    startedAt: `2026-11-24T10:${minute}:00.000Z`,
    finishedAt: `2026-11-24T10:${minute}:30.000Z`,
  })
  const root = keep(evidence, signStage(ada, stageFacts({ stage: 'root', outputs: [output('r')], ...at(10) })))
  const arm = (name: string): Sha256 =>
    keep(
      evidence,
      signStage(
        ada,
        stageFacts({ stage: name, outputs: [output(name)], dependencies: [madeBy('root', root, 'r')], ...at(20) }),
      ),
    )
  const [left, right] = [arm('left'), arm('right')]
  const top = keep(
    evidence,
    signStage(
      ada,
      stageFacts({
        stage: 'top',
        outputs: [output('t')],
        dependencies: [madeBy('left', left, 'left'), madeBy('right', right, 'right')],
        ...at(30),
      }),
    ),
  )
  const { question } = chainOf(ada, 1)
  const verdict = verifyChain({
    ...question,
    evidence,
    entries: [top],
    subject: { path: 't', digest: digestNamed('t') },
    policy,
  })
  assert.deepEqual(refusals(verdict), [])
  assert.equal(verdict.findings.filter(({ check }) => check === 'signature').length, 4)
  assert.equal(verdict.findings.filter(({ check }) => check === 'link').length, 4)
})
