import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, type Sha256, sha256Of } from '../core/index.ts'
import type { ChainVerdict } from './chain.ts'
import type { DataAnchor, DataReview, DataWaiver } from './data-decisions.ts'
import type { DataVerdict } from './data-verdict-facts.ts'
import {
  chainOf,
  dataAnchor,
  dataVerdict,
  digestNamed,
  keep,
  newPerson,
  policyOf,
  project,
  rawData,
  shelf,
  signApproval,
  signDataAnchor,
  signDataReview,
  signDataVerdict,
  signDataWaiver,
  sourceApproval,
} from './fixtures/chain.ts'
import { dataDecisionOf, dataDecisionStatement } from './predicates/data-decision.ts'
import { dataVerdictOf, dataVerdictStatement, testResultType } from './predicates/data-verdict.ts'
import type { SourceApproval } from './source-approval-facts.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const ada = newPerson()
const mallory = newPerson()
const policy = policyOf(ada)

const failed = { name: 'required', column: 'label', verdict: 'fail', count: 7 } as const
const warned = {
  name: 'drift/psi',
  column: 'age',
  verdict: 'warn',
  observed: '0.2',
  expected: '<= 0.1',
  count: 0,
} as const

const waiver: DataWaiver = {
  project: project.id,
  subject: { path: 'data/raw.csv', digest: digestNamed('data/raw.csv') },
  check: 'required',
  column: 'label',
  because: 'seven old rows, looked at by hand',
  until: '2026-12-31',
  at: '2026-11-20T08:00:00.000Z',
  by: { name: 'Ada', email: 'ada@example.org' },
}

type Case = Readonly<{
  verdict?: Uint8Array
  /** Statements in `attestations/`, beside the approval of the source. */
  beside?: readonly Uint8Array[]
  /** The bundle is named and not there. */
  withheld?: boolean
  none?: boolean
  policy?: Partial<TrustPolicy>
}>

/** The verdict on a chain of two whose raw data has this data verdict. */
function judge(given: Case): ChainVerdict {
  const bytes = given.verdict ?? signDataVerdict(ada, dataVerdict())
  const evidence = shelf([signApproval(ada, sourceApproval()), ...(given.beside ?? [])])
  const attestation = keep(evidence, bytes)
  const { question } = chainOf(ada, 2, (facts, index) => {
    if (index > 0) return facts
    const input = given.none === true ? rawData : { ...rawData, verdict: attestation }
    return { ...facts, dependencies: [...facts.dependencies.slice(0, -1), input] }
  })
  if (given.withheld === true) evidence.bundles.delete(attestation)
  const bundle: typeof evidence.bundle = (digest) => evidence.bundles.get(digest) ?? question.evidence.bundle(digest)
  return verifyChain({
    ...question,
    evidence: { ...evidence, bundle: given.withheld === true ? withoutOne(bundle, attestation) : bundle },
    policy: { ...policy, ...given.policy },
  })
}

function withoutOne(bundle: (digest: never) => Uint8Array | undefined, gone: string): typeof bundle {
  return (digest) => (digest === gone ? undefined : bundle(digest))
}

function refusals({ findings }: ChainVerdict): readonly string[] {
  return findings.flatMap(({ check, passed, code }) => (passed ? [] : [`${check} ${code}`]))
}
function row({ requirements }: ChainVerdict, requirement: string): boolean | undefined {
  return requirements.find((one) => one.requirement === requirement)?.held
}

test('believes a chain whose input passed, and says that it was validated', () => {
  const verdict = judge({})
  assert.deepEqual(refusals(verdict), [])
  assert.equal(verdict.properties.validated, true)
  assert.equal(row(verdict, 'validated inputs'), true)
  assert.equal(row(verdict, 'anchored data verdicts'), false)
})

test('believes evidence of older versions, without a data verdict, and gives nothing for it', () => {
  const verdict = judge({ none: true })
  assert.equal(verdict.trusted, true)
  assert.equal(verdict.properties.validated, false)
  assert.equal(row(verdict, 'validated inputs'), false)
})

