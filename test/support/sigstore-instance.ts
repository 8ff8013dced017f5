/**
 * A Sigstore instance of one's own on loopback: sigstore-js's mock of Fulcio, Rekor v1 and a timestamp authority, behind an
 * issuer of identity tokens, whose signatures are checked here (the mock reads tokens without).
 *
 * Rekor's part answers as Rekor does, with the entry that it made of what was proposed, and checks the signature first.
 */
import { generateKeyPairSync, hash, type KeyObject, sign, verify, X509Certificate } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from '@sigstore/mock'
import { preAuthenticationEncoding } from '../../src/attestation/dsse.ts'

type Claims = Readonly<Record<string, string | number | boolean>>
export type Lie =
  | 'none'
  | 'another key'
  | 'another entry'
  | 'another time'
  | 'no certificate'
  | 'no log'
  | 'no stamps'
  /** The log enters, and its first answer does not arrive. */
  | 'a lost answer'
  /** As that, and what it says to be there is the first entry that it ever made. */
  | 'a lost answer of another'

export type SigstoreInstance = Readonly<{
  url: string
  /** ASSAY_SIGNER. */
  address: string
  issuer: string
  token(claims: Claims): string
  /** Signed by nobody that the authority knows. */
  forgedToken(claims: Claims): string
  trustedRoot: object
  /** Requests, in their order. */
  asked: readonly string[]
  lie(lie: Lie): void
}>

export const issuer = 'https://issuer.example.org'

/** @param issuedBy whose tokens it takes */
export async function sigstoreInstance(context: TestContext, issuedBy = issuer): Promise<SigstoreInstance> {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const [ofCa, ofLog, ofStamps, ofIssuer, ofStranger] = [pair(), pair(), pair(), pair(), pair()]
  const ctlog = await initializeCTLog(ofCa)
  const ca = await initializeCA(ofCa, ctlog)
  const log = await initializeTLog('http://rekor.example.org', ofLog)
  const stamps = await initializeTSA(ofStamps)
  const handlers = { fulcio: fulcioHandler(ca), rekor: rekorHandler(log), stamps: tsaHandler(stamps) }
  const asked: string[] = []
  let lie: Lie = 'none'
  /** Path of an entry -> the answer when it was made. */
  const entered = new Map<string, string | Buffer>()

  const answer: Answer = async (path, body) => {
    const from = async (handler: (typeof handlers)['fulcio'], text: string) => {
      const { statusCode, response } = await handler.fn(text)
      return { status: statusCode, body: typeof response === 'string' ? response : Buffer.from(response.buffer) }
    }
    switch (path) {
      case handlers.fulcio.path: {
        if (lie === 'no certificate' || !isHonestToken(body, ofIssuer.publicKey, issuedBy))
          return { status: 403, body: '{}' }
        return from(handlers.fulcio, lie === 'another key' ? withKey(body, ofStranger.publicKey) : body)
      }
      case handlers.rekor.path:
        if (lie === 'no log') return { status: 500, body: '' }
        return rekorAnswer(body)
      case '/api/v2/log/entries':
        return { status: 201, body: JSON.stringify(secondEntryOf(body, ofLog)) }
      case handlers.stamps.path:
        if (lie === 'no stamps') return { status: 400, body: '' }
        return readableStamp(() => from(handlers.stamps, lie === 'another time' ? stampOfOther(body) : body))
      default: {
        const entry = entered.get(path)
        return entry === undefined ? { status: 404, body: '' } : { status: 200, body: entry }
      }
    }

    async function rekorAnswer(proposed: string): Promise<Answered> {
      const place = `${handlers.rekor.path}/${hash('sha256', proposed)}`
      const isLost = lie === 'a lost answer' || lie === 'a lost answer of another'
      if (isLost && entered.has(place)) {
        const [first = ''] = entered.keys()
        return { status: 409, body: '{}', location: lie === 'a lost answer' ? place : first }
      }
      const made = await from(handlers.rekor, JSON.stringify(entryOf(proposed, lie)))
      entered.set(place, made.body)
      return isLost ? { status: 500, body: '' } : made
    }
  }
  const url = await listen(context, asked, answer)
  return {
    url,
    address: `sigstore:?fulcio-url=${url}&rekor-url=${url}&timestamp-url=${url}`,
    issuer: issuedBy,
    token: (claims) => jwtOf({ iss: issuedBy, ...claims }, ofIssuer.privateKey),
    forgedToken: (claims) => jwtOf({ iss: issuedBy, ...claims }, ofStranger.privateKey),
    trustedRoot: trustedRootOf({ ca, ctlog, log, stamps }),
    asked,
    lie: (next) => {
      lie = next
    },
  }
}

type Answered = Readonly<{ status: number; body: string | Buffer; location?: string }>
type Answer = (path: string, body: string) => Promise<Answered>

