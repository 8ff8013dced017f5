/**
 * Signing without a key that lasts: an authority (Fulcio) certifies a new key for an identity, a log (Rekor) and a
 * timestamp authority say when it signed. The bundle is a Sigstore bundle v0.3 with one certificate.
 *
 * Our own questions to the three services, by `ask`: `@sigstore/sign` would bring forty packages beside the token, follows
 * redirects with it, and has it in the text of an error (DECISION 0050). What they answer is verified by whoever reads the
 * bundle; here it must fit what was asked. SOURCE: sigstore/fulcio fulcio.proto (v2), sigstore/rekor openapi.yaml (dsse
 * 0.0.1), sigstore/rekor-tiles CLIENTS.md, sigstore/timestamp-authority openapi.yaml.
 */
import { generateKeyPairSync, hash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { X509Certificate as CertificateFields } from '@sigstore/core'
import { bundleMediaType } from '../bundle.ts'
import type { CertifiedIdentity } from '../ci-identity.ts'
import { preAuthenticationEncoding } from '../dsse.ts'
import {
  type CertificateClaims,
  type CertificateIdentity,
  claimsOf,
  identityOf,
} from '../foreign/certificate-identity.ts'
import { signersOfEntry } from '../foreign/log-entry.ts'
import type { SigstoreAddress } from './address.ts'
import { type Answer, type Asked, ask, askForBytes, bytesIn, mapIn, type Patience, usualPatience } from './ask.http.ts'
import { denied, unreachable, wrong } from './held-key.ts'
import { identityToken, type TokenSettings } from './identity-token.http.ts'

export type KeylessSigner = Readonly<{
  identity: CertifiedIdentity
  /** The key that is certified now; another one later. */
  publicKey: KeyObject
  /** @returns the bundle's bytes: one line of JSON */
  seal(payload: Uint8Array, payloadType: string): Promise<Uint8Array>
}>

/** A certificate is not used in its last minute: log and timestamp come after the signature. */
const reserveMs = 60_000

/**
 * Asks for a first certificate, so that a run knows whom it signs as before it begins.
 *
 * @throws ERR_IDENTITY_TOKEN, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG
 */
export async function openKeyless(
  address: SigstoreAddress,
  settings: TokenSettings,
  patience: Patience = usualPatience,
): Promise<KeylessSigner> {
  const first = await certify(address, settings, patience)
  let current = first
  return {
    identity: first.identity,
    publicKey: first.certificate.publicKey,
    seal: async (payload, payloadType) => {
      if (current.expiresMs - reserveMs < Date.now()) current = await certify(address, settings, patience)
      // THREAT: an identity that changes in the middle of a run is not the one that the policy was asked about.
      if (current.identity.identity !== first.identity.identity || current.identity.issuer !== first.identity.issuer)
        throw wrong('certifies another identity than before')
      return sealWith(current, { payload, payloadType }, { address, patience })
    },
  }
}

type Certified = Readonly<{
  privateKey: KeyObject
  certificate: X509Certificate
  identity: CertifiedIdentity
  expiresMs: number
}>

async function certify(address: SigstoreAddress, settings: TokenSettings, patience: Patience): Promise<Certified> {
  const { jwt, subject } = await identityToken(settings, patience)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: jwt },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
      proofOfPossession: sign('sha256', Buffer.from(subject), privateKey).toString('base64'),
    },
  })
  const answer = await ask(post(below(address.fulcio, 'api/v2/signingCert'), body), patience)
  if (answer.status !== 200 && answer.status !== 201)
    throw denied(
      `certifies nobody: the authority answered ${answer.status}`,
      'look at the issuer and the audience of the token',
    )
  const certificate = certificateIn(answer)
  if (!certificate.publicKey.equals(publicKey)) throw wrong('certified another key than the one that was asked for')
  const { identity, issuer, claims } = namesIn(certificate)
  if (identity === undefined || issuer === undefined) throw wrong('certified nobody by one name')
  return { privateKey, certificate, identity: { identity, issuer, claims }, expiresMs: Date.parse(certificate.validTo) }
}

function certificateIn({ body }: Answer): X509Certificate {
  const signed = mapIn(body['signedCertificateEmbeddedSct'] ?? body['signedCertificateDetachedSct'])
  const { certificates } = mapIn(signed['chain'])
  const [leaf] = Array.isArray(certificates) ? certificates : []
  try {
    return new X509Certificate(String(leaf))
  } catch {
    throw unreachable('answered without a certificate') // INVARIANT: what cannot be read is none
  }
}

function namesIn(certificate: X509Certificate): CertificateIdentity & CertificateClaims {
  try {
    const fields = CertificateFields.parse(Buffer.from(certificate.raw))
    return { ...identityOf(fields), claims: claimsOf(fields) }
  } catch {
    return { identity: undefined, issuer: undefined, claims: {} } // INVARIANT: names that cannot be read name nobody
  }
}

type Services = Readonly<{ address: SigstoreAddress; patience: Patience }>
type Signed = Readonly<{ pae: Uint8Array; payload: Uint8Array; payloadType: string; signature: Buffer }>

