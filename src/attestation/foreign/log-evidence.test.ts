/** A log of our own, so that each lie about an entry can be told with a proof that is honest otherwise. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { preAuthenticationEncoding } from '../dsse.ts'
import { parseForeignBundle } from './foreign-bundle.ts'
import { modelHintOf, parseForeignKey } from './foreign-trust.ts'
import { parseTrustedRoot } from './trusted-root.ts'
import { judgeSigner } from './verify-foreign.ts'

type Pair = Readonly<{ privateKey: KeyObject; publicKey: KeyObject }>
const newPair = (): Pair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const spkiOf = ({ publicKey }: Pair): Buffer => publicKey.export({ type: 'spki', format: 'der' })
const pemOf = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString()

const log = newPair()
const signer = newPair()
const artifact = Buffer.from('a model')
const digest = createHash('sha256').update(artifact).digest()
const signature = sign('sha256', artifact, signer.privateKey)
const logId = hash('sha256', spkiOf(log), 'buffer')
const logName = 'log.example.org'

const root = parseTrustedRoot(
  Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        {
          baseUrl: `https://${logName}`,
          hashAlgorithm: 'SHA2_256',
          publicKey: {
            rawBytes: spkiOf(log).toString('base64'),
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            validFor: { start: '2026-01-01T00:00:00Z' },
          },
          logId: { keyId: logId.toString('base64') },
        },
      ],
    }),
  ),
)

type Lies = Readonly<{
  signer?: Pair
  digest?: Uint8Array
  signature?: Uint8Array
  more?: Readonly<Record<string, unknown>>
  proof?: Readonly<Record<string, unknown>>
  log?: Pair
  /** As whom the log signs. */
  name?: string
  kind?: keyof typeof bodies
}>

const message = { digest, signature }
const payload = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}')
const payloadType = 'application/vnd.in-toto+json'
const envelope = {
  digest: hash('sha256', payload, 'buffer'),
  signature: sign('sha256', preAuthenticationEncoding(payloadType, payload), signer.privateKey),
}
const signed = (kind: keyof typeof bodies): typeof message => (kind.startsWith('dsse') ? envelope : message)

type Said = Readonly<{ digest: Uint8Array; signature: Uint8Array; signer: Pair }>
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const pemIn = (pair: Pair): string => base64(Buffer.from(pemOf(pair)))
const hexHash = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: Buffer.from(bytes).toString('hex') })
const rawHash = (bytes: Uint8Array) => ({ algorithm: 'SHA2_256', digest: base64(bytes) })
const signedBy = ({ signature: content, signer: pair }: Said) => ({
  content: base64(content),
  verifier: { publicKey: { rawBytes: base64(spkiOf(pair)) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
})

/** SOURCE: sigstore/rekor pkg/types (0.0.1), sigstore/rekor-tiles (0.0.2). */
const bodies = {
  'hashedrekord 0.0.1': (said: Said) => ({
    data: { hash: hexHash(said.digest) },
    signature: { content: base64(said.signature), publicKey: { content: pemIn(said.signer) } },
  }),
  'dsse 0.0.1': (said: Said) => ({
    payloadHash: hexHash(said.digest),
    signatures: [{ signature: base64(said.signature), verifier: pemIn(said.signer) }],
  }),
  'hashedrekord 0.0.2': (said: Said) => ({
    hashedRekordV002: { data: rawHash(said.digest), signature: signedBy(said) },
  }),
  'dsse 0.0.2': (said: Said) => ({ dsseV002: { payloadHash: rawHash(said.digest), signatures: [signedBy(said)] } }),
} as const

/** An entry that is alone in its log: what the log says of it is true, whatever it is about. */
function entryOf({
  kind: named = 'hashedrekord 0.0.1',
  name = logName,
  ...lies
}: Lies): Readonly<Record<string, unknown>> {
  const [kind = '', version = ''] = named.split(' ')
  const spec = bodies[named]({ signer, ...signed(named), ...lies })
  const body = Buffer.from(JSON.stringify({ apiVersion: version, kind, spec }))
  const leaf = createHash('sha256')
    .update(Buffer.from([0]))
    .update(body)
    .digest('base64')
  const note = `${name}\n1\n${leaf}\n`
  const noteSignature = sign('sha256', Buffer.from(note), (lies.log ?? log).privateKey)
  const line = Buffer.concat([logId.subarray(0, 4), noteSignature]).toString('base64')
  return {
    logIndex: '0',
    logId: { keyId: logId.toString('base64') },
    kindVersion: { kind, version },
    inclusionProof: {
      logIndex: '0',
      rootHash: leaf,
      treeSize: '1',
      hashes: [],
      checkpoint: { envelope: `${note}\n\u2014 ${name} ${line}\n` },
      ...lies.proof,
    },
    canonicalizedBody: body.toString('base64'),
    ...lies.more,
  }
}

async function codesFor(lies: Lies): Promise<readonly string[]> {
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: modelHintOf(signer.publicKey) }, tlogEntries: [entryOf(lies)] },
    ...(lies.kind?.startsWith('dsse') === true
      ? { dsseEnvelope: { payload: base64(payload), payloadType, signatures: [{ sig: base64(envelope.signature) }] } }
      : { messageSignature: { messageDigest: rawHash(digest), signature: base64(signature) } }),
  }
  const findings = await judgeSigner({
    bundle: parseForeignBundle(Buffer.from(JSON.stringify(bundle))),
    trust: { kind: 'key', key: parseForeignKey(pemOf(signer)) },
    root,
    now: new Date('2026-11-26T12:00:00Z'),
    digest,
  })
  return findings.filter(({ passed }) => !passed).map(({ code }) => code)
}

test('believes an entry that the log has, for the key that signed', async () => {
  assert.deepEqual(await codesFor({}), [])
})

test('Rekor v1 signs as the host that it ran on, its key decides; the next one signs as the log that is trusted', async () => {
  for (const kind of Object.keys(bodies) as (keyof typeof bodies)[]) {
    // as written above
    assert.deepEqual(await codesFor({ kind }), [], kind)
    const codes = kind.endsWith('0.0.1') ? [] : ['ERR_BUNDLE_LOG_ENTRY']
    assert.deepEqual(await codesFor({ kind, name: 'rekor-server-7f9c' }), codes, `${kind} by another name`)
    assert.deepEqual(await codesFor({ kind, signer: newPair() }), ['ERR_BUNDLE_LOG_ENTRY'], `${kind} for another key`)
  }
})

const lies: Readonly<Record<string, Lies>> = {
  // THREAT: a key that fits signature and digest can be computed; an entry for it would prove another signer's time
  'for another key': { signer: newPair() },
  'for another artifact': { digest: hash('sha256', 'another model', 'buffer') },
  'for another signature': { signature: sign('sha256', artifact, signer.privateKey) },
  'of another log': { log: newPair() },
  'with the size of another tree': { proof: { treeSize: '2' } },
  'with the root of another tree': { proof: { rootHash: Buffer.alloc(32).toString('base64') } },
  'with two places': { more: { logIndex: '7' } },
  'with a time that nobody signed': { more: { integratedTime: '1700000000' } },
  'of another kind than it says': { more: { kindVersion: { kind: 'dsse', version: '0.0.1' } } },
}
for (const [name, lie] of Object.entries(lies)) {
  test(`refuses an entry ${name}`, async () => {
    assert.deepEqual(await codesFor(lie), ['ERR_BUNDLE_LOG_ENTRY'])
  })
}
