/**
 * Two chains that hold every kind of statement that is read: of each, one field of each class is changed under its old
 * signature, and it is signed again, unchanged, by a key that the policy lists for something else. All is refused; the honest
 * twin is not. So it holds that nothing is read which its own signer did not sign, and that no statement can be left out; not
 * what the chain says of a lie that its signer did sign, which the tests of each kind ask (`chain-gates.test.ts` and others).
 * Every member of some kinds: `tamper.property.test.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson, type Json, type Sha256, sha256Of } from '../core/index.ts'
import { parseBundle, printBundle } from './bundle.ts'
import type { ChainQuestion, ChainVerdict } from './chain.ts'
import {
  dataVerdict,
  digestNamed,
  keep,
  madeBy,
  output,
  type Person,
  project,
  type Shelf,
  shelf,
  signDataReview,
  signDataWaiver,
  signNow,
  signPayload,
  signSourceBuild,
  signStage,
  sourceBuild,
  stageFacts,
  trustedKey,
} from './fixtures/chain.ts'
import { gateVerdict } from './fixtures/gated-chain.ts'
import {
  builder,
  control,
  hosted,
  hostedQuestion,
  mallory,
  observed,
  other,
  policy,
  rita,
  statedEnvironment,
} from './fixtures/hosted-chain.ts'
import type { StatementRequest } from './signer/sign.ts'
import type { StageFacts } from './stage-facts.ts'
import type { Role, TrustPolicy } from './trust-policy.ts'
import {
  type Verdict,
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

/** A summary is never read: `verification-summary.ts`. */
type Kind = Exclude<StatementRequest['kind'], 'verification-summary'>
type Reader = Readonly<{ role: Role; verify: (bytes: Uint8Array, by: TrustPolicy) => Verdict<unknown> }>

const readers: Readonly<Record<Kind, Reader>> = {
  stage: { role: 'builder', verify: verifyStage },
  'source-build': { role: 'builder', verify: verifySourceBuild },
  'environment-build': { role: 'builder', verify: verifyEnvironmentBuild },
  'gate-verdict': { role: 'builder', verify: verifyGateVerdict },
  'source-approval': { role: 'source-approver', verify: verifySourceApproval },
  'data-verdict': { role: 'data-validator', verify: verifyDataVerdict },
  reproduction: { role: 'reproducer', verify: verifyReproduction },
  'definition-review': { role: 'reviewer', verify: verifyDefinitionReview },
  'data-waiver': { role: 'reviewer', verify: (bytes, by) => verifyDataDecision('data-waiver', bytes, by) },
  'data-anchor': { role: 'reviewer', verify: (bytes, by) => verifyDataDecision('data-anchor', bytes, by) },
  'data-review': { role: 'reviewer', verify: (bytes, by) => verifyDataDecision('data-review', bytes, by) },
  'model-approval': { role: 'promoter', verify: (bytes, by) => verifyDataDecision('model-approval', bytes, by) },
}
const kinds = Object.keys(readers) as readonly Kind[] // as written above

const byRita = { name: 'Rita', email: 'rita@example.org' }
const about = { path: 'data/raw.csv', digest: digestNamed('data/raw.csv') }
const said = { project: project.id, because: 'read by hand', at: '2026-11-19T10:00:00.000Z', by: byRita }

type Question = ReturnType<typeof hostedQuestion>

