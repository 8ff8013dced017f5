import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { builderIds, isDomainError } from '../core/index.ts'
import { newPerson, policyText, project } from './fixtures/chain.ts'
import { noteKeyOf, printNoteKey } from './tlog/note.ts'
import { countSigners, hasOtherReviewer } from './trust-policy.ts'
import { parseTrustPolicy } from './trust-policy-file.ts'
import { policyFromKey } from './trust-policy-shape.ts'

const ada = newPerson()
const eve = newPerson()
const text = policyText(ada)

/** A key as it stands in the file, indented for it. */
const keyBlock = (name: string, pem: string, principal?: string): string =>
  `  ${name}:\n    publicKey: |\n${pem.trimEnd().replace(/^/gm, '      ')}\n${principal === undefined ? '' : `    principal: ${principal}\n`}`

/** A policy of two keys. */
const two = (roles: string, more = ''): string =>
  `trust: 1\nproject: p1\nkeys:\n${keyBlock('ada', ada.publicPem, 'Ada <ada@example.org>')}${keyBlock('eve', eve.publicPem, 'Eve <eve@example.org>')}roles:\n${roles}${more}`

function parse(given: string): ReturnType<typeof parseTrustPolicy> {
  return parseTrustPolicy(Buffer.from(given), 'file')
}

test('reads what it writes for a new project', () => {
  const policy = parse(text)
  assert.equal(policy.project, project.id)
  assert.deepEqual(policy.builders, [{ key: 'ada', builder: builderIds.sandboxed, maxLevel: 1 }])
  assert.deepEqual([...policy.roles.keys()], ['source-approver', 'data-validator', 'reviewer', 'reproducer'])
  assert.deepEqual(policy.roles.get('reviewer'), { anyOf: ['ada'], threshold: 1, distinct: 'principals' })
  assert.equal(policy.minimumLevel, 1)
  assert.equal(policy.oneCommit, false)
  assert.equal(policy.keys.get('ada')?.hint, ada.hint)
  assert.equal(policy.keys.get('ada')?.principal, 'Ada <ada@example.org>')
})

test('a refusal is a sentence, however long the line that is refused', () => {
  const hostile = text.replace('publicKey: |', `publicKey: |${'['.repeat(8000)}`)
  assert.throws(
    () => parse(hostile),
    (error) => isDomainError(error) && error.message.length < 500,
  )
})

test('holds through the whole day that it names', () => {
  assert.equal(parse(text).expiresAt?.toISOString(), '2027-11-24T00:00:00.000Z')
})

test('reads a threshold, and counts people and not keys unless told to', () => {
  const policy = parse(two('  source-approver: {anyOf: [ada, eve], threshold: 2}\n'))
  const rule = policy.roles.get('source-approver')
  assert.deepEqual(rule, { anyOf: ['ada', 'eve'], threshold: 2, distinct: 'principals' })
  const [first, second] = [...policy.keys.values()]
  assert.ok(rule !== undefined && first !== undefined && second !== undefined)
  assert.equal(countSigners(rule, [first, first]), 1)
  assert.equal(countSigners(rule, [first, second]), 2)
  const same = { ...second, principal: first.principal ?? '' }
  assert.equal(countSigners(rule, [first, same]), 1)
  assert.equal(countSigners({ ...rule, distinct: 'keys' }, [first, same]), 2)
  const respelt = { ...second, principal: 'A. Lovelace <ADA@example.org>' }
  assert.equal(countSigners(rule, [first, respelt]), 1, 'one address is one person')
  assert.equal(countSigners({ ...rule, anyOf: ['eve'] }, [first]), 0)
})

test('a builder is a name of ours or an address as it is', () => {
  const roles = `  builder:\n    - {key: ada, builder: hosted/separate, maxLevel: 3}\n    - {key: ada, builder: "https://ci.example.org/train", maxLevel: 2}\n`
  assert.deepEqual(
    parse(two(roles)).builders.map(({ builder }) => builder),
    ['https://assay.dev/builder/hosted/separate', 'https://ci.example.org/train'],
  )
})

