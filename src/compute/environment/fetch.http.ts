/**
 * The one door to the network: pages of indexes and files, over the caller's proxies and authorities.
 *
 * Trust: every answer is hostile. Sizes and times are bounded, redirects are followed by hand, credentials go to the
 * origin that they were given for and nowhere else. What is kept is decided by whoever compares digests.
 */
import { createHash } from 'node:crypto'
import { ftruncateSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, rootCertificates } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { DomainError, isDomainError, type Sha256 } from '../../core/index.ts'
import { type IndexFile, jsonIndexType, maxIndexPageBytes, parseIndexPage } from './index-page.ts'
import { type NetworkSettings, withoutCredentials } from './network-settings.ts'

export type Downloaded = Readonly<{ digest: Sha256; sizeBytes: number }>

export type FetchClient = Readonly<{
  /** The files of a project, or undefined when the index does not know it. @throws ERR_ENV_FETCH */
  page(index: string, project: string): Promise<readonly IndexFile[] | undefined>
  /** Writes the bytes from the start of `fd`; the digest is of what was written. @throws ERR_ENV_FETCH */
  download(url: string, fd: number, onBytes: (received: number, total?: number) => void): Promise<Downloaded>
  close(): Promise<void>
}>

/** LIMIT: 8 GiB a file, 5 redirects, 30 s without an answer or a byte, then as many more tries as the settings have pauses. */
const maxFileBytes = 8 * 1024 ** 3
const maxRedirects = 5
const silenceMs = 30_000

export function openFetchClient(settings: NetworkSettings, signal: AbortSignal): FetchClient {
  const dispatcher = dispatcherOf(settings)
  const origins = credentialsByOrigin(settings.indexes)
  const get = (url: string, headers: Record<string, string>): Promise<Dispatcher.ResponseData> =>
    follow({ url, headers, origins, dispatcher, signal })
  const retried = <Result>(what: string, attempt: () => Promise<Result>): Promise<Result> =>
    retry(attempt, { what, delaysMs: settings.retryDelaysMs, signal })
  return {
    page: (index, project) => {
      const address = pageAddress(index, project)
      return retried(withoutCredentials(address), async () => {
        const response = await get(address, { accept: `${jsonIndexType}, text/html;q=0.1`, 'accept-encoding': 'gzip' })
        if (response.statusCode === 404) {
          await response.body.dump()
          return undefined
        }
        await refuseStatus(response)
        return parseIndexPage(await readPage(response), withoutCredentials(address))
      })
    },
    download: (url, fd, onBytes) =>
      retried(withoutCredentials(url), async () => {
        const response = await get(url, { accept: '*/*', 'accept-encoding': 'identity' })
        await refuseStatus(response)
        return writeBody(response, fd, onBytes)
      }),
    close: () => dispatcher.destroy(),
  }
}

function dispatcherOf({ httpProxy, httpsProxy, noProxy, authorities }: NetworkSettings): Dispatcher {
  // One context for all connections: parsing a bundle of authorities costs tens of milliseconds each time.
  const tls =
    authorities.length === 0
      ? {}
      : { secureContext: createSecureContext({ ca: [...rootCertificates, ...authorities] }) }
  // INVARIANT: proxies are always given, empty ones too, so that undici never reads the environment by itself.
  return new EnvHttpProxyAgent({
    httpProxy,
    httpsProxy,
    noProxy,
    connections: 8,
    connect: { timeout: silenceMs, ...tls },
    requestTls: tls,
    proxyTls: tls,
  })
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

type Get = Readonly<{
  url: string
  headers: Readonly<Record<string, string>>
  origins: ReadonlyMap<string, string>
  dispatcher: Dispatcher
  signal: AbortSignal
}>

async function follow({ url, headers, origins, dispatcher, signal }: Get): Promise<Dispatcher.ResponseData> {
  let address = new URL(url)
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const authorization = origins.get(address.origin)
    address.username = ''
    address.password = ''
    const response = await request(address, {
      dispatcher,
      signal,
      headers: { ...headers, 'user-agent': 'assay', ...(authorization === undefined ? {} : { authorization }) },
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    })
    const location = response.headers['location']
    if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== 'string') return response
    await response.body.dump()
    address = redirected(address, location)
  }
  throw new DomainError('ERR_ENV_FETCH', `\`${withoutCredentials(url)}\` redirects more than ${maxRedirects} times`)
}

/** THREAT: a redirect from TLS to plain text, or to another scheme. */
function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
  if (to !== undefined && allowed.includes(to.protocol)) return to
  throw new DomainError('ERR_ENV_FETCH', `\`${withoutCredentials(from.href)}\` redirects to where assay does not go`)
}

/** A status that may be another the next time. */
class PassingStatus extends Error {
  override readonly name = 'PassingStatus'
}

async function refuseStatus(response: Dispatcher.ResponseData): Promise<void> {
  const { statusCode } = response
  if (statusCode === 200) return
  await response.body.dump()
  if (statusCode === 429 || statusCode >= 500) throw new PassingStatus(`status ${statusCode}`)
  throw new DomainError('ERR_ENV_FETCH', `the server answers with status ${statusCode}`, {
    ...(statusCode === 401 || statusCode === 403
      ? { help: 'give the index with its credentials in PIP_INDEX_URL' }
      : {}),
  })
}

async function readPage(response: Dispatcher.ResponseData): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxIndexPageBytes) throw tooLarge(maxIndexPageBytes)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (response.headers['content-encoding'] !== 'gzip') return bytes
  return gunzipSync(bytes, { maxOutputLength: maxIndexPageBytes })
}

async function writeBody(
  response: Dispatcher.ResponseData,
  fd: number,
  onBytes: (received: number, total?: number) => void,
): Promise<Downloaded> {
  const length = Number(response.headers['content-length'])
  const total = Number.isSafeInteger(length) && length > 0 ? length : undefined
  const hasher = createHash('sha256')
  let sizeBytes = 0
  ftruncateSync(fd, 0)
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    hasher.update(chunk)
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done, chunk.length - done, sizeBytes + done)
    sizeBytes += chunk.length
    if (sizeBytes > maxFileBytes) throw tooLarge(maxFileBytes)
    onBytes(sizeBytes, total)
  }
  return { digest: `sha256:${hasher.digest('hex')}`, sizeBytes }
}

function tooLarge(limit: number): DomainError {
  return new DomainError('ERR_ENV_FETCH', `the answer is larger than the limit of ${limit} bytes`)
}

type Retry = Readonly<{ what: string; delaysMs: readonly number[]; signal: AbortSignal }>

async function retry<Result>(attempt: () => Promise<Result>, { what, delaysMs, signal }: Retry): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const delay = delaysMs[tries]
      if (isDomainError(error)) throw withAddress(error, what)
      if (delay === undefined) throw unreachable(what, error)
      await sleep(delay * (0.75 + Math.random() / 2), undefined, { signal })
    }
  }
}

function withAddress(error: DomainError, what: string): DomainError {
  if (error.message.includes(what)) return error
  return new DomainError(error.code, `${error.message} (\`${what}\`)`, { help: error.help, cause: error })
}

/** The reason as the system names it (`ECONNREFUSED`, `UNABLE_TO_VERIFY_LEAF_SIGNATURE`), never an address inside. */
function unreachable(what: string, error: unknown): DomainError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const because =
    code ?? (error instanceof PassingStatus ? error.message : error instanceof Error ? error.name : 'unknown')
  return new DomainError('ERR_ENV_FETCH', `\`${what}\` cannot be fetched: ${because}`, { cause: error })
}
