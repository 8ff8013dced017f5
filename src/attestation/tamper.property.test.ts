/**
 * The tamper matrix: every member of every statement of a chain and of its bundles, every link, and the same by somebody who
 * has a valid key that may do little. Each is refused by code; the honest chain, in whatever order it lies, never is.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { builderIds, canonicalJson, type Json, type Sha256, sha256Of } from '../core/index.ts'
import { parseBundle, printBundle } from './bundle.ts'
import type { ChainQuestion, ChainVerdict } from './chain.ts'
import { preAuthenticationEncoding, signEnvelope, statementPayloadType } from './dsse.ts'
import { newPerson, policyOf, project, type Shelf, signApproval, sourceApproval } from './fixtures/chain.ts'
import { gatedChain } from './fixtures/gated-chain.ts'
import type { TrustedKey, TrustPolicy } from './trust-policy.ts'
import { verifyChain } from './verify-chain.ts'

const ada = newPerson()
const mallory = newPerson()
const { evidence, question } = gatedChain(ada)
const policy = policyOf(ada, { gates: ['test.loss < 0.2'] })
const bundles = [...evidence.bundles, ...evidence.approvals.map(({ bytes }) => [sha256Of(bytes), bytes] as const)]

type Lie = ReadonlyMap<Sha256, Uint8Array | undefined>

/** The chain with some bundles replaced: under their old names, and found by their new ones. */
function ask(lies: Lie, judgedBy: TrustPolicy = policy): ChainVerdict {
  const replaced = new Map([...lies].flatMap(([, bytes]) => (bytes === undefined ? [] : [[sha256Of(bytes), bytes]])))
  const served = (digest: Sha256): Uint8Array | undefined =>
    lies.has(digest) ? lies.get(digest) : (evidence.bundle(digest) ?? replaced.get(digest))
  const shelf: Shelf = {
    ...evidence,
    bundle: served,
    bySubject: () => [...replaced.keys()],
    approvals: evidence.approvals.flatMap((approval) => {
      const bytes =
        served(sha256Of(approval.bytes)) ?? (lies.has(sha256Of(approval.bytes)) ? undefined : approval.bytes)
      return bytes === undefined ? [] : [{ ...approval, bytes }]
    }),
  }
  return verifyChain({ ...question, evidence: shelf, policy: judgedBy })
}

function assertRefused({ trusted, findings }: ChainVerdict, what: string): void {
  assert.equal(trusted, false, what)
  assert.ok(
    findings.some(({ passed, code }) => !passed && code.startsWith('ERR_')),
    what,
  )
}

type Change = Readonly<{ at: string; value: Json }>

/** Each member once: another value of its kind, and left out. */
function* changesOf(value: Json, at = ''): Generator<Change> {
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      yield { at: `${at}/${index} left out`, value: value.toSpliced(index, 1) }
      for (const change of changesOf(member, `${at}/${index}`))
        yield { ...change, value: value.with(index, change.value) }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Readonly<Record<string, Json>> // no array, no null: the lines above
      yield { at: `${at}/${key} left out`, value: rest }
      for (const change of changesOf(member, `${at}/${key}`))
        yield { ...change, value: { ...value, [key]: change.value } }
    }
  } else yield { at, value: other(value) }
}

function other(value: string | number | boolean | null): Json {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (value === null) return 0
  const last = value.charCodeAt(value.length - 1)
  return value === '' ? 'x' : `${value.slice(0, -1)}${last === 48 ? '1' : '0'}`
}

function payloadOf(bytes: Uint8Array): Json {
  return JSON.parse(new TextDecoder().decode(parseBundle(bytes).envelope.payload)) as Json
}

test('the honest chain is trusted, whatever order its evidence lies in', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(bundles, { minLength: bundles.length }), (order) => {
      const shelf: Shelf = {
        ...evidence,
        bundle: (digest) => new Map(order).get(digest),
        bySubject: () => order.map(([digest]) => digest),
      }
      const asked: ChainQuestion = { ...question, entries: [], evidence: shelf, policy }
      assert.equal(verifyChain(asked).trusted, true)
    }),
    { numRuns: 100 },
  )
})

test('every member of every statement, changed or left out under its old signature', () => {
  let tried = 0
  for (const [digest, bytes] of bundles) {
    const bundle = parseBundle(bytes)
    for (const { at, value } of changesOf(payloadOf(bytes))) {
      const payload = new TextEncoder().encode(canonicalJson(value))
      const lie = printBundle({ ...bundle, envelope: { ...bundle.envelope, payload } })
      assertRefused(ask(new Map([[digest, lie]])), at)
      tried += 1
    }
  }
  assert.ok(tried > 500, `${tried} members`)
})