const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()
/** The same key, in fewer bytes: OpenSSL would keep it so. */
function compressed(pem: string): string {
  const { x = '', y = '' } = createPublicKey(pem).export({ format: 'jwk' })
  const sign = 2 + ((Buffer.from(y, 'base64url').at(-1) ?? 0) & 1)
  const der = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.of(sign),
    Buffer.from(x, 'base64url'),
  ])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  assert.deepEqual(key.export({ format: 'jwk' }), createPublicKey(pem).export({ format: 'jwk' }))
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
/** The same key in as many bytes, its form one of the other two. SOURCE: X9.62, 4.3.6. */
function hybrid(pem: string): string {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  der[26] = 6 + ((der.at(-1) ?? 0) & 1)
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  assert.ok(key.export({ type: 'spki', format: 'der' }).equals(der), 'OpenSSL keeps it so')
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
/** Of an identity that these roots may vouch for; they are read as roots when they are asked. */
function withIdentity(trustedRoots: string): string {
  const identity = `{identity: x, issuer: "https://i.example", claims: {source-ref: refs/heads/main}, trustedRoots: ${trustedRoots}}`
  return `${text}identities: {train: ${identity}}\ntrustedRoots: {ours: {mediaType: x}}\n`
}

test('an identity names the trusted roots that may vouch for it, and what its certificate must say', () => {
  const { identities, trustedRoots } = parse(withIdentity('[ours]'))
  assert.deepEqual(identities?.get('train'), {
    name: 'train',
    identity: 'x',
    issuer: 'https://i.example',
    claims: { 'source-ref': 'refs/heads/main' },
    trustedRoots: ['ours'],
  })
  assert.deepEqual(trustedRoots, new Map([['ours', { mediaType: 'x' }]]))
  const list = withIdentity('[ours]')
    .replace(', trustedRoots: [ours]', '')
    .replace('{ours: {mediaType: x}}', '[{mediaType: x}]')
  assert.deepEqual(parse(list).trustedRoots, new Map([['0', { mediaType: 'x' }]]))
})

const faults: readonly (readonly [string, string, RegExp])[] = [
  [
    'an unknown key, with its place and a suggestion',
    text.replace('minimumLevel', 'minimumlevel'),
    /^`trust.yaml:\d+:\d+` has the unknown key `minimumlevel`/,
  ],
  ['an unknown role', text.replace('reviewer:', 'reviwer:'), /unknown key `reviwer`/],
  ['another version', text.replace('trust: 1', 'trust: 2'), /^`trust.yaml:2:8`/],
  ['a key twice', `${text}minimumLevel: 2\n`, /^`trust.yaml:\d+:\d+` has the key `minimumLevel` twice/],
  ['an alias', two('  reviewer: &r [ada]\n  reproducer: *r\n'), /aliases/],
  ['a tag', two('  reviewer: !!binary aGk=\n'), /`trust.yaml:\d+:\d+`/],
  ['a role for a key that is not listed', two('  reviewer: [mallory]\n'), /names the key `mallory`/],
  [
    'a builder for a key that is not listed',
    two('  builder: [{key: mallory, builder: local/sandboxed, maxLevel: 1}]\n'),
    /names the key `mallory`/,
  ],
  ['a level that does not exist', text.replace('maxLevel: 1', 'maxLevel: 5'), /`trust.yaml:\d+:\d+`/],
  ['a threshold of nobody', two('  reviewer: {anyOf: [ada], threshold: 0}\n'), /`trust.yaml:\d+:\d+`/],
  [
    'one key under two names',
    text.replace('keys:\n', `keys:\n${keyBlock('twin', ada.publicPem)}`),
    /is the same key as `twin`/,
  ],
  [
    'one key under two names, once with its point compressed',
    text.replace('keys:\n', `keys:\n${keyBlock('twin', compressed(ada.publicPem))}`),
    /has its point compressed/,
  ],
  [
    'one key under two names, once with its point hybrid',
    text.replace('keys:\n', `keys:\n${keyBlock('twin', hybrid(ada.publicPem))}`),
    /has its point compressed or hybrid/,
  ],
  [
    'a key with another behind it',
    text.replace('keys:\n', `keys:\n${keyBlock('twin', newPerson().publicPem + newPerson().publicPem)}`),
    /is not one public key/,
  ],
  [
    'an identity by the length of a list of trusted roots',
    withIdentity('[length]').replace('{ours: {mediaType: x}}', '[{mediaType: x}]'),
    /names `length`, which is not under/,
  ],
  ['kinds of statements that are asked for in no log', `${text}logged: [reviews]\n`, /`logs` lists none/],
  [
    'a key of another curve',
    text.replace('keys:\n', `keys:\n${keyBlock('odd', p384)}`),
    /neither an ECDSA key on P-256 nor an Ed25519 key/,
  ],
  [
    'a private key',
    text.replace(
      'keys:\n',
      `keys:\n${keyBlock('odd', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----')}`,
    ),
    /not one public key/,
  ],
  ['an expiry that is no date', text.replace(/expires: .*/, 'expires: never'), /`trust.yaml:\d+:\d+`/],
  ['an identity by a trusted root that is not listed', withIdentity('[mine]'), /names `mine`, which is not under/],
  ['an empty file', '', /`trust.yaml`/],
  ['a list', '- 1\n', /`trust.yaml/],
]
for (const [name, given, message] of faults) {
  test(`refuses ${name}`, () => {
    assert.notEqual(given, text)
    assert.throws(
      () => parse(given),
      (error) => isDomainError(error, 'ERR_POLICY_MALFORMED') && message.test(error.message),
    )
  })
}

test('suggests the word that was meant', () => {
  assert.throws(
    () => parse(text.replace('minimumLevel', 'minimumlevel')),
    (error) => isDomainError(error) && error.help === 'did you mean `minimumLevel`?',
  )
})

test('refuses bytes that are not UTF-8 and files over the limit', () => {
  assert.throws(() => parseTrustPolicy(Buffer.from([0xff]), 'file'), /not UTF-8/)
  assert.throws(() => parseTrustPolicy(Buffer.alloc(1024 * 1024 + 1, 0x20), 'file'), /the limit is/)
})

test('somebody else reviews where a reviewer is another person than a builder, by whatever keys', () => {
  const builds = (...names: readonly string[]): string =>
    `  builder:\n${names.map((name) => `    - {key: ${name}, builder: ${builderIds.sandboxed}, maxLevel: 1}\n`).join('')}`
  const has = (reviewer: string, ...names: readonly string[]): boolean =>
    hasOtherReviewer(parse(two(builds(...names) + reviewer)))
  assert.ok(has('  reviewer: [ada, eve]\n', 'ada'))
  assert.ok(has('  reviewer: [eve]\n', 'ada'))
  assert.ok(has('  reviewer: [ada]\n', 'ada', 'eve'), 'what Eve builds')
  assert.ok(!has('  reviewer: [ada]\n', 'ada'), 'the honest twin: who works alone')
  assert.ok(!has('', 'ada'))
  const sameMail = two(`${builds('ada')}  reviewer: [eve]\n`).replace('Eve <eve@', 'Ada <ADA@')
  assert.ok(!hasOtherReviewer(parse(sameMail)), 'a second key of hers')
})

test('a policy of one key trusts it in every role but promoter', () => {
  const policy = policyFromKey(ada.publicPem)
  assert.equal(policy.origin, 'key')
  assert.equal(policy.project, undefined)
  assert.deepEqual([...policy.roles.keys()], ['source-approver', 'data-validator', 'reviewer', 'reproducer'])
  assert.throws(
    () => policyFromKey('nonsense'),
    (error) => isDomainError(error, 'ERR_KEY_MALFORMED'),
  )
})

test('one key of a witness under two names is one witness', () => {
  const key = (name: string, role: 'log' | 'witness', byte: number) =>
    printNoteKey(noteKeyOf(name, role, new Uint8Array(32).fill(byte)))
  const log = key('log', 'log', 1)
  const withLogs = (...witnesses: string[]) =>
    `${policyText(newPerson())}logs: ${JSON.stringify([{ key: log, witnesses, threshold: 2 }])}\n`
  const first = key('one', 'witness', 2)
  assert.equal(parse(withLogs(first, key('two', 'witness', 3))).logs?.[0]?.threshold, 2)
  for (const again of [first, key('two', 'witness', 2)])
    assert.throws(() => parse(withLogs(first, again)), /lists one key of a witness twice/)
})
