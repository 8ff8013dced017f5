/**
 * A signer whose statements are timestamped: what they sign is shown, as a digest, to the authority of ASSAY_TSA_URL.
 *
 * The address is the caller's word and never the repository's. The authority is asked once before the first stage, so that
 * one that does not answer costs no stage its work.
 */
import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import {
  acceptTimestamp,
  printTimestampRequest,
  type Signer,
  type SignRequest,
  stampBundle,
  stampedSignature,
  type TimestampAuthority,
} from '../attestation/index.ts'
import { DomainError, sha256Of } from '../core/index.ts'
import { openHttpClient, PassingFault } from '../data/index.ts'
import { networkRouteOf } from './fetch-source.fs.ts'
import { authoritiesOf } from './policy-in-force.fs.ts'
import type { Project } from './project.ts'

/** LIMIT: an answer is at most 64 KiB, and comes within half a minute. */
const maxAnswerBytes = 64 * 1024
const waitMs = 30_000

/** Kinds that are no bundles of statements. */
const bare: ReadonlySet<SignRequest['kind']> = new Set([
  'checkpoint',
  'in-toto-legacy',
  'verification-summary',
  'trust-status',
  'trust-policy',
])

/**
 * @param signer closed when this throws
 * @throws ERR_TIMESTAMP_FAILED when the authority does not answer, or is none that the policy lists
 */
export async function stamped(project: Pick<Project, 'environment' | 'trust'>, signer: Signer): Promise<Signer> {
  const address = project.environment['ASSAY_TSA_URL'] ?? ''
  if (address === '') return signer
  try {
    const stamp = stampWith(project, address)
    await stamp(randomBytes(32))
    return {
      ...signer,
      sign: async (request) => {
        const signed = await signer.sign(request)
        const signature = bare.has(request.kind) ? undefined : stampedSignature(signed.bytes)
        if (signature === undefined) return signed
        const bytes = stampBundle(signed.bytes, await stamp(signature))
        return { bytes, digest: sha256Of(bytes) }
      },
    }
  } catch (error) {
    await signer.close()
    throw error
  }
}

type Stamp = (signature: Uint8Array) => Promise<Uint8Array>

function stampWith({ environment, trust }: Pick<Project, 'environment' | 'trust'>, address: string): Stamp {
  const authorities = authoritiesOf(trust)
  if (authorities.length === 0)
    throw fault('ASSAY_TSA_URL is set, and the trust policy lists no authority under timestamps')
  if (!/^https?:$/.test(URL.canParse(address) ? new URL(address).protocol : ''))
    throw fault('ASSAY_TSA_URL is not an address')
  const route = networkRouteOf(environment, environment['HOME'] ?? homedir())
  return (signature) => ask({ address, route, authorities }, signature)
}

type Authority = Readonly<{
  address: string
  route: ReturnType<typeof networkRouteOf>
  authorities: readonly TimestampAuthority[]
}>

async function ask({ address, route, authorities }: Authority, signature: Uint8Array): Promise<Uint8Array> {
  const client = openHttpClient({ code: 'ERR_TIMESTAMP_FAILED', route, signal: AbortSignal.timeout(waitMs) })
  try {
    return await client.retried(address, async () => {
      const nonce = Uint8Array.from([1, ...randomBytes(5)])
      const headers = { 'content-type': 'application/timestamp-query' }
      const answer = await client.post(address, headers, printTimestampRequest(signature, nonce))
      if (answer.status !== 200 && answer.status !== 201) {
        await answer.discard()
        if (answer.status >= 500) throw new PassingFault(`status ${answer.status}`)
        throw fault(`the timestamp authority answers with status ${answer.status}`)
      }
      return acceptTimestamp(await bodyOf(answer.body), { signature, nonce, authorities })
    })
  } finally {
    await client.close()
  }
}

async function bodyOf(body: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxAnswerBytes) throw fault(`the timestamp authority answers with more than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function fault(what: string): DomainError {
  return new DomainError('ERR_TIMESTAMP_FAILED', what)
}