async function sealWith(
  { privateKey, certificate }: Certified,
  { payload, payloadType }: Pick<Signed, 'payload' | 'payloadType'>,
  { address, patience }: Services,
): Promise<Uint8Array> {
  const pae = preAuthenticationEncoding(payloadType, payload)
  const signed = { pae, payload, payloadType, signature: sign('sha256', pae, privateKey) }
  const [entry, timestamp] = await Promise.all([
    address.rekor === undefined
      ? undefined
      : enterLog(signed, certificate, { ...address, rekor: address.rekor }, patience),
    address.timestamps === undefined ? undefined : stamp(signed, address.timestamps, patience),
  ])
  const timestamps = timestamp === undefined ? [] : [{ signedTimestamp: timestamp.toString('base64') }]
  return Buffer.from(
    JSON.stringify({
      mediaType: bundleMediaType,
      verificationMaterial: {
        certificate: { rawBytes: certificate.raw.toString('base64') },
        tlogEntries: entry === undefined ? [] : [entry],
        timestampVerificationData: { rfc3161Timestamps: timestamps },
      },
      dsseEnvelope: envelopeOf(signed),
    }),
  )
}

function envelopeOf({ payload, payloadType, signature }: Signed): object {
  return {
    payload: Buffer.from(payload).toString('base64'),
    payloadType,
    signatures: [{ sig: signature.toString('base64') }],
  }
}

async function enterLog(
  signed: Signed,
  certificate: X509Certificate,
  { rekor, rekorVersion }: SigstoreAddress & Readonly<{ rekor: string }>,
  patience: Patience,
): Promise<object> {
  const [path, proposed] =
    rekorVersion === 1
      ? ['api/v1/log/entries', firstVersionEntry(signed, certificate)]
      : ['api/v2/log/entries', secondVersionEntry(signed, certificate)]
  const answer = await known(rekor, await ask(post(below(rekor, path), JSON.stringify(proposed)), patience), patience)
  if (answer.status !== 200 && answer.status !== 201) throw denied(`was not entered: the log answered ${answer.status}`)
  const entry = rekorVersion === 1 ? entryOfFirstVersion(answer) : answer.body
  const body = bytesIn(mapIn(entry)['canonicalizedBody'], maxEntryChars)
  if (body === undefined) throw unreachable('answered without an entry of the log')
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  if (!isFor(body, spki, signed.signature)) throw wrong('entered another signature into the log')
  return entry
}

/**
 * The entry that is there already: an answer was lost, and what was asked again had been entered the first time.
 *
 * SOURCE: sigstore/rekor openapi.yaml, createLogEntry (409: `Location` ends with the id of the entry). Whether it is ours is
 * asked of it as of a new one. Rekor v2 gives no entry out by its id.
 */
async function known(rekor: string, answer: Answer, patience: Patience): Promise<Answer> {
  const [, id] = /\/api\/v1\/log\/entries\/([0-9a-f]{64,80})$/.exec(answer.location ?? '') ?? []
  if (answer.status !== 409 || id === undefined) return answer
  const url = below(rekor, `api/v1/log/entries/${id}`)
  return ask(() => Promise.resolve({ method: 'GET', url, headers: {} }), patience)
}

/** LIMIT: the body of an entry is at most 256 KiB of base64: hashes, a signature and a certificate. */
const maxEntryChars = 256 * 1024

/** THREAT: an entry of an earlier signature by the same key. */
function isFor(body: Uint8Array, spki: Uint8Array, signature: Buffer): boolean {
  try {
    const isOurs = signersOfEntry(body).every((signer) => signer.equals(spki))
    return isOurs && Buffer.from(body).includes(JSON.stringify(signature.toString('base64')))
  } catch {
    return false // INVARIANT: an entry that cannot be read is for nobody
  }
}

function firstVersionEntry(signed: Signed, certificate: X509Certificate): object {
  const verifiers = [Buffer.from(certificate.toString()).toString('base64')]
  const envelope = JSON.stringify(envelopeOf(signed))
  return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope, verifiers } } }
}

function secondVersionEntry({ pae, signature }: Signed, certificate: X509Certificate): object {
  const verifier = {
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    x509Certificate: { rawBytes: certificate.raw.toString('base64') },
  }
  const content = signature.toString('base64')
  return {
    hashedRekordRequestV002: { digest: hash('sha256', pae, 'base64'), signature: { content, verifier } },
  }
}

/** One entry by its id -> TransparencyLogEntry as a bundle has it. */
function entryOfFirstVersion({ body }: Answer): object {
  const entries = Object.values(body)
  const entry = mapIn(entries.length === 1 ? entries[0] : undefined)
  const verification = mapIn(entry['verification'])
  const proof = mapIn(verification['inclusionProof'])
  const promise = verification['signedEntryTimestamp']
  const hashes = Array.isArray(proof['hashes']) ? proof['hashes'] : []
  return {
    logIndex: String(entry['logIndex']),
    logId: { keyId: base64OfHex(entry['logID']) },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(entry['integratedTime']),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: promise } }),
    inclusionProof: {
      logIndex: String(proof['logIndex']),
      rootHash: base64OfHex(proof['rootHash']),
      treeSize: String(proof['treeSize']),
      hashes: hashes.map(base64OfHex),
      checkpoint: { envelope: proof['checkpoint'] },
    },
    canonicalizedBody: entry['body'],
  }
}

function base64OfHex(value: unknown): string {
  return Buffer.from(String(value), 'hex').toString('base64')
}

async function stamp({ signature }: Signed, address: string, patience: Patience): Promise<Buffer> {
  const body = JSON.stringify({ artifactHash: hash('sha256', signature, 'base64'), hashAlgorithm: 'sha256' })
  // A signing config names the whole address, a user only where the service is.
  const url = new URL(address).pathname === '/' ? below(address, 'api/v1/timestamp') : address
  const { status, bytes } = await askForBytes(post(url, body), patience)
  if (status !== 200 && status !== 201) throw denied(`was not stamped: the timestamp authority answered ${status}`)
  if (bytes.length === 0) throw unreachable('answered without a timestamp')
  return bytes
}

function post(url: string, body: string): Asked {
  return () => Promise.resolve({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body })
}

function below(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`
}
