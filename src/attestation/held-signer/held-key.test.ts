/** The adapters against servers of the documented APIs, which check what they are sent, and which lie. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  awsKms,
  type Behaviour,
  googleKeyName,
  googleKms,
  type KeyService,
  vaultTransit,
} from '../../../test/support/key-services.ts'
import { type ErrorCode, isDomainError } from '../../core/index.ts'
import { type HeldAddress, parseHeldAddress } from './address.ts'
import type { Patience } from './ask.http.ts'
import { type AwsAddress, createAwsKey, openAwsKey } from './aws-kms.http.ts'
import { createGoogleKey, openGoogleKey } from './google-kms.http.ts'
import { type HeldKey, provenSigner } from './held-key.ts'
import { createVaultKey, openVaultKey } from './vault-transit.http.ts'

const patience: Patience = { timeoutMs: 300, retryDelaysMs: [1] }
const message = Buffer.from('a statement')
// as: the address above it is one of that kind
const awsAddress = parseHeldAddress('awskms:///alias/digits') as AwsAddress

type Holder = Readonly<{
  serve(context: TestContext): Promise<KeyService>
  open(settings: Readonly<Record<string, string>>): Promise<HeldKey>
  create(settings: Readonly<Record<string, string>>): Promise<void>
  credential: string
}>
const holders: Readonly<Record<string, Holder>> = {
  'Vault transit': {
    serve: vaultTransit,
    open: (settings) => openVaultKey('digits', settings, patience),
    create: (settings) => createVaultKey('fresh', settings, patience),
    credential: 'VAULT_TOKEN',
  },
  'AWS KMS': {
    serve: awsKms,
    open: (settings) => openAwsKey(awsAddress, settings, patience),
    create: (settings) => createAwsKey(awsAddress, settings, patience),
    credential: 'AWS_SECRET_ACCESS_KEY',
  },
  'Google KMS': {
    serve: googleKms,
    open: (settings) => openGoogleKey(googleKeyName, settings, patience),
    create: (settings) => createGoogleKey(googleKeyName, settings, patience),
    credential: 'GOOGLE_OAUTH_ACCESS_TOKEN',
  },
}

async function refused(attempt: () => Promise<unknown>, code: ErrorCode, secret: string): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(isDomainError(error), String(error))
    assert.equal(error.code, code, error.message)
    assert.ok(!JSON.stringify([error.message, error.help, error.cause]).includes(secret), 'no credential in a message')
    return true
  })
}

/** While it signs, when the key was read from an honest holder. */
const lies: Readonly<Partial<Record<Behaviour, ErrorCode>>> = {
  'wrong signature': 'ERR_SIGNER_WRONG',
  'signature of another key': 'ERR_SIGNER_WRONG',
  'another key now': 'ERR_SIGNER_WRONG',
  'no signature': 'ERR_SIGNER_UNREACHABLE',
  denied: 'ERR_SIGNER_DENIED',
  broken: 'ERR_SIGNER_UNREACHABLE',
  hangs: 'ERR_SIGNER_UNREACHABLE',
  nonsense: 'ERR_SIGNER_UNREACHABLE',
  endless: 'ERR_SIGNER_UNREACHABLE',
  redirects: 'ERR_SIGNER_UNREACHABLE',
}
/** While the key is read. */
const liesAboutKeys: Readonly<Partial<Record<Behaviour, ErrorCode>>> = {
  'wrong type': 'ERR_SIGNER_WRONG',
  denied: 'ERR_SIGNER_DENIED',
  broken: 'ERR_SIGNER_UNREACHABLE',
  redirects: 'ERR_SIGNER_UNREACHABLE',
}

for (const [name, { serve, open, create, credential }] of Object.entries(holders)) {
  test(`${name} signs what it is asked to, as its API says, and each lie of it is refused`, async (context) => {
    const service = await serve(context)
    const held = await open(service.environment)
    const sign = provenSigner(held)
    const signature = await sign(message)
    assert.ok(held.publicKey.equals(service.publicKey))
    assert.ok(verify('sha256', message, { key: service.publicKey, dsaEncoding: 'der' }, signature))
    assert.ok(service.signed.length >= 1) // on a busy machine a slow answer is asked for again
    const secret = service.environment[credential] ?? '?'
    for (const [lie, code] of Object.entries(lies) as readonly [Behaviour, ErrorCode][]) {
      service.behave(lie)
      await refused(() => sign(message), code, secret)
    }
    for (const [lie, code] of Object.entries(liesAboutKeys) as readonly [Behaviour, ErrorCode][]) {
      service.behave(lie)
      await refused(() => open(service.environment), code, secret)
    }
    service.behave('honest')
    assert.ok((await sign(message)).length > 60)
    await refused(() => open({ ...service.environment, [credential]: 'another' }), 'ERR_SIGNER_DENIED', secret)
    await refused(() => open({ ...service.environment, [credential]: '' }), 'ERR_KEY_HOME', secret)
    await create(service.environment)
    assert.deepEqual(service.faults, [])
  })
}

test('Google KMS: an answer for another key than the one that was asked for is refused', async (context) => {
  const service = await googleKms(context)
  const sign = provenSigner(await openGoogleKey(googleKeyName, service.environment, patience))
  service.behave('other name')
  await refused(() => sign(message), 'ERR_SIGNER_WRONG', 'ya29')
  await refused(() => openGoogleKey(googleKeyName, service.environment, patience), 'ERR_SIGNER_WRONG', 'ya29')
})

