/**
 * One file from another machine into a part file: digested while it streams, taken up where it broke off.
 *
 * A broken download is only continued when the server says that it is still the same file (RFC 9110 section 13.1.5,
 * `If-Range` with a strong validator); else it begins anew. What is taken up is digested again from the disk, so that
 * the digest is always of what lies there. Trust: the server is hostile; the caller compares the digest.
 */
import { createHash, type Hash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { z } from 'zod'
import { DomainError, isDomainError, type Sha256 } from '../core/index.ts'
import { type HttpAnswer, type HttpClient, PassingFault, withoutCredentials } from './http-client.http.ts'
import { ioFault } from './io-fault.ts'

/** What the server said about the file, as far as it is worth keeping. */
export const keptHeaders = ['etag', 'last-modified', 'content-type', 'content-encoding', 'x-amz-version-id'] as const

export type FetchedFile = Readonly<{
  digest: Sha256
  sizeBytes: number
  /** Of `keptHeaders`, those that came. */
  headers: Readonly<Record<string, string>>
  /** Bytes that were here already. */
  resumedBytes: number
}>

export type FetchFileRequest = Readonly<{
  client: HttpClient
  url: string
  /** Absolute path; `<part>.json` beside it says of which file it is. */
  part: string
  /** Headers of one request, with a signature where the server wants one. */
  headersFor?: (headers: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>
  onBytes: (received: number, total?: number) => void
}>

/** LIMIT: 1 TiB a file. */
const maxFileBytes = 1024 ** 4
const chunkBytes = 4 * 1024 * 1024

/**
 * Fetches `url` whole. The part file stays, for the caller to take and to remove, and for the next try when it failed.
 *
 * @throws ERR_DATA_FETCH; ERR_IO, ERR_DISK_FULL
 */
export async function fetchFile(request: FetchFileRequest): Promise<FetchedFile> {
  const { client, url, part } = request
  const resumedBytes = sizeOf(part)
  for (;;) {
    const before = sizeOf(part)
    try {
      const fetched = await client.retried(withoutCredentials(url), () => attempt(request))
      return { ...fetched, resumedBytes: Math.min(resumedBytes, fetched.resumedBytes) }
    } catch (error) {
      // A server that breaks off now and then is asked again as long as something more arrives.
      if (isDomainError(error) && error.cause instanceof PassingFault && sizeOf(part) > before) continue
      throw error
    }
  }
}

/** Removes a part file and what was noted of it. */
export function forgetPart(part: string): void {
  for (const path of [part, notePath(part)]) rmSync(path, { force: true })
}

async function attempt({ client, url, part, headersFor, onBytes }: FetchFileRequest): Promise<FetchedFile> {
  const known = knownPart(part, url)
  const wanted: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' }
  if (known !== undefined) {
    wanted['range'] = `bytes=${known.sizeBytes}-`
    wanted['if-range'] = known.validator
  }
  const answer = await client.get(url, (await headersFor?.(wanted)) ?? wanted)
  await refuseStatus(answer, part)
  const start = answer.status === 206 ? await startOf(answer, known) : 0
  return receive({ answer, part, url, start, onBytes })
}

async function refuseStatus({ status, discard }: HttpAnswer, part: string): Promise<void> {
  if (status === 200 || status === 206) return
  await discard()
  if (status === 416) {
    forgetPart(part) // what is here is not the beginning of what is there
    throw new PassingFault('status 416')
  }
  if (status === 429 || status >= 500) throw new PassingFault(`status ${status}`)
  const help = status === 401 || status === 403 ? { help: 'give the credentials that the server asks for' } : {}
  throw new DomainError('ERR_DATA_FETCH', `the server answers with status ${status}`, help)
}

type Known = Readonly<{ sizeBytes: number; validator: string }>

/** THREAT: a server that sends another part than was asked for, or of another file, splices two files. */
async function startOf({ headers, discard }: HttpAnswer, known: Known | undefined): Promise<number> {
  const [, start, , total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(headers['content-range'] ?? '') ?? []
  const isSame = known !== undefined && validatorOf(headers) === known.validator
  if (isSame && Number(start) === known.sizeBytes && total !== undefined) return known.sizeBytes
  await discard()
  throw new DomainError('ERR_DATA_FETCH', 'the server sends another part of the file than was asked for', {
    help: 'try again without what was fetched before: remove .assay/fetch',
  })
}

type Receiving = Pick<FetchFileRequest, 'part' | 'url' | 'onBytes'> & Readonly<{ answer: HttpAnswer; start: number }>

async function receive({ answer, part, url, start, onBytes }: Receiving): Promise<FetchedFile> {
  const fd = openPart(part)
  try {
    ftruncateSync(fd, start)
    notePart(part, url, answer.headers)
    const hasher = createHash('sha256')
    digestPrefix(fd, start, hasher)
    const total = totalOf(answer, start)
    let sizeBytes = start
    for await (const chunk of brokenOff(answer.body)) {
      if (sizeBytes + chunk.length > maxFileBytes) {
        throw new DomainError('ERR_DATA_FETCH', `the file is larger than the limit of ${maxFileBytes} bytes`)
      }
      hasher.update(chunk)
      for (let done = 0; done < chunk.length; )
        done += writeSync(fd, chunk, done, chunk.length - done, sizeBytes + done)
      sizeBytes += chunk.length
      onBytes(sizeBytes, total)
    }
    if (total !== undefined && sizeBytes !== total) throw new PassingFault(`${sizeBytes} of ${total} bytes came`)
    fsyncSync(fd)
    const kept = keptHeaders.flatMap((name) =>
      answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]],
    )
    return {
      digest: `sha256:${hasher.digest('hex')}`,
      sizeBytes,
      headers: Object.fromEntries(kept),
      resumedBytes: start,
    }
  } catch (error) {
    if (isDomainError(error) || error instanceof PassingFault) throw error
    throw ioFault(error, part)
  } finally {
    closeSync(fd)
  }
}

/** The body; whatever breaks it off may pass. */
async function* brokenOff(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw new PassingFault(error instanceof Error ? error.message : 'the connection broke')
  }
}

