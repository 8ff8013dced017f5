/**
 * A transparency log's objects below a prefix of an S3-compatible store: few, small, and written under conditions.
 *
 * Endpoint and credentials come from the caller's own variables alone. Every answer is hostile and bounded.
 * SOURCE: Amazon S3 API reference, PutObject ("conditional writes"); RFC 9110 section 13.1.
 */
import { type LogReader, tilePath } from '../attestation/index.ts'
import { DomainError, hexOf, isDomainError, sha256Of } from '../core/index.ts'
import {
  type HttpAnswer,
  openHttpClient,
  PassingFault,
  parseRemoteAddress,
  s3SettingsOf,
  s3Signer,
  s3Url,
} from '../data/index.ts'
import type { Remote } from './log-remote.http.ts'

/** LIMIT: as a bundle of 256 entries. */
const maxBytes = 256 * (65_535 + 2)

export type LogObjects = Readonly<{
  address: string
  /** Undefined where there is none. `tag`: what a later write is held to; empty where the store gives none. */
  read(name: string): Promise<Readonly<{ bytes: Uint8Array; tag: string }> | undefined>
  put(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Written only when what is there still has the tag; without one, only when nothing is there.
   *
   * @returns false when somebody else was faster
   * @throws ERR_TLOG_UNREACHABLE for an empty tag, too
   */
  putIf(name: string, bytes: Uint8Array, tag: string | undefined): Promise<boolean>
  close(): Promise<void>
}>

export function isLogStore(address: string): boolean {
  return address.startsWith('s3://')
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws ERR_USAGE, ERR_TLOG_UNREACHABLE without credentials */
export function openLogObjects(address: string, environment: Environment, { route, signal }: Remote): LogObjects {
  const place = parseRemoteAddress(address)
  if (place.kind !== 's3')
    throw new DomainError('ERR_USAGE', `\`${address}\` is no log`, { help: 'write s3://bucket/prefix' })
  const settings = settingsOf(environment)
  const client = openHttpClient({ code: 'ERR_TLOG_UNREACHABLE', route, signal })
  const sign = s3Signer(settings)
  const shown = `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`
  const urlOf = (name: string): string =>
    s3Url(settings, place.bucket, place.prefix === '' ? name : `${place.prefix}/${name}`)

  const send = async (
    method: 'GET' | 'PUT',
    name: string,
    given: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ): Promise<HttpAnswer> => {
    const digest = body === undefined ? {} : { 'x-amz-content-sha256': hexOf(sha256Of(body)) }
    const headers = await sign(urlOf(name), { ...given, ...digest }, method)
    const answer = await client.send({ method, url: urlOf(name), headers, ...(body === undefined ? {} : { body }) })
    if (answer.status !== 429 && answer.status < 500) return answer
    await answer.discard()
    throw new PassingFault(`status ${answer.status}`)
  }
  const write = (name: string, bytes: Uint8Array, condition: Readonly<Record<string, string>>): Promise<boolean> =>
    client.retried(`${shown}/${name}`, async () => {
      const answer = await send('PUT', name, condition, bytes)
      await answer.discard()
      if (answer.status === 200) return true
      // 409: another conditional write of the same name is on its way; 404: what was to be replaced is gone
      const isConditional = Object.keys(condition).length > 0
      if (isConditional && [404, 409, 412].includes(answer.status)) return false
      throw refusal(shown, answer.status)
    })
  return {
    address: shown,
    read: (name) =>
      client.retried(`${shown}/${name}`, async () => {
        const answer = await send('GET', name, {})
        if (answer.status === 200)
          return { bytes: await bytesOf(answer, `${shown}/${name}`), tag: answer.headers['etag'] ?? '' }
        await answer.discard()
        if (answer.status === 404) return undefined
        throw refusal(shown, answer.status)
      }),
    put: async (name, bytes) => void (await write(name, bytes, {})),
    putIf: async (name, bytes, tag) => {
      // THREAT: a condition that says nothing holds for everybody: an update of another writer would be lost
      if (tag === '') throw untagged(shown)
      return await write(name, bytes, tag === undefined ? { 'if-none-match': '*' } : { 'if-match': tag })
    },
    close: () => client.close(),
  }
}

/** The log as its readers see it. */
export function readerOfObjects({ read, close }: LogObjects): LogReader & Readonly<{ close(): Promise<void> }> {
  return {
    checkpoint: async () => (await read('checkpoint'))?.bytes,
    read: async (at) => (await read(tilePath(at)))?.bytes,
    close,
  }
}

/**
 * That the store does what a log depends on: THREAT: one that writes whatever the condition lets two writers fork the log,
 * each believing to be the only one.
 *
 * @throws ERR_TLOG_UNREACHABLE
 */
export async function refuseUnconditional({ address, putIf }: LogObjects): Promise<void> {
  const name = 'conditional-writes'
  const bytes = Buffer.from('this object is here so that assay sees that conditional writes are refused\n')
  await putIf(name, bytes, undefined)
  const isIgnored =
    (await putIf(name, bytes, undefined)) || (await putIf(name, bytes, '"0123456789abcdef0123456789abcdef"'))
  if (!isIgnored) return
  throw new DomainError(
    'ERR_TLOG_UNREACHABLE',
    `the store at \`${address}\` writes whatever the condition (If-None-Match, If-Match)`,
    {
      help: 'two writers would fork a log there: use a store with conditional writes, or a log on disk',
    },
  )
}

function settingsOf(environment: Environment): ReturnType<typeof s3SettingsOf> {
  try {
    return s3SettingsOf(environment)
  } catch (error) {
    if (!isDomainError(error, 'ERR_DATA_FETCH')) throw error
    throw new DomainError('ERR_TLOG_UNREACHABLE', error.message, { help: error.help, cause: error })
  }
}

async function bytesOf({ body }: HttpAnswer, what: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw new DomainError('ERR_TLOG_UNREACHABLE', `\`${what}\` has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function untagged(address: string): DomainError {
  return new DomainError('ERR_TLOG_UNREACHABLE', `the store at \`${address}\` gives no ETag of what it holds`, {
    help: 'two writers would fork a log there: use a store with conditional writes, or a log on disk',
  })
}

function refusal(address: string, status: number): DomainError {
  return new DomainError('ERR_TLOG_UNREACHABLE', `\`${address}\` answers with status ${status}`, {
    help: 'look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL for a store that is not AWS',
  })
}