test('a warned verdict holds at level 3 and not at level 4', () => {
  const verdict = judge({ verdict: signDataVerdict(ada, dataVerdict({ result: 'WARNED', checks: [warned] })) })
  assert.equal(verdict.trusted, true)
  assert.deepEqual([row(verdict, 'validated inputs'), row(verdict, 'anchored data verdicts')], [true, false])
})

const refusedCases: readonly (readonly [string, Case, readonly string[]])[] = [
  [
    'a verdict that failed',
    { verdict: signDataVerdict(ada, dataVerdict({ result: 'FAILED', checks: [failed] })) },
    ['data-verdict ERR_DATA_VALIDATION_FAILED'],
  ],
  ['a verdict that is withheld', { withheld: true }, ['data-verdict ERR_EVIDENCE_MISSING']],
  [
    'a verdict on other bytes',
    {
      verdict: signDataVerdict(
        ada,
        dataVerdict({ dataset: { path: 'data/raw.csv', digest: digestNamed('other'), sizeBytes: 12 } }),
      ),
    },
    ['data-bytes ERR_DATA_VERDICT_MISMATCH'],
  ],
  [
    'a verdict by a key that nobody lists',
    { verdict: signDataVerdict(mallory, dataVerdict()) },
    ['signature ERR_SIGNER_UNKNOWN'],
  ],
  [
    'a verdict by a key that is no data-validator',
    {
      policy: {
        roles: new Map([...policy.roles].filter(([role]) => role !== 'data-validator')),
      },
    },
    ['role ERR_SIGNER_ROLE'],
  ],
  [
    'a verdict of another project',
    { verdict: signDataVerdict(ada, dataVerdict({ project: 'other' })) },
    ['project ERR_CHAIN_PROJECT'],
  ],
  [
    'a verdict that is later than its use',
    {
      verdict: signDataVerdict(
        ada,
        dataVerdict({ startedAt: '2026-11-23T00:00:00.000Z', finishedAt: '2026-11-23T00:00:01.000Z' }),
      ),
    },
    ['data-order ERR_CHAIN_ORDER'],
  ],
  [
    'an approval in the place of a verdict',
    { verdict: signApproval(ada, sourceApproval()) },
    ['statement ERR_STATEMENT_UNSUPPORTED'],
  ],
]
for (const [name, given, expected] of refusedCases) {
  test(`refuses ${name}`, () => {
    const verdict = judge(given)
    assert.deepEqual(
      refusals(verdict).filter((one) => !one.startsWith('minimum-level')),
      expected,
    )
    assert.equal(verdict.trusted, false)
    assert.equal(verdict.properties.validated, false)
  })
}

/** A verdict whose one failed check is waived by these bytes. */
function waivedBy(bytes: Uint8Array): Uint8Array {
  const attestation = keep(shelf(), bytes)
  return signDataVerdict(ada, dataVerdict({ result: 'WARNED', checks: [{ ...failed, waiver: attestation }] }))
}

test('a waiver lets a failed check through, is told, and caps the level below 3', () => {
  const bytes = signDataWaiver(ada, waiver)
  const verdict = judge({ verdict: waivedBy(bytes), beside: [bytes] })
  assert.equal(verdict.trusted, true)
  assert.ok(
    verdict.findings.some(({ check, because }) => check === 'data-waiver' && because.includes('seven old rows')),
  )
  assert.equal(row(verdict, 'validated inputs'), false)
})

