/**
 * What holds keys, by its documented API: HashiCorp Vault's transit engine, AWS KMS, Google Cloud KMS.
 *
 * Each server looks at everything that it is sent, by its own reading of the API and with none of our code, and writes down
 * what is wrong; and each can be told to misbehave. SOURCE: Vault HTTP API (transit); AWS KMS API reference and "Create a
 * signed AWS API request" (SigV4); Cloud KMS REST v1.
 */
import { createHmac, generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { p256 } from '@noble/curves/nist.js'

export type Behaviour =
  | 'honest'
  | 'wrong signature'
  | 'signature of another key'
  | 'another key now'
  | 'no signature'
  | 'wrong type'
  | 'other name'
  | 'denied'
  | 'missing'
  | 'broken'
  | 'hangs'
  | 'nonsense'
  | 'endless'
  | 'redirects'

export type KeyService = Readonly<{
  url: string
  /** The environment that opens it. */
  environment: Readonly<Record<string, string>>
  /** What requests were wrong in; empty when they were as the API says. */
  faults: readonly string[]
  /** Paths or targets of the requests, in their order. */
  asked: readonly string[]
  /** Digests that were signed, hex. */
  signed: readonly string[]
  publicKey: KeyObject
  behave(behaviour: Behaviour): void
}>

type Request = Readonly<{ method: string; path: string; headers: IncomingMessage['headers']; body: Buffer }>
type Reply = Readonly<{ status: number; body: unknown }>
type State = Readonly<{
  key: () => Readonly<{ privateKey: KeyObject; publicKey: KeyObject }>
  behaviour: () => Behaviour
  fault(what: string): void
  sign(digest: Buffer): string
}>

const newPair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

async function serve(
  context: TestContext,
  environment: (url: string) => Readonly<Record<string, string>>,
  answer: (request: Request, state: State) => Reply,
): Promise<KeyService> {
  const faults: string[] = []
  const asked: string[] = []
  const signed: string[] = []
  let behaviour: Behaviour = 'honest'
  const [own, other] = [newPair(), newPair()]
  const key = () => (behaviour === 'another key now' ? other : own)
  const state: State = {
    key,
    behaviour: () => behaviour,
    fault: (what) => void faults.push(what),
    sign: (digest) => {
      if (digest.length !== 32) faults.push(`a digest of ${digest.length} bytes`)
      signed.push(digest.toString('hex'))
      const signer = behaviour === 'signature of another key' ? other : key()
      const about = behaviour === 'wrong signature' ? hash('sha256', digest, 'buffer') : digest
      return signDigest(about, signer.privateKey).toString('base64')
    },
  }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      asked.push(`${method} ${String(headers['x-amz-target'] ?? path)}`)
      const reply = answer({ method, path, headers, body: Buffer.concat(chunks) }, state)
      if (behaviour === 'hangs') return
      if (behaviour === 'redirects') return void response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end()
      if (behaviour === 'nonsense') return void response.end('<html>')
      if (behaviour === 'endless') return void response.end(`{"data":"${'x'.repeat(2 * 1024 * 1024)}"}`)
      const status = { denied: 403, broken: 500, missing: 404 }[behaviour as string] ?? reply.status
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(status === 204 ? '' : JSON.stringify(status === reply.status ? reply.body : { errors: ['no'] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    environment: environment(url),
    faults,
    asked,
    signed,
    publicKey: own.publicKey,
    behave: (next) => {
      behaviour = next
    },
  }
}

/** Node hashes what it signs; here the digest is given. */
function signDigest(digest: Buffer, key: KeyObject): Buffer {
  const secret = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url')
  return Buffer.from(p256.sign(digest, secret, { prehash: false, format: 'der' }))
}

function jsonIn({ body, headers }: Request, state: State): Readonly<Record<string, unknown>> {
  if (!String(headers['content-type']).startsWith('application/')) state.fault('a body of no kind')
  try {
    return JSON.parse(body.toString()) as Readonly<Record<string, unknown>> // a map, or the fault below says so
  } catch {
    state.fault('a body that is no JSON')
    return {}
  }
}

function expectFields(
  given: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
  state: State,
): void {
  for (const name of new Set([...Object.keys(given), ...Object.keys(expected)])) {
    if (expected[name] === undefined && !Object.hasOwn(expected, name)) state.fault(`the field ${name}`)
    else if (expected[name] !== undefined && given[name] !== expected[name])
      state.fault(`${name} is ${JSON.stringify(given[name])}`)
  }
}

/** A key `digits` of the engine `transit`, which was rotated once, and `fresh`, which is made when it is asked for. */
export function vaultTransit(context: TestContext): Promise<KeyService> {
  let isMade = false
  const token = 'hvs.conformance'
  return serve(
    context,
    (url) => ({ VAULT_ADDR: url, VAULT_TOKEN: token, VAULT_NAMESPACE: 'team' }),
    (request, state) => {
      const { method, path, headers } = request
      const isHis = headers.authorization === `Bearer ${token}` && headers['x-vault-namespace'] === 'team'
      if (!isHis || headers['x-vault-request'] !== 'true') return { status: 403, body: { errors: ['denied'] } }
      if (path === '/v1/transit/keys/fresh' && method === 'POST') {
        expectFields(jsonIn(request, state), { type: 'ecdsa-p256' }, state)
        isMade = true
        return { status: 204, body: '' }
      }
      if (path === '/v1/transit/keys/fresh' && method === 'GET')
        return isMade ? { status: 200, body: vaultKey(state) } : { status: 404, body: { errors: [] } }
      if (path === '/v1/transit/keys/digits' && method === 'GET') return { status: 200, body: vaultKey(state) }
      const [, name] = /^\/v1\/transit\/sign\/(digits|fresh)\/sha2-256$/.exec(path) ?? []
      if (name === undefined || method !== 'POST') {
        state.fault(`${method} ${path}`)
        return { status: 404, body: { errors: [] } }
      }
      const body = jsonIn(request, state)
      const fields = { input: undefined, prehashed: true, marshaling_algorithm: 'asn1', key_version: 2 }
      expectFields(body, fields, state)
      const signature = `vault:v2:${state.sign(Buffer.from(String(body['input']), 'base64'))}`
      const data = state.behaviour() === 'no signature' ? {} : { signature, key_version: 2 }
      return { status: 200, body: { request_id: 'r', data } }
    },
  )
}

function vaultKey(state: State): object {
  const old = { creation_time: '2025-01-01T00:00:00Z', name: 'P-256', public_key: pemOf(newPair().publicKey) }
  const current = { ...old, public_key: pemOf(state.key().publicKey) }
  const type = state.behaviour() === 'wrong type' ? 'rsa-2048' : 'ecdsa-p256'
  return { request_id: 'r', data: { type, latest_version: 2, keys: { 1: old, 2: current }, supports_signing: true } }
}

const awsKeys = {
  id: 'AKIDCONFORMANCE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  session: 'session+token==',
}

/** The key `alias/digits` in eu-central-1. */
export function awsKms(context: TestContext): Promise<KeyService> {
  return serve(
    context,
    (url) => ({
      AWS_ENDPOINT_URL_KMS: url,
      AWS_ACCESS_KEY_ID: awsKeys.id,
      AWS_SECRET_ACCESS_KEY: awsKeys.secret,
      AWS_SESSION_TOKEN: awsKeys.session,
      AWS_REGION: 'eu-central-1',
    }),
    (request, state) => {
      if (!isSignedByAws(request)) return { status: 400, body: { __type: 'InvalidSignatureException' } }
      if (request.headers['content-type'] !== 'application/x-amz-json-1.1') state.fault('another content-type')
      if (request.headers['x-amz-security-token'] !== awsKeys.session) state.fault('no session token')
      const body = jsonIn(request, state)
      switch (request.headers['x-amz-target']) {
        case 'TrentService.CreateKey':
          expectFields(body, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, state)
          return { status: 200, body: { KeyMetadata: { KeyId: '1234abcd-12ab-34cd-56ef-1234567890ab' } } }
        case 'TrentService.CreateAlias':
          expectFields(body, { AliasName: 'alias/digits', TargetKeyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }, state)
          return { status: 200, body: {} }
        case 'TrentService.GetPublicKey':
          expectFields(body, { KeyId: 'alias/digits' }, state)
          return { status: 200, body: awsKey(state) }
        case 'TrentService.Sign': {
          const fields = { KeyId: 'alias/digits', MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' }
          expectFields(body, { ...fields, Message: undefined }, state)
          const Signature = state.sign(Buffer.from(String(body['Message']), 'base64'))
          return { status: 200, body: state.behaviour() === 'no signature' ? {} : { KeyId: 'arn', Signature } }
        }
        default:
          state.fault(String(request.headers['x-amz-target']))
          return { status: 400, body: { __type: 'UnknownOperationException' } }
      }
    },
  )
}

function awsKey(state: State): object {
  const isOther = state.behaviour() === 'wrong type'
  return {
    KeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    KeySpec: isOther ? 'RSA_2048' : 'ECC_NIST_P256',
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
    PublicKey: spkiOf(state.key().publicKey).toString('base64'),
  }
}

/** SOURCE: AWS General Reference, "Create a signed AWS API request", steps 1 to 5. */
function isSignedByAws({ method, path, headers, body }: Request): boolean {
  const [, id, day, region, service, names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? []
  const stamp = String(headers['x-amz-date'])
  const signedHeaders = names.split(';')
  const needed = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']
  if (id !== awsKeys.id || region !== 'eu-central-1' || service !== 'kms' || !stamp.startsWith(day ?? '-')) return false
  if (!needed.every((name) => signedHeaders.includes(name))) return false
  const iso = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  if (!(Math.abs(Date.parse(iso) - Date.now()) < 300_000)) return false
  const lines = signedHeaders.map((name) => `${name}:${String(headers[name]).trim()}\n`).join('')
  const canonical = [method, path, '', lines, names, hash('sha256', body, 'hex')].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, hash('sha256', canonical, 'hex')].join('\n')
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const key = [region, service, 'aws4_request'].reduce(mac, mac(`AWS4${awsKeys.secret}`, day ?? ''))
  return mac(key, toSign).toString('hex') === signature
}

export const googleKeyName = 'projects/ml/locations/europe-west3/keyRings/models/cryptoKeys/digits/cryptoKeyVersions/1'

export function googleKms(context: TestContext): Promise<KeyService> {
  const token = 'ya29.conformance-token'
  return serve(
    context,
    (url) => ({ CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: `${url}/`, GOOGLE_OAUTH_ACCESS_TOKEN: token }),
    (request, state) => {
      const { method, path, headers } = request
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: { code: 401 } } }
      const name = state.behaviour() === 'other name' ? googleKeyName.replace('digits', 'others') : googleKeyName
      const algorithm = state.behaviour() === 'wrong type' ? 'RSA_SIGN_PKCS1_2048_SHA256' : 'EC_SIGN_P256_SHA256'
      if (method === 'GET' && path === `/v1/${googleKeyName}/publicKey`)
        return { status: 200, body: { pem: pemOf(state.key().publicKey), algorithm, name, pemCrc32c: '1' } }
      const ring = googleKeyName.replace(/\/cryptoKeys.*/, '')
      if (method === 'POST' && path === `/v1/${ring}/cryptoKeys?cryptoKeyId=digits`) {
        const { purpose, versionTemplate } = jsonIn(request, state)
        const isRight = JSON.stringify(versionTemplate) === '{"algorithm":"EC_SIGN_P256_SHA256"}'
        if (purpose !== 'ASYMMETRIC_SIGN' || !isRight) state.fault('another key than was meant')
        return { status: 200, body: {} }
      }
      if (method !== 'POST' || path !== `/v1/${googleKeyName}:asymmetricSign`) {
        state.fault(`${method} ${path}`)
        return { status: 404, body: {} }
      }
      const { digest, ...more } = jsonIn(request, state)
      expectFields(more, {}, state)
      const { sha256, ...others } = (digest ?? {}) as Readonly<Record<string, unknown>>
      expectFields(others, {}, state)
      const signature = state.sign(Buffer.from(String(sha256), 'base64'))
      return { status: 200, body: state.behaviour() === 'no signature' ? { name } : { name, signature } }
    },
  )
}
