/** A log of our own, so that each lie about an entry can be told with a proof that is honest otherwise. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
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
}>

/** An entry that is alone in its log: what the log says of it is true, whatever it is about. */
function entryOf(lies: Lies): Readonly<Record<string, unknown>> {
  const body = Buffer.from(
    JSON.stringify({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: Buffer.from(lies.digest ?? digest).toString('hex') } },
        signature: {
          content: Buffer.from(lies.signature ?? signature).toString('base64'),
          publicKey: { content: Buffer.from(pemOf(lies.signer ?? signer)).toString('base64') },
        },
      },
    }),
  )
  const leaf = createHash('sha256')
    .update(Buffer.from([0]))
    .update(body)
    .digest('base64')
  const note = `${logName}\n1\n${leaf}\n`
  const noteSignature = sign('sha256', Buffer.from(note), (lies.log ?? log).privateKey)
  const line = Buffer.concat([logId.subarray(0, 4), noteSignature]).toString('base64')
  return {
    logIndex: '0',
    logId: { keyId: logId.toString('base64') },
    kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
    inclusionProof: {
      logIndex: '0',
      rootHash: leaf,
      treeSize: '1',
      hashes: [],
      checkpoint: { envelope: `${note}\n\u2014 ${logName} ${line}\n` },
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
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: digest.toString('base64') },
      signature: signature.toString('base64'),
    },
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
