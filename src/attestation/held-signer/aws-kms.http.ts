/**
 * AWS KMS: an asymmetric key of its own.
 *
 * Requests are signed (AWS Signature Version 4) by `aws4fetch`. SOURCE: AWS KMS API reference, GetPublicKey, Sign,
 * CreateKey, CreateAlias. Tested against a server of that API, not against AWS itself.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import { DomainError } from '../../core/index.ts'
import type { HeldAddress } from './address.ts'
import { type Answer, ask, bytesIn, type Patience, usualPatience, wordIn } from './ask.http.ts'
import { denied, type HeldKey, unreachable, wrong } from './held-key.ts'

export type AwsAddress = Extract<HeldAddress, { kind: 'awskms' }>
/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL(_KMS). */
export type AwsSettings = Readonly<Record<string, string>>

/** @throws ERR_KEY_HOME when there is no such key or no credentials, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG */
export async function openAwsKey(
  address: AwsAddress,
  settings: AwsSettings,
  patience: Patience = usualPatience,
): Promise<HeldKey> {
  const call = callerOf(address, settings, patience)
  const publicKey = keyIn(await call('GetPublicKey', { KeyId: address.key }))
  return {
    publicKey,
    signDigest: async (digest) => {
      const { body } = await call('Sign', {
        KeyId: address.key,
        Message: Buffer.from(digest).toString('base64'),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      })
      const signature = bytesIn(body['Signature'])
      if (signature === undefined) throw unreachable('answered without a signature')
      return signature
    },
  }
}

/** Makes a key and the alias that the address names. @throws ERR_SIGNER_ADDRESS unless it is an alias; as `openAwsKey` */
export async function createAwsKey(
  address: AwsAddress,
  settings: AwsSettings,
  patience: Patience = usualPatience,
): Promise<void> {
  if (!address.key.startsWith('alias/'))
    throw new DomainError('ERR_SIGNER_ADDRESS', 'AWS names its keys itself: a new one is called by an alias', {
      help: 'write awskms:///alias/NAME',
    })
  const call = callerOf(address, settings, patience)
  const { body } = await call('CreateKey', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const { KeyMetadata: made } = body
  const id = typeof made === 'object' && made !== null && 'KeyId' in made ? wordIn(made.KeyId) : ''
  if (id === '') throw unreachable('answered without the id of the new key')
  await call('CreateAlias', { AliasName: address.key, TargetKeyId: id })
}

type Call = (target: string, body: object) => Promise<Answer>

function callerOf(address: AwsAddress, settings: AwsSettings, patience: Patience): Call {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = settings
  const { AWS_SESSION_TOKEN: sessionToken = '' } = settings
  const region = address.region ?? settings['AWS_REGION'] ?? settings['AWS_DEFAULT_REGION'] ?? ''
  // THREAT: what cannot stand in a header is told by whoever refuses it, value and all.
  const isSendable = !/[^\x21-\x7e]/.test(`${accessKeyId}${secretAccessKey}${sessionToken}`)
  if (accessKeyId === '' || secretAccessKey === '' || !isSendable || !/^[a-z0-9-]+$/.test(region))
    throw new DomainError('ERR_KEY_HOME', 'the key is in AWS KMS, and there are no credentials for it, or no region', {
      help: 'set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION',
    })
  const session = sessionToken === '' ? {} : { sessionToken }
  const client = new AwsClient({ accessKeyId, secretAccessKey, ...session, region, service: 'kms', retries: 0 })
  const url = endpointOf(address, settings, region)
  return async (target, body) => {
    const question = async () => {
      const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${target}` }
      const text = JSON.stringify(body)
      const signed = await client.sign(url, { method: 'POST', headers, body: text })
      const sent = Object.fromEntries([...signed.headers].filter(([name]) => name !== 'host'))
      return { method: 'POST' as const, url, headers: sent, body: text }
    }
    const answer = await ask(question, patience)
    if (answer.status !== 200) throw faultOf(answer, target)
    return answer
  }
}

function endpointOf({ endpoint }: AwsAddress, settings: AwsSettings, region: string): string {
  if (endpoint !== '') return `https://${endpoint}/`
  const given = settings['AWS_ENDPOINT_URL_KMS'] ?? settings['AWS_ENDPOINT_URL'] ?? ''
  return given === '' ? `https://kms.${region}.amazonaws.com/` : `${given.replace(/\/+$/, '')}/`
}

function faultOf({ status, body }: Answer, target: string): DomainError {
  const type = wordIn(body['__type']).replace(/^.*#/, '')
  const shown = type === '' ? String(status) : type
  if (type === 'NotFoundException')
    return new DomainError('ERR_KEY_HOME', 'AWS KMS has no such key in this region and account')
  if (type === 'InvalidKeyUsageException' || type === 'UnsupportedOperationException')
    return wrong(`holds a key that cannot sign so (${shown})`)
  if (type === 'AlreadyExistsException') return new DomainError('ERR_KEY_EXISTS', 'AWS KMS has that alias already')
  return status === 400 || status === 401 || status === 403
    ? denied(
        `refuses \`${target}\`: AWS KMS answered ${shown}`,
        'look at the credentials, and at the policy of the key',
      )
    : unreachable(`answered with status ${status}`)
}

function keyIn({ body }: Answer): KeyObject {
  if (body['KeySpec'] !== 'ECC_NIST_P256' || body['KeyUsage'] !== 'SIGN_VERIFY')
    throw wrong('holds a key that is not for signing with ECDSA on P-256 (ECC_NIST_P256)')
  const spki = bytesIn(body['PublicKey'])
  try {
    if (spki !== undefined) return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    // INVARIANT: what cannot be read is no key
  }
  throw unreachable('answered without a public key')
}
