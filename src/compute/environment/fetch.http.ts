/**
 * Pages of package indexes, and files, through `data/http-client.http.ts`.
 *
 * Trust: every answer is hostile; sizes are bounded here. What is kept is decided by whoever compares digests.
 */
import { createHash } from 'node:crypto'
import { ftruncateSync, writeSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { DomainError, type Sha256 } from '../../core/index.ts'
import { type HttpAnswer, openHttpClient, PassingFault, withoutCredentials } from '../../data/index.ts'
import { type IndexFile, jsonIndexType, maxIndexPageBytes, parseIndexPage } from './index-page.ts'
import type { NetworkSettings } from './network-settings.ts'

export type Downloaded = Readonly<{ digest: Sha256; sizeBytes: number }>

export type FetchClient = Readonly<{
  /** The files of a project, or undefined when the index does not know it. @throws ERR_ENV_FETCH */
  page(index: string, project: string): Promise<readonly IndexFile[] | undefined>
  /** Writes the bytes from the start of `fd`; the digest is of what was written. @throws ERR_ENV_FETCH, ERR_ENV_GONE */
  download(url: string, fd: number, onBytes: (received: number, total?: number) => void): Promise<Downloaded>
  close(): Promise<void>
}>

/** LIMIT: 8 GiB a file. */
const maxFileBytes = 8 * 1024 ** 3

/** @param others address -> value of Authorization for what is below it, beside those that the indexes carry */
export function openFetchClient(
  settings: NetworkSettings,
  signal: AbortSignal,
  others: ReadonlyMap<string, string> = new Map(),
): FetchClient {
  const credentials = new Map([...credentialsByOrigin(settings.indexes), ...others])
  const client = openHttpClient({ code: 'ERR_ENV_FETCH', route: settings, credentials, signal })
  return {
    page: (index, project) => {
      const address = pageAddress(index, project)
      return client.retried(withoutCredentials(address), async () => {
        const accept = `${jsonIndexType}, text/html;q=0.1`
        const answer = await client.get(address, { accept, 'accept-encoding': 'gzip' })
        if (isGone(answer.status)) {
          await answer.discard()
          return undefined
        }
        await refuseStatus(answer, withoutCredentials(address))
        return parseIndexPage(await readPage(answer), withoutCredentials(address))
      })
    },
    download: (url, fd, onBytes) =>
      client.retried(withoutCredentials(url), async () => {
        const answer = await client.get(url, { accept: '*/*', 'accept-encoding': 'identity' })
        await refuseStatus(answer, withoutCredentials(url))
        return writeBody(answer, fd, { maxBytes: maxFileBytes, tooMany: () => tooLarge(maxFileBytes), onBytes })
      }),
    close: client.close,
  }
}

/** `<index>/<project>/`, the index's own path and query kept. */
function pageAddress(index: string, project: string): string {
  const url = new URL(index)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${project}/`
  return url.href
}

function credentialsByOrigin(indexes: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const index of indexes) {
    const { origin, username, password } = new URL(index)
    if (username === '' && password === '') continue
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    found.set(origin, `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  return found
}

/** The server answers, and has it not. SOURCE: RFC 9110 section 15.5 (404, 410). */
export function isGone(status: number): boolean {
  return status === 404 || status === 410
}

async function refuseStatus({ status, discard }: HttpAnswer, address: string): Promise<void> {
  if (status === 200) return
  await discard()
  if (status === 429 || status >= 500) throw new PassingFault(`status ${status}`)
  if (isGone(status)) throw new DomainError('ERR_ENV_GONE', `the server has it not (status ${status}): ${address}`)
  throw new DomainError('ERR_ENV_FETCH', `the server answers with status ${status}`, {
    ...(status === 401 || status === 403 ? { help: 'give the index with its credentials in PIP_INDEX_URL' } : {}),
  })
}

async function readPage({ body, headers }: HttpAnswer): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxIndexPageBytes) throw tooLarge(maxIndexPageBytes)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (headers['content-encoding'] !== 'gzip') return bytes
  return gunzipSync(bytes, { maxOutputLength: maxIndexPageBytes })
}

export type BodyOptions = Readonly<{
  maxBytes: number
  tooMany(): DomainError
  onBytes(received: number, total?: number): void
}>

/** Writes an answer from the start of `fd`, no more of it than may come. @throws what `tooMany` makes */
export async function writeBody(
  { body, headers }: HttpAnswer,
  fd: number,
  { maxBytes, tooMany, onBytes }: BodyOptions,
): Promise<Downloaded> {
  const length = Number(headers['content-length'])
  const total = Number.isSafeInteger(length) && length > 0 ? length : undefined
  const hasher = createHash('sha256')
  let sizeBytes = 0
  ftruncateSync(fd, 0)
  for await (const chunk of body) {
    if (sizeBytes + chunk.length > maxBytes) throw tooMany()
    hasher.update(chunk)
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done, chunk.length - done, sizeBytes + done)
    sizeBytes += chunk.length
    onBytes(sizeBytes, total)
  }
  return { digest: `sha256:${hasher.digest('hex')}`, sizeBytes }
}

function tooLarge(limit: number): DomainError {
  return new DomainError('ERR_ENV_FETCH', `the answer is larger than the limit of ${limit} bytes`)
}