test('what is loosened is told and caps the level below 3; what is tightened, or has no end of its own, does not', () => {
  const psi = { check: 'drift/psi', column: 'age', of: 'threshold', own: 0.1 }
  const under = (bounds: DataVerdict['bounds']): ChainVerdict =>
    judge({ verdict: signDataVerdict(ada, dataVerdict({ bounds: bounds ?? [] })) })
  const loose = under([{ ...psi, value: 0.3 }])
  assert.ok(
    loose.findings.some(
      ({ check, because }) =>
        check === 'data-bounds' && because === 'drift/psi of age is loosened: threshold 0.3, by itself 0.1',
    ),
  )
  assert.equal(row(loose, 'validated inputs'), false)
  const tight = under([
    { ...psi, value: 0.1 },
    { check: 'poison/history', of: 'rows', value: 9 },
  ])
  assert.ok(!tight.findings.some(({ check }) => check === 'data-bounds'))
  assert.equal(row(tight, 'validated inputs'), true)
})

const refusedWaivers: readonly (readonly [string, Partial<DataWaiver>, typeof ada, string])[] = [
  ['that has expired', { until: '2026-11-23' }, ada, 'ERR_DATA_WAIVER_EXPIRED'],
  ['of another check', { check: 'unique' }, ada, 'ERR_DATA_WAIVER_MISMATCH'],
  ['of another column', { column: 'age' }, ada, 'ERR_DATA_WAIVER_MISMATCH'],
  ['of other bytes', { subject: { path: 'data/raw.csv', digest: digestNamed('x') } }, ada, 'ERR_DATA_WAIVER_MISMATCH'],
  ['of fewer rows than fail', { rows: [4] }, ada, 'ERR_DATA_WAIVER_MISMATCH'],
  ['that a stranger signed', {}, mallory, 'ERR_EVIDENCE_MISSING'],
]
for (const [name, more, signer, code] of refusedWaivers) {
  test(`refuses a waiver ${name}`, () => {
    const bytes = signDataWaiver(signer, { ...waiver, ...more })
    const verdict = judge({ verdict: waivedBy(bytes), beside: [bytes] })
    assert.ok(refusals(verdict).includes(`data-waiver ${code}`), refusals(verdict).join())
  })
}

test('refuses a waiver that is named and not there', () => {
  const verdict = judge({ verdict: waivedBy(signDataWaiver(ada, waiver)) })
  assert.ok(refusals(verdict).includes('data-waiver ERR_EVIDENCE_MISSING'))
})

const review: DataReview = {
  project: dataAnchor.project,
  subject: { path: 'data/raw.csv', digest: digestNamed('an earlier version') },
  hash: 'sha256',
  rows: [{ hash: 'a'.repeat(64), verdict: 'good' }],
  at: '2026-11-19T10:00:00.000Z',
  by: { name: 'Eve', email: 'eve@example.org' },
}
const reviewCases: readonly (readonly [string, Partial<DataReview>, typeof ada, readonly string[]])[] = [
  ['by a reviewer counts, of an earlier version too', {}, ada, []],
  [
    'of the same bytes counts under another name',
    { subject: { path: 'data/other.csv', digest: digestNamed('data/raw.csv') } },
    ada,
    [],
  ],
  ['that a stranger signed is refused', {}, mallory, ['data-review ERR_EVIDENCE_MISSING']],
  [
    'of other data is refused',
    { subject: { path: 'data/other.csv', digest: digestNamed('data/other.csv') } },
    ada,
    ['data-review ERR_DATA_VERDICT_MISMATCH'],
  ],
]
for (const [name, more, signer, codes] of reviewCases) {
  test(`a review of rows ${name}`, () => {
    const bytes = signDataReview(signer, { ...review, ...more })
    const verdict = signDataVerdict(ada, dataVerdict({ reviews: [keep(shelf(), bytes)] }))
    const judged = refusals(judge({ verdict, beside: [bytes] }))
    assert.deepEqual(
      judged.filter((one) => one.startsWith('data-')),
      codes,
    )
  })
}

/** A verdict against a baseline that these bytes make the anchor. */
function anchoredBy(bytes: Uint8Array, more: Partial<DataVerdict> = {}): Uint8Array {
  const baseline = { path: 'baselines/raw.json', digest: digestNamed('baseline'), anchor: keep(shelf(), bytes) }
  return signDataVerdict(ada, dataVerdict({ baseline, ...more }))
}

