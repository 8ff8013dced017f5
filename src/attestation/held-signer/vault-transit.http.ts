/**
 * HashiCorp Vault (and OpenBao): a key of the transit engine.
 *
 * SOURCE: Vault HTTP API, transit secrets engine: "Read key", "Sign data", "Create key"; "Authentication" (the token as
 * `Authorization: Bearer`). Tested against a server of that API, not against Vault itself.
 */
import { createPublicKey } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { type Answer, ask, bytesIn, mapIn, type Patience, type Question, usualPatience } from './ask.http.ts'
import { denied, type HeldKey, unreachable, wrong } from './held-key.ts'

/** VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, TRANSIT_SECRET_ENGINE_PATH. */
export type VaultSettings = Readonly<Record<string, string>>

/** @throws ERR_KEY_HOME when there is no such key or no address, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG */
export async function openVaultKey(
  key: string,
  settings: VaultSettings,
  patience: Patience = usualPatience,
): Promise<HeldKey> {
  const request = requesterOf(settings)
  const read = await ask(() => Promise.resolve(request('GET', `keys/${key}`)), patience)
  refuseStatus(read, key)
  const { version, publicKey } = newestKey(read)
  return {
    publicKey,
    signDigest: async (digest) => {
      const body = {
        input: Buffer.from(digest).toString('base64'),
        prehashed: true,
        marshaling_algorithm: 'asn1',
        key_version: version,
      }
      const answer = await ask(() => Promise.resolve(request('POST', `sign/${key}/sha2-256`, body)), patience)
      refuseStatus(answer, key)
      const [, signed] = /^vault:v(?:\d+):(.+)$/.exec(String(mapIn(answer.body['data'])['signature'])) ?? []
      const signature = bytesIn(signed)
      if (signature === undefined) throw unreachable('answered without a signature')
      return signature
    },
  }
}

/** @throws ERR_KEY_EXISTS, and as `openVaultKey` */
export async function createVaultKey(
  key: string,
  settings: VaultSettings,
  patience: Patience = usualPatience,
): Promise<void> {
  const request = requesterOf(settings)
  const known = await ask(() => Promise.resolve(request('GET', `keys/${key}`)), patience)
  if (known.status === 200) throw new DomainError('ERR_KEY_EXISTS', `Vault has a key \`${key}\` already`)
  if (known.status !== 404) refuseStatus(known, key)
  const made = await ask(() => Promise.resolve(request('POST', `keys/${key}`, { type: 'ecdsa-p256' })), patience)
  if (made.status !== 204) refuseStatus(made, key)
}

function requesterOf(settings: VaultSettings): (method: Question['method'], path: string, body?: object) => Question {
  const { VAULT_ADDR: address = '', VAULT_TOKEN: token = '', VAULT_NAMESPACE: namespace = '' } = settings
  const { TRANSIT_SECRET_ENGINE_PATH: engine = 'transit' } = settings
  if (!URL.canParse(address) || token === '' || /[^\x21-\x7e]/.test(`${token}${namespace}`))
    throw new DomainError('ERR_KEY_HOME', 'the key is in Vault, and VAULT_ADDR or VAULT_TOKEN is not set', {
      help: 'set VAULT_ADDR to its address and VAULT_TOKEN to a token that may use the key',
    })
  if (!/^[\w-]+(\/[\w-]+)*$/.test(engine))
    throw new DomainError('ERR_KEY_HOME', 'TRANSIT_SECRET_ENGINE_PATH is not the path of an engine')
  const base = address.endsWith('/') ? address : `${address}/`
  return (method, path, body) => ({
    method,
    url: new URL(`v1/${engine}/${path}`, base).href,
    headers: {
      authorization: `Bearer ${token}`,
      'x-vault-request': 'true',
      ...(namespace === '' ? {} : { 'x-vault-namespace': namespace }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

function refuseStatus({ status }: Answer, key: string): void {
  if (status === 200) return
  if (status === 401 || status === 403)
    throw denied(`refuses: Vault answered ${status}`, 'look at the policy of the token, its time, and VAULT_NAMESPACE')
  if (status === 404)
    throw new DomainError('ERR_KEY_HOME', `Vault has no key \`${key}\``, {
      help: 'look at the name and at TRANSIT_SECRET_ENGINE_PATH, or make one: assay key new --in hashivault://NAME',
    })
  throw unreachable(`answered with status ${status}`)
}

/** A rotated key signs with its newest version, which is the one whose public key is read. */
function newestKey({ body }: Answer): Pick<HeldKey, 'publicKey'> & Readonly<{ version: number }> {
  const data = mapIn(body['data'])
  const version = data['latest_version']
  if (data['type'] !== 'ecdsa-p256') throw wrong('holds a key that is not ECDSA on P-256 (type ecdsa-p256)')
  const pem = mapIn(mapIn(data['keys'])[String(version)])['public_key']
  if (!Number.isSafeInteger(version) || typeof pem !== 'string') throw unreachable('answered without a public key')
  try {
    return { version: Number(version), publicKey: createPublicKey({ key: pem, format: 'pem' }) }
  } catch {
    throw unreachable('answered without a public key') // INVARIANT: what cannot be read is none
  }
}