/** Length of the whole file. */
function totalOf({ headers }: HttpAnswer, start: number): number | undefined {
  const length = Number(headers['content-length'])
  return Number.isSafeInteger(length) && length >= 0 ? start + length : undefined
}

function openPart(part: string): number {
  try {
    return openSync(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    throw ioFault(error, part)
  }
}

function digestPrefix(fd: number, length: number, hasher: Hash): void {
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, length)))
  if (fstatSync(fd).size !== length) throw new Error('a part file does not have the length that it was cut to')
  for (let read = 0; read < length; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, length - read), read)
    if (count === 0) throw new Error('a part file became shorter while it was read')
    hasher.update(buffer.subarray(0, count))
    read += count
  }
}

/** A strong validator: only it proves that two answers are parts of one file. RFC 9110 section 8.8. */
function validatorOf(headers: Readonly<Record<string, string>>): string | undefined {
  const { etag } = headers
  return etag !== undefined && /^"[\x21\x23-\x7e\x80-\xff]{1,1000}"$/.test(etag) ? etag : undefined
}

const noteShape = z.strictObject({ fetch: z.literal(1), url: z.string(), validator: z.string() })
const notePath = (part: string): string => `${part}.json`

/** Before the first byte: a part file without its note is of nobody knows what, and begins anew. */
function notePart(part: string, url: string, headers: Readonly<Record<string, string>>): void {
  const validator = validatorOf(headers)
  if (validator === undefined) rmSync(notePath(part), { force: true })
  else writeFileSync(notePath(part), JSON.stringify({ fetch: 1, url: withoutCredentials(url), validator }))
}

function knownPart(part: string, url: string): Known | undefined {
  const sizeBytes = sizeOf(part)
  if (sizeBytes === 0 || !existsSync(notePath(part))) return undefined
  try {
    const note = noteShape.safeParse(JSON.parse(readFileSync(notePath(part), 'utf8')))
    if (!note.success || note.data.url !== withoutCredentials(url)) return undefined
    return { sizeBytes, validator: note.data.validator }
  } catch {
    return undefined // INVARIANT: a note that cannot be read only means that the download begins anew.
  }
}

function sizeOf(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false })
  return status?.isFile() === true ? status.size : 0
}