/** Of level 2: a failed check that is waived, judged rows, a wheel from source, gates, and a promoter. */
function promotedQuestion(): Question {
  const more = shelf()
  const waiver = signDataWaiver(rita, {
    ...said,
    subject: about,
    check: 'required',
    column: 'label',
    until: '2027-03-31',
  })
  const rows = [{ hash: 'a'.repeat(64), verdict: 'good' as const, because: 'read' }]
  const review = signDataReview(rita, { ...said, subject: about, hash: 'sha256', rows })
  const build = sourceBuild({ builderId: builder('hosted/separate') })
  const { wheel, source, backend, environment } = build
  const materials = [
    { name: wheel.name, digest: wheel.digest, build: keep(more, signSourceBuild(control, build)) },
    { name: source.name, digest: source.digest },
  ]
  const built = `${source.name} ${source.digest} built by ${backend} in ${environment}, without network, to ${wheel.name}`
  const asked = hostedQuestion({
    beside: [waiver, review],
    verdict: (honest) => ({
      ...honest,
      result: 'WARNED',
      checks: [
        {
          ...dataVerdict().checks[0],
          name: 'required',
          column: 'label',
          verdict: 'fail',
          count: 1,
          waiver: sha256Of(waiver),
        },
      ],
      reviews: [sha256Of(review)],
    }),
    facts: (facts) => ({
      ...facts,
      environment: { ...facts.environment, materials: [...facts.environment.materials, ...materials] },
      facts: [...facts.facts, observed('environment/source/tool', built)],
    }),
    policy: {
      keys: new Map([
        ...policy.keys,
        trustedKey('control', control, 'Olga <olga@example.net>'),
        trustedKey('other', other, 'Otto <otto@example.net>'),
      ]),
      roles: new Map([...policy.roles, ['promoter', { anyOf: ['rita'], threshold: 1, distinct: 'principals' }]]),
      demands: new Set(['gates', 'approved-model']),
      minimumLevel: 2,
    },
  })
  const [made = assert.fail()] = asked.entries
  const measured = keep(more, signStage(control, statedEnvironment(more, evaluation(made))))
  const gates = keep(
    more,
    signNow(
      {
        kind: 'gate-verdict',
        verdict: {
          ...gateVerdict,
          builderId: builder('hosted/separate'),
          principal: { name: 'Tom', email: 'tom@example.org', tier: 'verified' },
          made: { stage: 'stage-1', attestation: made },
          measured: { stage: 'evaluate', attestation: measured },
        },
      },
      control,
    ),
  )
  const decision = { ...said, subject: asked.subject, made, at: '2026-11-23T10:00:00.000Z' }
  const approval = signNow({ kind: 'model-approval', decision }, rita)
  const bundles = new Map([...asked.evidence.bundles, ...more.bundles])
  const evidence: Shelf = {
    ...asked.evidence,
    bundles,
    bundle: (digest) => bundles.get(digest),
    gatesOf: () => [gates],
    approvals: [...asked.evidence.approvals, { name: 'attestations/model', bytes: approval, committed: true }],
  }
  return { ...asked, evidence }
}

function evaluation(made: Sha256): StageFacts {
  return hosted(
    stageFacts({
      stage: 'evaluate',
      dependencies: [madeBy('stage-1', made, 'out/1.csv')],
      outputs: [output('metrics.json')],
      startedAt: '2026-11-21T00:10:00.000Z',
      finishedAt: '2026-11-21T00:10:30.000Z',
    }),
  )
}

/** A lie in the place of one bundle, found by its own name too. */
function ask(question: ChainQuestion, honest: Uint8Array, lie: Uint8Array | undefined): ChainVerdict {
  const { evidence } = question
  const [old, own] = [sha256Of(honest), lie === undefined ? undefined : sha256Of(lie)]
  return verifyChain({
    ...question,
    evidence: {
      ...evidence,
      bundle: (digest) => (digest === old || digest === own ? lie : evidence.bundle(digest)),
      approvals: evidence.approvals.flatMap((approval) =>
        approval.bytes !== honest ? [approval] : lie === undefined ? [] : [{ ...approval, bytes: lie }],
      ),
    },
  })
}

type Path = readonly (string | number)[]

/** Every value of a statement that has no members, and where it stands. */
function leavesOf(value: Json, at: Path = []): readonly (readonly [Path, Json])[] {
  if (typeof value !== 'object' || value === null) return [[at, value]]
  const members: readonly (readonly [string | number, Json])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return members.flatMap(([key, member]) => leavesOf(member, [...at, key]))
}