test('a token is sent over TLS, or to this machine itself, and nowhere else', async (context) => {
  const service = await vaultTransit(context)
  const open = (VAULT_ADDR: string): Promise<unknown> =>
    openVaultKey('digits', { ...service.environment, VAULT_ADDR }, patience)
  const refusal = { code: 'ERR_SIGNER_UNREACHABLE', message: /has an address that is not https:/ }
  const { host, port } = new URL(service.url)
  // the service itself, where it would answer: nothing but the address is wrong
  for (const address of [`http://0.0.0.0:${port}`, `http://user:word@${host}`, 'https://user:word@vault.example.org'])
    await assert.rejects(open(address), refusal, address)
  assert.deepEqual(service.asked, [])
  await open(service.url)
  assert.equal(service.asked.length, 1)
})

test('AWS KMS: what cannot stand in a header is refused before it is sent, and told to nobody', async (context) => {
  const service = await awsKms(context)
  for (const name of ['AWS_SESSION_TOKEN', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    await refused(
      () => openAwsKey(awsAddress, { ...service.environment, [name]: 'first\nsecond' }, patience),
      'ERR_KEY_HOME',
      'second',
    )
  assert.deepEqual(service.asked, [])
  await openAwsKey(awsAddress, service.environment, patience)
  assert.deepEqual([service.asked.length, service.faults], [1, []])
})

test('addresses are those of cosign, and each that could mean two things is refused', () => {
  const read: Readonly<Record<string, HeldAddress>> = {
    'awskms:///alias/team/digits': { kind: 'awskms', endpoint: '', key: 'alias/team/digits' },
    'awskms://kms.internal:8080/1234abcd-12ab-34cd-56ef-1234567890ab': {
      kind: 'awskms',
      endpoint: 'kms.internal:8080',
      key: '1234abcd-12ab-34cd-56ef-1234567890ab',
    },
    'awskms:///arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab': {
      kind: 'awskms',
      endpoint: '',
      key: 'arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
      region: 'us-east-2',
    },
    [`gcpkms://${googleKeyName.replace('cryptoKeyVersions', 'versions')}`]: { kind: 'gcpkms', name: googleKeyName },
    'hashivault://digits': { kind: 'hashivault', key: 'digits' },
    'pkcs11:token=My%20token;object=digits;id=%01%a0?module-path=/usr/lib/x.so&pin-source=file:/run/pin': {
      kind: 'pkcs11',
      token: 'My token',
      object: 'digits',
      id: '01a0',
      module: '/usr/lib/x.so',
      pinFile: '/run/pin',
    },
    'pkcs11:slot-id=7;id=%02': { kind: 'pkcs11', slot: 7, id: '02' },
    'sigstore:?fulcio-url=https://f.example&rekor-url=http://127.0.0.1:3000': {
      kind: 'sigstore',
      fulcio: 'https://f.example',
      rekor: 'http://127.0.0.1:3000',
      rekorVersion: 1,
    },
  }
  for (const [text, address] of Object.entries(read)) assert.deepEqual(parseHeldAddress(text), address, text)
  for (const text of [
    'awskms://alias/digits',
    'awskms:///alias/../digits',
    'gcpkms://projects/ml/locations/l/keyRings/r/cryptoKeys/k',
    'hashivault://a/../b',
    'hashivault://',
    'azurekms://vault/key',
    'pkcs11:token=a',
    'pkcs11:object=a',
    'pkcs11:token=a;object=b;token=c',
    'pkcs11:token=a;object=b?module-path=lib.so',
    'pkcs11:token=a;object=%zz',
    'sigstore:',
    'sigstore:?rekor-url=https://r.example',
    'sigstore:?fulcio-url=https://f.example',
    'sigstore:?fulcio-url=http://f.example&rekor-url=https://r.example',
    'sigstore:?fulcio-url=https://f.example&rekor-url=https://r.example&oidc=x',
    'hashivault://di gits',
  ]) {
    assert.throws(
      () => parseHeldAddress(text),
      (error) => isDomainError(error, 'ERR_SIGNER_ADDRESS'),
      text,
    )
  }
  for (const secret of [
    'pkcs11:token=a;object=b?pin-value=123456',
    'pkcs11:token=a;object=b?PIN-VALUE=123456',
    'pkcs11:token=a;object=b?pin-value=12;123456',
    'sigstore:?fulcio-url=https://ada:123456@f.example&rekor-url=https://r.example',
    'sigstore:?fulcio-url=https%3A%2F%2Fada%3A123456%40f.example&rekor-url=https%3A%2F%2Fr.example',
    'awskms://ada:123456@kms.example/alias/digits',
  ])
    assert.throws(
      () => parseHeldAddress(secret),
      (error) => isDomainError(error, 'ERR_SIGNER_ADDRESS') && !error.message.includes('123456'),
      secret,
    )
})

test('a holder that spells its public key with a hybrid point, which no policy lists, is wrong', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const signDigest = () => Promise.resolve(Buffer.of())
  assert.ok(provenSigner({ publicKey, signDigest }))
  const der = publicKey.export({ type: 'spki', format: 'der' })
  der[26] = 6 + ((der.at(-1) ?? 0) & 1)
  const twin = createPublicKey({ key: der, format: 'der', type: 'spki' })
  assert.throws(
    () => provenSigner({ publicKey: twin, signDigest }),
    (error) => isDomainError(error, 'ERR_SIGNER_WRONG'),
  )
})