const goldenDigest = digestNamed('golden')
const goldenSource = { ...sourceApproval().source, id: 'raw-golden', kind: 'golden' }
const goldenApproval = (more: Partial<SourceApproval> = {}): Uint8Array =>
  signApproval(ada, sourceApproval({ source: goldenSource, digest: goldenDigest, ...more }))

type Label = Readonly<{ label?: string }>

/** A verdict on data with a golden set, against an anchor that agrees with these bytes, each in its label. */
function besideGolden(
  digest: Digest,
  approval: Uint8Array,
  more: readonly Uint8Array[] = [],
  { agreed = { label: 'kind' }, learnt = { label: 'kind' } }: Readonly<{ agreed?: Label; learnt?: Label }> = {},
): ChainVerdict {
  const golden = {
    ...{ source: 'raw-golden', digest, approval: sha256Of(approval) },
    ...{ ...agreed, compared: ['golden/agreement: 3 of 200'] },
  }
  const bytes = signDataAnchor(ada, { ...dataAnchor, golden })
  const baseline = { path: 'baselines/raw.json', digest: digestNamed('baseline'), anchor: sha256Of(bytes) }
  const facts = dataVerdict({
    baseline,
    golden: { path: 'golden/raw.csv', digest: goldenDigest },
    source: 'uci-digits',
    ...learnt,
  })
  return judge({ verdict: signDataVerdict(ada, facts), beside: [bytes, approval, ...more] })
}

test('an anchor that agrees with an approved golden set is told of; whose approver answers for the data too is no independent one', () => {
  const verdict = besideGolden(goldenDigest, goldenApproval())
  assert.deepEqual(refusals(verdict), [])
  const told = verdict.findings.find(({ check }) => check === 'data-golden')
  assert.match(told?.because ?? '', /^its anchor agrees with the golden set `raw-golden` in `kind`$/)
  assert.equal(told?.code, 'OK')

  const own = besideGolden(goldenDigest, goldenApproval({ approver: { name: 'Eve', email: 'eve@example.org' } }))
  assert.equal(own.findings.find(({ check }) => check === 'data-golden')?.code, 'CAVEAT')
  assert.equal(row(own, 'independent source approval'), false)
})

test('what lies beside the stages is read as often for many anchors with a golden set as for one', () => {
  const approval = goldenApproval()
  const told = { label: 'kind', compared: ['x: 1 of 2'] }
  const golden = { source: 'raw-golden', digest: goldenDigest, approval: sha256Of(approval), ...told }
  const anchor = signDataAnchor(ada, { ...dataAnchor, golden })
  const baseline = { path: 'baselines/raw.json', digest: digestNamed('baseline'), anchor: sha256Of(anchor) }
  const bytes = signDataVerdict(ada, dataVerdict({ baseline, source: 'uci-digits' }))
  const reads = (length: number): number => {
    const { question, evidence } = chainOf(ada, length, (facts) => {
      const input = { ...rawData, path: `data/${facts.stage}.csv`, verdict: keep(own, bytes) }
      return { ...facts, dependencies: [...facts.dependencies, input] }
    })
    let count = 0
    const approvals = [...evidence.approvals.map((one) => one.bytes), anchor, approval].map((each, index) => ({
      ...{ name: `attestations/${index}`, committed: true },
      get bytes() {
        count += 1
        return each
      },
    }))
    const bundle = (digest: Sha256) => own.bundle(digest) ?? evidence.bundle(digest)
    const { findings } = verifyChain({ ...question, evidence: { ...evidence, bundle, approvals }, policy })
    assert.equal(findings.filter(({ check, code }) => check === 'data-golden' && code === 'OK').length, length)
    return count
  }
  const own = shelf()
  assert.equal(reads(8), reads(1))
})