/** An empty list of log entries may be left out: the bundle is the same, and what is signed of it too. */
const sameBundle = '/verificationMaterial/tlogEntries left out'

test('every member of every bundle, changed or left out', () => {
  for (const [digest, bytes] of bundles)
    for (const { at, value } of changesOf(JSON.parse(new TextDecoder().decode(bytes)) as Json)) {
      const lie = new TextEncoder().encode(JSON.stringify(value))
      if (at === sameBundle) assert.deepEqual(parseBundle(lie), parseBundle(bytes))
      else assertRefused(ask(new Map([[digest, lie]])), at)
    }
})

test('any bytes in the place of any bytes of any bundle', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...bundles),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      (one, place, by) => {
        const [digest, bytes] = one
        const at = place % bytes.length
        const lie = Uint8Array.from([...bytes.subarray(0, at), ...by, ...bytes.subarray(at + by.length)])
        fc.pre(sha256Of(lie) !== digest)
        assertRefused(ask(new Map([[digest, lie]])), `at ${at}`)
      },
    ),
    { numRuns: 300 },
  )
})

test('every link: a bundle that is missing, and any bundle in the place of any other', () => {
  for (const [digest] of bundles) {
    assertRefused(ask(new Map([[digest, undefined]])), 'missing')
    for (const [name, bytes] of bundles)
      if (name !== digest) assertRefused(ask(new Map([[digest, bytes]])), 'another in its place')
  }
})

/** Mallory may build in CI, and nothing there counts; nobody listed her for anything else. */
const withMallory: TrustPolicy = {
  ...policy,
  keys: new Map([...policy.keys, ['mallory', { name: 'mallory', key: publicOf(), hint: mallory.hint }]]),
  builders: [...policy.builders, { key: 'mallory', builder: builderIds.sandboxed, maxLevel: 0 }],
}

function publicOf(): TrustedKey['key'] {
  const [key] = policyOf(mallory).keys.values()
  assert.ok(key)
  return key.key
}

test('every statement signed again by a valid key of low level, as it was and with each member changed', () => {
  assert.equal(ask(new Map(), withMallory).trusted, true, 'the honest twin: her key alone spoils nothing')
  for (const [digest, bytes] of bundles) {
    const { envelope } = parseBundle(bytes)
    const resigned = (payload: Uint8Array): Uint8Array =>
      printBundle({ hint: mallory.hint, envelope: signEnvelope(payload, statementPayloadType, mallory.key) })
    assertRefused(ask(new Map([[digest, resigned(envelope.payload)]]), withMallory), 'as it was')
    for (const { at, value } of changesOf(payloadOf(bytes)))
      assertRefused(ask(new Map([[digest, resigned(new TextEncoder().encode(canonicalJson(value)))]]), withMallory), at)
  }
})

test('evidence of two honest runs is not mixed: a statement of one in the place of its like in the other', () => {
  const again = gatedChain(ada, { facts: (facts) => ({ ...facts, runId: '20261124T111500Z-aaaaaa' }) })
  const theirs = [...again.evidence.bundles.keys()]
  const own = [...evidence.bundles.keys()]
  assert.equal(verifyChain({ ...again.question, policy }).trusted, true)
  for (const [index, digest] of own.entries()) {
    const lie = again.evidence.bundles.get(theirs[index] ?? digest)
    if (lie === undefined || sha256Of(lie) === digest) continue
    // under its old name it is not what the name says; under its own, nothing builds on it
    assertRefused(ask(new Map([[digest, lie]])), `statement ${index}`)
  }
})

test('a signature over the payload without its type is none', () => {
  const [[digest, bytes] = assert.fail()] = bundles
  const { envelope } = parseBundle(bytes)
  assert.notDeepEqual(preAuthenticationEncoding('', envelope.payload), envelope.payload)
  const untyped = signEnvelope(envelope.payload, '', ada.key)
  const lie = printBundle({ hint: ada.hint, envelope: { ...untyped, payloadType: statementPayloadType } })
  assertRefused(ask(new Map([[digest, lie]])), 'untyped')
})

test('an approval of another project does not count here', () => {
  const [approval] = evidence.approvals
  assert.ok(approval)
  const foreign = signApproval(ada, sourceApproval({ project: `${project.id}x` }))
  assertRefused(ask(new Map([[sha256Of(approval.bytes), foreign]])), 'another project')
})
