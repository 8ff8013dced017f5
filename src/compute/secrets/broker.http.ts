/**
 * The value of a secret, fetched when a stage is about to start: from a file, the caller's environment, or HashiCorp Vault.
 *
 * A value is never written anywhere, and stands in no message.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { DomainError } from '../../core/index.ts'
import { type NetworkRoute, openHttpClient, PassingFault } from '../../data/index.ts'
import { describeOrigin, type SecretOrigin } from './grants.ts'

export type BrokerOptions = Readonly<{
  environment: Readonly<Record<string, string | undefined>>
  route: NetworkRoute
  signal: AbortSignal
}>

/** LIMIT: a secret is at most 64 KiB. */
const maxSecretBytes = 64 * 1024

/** @throws ERR_SECRET_UNAVAILABLE */
export async function fetchSecret(name: string, origin: SecretOrigin, options: BrokerOptions): Promise<Buffer> {
  const value = await askFor(name, origin, options)
  if (value.length > 0 && value.length <= maxSecretBytes) return value
  throw unavailable(name, origin, value.length === 0 ? 'it is empty' : `it is over ${maxSecretBytes} bytes`)
}

async function askFor(name: string, origin: SecretOrigin, options: BrokerOptions): Promise<Buffer> {
  switch (origin.kind) {
    case 'file':
      return fromFile(name, origin)
    case 'env': {
      const value = options.environment[origin.name]
      if (value === undefined) throw unavailable(name, origin, 'the variable is not set')
      return Buffer.from(value)
    }
    case 'vault':
      return await fromVault(name, origin, options)
  }
}

/** THREAT: a file that others may read or write is no secret. */
function fromFile(name: string, origin: Extract<SecretOrigin, { kind: 'file' }>): Buffer {
  let fd: number
  try {
    fd = openSync(origin.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw unavailable(name, origin, 'it cannot be opened', cause)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > maxSecretBytes) throw unavailable(name, origin, 'it is no small file')
    if ((stats.mode & 0o077) !== 0)
      throw unavailable(name, origin, `others have access to it: chmod go-rwx ${origin.path}`)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * SOURCE: Vault HTTP API, "Read secret version" (KV 2) and "Read secret" (KV 1): `data.data.<field>`, `data.<field>`;
 * "Authentication": the token as `Authorization: Bearer`.
 *
 * THREAT: the token goes to the address that the caller named, and never to where a redirect leads.
 */
async function fromVault(
  name: string,
  origin: Extract<SecretOrigin, { kind: 'vault' }>,
  { environment, route, signal }: BrokerOptions,
): Promise<Buffer> {
  const address = environment['VAULT_ADDR'] ?? ''
  const token = environment['VAULT_TOKEN'] ?? ''
  if (!URL.canParse(address) || token === '') throw unavailable(name, origin, 'VAULT_ADDR or VAULT_TOKEN is not set')
  const base = address.endsWith('/') ? address : `${address}/`
  const url = new URL(`v1/${origin.path}`, base)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !isLocal) throw unavailable(name, origin, 'VAULT_ADDR is not https')
  const namespace = environment['VAULT_NAMESPACE']
  const headers = {
    'x-vault-request': 'true',
    accept: 'application/json',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  }
  const credentials = new Map([[new URL('v1/', base).href, `Bearer ${token}`]])
  const client = openHttpClient({ code: 'ERR_SECRET_UNAVAILABLE', route, credentials, signal })
  try {
    const body = await client.retried('the secret', async () => {
      const answer = await client.get(url.href, headers)
      if (answer.status >= 500) {
        await answer.discard()
        throw new PassingFault(`Vault answered ${answer.status}`)
      }
      if (answer.status !== 200) {
        await answer.discard()
        throw unavailable(name, origin, `Vault answered ${answer.status}${hints[answer.status] ?? ''}`)
      }
      return await readBody(answer.body, name, origin)
    })
    return fieldOf(body, name, origin)
  } catch (error) {
    if (error instanceof DomainError) throw error
    throw unavailable(name, origin, 'Vault could not be asked') // INVARIANT: no cause, which may carry the request.
  } finally {
    await client.close()
  }
}

async function readBody(body: AsyncIterable<Buffer>, name: string, origin: SecretOrigin): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > 16 * maxSecretBytes) throw unavailable(name, origin, 'Vault answered too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What usually stands behind a status. */
const hints: Readonly<Record<number, string>> = {
  403: ': its token may not read that, or has expired, or it is in another namespace (VAULT_NAMESPACE)',
  404: ': there is none, or it was deleted; in a KV engine of version 2 the path is MOUNT/data/NAME',
}

function fieldOf(body: Buffer, name: string, origin: Extract<SecretOrigin, { kind: 'vault' }>): Buffer {
  const answer = mapIn(parsed(body))
  // what is leased lives on after the stage unless it is given back, and may end before it
  if (typeof answer['lease_id'] === 'string' && answer['lease_id'] !== '')
    throw unavailable(name, origin, 'Vault leases it, and nobody would give it back: use one of a KV engine')
  const data = mapIn(answer['data'])
  const isSecondVersion = Object.hasOwn(data, 'data') && Object.hasOwn(mapIn(data['metadata']), 'version')
  const value = mapIn(isSecondVersion ? data['data'] : data)[origin.field]
  if (typeof value !== 'string') throw unavailable(name, origin, 'Vault has no such field with a text there')
  return Buffer.from(value)
}

/** Undefined for what is no JSON: it has no field. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined // INVARIANT: what is no JSON has no field.
  }
}

function mapIn(value: unknown): Readonly<Record<string, unknown>> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMap ? { ...value } : {}
}

function unavailable(name: string, origin: SecretOrigin, because: string, cause?: unknown): DomainError {
  return new DomainError(
    'ERR_SECRET_UNAVAILABLE',
    `the secret \`${name}\` (${describeOrigin(origin)}) cannot be had: ${because}`,
    {
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
