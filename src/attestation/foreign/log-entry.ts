/**
 * Whose signature a log entry was made for: the five shapes of Rekor's bodies.
 *
 * SOURCE: sigstore/rekor pkg/types (hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.2), sigstore/rekor-tiles (0.0.2).
 */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parseStrictJson } from '../../core/index.ts'

/** LIMIT: 16 MiB, 16 levels: an old in-toto entry carries its statement. */
const limits = { maxBytes: 16 * 1024 * 1024, maxDepth: 16 }

/**
 * SPKI DER of each signer that an entry names; hostile until the log's proof of the entry was verified.
 *
 * @throws whatever cannot be read; never returns an empty list
 */
export function signersOfEntry(body: Uint8Array): readonly Buffer[] {
  const verifiers = bodyShape.parse(parseStrictJson(body, 'log entry', limits))
  return verifiers.map((each) => spkiOf(Buffer.from(each, 'base64')))
}

const text = z.string().min(1)
const someOf = <Shape extends z.ZodType>(shape: Shape) => z.array(shape).min(1).max(10)
const verifier = z.union([
  z.object({ x509Certificate: z.object({ rawBytes: text }) }).transform((each) => each.x509Certificate.rawBytes),
  z.object({ publicKey: z.object({ rawBytes: text }) }).transform((each) => each.publicKey.rawBytes),
])

const bodyShape = z.union([
  entry('hashedrekord', '0.0.1', {
    signature: z.object({ publicKey: z.object({ content: text }) }),
  }).transform(({ spec }) => [spec.signature.publicKey.content]),
  entry('dsse', '0.0.1', { signatures: someOf(z.object({ verifier: text })) }).transform(({ spec }) =>
    spec.signatures.map((each) => each.verifier),
  ),
  entry('intoto', '0.0.2', {
    content: z.object({ envelope: z.object({ signatures: someOf(z.object({ publicKey: text })) }) }),
  }).transform(({ spec }) => spec.content.envelope.signatures.map((each) => each.publicKey)),
  entry('hashedrekord', '0.0.2', {
    hashedRekordV002: z.object({ signature: z.object({ verifier }) }),
  }).transform(({ spec }) => [spec.hashedRekordV002.signature.verifier]),
  entry('dsse', '0.0.2', {
    dsseV002: z.object({ signatures: someOf(z.object({ verifier })) }),
  }).transform(({ spec }) => spec.dsseV002.signatures.map((each) => each.verifier)),
])

function entry<Shape extends z.ZodRawShape>(kind: string, version: string, spec: Shape) {
  return z.object({ kind: z.literal(kind), apiVersion: z.literal(version), spec: z.object(spec) })
}

/** A certificate or a key, as PEM or DER. */
function spkiOf(bytes: Buffer): Buffer {
  const isPem = bytes.includes('-----BEGIN')
  const isCertificate = isPem ? bytes.includes('BEGIN CERTIFICATE') : attempt(() => new X509Certificate(bytes))
  const key = isCertificate
    ? new X509Certificate(bytes).publicKey
    : createPublicKey(isPem ? { key: bytes, format: 'pem' } : { key: bytes, format: 'der', type: 'spki' })
  return key.export({ type: 'spki', format: 'der' })
}

function attempt(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false // INVARIANT: what is no certificate is read as a key next, which throws when it is none
  }
}
