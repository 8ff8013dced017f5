import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { credentialIn } from './credentials.ts'
import { openFinder } from './find.fs.ts'
import { parseGrants, printGrants, type SecretOrigin } from './grants.ts'
import { spellingsOf } from './spellings.ts'

const value = 'Tr0ub4dor&3 "quoted" ünïcode'
const spellings = spellingsOf([{ name: 'token', value: Buffer.from(`${value}\n`) }])

/** Cut into pieces of these lengths, as a pipe may hand them over. */
function through(
  text: string | Buffer,
  lengths: readonly number[],
): Readonly<{ shown: string; found: readonly string[] }> {
  const finder = openFinder(spellings)
  const bytes = Buffer.from(text)
  const shown: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    shown.push(Buffer.from(finder.push(bytes.subarray(at, at + length))))
    at += length
  }
  shown.push(Buffer.from(finder.push(bytes.subarray(at))), finder.end())
  return { shown: Buffer.concat(shown).toString('latin1'), found: finder.found() }
}

const encoded: Readonly<Record<string, (text: string) => string | Buffer>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 in the middle': (text) => Buffer.from(`{"a":"${text}"}`).toString('base64'),
  'base64 one further': (text) => Buffer.from(`x{"a":"${text}"}yz`).toString('base64'),
  'base64 two further': (text) => Buffer.from(`xy{"a":"${text}"}z`).toString('base64'),
  base64url: (text) => Buffer.from(`??${text}>>`).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  percent: (text) => `https://x/?t=${encodeURIComponent(text)}`,
  json: (text) => JSON.stringify({ t: text }),
  reversed: (text) => text.split('').toReversed().join(''),
  utf16: (text) => Buffer.from(text, 'utf16le'),
}

for (const [name, encode] of Object.entries(encoded)) {
  test(`a secret printed as ${name} is found and its name stands in its place`, () => {
    const said = Buffer.concat([Buffer.from('before '), Buffer.from(encode(value)), Buffer.from(' after')])
    const { shown, found } = through(said, [9, 1, 1, 7])
    assert.deepEqual(found, ['the secret token'])
    assert.match(shown, /^before .*\[secret token\].* after$/s)
  })
}

test('property: however the bytes are cut, nothing of a secret is shown, and all else is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { maxLength: 30 }),
      fc.string({ maxLength: 2000 }),
      fc.string(),
      (cuts, before, after) => {
        fc.pre(!(before + after).includes('['))
        const { shown } = through(`${before}${value}${after}`, cuts)
        assert.equal(shown, Buffer.from(`${before}[secret token]${after}`).toString('latin1'))
      },
    ),
  )
})

test('ordinary text is no credential, and what is one by its form is named', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'
  const samples = {
    'a private key': '-----BEGIN OPENSSH PRIVATE KEY-----',
    'an AWS access key': 'id=AKIAIOSFODNN7EXAMPLE;',
    'a GitHub token': `ghp_${letters}`,
    'a Hugging Face token': `"hf_${letters.slice(0, 34)}"`,
    'a Vault token': `hvs.${letters}`,
  }
  for (const [kind, text] of Object.entries(samples)) assert.equal(credentialIn(Buffer.from(`x = ${text}\n`)), kind)
  for (const text of [
    'AKIA',
    'hf_model',
    'ghp_short',
    '-----BEGIN PUBLIC KEY-----',
    'xAKIAIOSFODNN7EXAMPLEx',
    'hf_hub_download',
    '',
  ])
    assert.equal(credentialIn(Buffer.from(text)), undefined, text)
})

test('another credential stands in no log either, however the bytes are cut; what only looks like one does', () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n'.repeat(60)}-----END PRIVATE KEY-----\n`
  const long = `hvs.${'CAESIJ'.repeat(40)}`
  for (const cuts of [[], [700], [12, 30, 500, 600, 40], Array.from({ length: 400 }, () => 7)]) {
    const { shown, found } = through(`id AKIAIOSFODNN7EXAMPLE, then ${long}.\n${key}done: hf_model, AKIA\n`, cuts)
    assert.equal(
      shown,
      'id [an AWS access key], then [a Vault token].\n[a private key]-----END PRIVATE KEY-----\ndone: hf_model, AKIA\n',
    )
    assert.deepEqual(found, ['a Vault token', 'a private key', 'an AWS access key'])
  }
  const asJson = through(JSON.stringify({ key }), [40])
  assert.doesNotMatch(asJson.shown, /MIIE/)
  assert.deepEqual(through('ghp_'.padEnd(44, 'x'), [10]).found, ['a GitHub token'], 'at the very end too')
  const none = `ghp_${'x'.repeat(300)} [a private token]`
  assert.deepEqual(through(none, [44]), { shown: none, found: [] })
})

test('keys with headers are taken whole, of OpenSSL and of PGP; what a stage calls one takes nothing with it', () => {
  const body = 'lQdGBGVx+AbC/9zANBADEF0qhkiG9w0BAQ\n'.repeat(30)
  const lines = {
    'RSA PRIVATE KEY': `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n${body}`,
    'PGP PRIVATE KEY BLOCK': `Version: GnuPG v2 (GNU/Linux)\nComment: a-b@example.org\n\n${body}=aB3d\n`,
  }
  for (const [name, inner] of Object.entries(lines)) {
    const key = `-----BEGIN ${name}-----\n${inner}-----END ${name}-----\ndone, 1.\n`
    assert.equal(credentialIn(Buffer.from(key)), 'a private key')
    for (const cuts of [
      [],
      ...[1, 3, 7, 13, 64].map((length) => Array.from({ length: 1200 / length }, () => length)),
    ]) {
      const { shown, found } = through(`x ${key}`, cuts)
      assert.equal(shown, `x [a private key]-----END ${name}-----\ndone, 1.\n`, `${name}, cut ${cuts[0]}`)
      assert.deepEqual(found, ['a private key'])
    }
  }
  const said = `[a private key] was refused by the server: ${body}`
  for (const cuts of [[], [15], [7, 8, 20]]) assert.deepEqual(through(said, cuts), { shown: said, found: [] })
})

test('grants come back as they were written; a damaged or foreign list is refused', () => {
  const grant = { origin: { kind: 'vault', path: 'secret/data/a', field: 'b' } as SecretOrigin, stages: ['x'] }
  const grants = new Map([['a', grant]])
  assert.deepEqual(parseGrants(Buffer.from(printGrants(grants))), grants)
  for (const text of [
    '{}',
    '{"version":2,"secrets":{}}',
    '{"version":1,"secrets":{"a":{"origin":{"kind":"file","path":"x"},"stages":["s"]}}}',
  ])
    assert.throws(() => parseGrants(Buffer.from(text)), { code: 'ERR_SECRET_UNAVAILABLE' })
  for (const origin of [
    { kind: 'vault', path: '../sys/raw', field: 'x' },
    { kind: 'env', name: 'A B' },
  ] as const)
    assert.throws(() => printGrants(new Map([['a', { origin, stages: ['x'] }]])), { code: 'ERR_USAGE' })
  assert.throws(() => printGrants(new Map([['../a', grant]])), { code: 'ERR_USAGE' })
})

test('a value that is too short has no spelling: it stands in every log by chance', () => {
  assert.deepEqual(spellingsOf([{ name: 'pin', value: Buffer.from('1234\n') }]), [])
})
