/** What a user has seen of a project's trust stays seen: under other root keys, under the repository's policy, with another clock. */
import assert from 'node:assert/strict'
import { createHash, sign, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { p256 } from '@noble/curves/nist.js'
import {
  chainOf,
  newPerson,
  now,
  type Person,
  policyOf,
  signStatus,
  trustedKey,
} from '../../src/attestation/fixtures/chain.ts'
import {
  hintOf,
  loadForeign,
  type PolicyOrigin,
  policyFromKey,
  statedPayload,
  type TrustPolicy,
  verifyChain,
} from '../../src/attestation/index.ts'
import type { TrustStatus } from '../../src/attestation/trust-documents.ts'
import { hexOf, sha256Of } from '../../src/core/index.ts'
import { policyInForce } from '../../src/pipeline/policy-in-force.fs.ts'
import { signModelAt } from '../../src/pipeline/sign-model.fs.ts'
import { type ForeignOptions, verifyForeign } from '../../src/pipeline/verify-foreign.fs.ts'

const scratch = mkdtempSync(join(tmpdir(), 'assay-in-force-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const [ada, eve, rita] = [newPerson(), newPerson(), newPerson()]
const honest = chainOf(ada, 1)

/** Ada builds; one of the two others is root. */
function policyWith(root: Person, more: Partial<TrustPolicy> = {}): TrustPolicy {
  const believed = policyOf(ada)
  return {
    ...believed,
    keys: new Map([...believed.keys, trustedKey('root', root)]),
    roles: new Map([...believed.roles, ['root', { anyOf: ['root'], threshold: 1, distinct: 'keys' }]]),
    ...more,
  }
}

const revoked = [{ hint: ada.hint, because: 'stolen' }]
function statusFile(signer: Person, more: Partial<TrustStatus>): string {
  const file = join(scratch, 'status.jsonl')
  writeFileSync(file, Buffer.concat([signStatus(signer, more), Buffer.from('\n')]))
  return file
}

let users = 0
/** What a user who has seen nothing yet makes of one policy after another: codes that refuse, and `CAVEAT status`. */
function user(): (policy: TrustPolicy, status?: string, clock?: Date) => readonly string[] {
  users += 1
  const environment = { ASSAY_CONFIG_HOME: join(scratch, `user-${users}`) }
  return (policy, status, clock = now) => {
    const inForce = policyInForce(policy, { environment, now: () => clock }, { status })
    const surroundings = { ...honest.question.surroundings, now: clock }
    const { findings } = verifyChain({ ...honest.question, surroundings, policy: inForce })
    const told = findings.flatMap(({ check, code, passed }) => {
      if (check === 'minimum-level' || check === 'subject') return []
      return passed ? (check === 'status' && code === 'CAVEAT' ? ['CAVEAT status'] : []) : [code]
    })
    return [...new Set(told)].toSorted()
  }
}

test('what was taken back stays so under a policy with other root keys, and is told; a status of theirs takes its place', () => {
  const verify = user()
  assert.deepEqual(verify(policyWith(eve), statusFile(eve, { keys: revoked })), ['ERR_KEY_REVOKED'])
  assert.deepEqual(verify(policyWith(eve)), ['ERR_KEY_REVOKED'], 'the same root')
  assert.deepEqual(verify(policyWith(rita)), ['CAVEAT status', 'ERR_KEY_REVOKED'], 'another root')
  const strict = { statusRequired: true }
  assert.deepEqual(verify(policyWith(rita, strict)), ['ERR_KEY_REVOKED', 'ERR_STATUS_MISSING'])
  assert.deepEqual(verify(policyWith(rita, strict), statusFile(rita, {})), [])
  assert.deepEqual(verify(policyWith(rita)), [])
  assert.deepEqual(verify(policyWith(eve)), ['ERR_KEY_REVOKED'], 'under the first root it was never forgotten')
  assert.ok(verify(policyWith(eve), statusFile(eve, { keys: [] })).includes('ERR_STATUS_ROLLBACK'))
})

test('what a newer status leaves out stays taken back, is told each time, and is not forgotten by the next', () => {
  const environment = { ASSAY_CONFIG_HOME: join(scratch, 'user-lesser') }
  const [first] = honest.evidence.bundles.keys()
  const model = honest.question.subject.digest
  assert.ok(first !== undefined)
  const full = {
    keys: [{ hint: eve.hint, since: '2026-11-10T00:00:00.000Z', because: 'stolen' }],
    statements: [{ attestation: first, because: 'forged' }],
    recalls: [{ digest: model, because: 'poisoned' }],
  }
  const verify = (version: number, more: Partial<TrustStatus>): readonly string[] => {
    const status = statusFile(rita, { version, ...more })
    const policy = policyInForce(policyWith(rita), { environment, now: () => now }, { status })
    assert.deepEqual([...(policy.takenBack?.statements ?? [])], [[first, 'forged']])
    assert.deepEqual([...(policy.takenBack?.recalled ?? [])], [[model, 'poisoned']])
    assert.equal(verifyChain({ ...honest.question, policy }).trusted, false)
    return (policy.standing ?? []).flatMap(({ check, because }) => (check === 'status-taken-back' ? [because] : []))
  }
  assert.deepEqual(verify(1, full), [])
  assert.deepEqual(verify(2, full), [], 'the honest twin: all that was, and more')
  const lost = `the status 3 does not take back what 2, which was seen here, did: the key ${eve.hint}, ${first}, ${model}; here it still counts`
  assert.deepEqual(verify(3, {}), [lost])
  assert.match(verify(4, {}).join(), /^the status 4 does not take back what 2, which was seen here/, 'each time')
  const later = { ...full, keys: [{ hint: eve.hint, since: '2026-11-20T00:00:00.000Z', because: 'stolen' }] }
  assert.ok(verify(5, later).join().includes(`did: the key ${eve.hint}; here`), 'a later day takes back less')
  assert.deepEqual(verify(6, full), [])
})

test('a newer status that takes something back and something else no more counts beside the older one, which is a rollback', () => {
  const environment = { ASSAY_CONFIG_HOME: join(scratch, 'user-both') }
  const model = honest.question.subject.digest
  const see = (root: Person, status?: string) => {
    const policy = policyInForce(policyWith(root), { environment, now: () => now }, { status })
    const revoked = [...policy.keys.values()].flatMap((key) => (key.revoked === undefined ? [] : [key.name]))
    const told = (policy.standing ?? []).flatMap(({ check, code }) => (code === 'OK' ? [] : [`${check} ${code}`]))
    return { revoked, recalled: policy.takenBack?.recalled.has(model) === true, told: [...new Set(told)] }
  }
  const mistake = { version: 1, keys: [{ hint: eve.hint, because: 'a mistake' }] }
  const second = { version: 2, keys: revoked, recalls: [{ digest: model, because: 'poisoned' }] }
  const told = ['status-taken-back CAVEAT']
  see(rita, statusFile(rita, mistake))
  assert.deepEqual(see(rita, statusFile(rita, second)), { revoked: ['ada'], recalled: true, told })
  assert.deepEqual(see(rita), { revoked: ['ada'], recalled: true, told }, 'without a status')
  const again = see(rita, statusFile(rita, mistake))
  assert.ok(again.told.includes('status-version ERR_STATUS_ROLLBACK'))
  assert.deepEqual([again.revoked, again.recalled], [['ada'], true])
  const all = { ...second, version: 3, keys: [...revoked, ...mistake.keys] }
  assert.deepEqual(see(rita, statusFile(rita, all)).told, [], 'the honest twin: one that takes back all of it')
  assert.deepEqual(see(rita), { revoked: ['ada'], recalled: true, told: [] }, 'and nothing is told any more')
  const others = { revoked: [], recalled: false, told }
  assert.deepEqual(see(eve, statusFile(eve, {})), others, 'other root keys: it counts no more')
  assert.deepEqual(see(eve), others, 'which is told each time')
})

test('a line that a stranger put beside a status is not remembered, and more statuses than are remembered refuse', () => {
  const environment = { ASSAY_CONFIG_HOME: join(scratch, 'user-lines') }
  const see = (root: Person, status?: string) =>
    (policyInForce(policyWith(root), { environment, now: () => now }, { status }).standing ?? []).flatMap(
      ({ passed, code }) => (passed ? [] : [code]),
    )
  const beside = statusFile(rita, {})
  writeFileSync(beside, Buffer.concat([signStatus(eve, { keys: revoked }), Buffer.from('\n'), readFileSync(beside)]))
  assert.deepEqual(see(rita, beside), [])
  assert.deepEqual(policyInForce(policyWith(eve), { environment, now: () => now }).keys.get('ada')?.revoked, undefined)
  const one = (version: number) =>
    statusFile(rita, { version, recalls: [{ digest: sha256Of(Buffer.from(`${version}`)), because: 'x' }] })
  for (let version = 2; version <= 33; version += 1) assert.deepEqual(see(rita, one(version)), [], `${version}`)
  assert.deepEqual(see(rita, one(34)), ['ERR_STATUS_ROLLBACK'])
  assert.deepEqual(see(rita), [], 'the newest of those that are remembered')
})

test('a root key whose days are over makes nothing good again that its status took back', () => {
  const verify = user()
  const policy = policyWith(eve)
  verify(policy, statusFile(eve, { keys: revoked }))
  const root = policy.keys.get('root')
  assert.ok(root !== undefined)
  const ended = new Map([...policy.keys, ['root', { ...root, until: new Date('2026-11-23T00:00:00Z') }] as const])
  assert.deepEqual(verify({ ...policy, keys: ended }), ['CAVEAT status', 'ERR_KEY_REVOKED'])
  assert.deepEqual(user()({ ...policy, keys: ended }), [], 'to whom nothing was said')
})

test("what was seen holds under the repository's own policy, which leaves nothing behind itself", () => {
  const [verify, stranger] = [user(), user()]
  const [pinned, own] = (['pinned', 'repository'] as const).map((origin: PolicyOrigin) => policyWith(eve, { origin }))
  assert.ok(pinned !== undefined && own !== undefined)
  verify(pinned, statusFile(eve, { version: 2, keys: revoked }))
  assert.deepEqual(verify(own), ['ERR_KEY_REVOKED'])
  assert.ok(verify(own, statusFile(eve, {})).includes('ERR_STATUS_ROLLBACK'))
  assert.deepEqual(stranger(own, statusFile(eve, { keys: revoked })), ['ERR_KEY_REVOKED'])
  assert.deepEqual(stranger(own), [], 'a repository could say that it is any project')
  assert.deepEqual(stranger({ ...own, project: '../odd' }), ['ERR_CHAIN_PROJECT'])
})

test("a status of root keys that only the checkout's own policy names makes nothing good again, and takes back more", () => {
  const verify = user()
  const [pinned, own] = [policyWith(eve, { origin: 'pinned' }), policyWith(rita, { origin: 'repository' })]
  verify(pinned, statusFile(eve, { version: 5, keys: revoked }))
  assert.deepEqual(verify(own, statusFile(rita, {})), ['ERR_KEY_REVOKED'])
  const recalls = [{ digest: honest.question.subject.digest, because: 'poisoned' }]
  const more = verify(own, statusFile(rita, { recalls }))
  assert.deepEqual(more, ['ERR_KEY_REVOKED', 'ERR_RECALLED'])
  assert.deepEqual(user()(own, statusFile(rita, {})), [], 'the honest twin: to whom nothing was said')
  assert.deepEqual(verify(policyWith(rita), statusFile(rita, {})), [], 'and a policy that the user chose')
})

test('a key that a seen status took back, or a model, is not believed by --key, whatever project is asked', () => {
  const verify = user()
  const [given, other] = [ada, eve].map(({ publicPem }) => policyFromKey(publicPem))
  assert.ok(given !== undefined && other !== undefined)
  assert.deepEqual(verify(given), [], 'the honest twin: before it')
  verify(policyWith(rita, { origin: 'pinned' }), statusFile(rita, { keys: [{ hint: eve.hint, because: 'stolen' }] }))
  assert.deepEqual(verify(given), [], 'of another key nothing is told')
  verify(policyWith(rita, { origin: 'pinned' }), statusFile(rita, { version: 2, keys: revoked }))
  assert.deepEqual(verify(given), ['ERR_KEY_REVOKED'])
  const recalls = [{ digest: honest.question.subject.digest, because: 'poisoned' }]
  const reader = user()
  reader(policyWith(rita, { origin: 'pinned' }), statusFile(rita, { recalls }))
  assert.deepEqual(reader(given), ['ERR_RECALLED'])
})

/** A user of an own folder: `see` gives them a status, `judged` has one bundle judged; codes that refuse. */
function reader() {
  users += 1
  const environment = { ASSAY_CONFIG_HOME: join(scratch, `user-${users}`) }
  return {
    environment,
    see: (more: Partial<TrustStatus>) =>
      policyInForce(
        policyWith(rita, { origin: 'pinned' }),
        { environment, now: () => now },
        {
          status: statusFile(rita, more),
        },
      ),
    judged: async (artifact: string, bundle: string, options: ForeignOptions): Promise<readonly string[]> => {
      const caller = { workingFolder: scratch, environment, now: () => now, version: '0' }
      const { trusted, findings } = await verifyForeign(caller, { artifact, bundle }, options)
      const codes = findings.flatMap(({ code, passed }) => (passed ? [] : [code]))
      assert.equal(trusted, codes.length === 0)
      return codes
    },
  }
}

/** Ada's signature of a file and of a folder. */
async function signedModels(): Promise<readonly (readonly [artifact: string, bundle: string])[]> {
  const caller = { workingFolder: scratch, environment: {}, now: () => now, version: '0' }
  mkdirSync(join(scratch, 'tree'), { recursive: true })
  for (const file of ['model.bin', 'tree/part.bin']) writeFileSync(join(scratch, file), 'hello')
  writeFileSync(join(scratch, 'tree/other.bin'), 'other')
  writeFileSync(join(scratch, 'ada.pem'), ada.key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  writeFileSync(join(scratch, 'ada.pub'), ada.publicPem)
  await signModelAt(caller, 'model.bin', { output: 'model.sig', key: 'ada.pem' })
  await signModelAt(caller, 'tree', { output: 'tree/tree.sig', key: 'ada.pem' })
  return [
    ['model.bin', 'model.sig'],
    ['tree', 'tree/tree.sig'],
  ]
}

const byAda = { key: 'ada.pub' }

test('one bundle, judged by --key, is refused for what a seen status took back: the key, the statement, the bytes', async () => {
  const models = await signedModels()
  const hello = sha256Of('hello')
  const folder =
    `dirHash1:${hexOf(sha256Of(`${hexOf(sha256Of('other'))}  other.bin\n${hexOf(hello)}  part.bin\n`))}` as const
  const because = 'x'
  const [file] = models
  assert.ok(file !== undefined)
  const payload = (bundle: string): Uint8Array => statedPayload(readFileSync(join(scratch, bundle)))
  const codesAfter = async (more: Partial<TrustStatus>): Promise<readonly (readonly string[])[]> => {
    const { see, judged } = reader()
    for (const [artifact, bundle] of models) assert.deepEqual(await judged(artifact, bundle, byAda), [], 'before it')
    see(more)
    return await Promise.all(models.map(([artifact, bundle]) => judged(artifact, bundle, byAda)))
  }
  const cases: readonly (readonly [Partial<TrustStatus>, readonly (readonly string[])[]])[] = [
    [{ keys: revoked }, [['ERR_KEY_REVOKED'], ['ERR_KEY_REVOKED']]],
    [
      { keys: [{ hint: ada.hint, since: '2099-01-01T00:00:00.000Z', because }] },
      [['ERR_KEY_REVOKED'], ['ERR_KEY_REVOKED']],
    ],
    [{ recalls: [{ digest: hello, because }] }, [['ERR_RECALLED'], ['ERR_RECALLED']]],
    [{ recalls: [{ digest: folder, because }] }, [[], ['ERR_RECALLED']]],
    [
      { statements: [{ attestation: sha256Of(readFileSync(join(scratch, file[1]))), because }] },
      [['ERR_STATEMENT_REVOKED'], []],
    ],
    [{ statements: [{ attestation: sha256Of(payload(file[1])), because }] }, [['ERR_STATEMENT_REVOKED'], []]],
    [{ keys: [{ hint: eve.hint, because }], recalls: [{ digest: sha256Of('else'), because }] }, [[], []]], // the honest twin
  ]
  for (const [more, codes] of cases) assert.deepEqual(await codesAfter(more), codes, JSON.stringify(more))
})

test('a bundle of a stage that was signed here is judged by --key as any other', async () => {
  await signedModels()
  const { digest } = honest.question.subject
  const [maker] = honest.attestations
  const bundle = maker === undefined ? undefined : honest.evidence.bundle(maker)
  assert.ok(bundle !== undefined)
  writeFileSync(join(scratch, 'stage.json'), bundle)
  const recalled = reader()
  assert.deepEqual(await recalled.judged(digest, 'stage.json', byAda), [])
  recalled.see({
    statements: [{ attestation: sha256Of(bundle), because: 'forged' }],
    recalls: [{ digest, because: 'poisoned' }],
  })
  assert.deepEqual(await recalled.judged(digest, 'stage.json', byAda), ['ERR_STATEMENT_REVOKED'], 'its signer first')
  const other = reader()
  other.see({ recalls: [{ digest, because: 'poisoned' }] })
  assert.deepEqual(await other.judged(digest, 'stage.json', byAda), ['ERR_RECALLED'])
})

test('a signature over an artifact that was taken back is believed in no other spelling of it, and another one is', async () => {
  await signedModels()
  const text = Buffer.from('hello')
  const bundleOf = (signature: Uint8Array): Buffer =>
    Buffer.from(
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { publicKey: { hint: ada.hint }, tlogEntries: [] },
        messageSignature: {
          messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(text).digest('base64') },
          signature: Buffer.from(signature).toString('base64'),
        },
      }),
    )
  const { r, s } = p256.Signature.fromBytes(sign('sha256', text, ada.key), 'der')
  const [one, twin] = [new p256.Signature(r, s), new p256.Signature(r, p256.Point.Fn.ORDER - s)]
  const spelt = [one, twin].flatMap((each) => [each.toBytes('der'), each.toBytes('compact')]).map(bundleOf)
  const [first] = spelt
  assert.ok(first !== undefined)
  const others = { blank: Buffer.concat([first, Buffer.from(' ')]), again: bundleOf(sign('sha256', text, ada.key)) }
  const bundles = [...spelt, others.blank, others.again]
  const { see, judged } = reader()
  const all = async (): Promise<readonly string[]> => {
    const codes: string[] = []
    for (const bundle of bundles) {
      writeFileSync(join(scratch, 'message.sig'), bundle)
      codes.push((await judged('model.bin', 'message.sig', byAda)).join())
    }
    return codes
  }
  assert.deepEqual(await all(), ['', '', '', '', '', ''])
  const { parseForeignBundle, saidBy } = await loadForeign()
  const said = new Set(bundles.map((bundle) => sha256Of(saidBy(parseForeignBundle(bundle)) ?? '')))
  assert.equal(said.size, 2, 'five spellings of one signature, and another signature')
  const [attestation] = said
  assert.ok(attestation !== undefined)
  see({ statements: [{ attestation, because: 'forged' }] })
  assert.deepEqual(await all(), [...Array.from({ length: 5 }, () => 'ERR_STATEMENT_REVOKED'), ''])
})

test('a seen status that cannot be read lets no bundle be believed', async () => {
  await signedModels()
  const { see, judged, environment } = reader()
  see({})
  assert.deepEqual(await judged('model.bin', 'model.sig', byAda), [], 'the honest twin')
  const [kept] = readdirSync(environment.ASSAY_CONFIG_HOME, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('status.jsonl'),
  )
  assert.ok(kept !== undefined)
  writeFileSync(join(environment.ASSAY_CONFIG_HOME, kept), '{"of": "another version"}\n')
  assert.deepEqual(await judged('model.bin', 'model.sig', byAda), ['ERR_STATUS_MALFORMED'])
})

const vectors = join(import.meta.dirname, '../vectors')

test('an identity that a seen status took back is not believed, but for what the log proves to be older', async () => {
  const who = {
    identity:
      'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
    issuer: 'https://token.actions.githubusercontent.com',
  }
  const after = async (identities: TrustStatus['identities'] = []): Promise<readonly string[]> => {
    const { see, judged } = reader()
    see({ identities })
    return judged(join(vectors, 'sigstore/a.txt'), join(vectors, 'sigstore/happy-path-v0.3/bundle.sigstore.json'), who)
  }
  const because = 'stolen'
  assert.deepEqual(await after(), [], 'the honest twin')
  assert.deepEqual(await after([{ ...who, because }]), ['ERR_KEY_REVOKED'])
  assert.deepEqual(await after([{ ...who, since: '2020-01-01T00:00:00.000Z', because }]), ['ERR_KEY_REVOKED'])
  assert.deepEqual(await after([{ ...who, since: '2026-11-01T00:00:00.000Z', because }]), [], 'it is older')
  assert.deepEqual(await after([{ ...who, issuer: 'https://example.org', because }]), [], 'of another issuer')
})

test('an authority vouches for nothing that a seen status recalled, nor for a key that it took back', async () => {
  const folder = join(vectors, 'model-signing/v1.1.0-certificate')
  const keys = join(vectors, 'model-signing/keys')
  const after = async (more: Partial<TrustStatus>): Promise<readonly string[]> => {
    const { see, judged } = reader()
    see(more)
    return judged(folder, join(folder, 'model.sig'), { ca: [join(keys, 'ca-cert.pem')], ignore: ['ignore-me'] })
  }
  const because = 'stolen'
  assert.deepEqual(await after({}), [], 'the honest twin')
  const digest = sha256Of(readFileSync(join(folder, 'signme-1')))
  assert.deepEqual(await after({ recalls: [{ digest, because }] }), ['ERR_RECALLED'])
  for (const name of ['signing-key-cert.pem', 'ca-cert.pem']) {
    const hint = hintOf(new X509Certificate(readFileSync(join(keys, name))).publicKey)
    assert.deepEqual(await after({ keys: [{ hint, because }] }), ['ERR_KEY_REVOKED'], name)
  }
})

test('a clock that is behind the status that is given decides nothing, at once', () => {
  const dayBefore = new Date('2026-11-19T00:00:00Z')
  const policy = policyWith(eve, { expiresAt: new Date('2026-11-19T12:00:00Z') })
  const codes = user()(policy, statusFile(eve, {}), dayBefore)
  assert.ok(
    ['ERR_CLOCK_BEHIND', 'ERR_POLICY_EXPIRED'].every((code) => codes.includes(code)),
    codes.join(', '),
  )
  assert.deepEqual(user()(policyWith(eve), statusFile(eve, {})), [])
})

test('a status of a time to come is refused while it is, and one of the right time makes it good: its time is not kept', () => {
  const [verify, minutes] = [user(), user()]
  const year = { issuedAt: '2027-11-20T00:00:00.000Z', expiresAt: '2028-11-20T00:00:00.000Z' }
  const ahead = verify(
    policyWith(eve, { expiresAt: new Date('2099-01-01') }),
    statusFile(eve, { ...year, keys: revoked }),
  )
  assert.deepEqual(ahead, ['ERR_CLOCK_BEHIND', 'ERR_KEY_REVOKED'])
  const again = verify(policyWith(eve, { expiresAt: new Date('2099-01-01') }))
  assert.deepEqual(
    again,
    ['ERR_CLOCK_BEHIND', 'ERR_KEY_REVOKED'],
    'what it takes back, and that the clock may be at fault',
  )
  const right = statusFile(eve, { version: 2, keys: [{ hint: rita.hint, because: 'x' }] })
  assert.deepEqual(verify(policyWith(eve), right), ['ERR_KEY_REVOKED'], 'what it took back stays so')
  assert.deepEqual(verify(policyWith(eve)), ['ERR_KEY_REVOKED'])
  const close = { issuedAt: new Date(now.getTime() + 4 * 60_000).toISOString() }
  assert.deepEqual(minutes(policyWith(eve), statusFile(eve, close)), [], 'the honest twin: clocks differ by minutes')
  assert.deepEqual(minutes(policyWith(eve), undefined, new Date('2026-11-20T00:00:00Z')), ['ERR_CLOCK_BEHIND'])
})