async function listen(context: TestContext, asked: string[], answer: Answer): Promise<string> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`)
      void answer(request.url ?? '', Buffer.concat(chunks).toString()).then(({ status, body, location }) =>
        response
          .writeHead(status, {
            'content-type': 'application/json',
            ...(location === undefined ? {} : { location }),
          })
          .end(body),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function jwtOf(claims: Claims, key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const all = { aud: 'sigstore', iat: now, exp: now + 600, ...claims }
  const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(all)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** Signature, issuer, audience, time, and that the key is held: what Fulcio asks, and the mock does not. */
function isHonestToken(body: string, key: KeyObject, issuedBy: string): boolean {
  const { credentials, publicKeyRequest } = JSON.parse(body)
  const [head, claims, signature] = String(credentials.oidcIdentityToken).split('.')
  const raw = Buffer.from(String(signature), 'base64url')
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, raw)) return false
  const { iss, aud, exp, sub } = JSON.parse(Buffer.from(String(claims), 'base64url').toString())
  const { publicKey, proofOfPossession } = publicKeyRequest
  const proof = Buffer.from(proofOfPossession, 'base64')
  const holds = verify('sha256', Buffer.from(sub), publicKey.content, proof)
  return iss === issuedBy && aud === 'sigstore' && exp * 1000 > Date.now() && holds
}

function withKey(body: string, key: KeyObject): string {
  const request = JSON.parse(body)
  request.publicKeyRequest.publicKey.content = key.export({ type: 'spki', format: 'pem' })
  return JSON.stringify(request)
}

/** The `dsse` entry that Rekor makes of what is proposed, after it has checked the signature. */
function entryOf(body: string, lie: Lie): object {
  const { kind, apiVersion, spec } = JSON.parse(body)
  const { envelope, verifiers } = spec.proposedContent
  const { payload, payloadType, signatures } = JSON.parse(envelope)
  const bytes = Buffer.from(payload, 'base64')
  const certificate = new X509Certificate(Buffer.from(verifiers[0], 'base64'))
  const [{ sig }] = signatures
  const signed = preAuthenticationEncoding(payloadType, bytes)
  if (!verify('sha256', signed, certificate.publicKey, Buffer.from(sig, 'base64'))) throw new Error('not signed')
  const hashOf = (given: string | Buffer) => ({ algorithm: 'sha256', value: hash('sha256', given, 'hex') })
  const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({
    type: 'spki',
    format: 'pem',
  })
  const verifier = lie === 'another entry' ? Buffer.from(other).toString('base64') : verifiers[0]
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: hashOf(envelope),
      payloadHash: hashOf(bytes),
      signatures: [{ signature: sig, verifier }],
    },
  }
}

/**
 * What Rekor v2 answers, of a log that holds this entry alone. The mock's proofs of v2 name a place outside of their tree.
 * SOURCE: sigstore/rekor-tiles CLIENTS.md; C2SP tlog-checkpoint.
 */
function secondEntryOf(body: string, log: Readonly<{ publicKey: KeyObject; privateKey: KeyObject }>): object {
  const { digest, signature } = JSON.parse(body).hashedRekordRequestV002
  const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature } }
  const canonical = Buffer.from(JSON.stringify({ apiVersion: '0.0.2', kind: 'hashedrekord', spec }))
  const root = hash('sha256', Buffer.concat([Buffer.from([0]), canonical]), 'base64')
  const spki = log.publicKey.export({ type: 'spki', format: 'der' })
  const keyId = hash('sha256', spki, 'buffer')
  const note = `rekor.example.org\n1\n${root}\n`
  const line = Buffer.concat([keyId.subarray(0, 4), sign('sha256', Buffer.from(note), log.privateKey)])
  return {
    logIndex: '0',
    logId: { keyId: keyId.toString('base64') },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: '0',
    inclusionProof: {
      logIndex: '0',
      rootHash: root,
      treeSize: '1',
      hashes: [],
      checkpoint: { envelope: `${note}\n\u2014 rekor.example.org ${line.toString('base64')}\n` },
    },
    canonicalizedBody: canonical.toString('base64'),
  }
}

type Stamp = Readonly<{ status: number; body: string | Buffer }>

/** LIMIT: `@sigstore/core` 4.0 reads fractions of a second of three digits alone, and DER leaves zeros at the end out. */
async function readableStamp(stamp: () => Promise<Stamp>): Promise<Stamp> {
  for (;;) {
    const stamped = await stamp()
    if (!/\d{14}\.\d{1,2}Z/.test(Buffer.from(stamped.body).toString('latin1'))) return stamped
  }
}

function stampOfOther(body: string): string {
  const request = JSON.parse(body)
  return JSON.stringify({ ...request, artifactHash: hash('sha256', 'something else', 'base64') })
}

type Parts = Readonly<{
  ca: Awaited<ReturnType<typeof initializeCA>>
  ctlog: Awaited<ReturnType<typeof initializeCTLog>>
  log: Awaited<ReturnType<typeof initializeTLog>>
  stamps: Awaited<ReturnType<typeof initializeTSA>>
}>

function trustedRootOf({ ca, ctlog, log, stamps }: Parts): object {
  const validFor = { start: '2026-01-01T00:00:00Z' }
  const der = ({ buffer }: ArrayBufferView<ArrayBuffer>) => ({ rawBytes: Buffer.from(buffer).toString('base64') })
  const logOf = (publicKey: Buffer, keyId: Buffer, baseUrl: string) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: publicKey.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: keyId.toString('base64') },
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(log.publicKey, hash('sha256', log.publicKey, 'buffer'), 'http://rekor.example.org')],
    ctlogs: [logOf(ctlog.publicKey, Buffer.from(ctlog.logID.buffer), 'http://ct.example.org')],
    certificateAuthorities: [
      {
        subject: { commonName: 'ca', organization: 'x' },
        uri: 'http://fulcio.example.org',
        certChain: { certificates: [der(ca.rootCertificate)] },
        validFor,
      },
    ],
    timestampAuthorities: [
      {
        subject: { commonName: 'tsa', organization: 'x' },
        certChain: { certificates: [der(stamps.intCertificate), der(stamps.rootCertificate)] },
        validFor,
      },
    ],
  }
}