test('refuses an anchor that was held against another golden set, or one that nobody approved, or that was revoked', () => {
  const goldenOf = (verdict: ChainVerdict): readonly string[] =>
    refusals(verdict).filter((one) => one.startsWith('data-golden'))
  assert.deepEqual(goldenOf(besideGolden(digestNamed('other'), goldenApproval())), [
    'data-golden ERR_DATA_VERDICT_MISMATCH',
  ])
  // in another label than the one that the data was judged in, or in none that is stated, as at first
  const labels = [
    { agreed: { label: 'side' } },
    { learnt: { label: 'side' } },
    { learnt: {} },
    { agreed: {} },
    { agreed: {}, learnt: {} },
  ]
  for (const each of labels) {
    const verdict = besideGolden(goldenDigest, goldenApproval(), [], each)
    assert.deepEqual(goldenOf(verdict), ['data-golden ERR_DATA_VERDICT_MISMATCH'], JSON.stringify(each))
    const because = verdict.findings.find(({ check }) => check === 'data-golden')?.because ?? ''
    assert.match(because, 'agreed' in each && !('label' in each.agreed) ? /no label that it states$/ : /another label$/)
  }
  const both = { agreed: { label: 'side' }, learnt: { label: 'side' } }
  assert.deepEqual(goldenOf(besideGolden(goldenDigest, goldenApproval(), [], both)), [])
  const asData = goldenApproval({ source: { ...goldenSource, kind: 'data' } })
  assert.deepEqual(goldenOf(besideGolden(goldenDigest, asData)), ['data-golden ERR_SOURCE_UNAPPROVED'])
  const revoked = goldenApproval({ decision: 'revoked' })
  assert.deepEqual(goldenOf(besideGolden(goldenDigest, goldenApproval(), [revoked])), [
    'data-golden ERR_SOURCE_REVOKED',
  ])
})

test('a golden set lies at a plain path of the project, or its approval is none', () => {
  const at = (path: string): Uint8Array => goldenApproval({ source: { ...goldenSource, path } })
  assert.deepEqual(refusals(besideGolden(goldenDigest, at('golden/raw.csv'))), [])
  for (const path of ['./golden/raw.csv', 'golden//raw.csv', '../raw.csv', '/raw.csv', ''])
    assert.throws(() => at(path), { code: 'ERR_STATEMENT_MALFORMED' }, path)
})

test('refuses a chain that was made of a golden set, whatever it is called there', () => {
  const mounted = goldenApproval({ digest: digestNamed('data/raw.csv') })
  assert.equal(refusals(judge({ beside: [mounted] }))[0], 'data-golden ERR_DATA_GOLDEN_USED')
})

test('a verdict against an anchor that a reviewer fixed counts for level 4', () => {
  const bytes = signDataAnchor(ada, dataAnchor)
  const verdict = judge({ verdict: anchoredBy(bytes), beside: [bytes] })
  assert.deepEqual(refusals(verdict), [])
  assert.equal(row(verdict, 'anchored data verdicts'), true)

  // it names the anchor, and has nothing that was compared with it
  const alone = dataVerdict().checks.filter(({ name }) => name === 'required')
  const seen = (...names: readonly string[]): DataVerdict['checks'] =>
    names.map((name) => ({ name, verdict: 'pass', count: 0 }))
  // of any folder of files, and of images that nothing was held against
  const folder = seen('files/duplicates', 'poison/contradiction')
  const images = seen('poison/contradiction', 'poison/label-flip', 'poison/anchor')
  for (const checks of [alone, folder, images]) {
    const nothing = judge({ verdict: anchoredBy(bytes, { checks }), beside: [bytes] })
    assert.deepEqual(refusals(nothing), [])
    assert.equal(row(nothing, 'anchored data verdicts'), false)
    assert.ok(nothing.findings.some(({ because }) => because.includes('not the anchor baselines/raw.json')))
  }
  const compared = seen('poison/contradiction', 'poison/label-flip')
  assert.equal(
    row(judge({ verdict: anchoredBy(bytes, { checks: compared }), beside: [bytes] }), 'anchored data verdicts'),
    true,
  )
})