const textClasses: readonly (readonly [string, RegExp])[] = [
  ['digest', /[0-9a-f]{40}/],
  ['instant', /^\d{4}-\d\d-\d\d/],
  ['address', /@/],
  ['URI', /^[a-z]+:\/\//],
]

/** Part of the statement, and what the value is: a digest of its subjects, an instant of its predicate. */
function classOf([part]: Path, value: Json): string {
  const text = typeof value === 'string' ? textClasses.find(([, pattern]) => pattern.test(value))?.[0] : undefined
  return `${part} ${text ?? typeof value}`
}

/** @param to undefined leaves it out */
function withValue(value: Json, [key, ...rest]: Path, to: Json | undefined): Json {
  if (key === undefined) return to ?? null
  const copy = structuredClone(value) as Record<string | number, Json> // what has members, by its path
  if (rest.length === 0 && to === undefined) delete copy[key]
  else copy[key] = withValue(copy[key] ?? null, rest, to)
  return copy as Json
}

function flipped(value: Json): Json {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return String(value).replace(/[0-9a-z](?=[^0-9a-z]*$)/i, (last) => (last === '0' ? '1' : '0'))
}

/** One of each class, changed and left out. */
function* liesAbout(statement: Json): Generator<readonly [string, Json]> {
  const first = new Map(
    leavesOf(statement)
      .toReversed()
      .map(([path, value]) => [classOf(path, value), path] as const),
  )
  const byPath = new Map(leavesOf(statement).map(([path, value]) => [path.join('/'), value]))
  for (const [name, path] of first) {
    yield [`${name} changed`, withValue(statement, path, flipped(byPath.get(path.join('/')) ?? null))]
    yield [`${name} left out`, withValue(statement, path, undefined)]
  }
}

/** Each bundle of a chain, by the one kind that it is believed as. */
function statementsOf({ evidence, policy: by }: Question): ReadonlyMap<Kind, Uint8Array> {
  const found = new Map<Kind, Uint8Array>()
  for (const bytes of [...evidence.bundles.values(), ...evidence.approvals.map((one) => one.bytes)]) {
    const [kind = assert.fail(), ...more] = kinds.filter((each) => readers[each].verify(bytes, by).trusted)
    assert.deepEqual(more, [], `a ${kind} is nothing else`)
    found.set(kind, bytes)
  }
  return found
}

function assertRefused({ trusted, findings }: ChainVerdict, what: string): void {
  assert.equal(trusted, false, what)
  assert.ok(
    findings.some(({ passed, code }) => !passed && code.startsWith('ERR_')),
    what,
  )
}

/** Each kind in a chain that would not be trusted without it. */
const held = new Map(
  [promotedQuestion(), hostedQuestion({ policy: { minimumLevel: 4 } })].flatMap((question) =>
    [...statementsOf(question)].map(([kind, honest]) => [kind, { question, honest }] as const),
  ),
)

test('every kind that is read stands in one of the chains', () => {
  assert.deepEqual([...held.keys()].toSorted(), kinds.toSorted())
})

const people: readonly Person[] = [control, other, rita, mallory]

for (const [kind, { question, honest }] of held) {
  const { policy: by } = question
  const { verify, role } = readers[kind]
  test(`${kind}: a field of each class, its signer, and the statement itself`, () => {
    const bundle = parseBundle(honest)
    const { payload } = bundle.envelope
    const statement = JSON.parse(new TextDecoder().decode(payload)) as Json
    const saying = (document: Json): Uint8Array => {
      const bytes = new TextEncoder().encode(canonicalJson(document))
      return printBundle({ ...bundle, envelope: { ...bundle.envelope, payload: bytes } })
    }
    const twin = saying(statement)
    assert.deepEqual(twin, honest, 'what is printed unchanged is the same')
    assert.equal(ask(question, honest, twin).trusted, true, 'the honest twin')
    assertRefused(ask(question, honest, undefined), 'withheld')
    for (const [what, lie] of liesAbout(statement)) {
      const [finding] = verify(saying(lie), by).findings.filter(({ passed }) => !passed)
      assert.equal(finding?.code, 'ERR_SIGNATURE_INVALID', what)
      if (what.endsWith('changed')) assertRefused(ask(question, honest, saying(lie)), what)
    }
    for (const person of people) {
      const [listed] = [...by.keys.values()].filter(({ hint }) => hint === person.hint)
      const may = role === 'builder' ? by.builders : (by.roles.get(role)?.anyOf ?? []).map((key) => ({ key }))
      if (listed !== undefined && may.some(({ key }) => key === listed.name)) continue
      const signed = signPayload(payload, bundle.envelope.payloadType, person)
      const code = listed === undefined ? 'ERR_SIGNER_UNKNOWN' : 'ERR_SIGNER_ROLE'
      assert.equal(verify(signed, by).findings.find(({ passed }) => !passed)?.code, code)
      assertRefused(ask(question, honest, signed), `signed by ${listed?.name ?? 'nobody'}`)
    }
  })
}
