/**
 * Google Cloud KMS: one version of an asymmetric key.
 *
 * SOURCE: Cloud KMS REST v1, cryptoKeyVersions.getPublicKey and asymmetricSign, keyRings.cryptoKeys.create. The CRC-32s of
 * that API are left out: a signature is verified. Tested against a server of that API, not against Google itself.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { type Answer, ask, bytesIn, type Patience, type Question, usualPatience } from './ask.http.ts'
import { denied, type HeldKey, unreachable, wrong } from './held-key.ts'

/** GOOGLE_OAUTH_ACCESS_TOKEN or CLOUDSDK_AUTH_ACCESS_TOKEN, CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS. */
export type GoogleSettings = Readonly<Record<string, string>>

const algorithm = 'EC_SIGN_P256_SHA256'

/** @throws ERR_KEY_HOME when there is no such key or no token, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG */
export async function openGoogleKey(
  name: string,
  settings: GoogleSettings,
  patience: Patience = usualPatience,
): Promise<HeldKey> {
  const request = requesterOf(settings)
  const read = await ask(() => Promise.resolve(request('GET', `${name}/publicKey`)), patience)
  const publicKey = keyIn(read, name)
  return {
    publicKey,
    signDigest: async (digest) => {
      const body = { digest: { sha256: Buffer.from(digest).toString('base64') } }
      const answer = await ask(() => Promise.resolve(request('POST', `${name}:asymmetricSign`, body)), patience)
      refuseStatus(answer, name)
      refuseOtherName(answer, name)
      const signature = bytesIn(answer.body['signature'])
      if (signature === undefined) throw unreachable('answered without a signature')
      return signature
    },
  }
}

/** Makes the key whose first version the address names, in a key ring that is there. @throws as `openGoogleKey`, ERR_SIGNER_ADDRESS */
export async function createGoogleKey(
  name: string,
  settings: GoogleSettings,
  patience: Patience = usualPatience,
): Promise<void> {
  const [, ring, key] = /^(.+)\/cryptoKeys\/([^/]+)\/cryptoKeyVersions\/1$/.exec(name) ?? []
  if (ring === undefined)
    throw new DomainError('ERR_SIGNER_ADDRESS', 'the first version of a new key is 1', {
      help: 'write gcpkms://…/cryptoKeys/NAME/cryptoKeyVersions/1',
    })
  const request = requesterOf(settings)
  const body = { purpose: 'ASYMMETRIC_SIGN', versionTemplate: { algorithm } }
  const made = await ask(
    () => Promise.resolve(request('POST', `${ring}/cryptoKeys?cryptoKeyId=${key}`, body)),
    patience,
  )
  if (made.status === 409) throw new DomainError('ERR_KEY_EXISTS', 'Google KMS has a key of that name already')
  refuseStatus(made, name)
}

function requesterOf(settings: GoogleSettings): (method: Question['method'], path: string, body?: object) => Question {
  const token = settings['GOOGLE_OAUTH_ACCESS_TOKEN'] ?? settings['CLOUDSDK_AUTH_ACCESS_TOKEN'] ?? ''
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new DomainError('ERR_KEY_HOME', 'the key is in Google KMS, and there is no access token', {
      help: 'set GOOGLE_OAUTH_ACCESS_TOKEN="$(gcloud auth print-access-token)"',
    })
  const base = settings['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS'] ?? 'https://cloudkms.googleapis.com/'
  return (method, path, body) => ({
    method,
    url: `${base.replace(/\/+$/, '')}/v1/${path}`,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

function refuseStatus({ status }: Answer, name: string): void {
  if (status === 200) return
  if (status === 401 || status === 403)
    throw denied(
      `refuses: Google KMS answered ${status}`,
      'look at the token, and at roles/cloudkms.signerVerifier on the key',
    )
  if (status === 404) throw new DomainError('ERR_KEY_HOME', `Google KMS has no key \`${name}\``)
  throw unreachable(`answered with status ${status}`)
}

/** THREAT: an answer about another key than the one that was asked for. */
function refuseOtherName({ body }: Answer, name: string): void {
  if (typeof body['name'] !== 'string') throw unreachable('answered without the name of the key')
  if (body['name'] !== name) throw wrong('answered for another key than the one that was asked for')
}

function keyIn(answer: Answer, name: string): KeyObject {
  refuseStatus(answer, name)
  refuseOtherName(answer, name)
  const { algorithm: kind, pem } = answer.body
  if (kind !== algorithm) throw wrong(`holds a key that is not for ECDSA on P-256 (${algorithm})`)
  try {
    if (typeof pem === 'string') return createPublicKey({ key: pem, format: 'pem' })
  } catch {
    // INVARIANT: what cannot be read is no key
  }
  throw unreachable('answered without a public key')
}