test('THREAT refuses an anchor that another one had replaced when the data was compared with it', () => {
  const old = signDataAnchor(ada, { ...dataAnchor, at: '2026-11-18T10:00:00.000Z' })
  const judgedBeside = (at: string): readonly string[] => {
    const subject = { path: 'baselines/raw.json', digest: digestNamed('newer baseline') }
    const newer = signDataAnchor(ada, { ...dataAnchor, subject, at })
    return refusals(judge({ verdict: anchoredBy(old), beside: [old, newer] })).filter((one) => one.startsWith('data-'))
  }
  assert.deepEqual(judgedBeside('2026-11-19T10:00:00.000Z'), ['data-anchor ERR_DATA_VERDICT_MISMATCH'])
  // what was validated before stands; and an older one replaces nothing
  assert.deepEqual(judgedBeside('2026-11-20T11:00:00.000Z'), [])
  assert.deepEqual(judgedBeside('2026-11-17T10:00:00.000Z'), [])
})

const refusedAnchors: readonly (readonly [string, Partial<DataAnchor>, typeof ada, string])[] = [
  [
    'another baseline',
    { subject: { path: 'baselines/raw.json', digest: digestNamed('x') } },
    ada,
    'ERR_DATA_VERDICT_MISMATCH',
  ],
  ['one that a stranger signed', {}, mallory, 'ERR_EVIDENCE_MISSING'],
]
for (const [name, more, signer, code] of refusedAnchors) {
  test(`refuses as the anchor ${name}`, () => {
    const bytes = signDataAnchor(signer, { ...dataAnchor, ...more })
    const verdict = judge({ verdict: anchoredBy(bytes), beside: [bytes] })
    assert.deepEqual(
      refusals(verdict).filter((one) => one.startsWith('data-anchor')),
      [`data-anchor ${code}`],
    )
  })
}

test('a verdict is an in-toto test result, and comes back as it was', () => {
  const facts: DataVerdict = dataVerdict({ result: 'WARNED', checks: [...dataVerdict().checks, warned] })
  const statement = dataVerdictStatement(facts)
  assert.equal(statement.predicateType, testResultType)
  assert.deepEqual(dataVerdictOf(statement), facts)
  const { result, passedTests, warnedTests, failedTests } = statement.predicate as Record<string, unknown>
  assert.deepEqual(
    { result, passedTests, warnedTests, failedTests },
    {
      result: 'WARNED',
      passedTests: ['required label', 'drift/ks width'],
      warnedTests: ['drift/psi age'],
      failedTests: [],
    },
  )
  assert.deepEqual(dataDecisionOf('data-waiver', dataDecisionStatement('data-waiver', waiver)), waiver)
  assert.deepEqual(dataDecisionOf('data-anchor', dataDecisionStatement('data-anchor', dataAnchor)), dataAnchor)
})

const contradictions: readonly (readonly [string, Partial<DataVerdict>])[] = [
  ['says PASSED over a failed check', { result: 'PASSED', checks: [failed] }],
  ['has no checks', { checks: [] }],
  [
    'waives what did not fail',
    { checks: [{ name: 'required', verdict: 'pass', count: 0, waiver: digestNamed('waiver') }] },
  ],
  ['shows a value of confidential data', { classification: 'confidential' }],
  ['is of a folder without its list', { dataset: { path: 'd', digest: `dirHash1:${'a'.repeat(64)}`, sizeBytes: 1 } }],
]
for (const [name, more] of contradictions) {
  test(`no signer signs a verdict that ${name}`, () => {
    assert.throws(() => signDataVerdict(ada, dataVerdict(more)), { code: 'ERR_STATEMENT_MALFORMED' })
  })
}
