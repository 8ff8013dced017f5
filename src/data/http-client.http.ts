/**
 * Requests over the caller's proxies and authorities: the one way in which assay asks another machine for anything.
 *
 * Trust: every answer is hostile. Redirects are followed by hand, from TLS never to plain text; credentials go to the
 * origin that they were given for and nowhere else; silence ends. What is kept is decided by whoever compares digests.
 */
import { isIP, type LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import type { Dispatcher } from 'undici'
import { DomainError, type ErrorCode, isDomainError } from '../core/index.ts'

/** How this machine reaches others. */
export type NetworkRoute = Readonly<{
  httpProxy: string
  httpsProxy: string
  noProxy: string
  /** PEM texts that are trusted beside Node's own authorities. */
  authorities: readonly string[]
  /** Pauses before each further try of a failed request, milliseconds. */
  retryDelaysMs: readonly number[]
}>

/** LIMIT: 5 redirects, 30 s without an answer or a byte. */
const maxRedirects = 5
export const silenceMs = 30_000

export type HttpAnswer = Readonly<{
  status: number
  /** Lower-case names; of a repeated header the first. */
  headers: Readonly<Record<string, string>>
  body: AsyncIterable<Buffer>
  /** Where the redirects ended, without credentials. */
  url: string
  /** Reads the rest and throws it away. */
  discard(): Promise<void>
}>

export type HttpClient = Readonly<{
  /**
   * One GET, redirects followed; any status but a redirect is an answer.
   *
   * @throws the client's code for a redirect that is not followed; an Error of the network, which may pass
   */
  get(url: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>
  /** One POST; no redirect is followed. @throws as `get` */
  post(url: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<HttpAnswer>
  /**
   * One request of another kind, with a body or none. No redirect is followed: it is an answer as any other.
   *
   * @throws an Error of the network, which may pass
   */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Tries again after what may pass: a broken connection, a `PassingFault`. @throws the client's code */
  retried<Result>(what: string, attempt: () => Promise<Result>): Promise<Result>
  close(): Promise<void>
}>

export type HttpRequest = Readonly<{
  method: 'HEAD' | 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  url: string
  headers: Readonly<Record<string, string>>
  body?: Uint8Array
}>

export type HttpClientOptions = Readonly<{
  /** The code of a failure. */
  code: Extract<
    ErrorCode,
    | 'ERR_ENV_FETCH'
    | 'ERR_DATA_FETCH'
    | 'ERR_SECRET_UNAVAILABLE'
    | 'ERR_TLOG_UNREACHABLE'
    | 'ERR_TIMESTAMP_FAILED'
    | 'ERR_REMOTE_FAILED'
  >
  route: NetworkRoute
  /** Origin, or address that ends with a slash -> value of the `authorization` header for what is below it; the longest holds. */
  credentials?: ReadonlyMap<string, string>
  /**
   * Which addresses a redirect to another host may lead to, asked when there is one; left out: any.
   * LIMIT: behind a proxy, which resolves names itself, only addresses that are written as such are looked at.
   */
  redirectsTo?: () => Promise<MayReach>
  /** The host that named the addresses to ask: another one is held to `redirectsTo` from its first request on. */
  namedBy?: string
  signal: AbortSignal
}>

export type MayReach = (address: string) => boolean

/** What may be otherwise the next time: a busy server, a connection that broke in the middle. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault'
}

export function openHttpClient(options: HttpClientOptions): HttpClient {
  let dispatcher: Promise<Dispatcher> | undefined
  let away: Promise<Away> | undefined
  const opened = (): Promise<Dispatcher> => {
    dispatcher ??= dispatcherOf(options.route)
    return dispatcher
  }
  const ways: Ways = {
    to: async (address, first) => {
      if (address.hostname === (options.namedBy ?? first.hostname) || options.redirectsTo === undefined) return opened()
      away ??= awayOf(options, options.redirectsTo)
      const { dispatcher: guarded, mayReach } = await away
      const literal = address.hostname.replace(/^\[|\]$/g, '')
      if (isIP(literal) !== 0 && !mayReach(literal)) throw astray(options.code, first.href)
      return guarded
    },
  }
  return {
    get: async (url, headers) => follow(options, ways, url, { headers }),
    post: async (url, headers, body) => follow(options, ways, url, { headers, body }),
    send: async (request) => sendOne(options, await opened(), request),
    retried: (what, attempt) => retry(options, what, attempt),
    close: async () => {
      await (await dispatcher)?.destroy()
      await (await away)?.dispatcher.destroy()
    },
  }
}

/** What carries a request that began at `first`. */
type Ways = Readonly<{ to(address: URL, first: URL): Promise<Dispatcher> }>
type Away = Readonly<{ dispatcher: Dispatcher; mayReach: MayReach }>

/** THREAT: a name that stands for an address inside: what was resolved is what is connected to. */
async function awayOf({ code, route }: HttpClientOptions, redirectsTo: () => Promise<MayReach>): Promise<Away> {
  const mayReach = await redirectsTo()
  const { lookup } = await import('node:dns') // its loading reads the machine's resolver, which no run without a redirect asks
  const guarded: LookupFunction = (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0)
      const open = found.filter(({ address }) => mayReach(address))
      const [first] = open
      if (first === undefined) return callback(astray(code, `https://${host}`), '', 0)
      if (options.all === true) return callback(null, open)
      callback(null, first.address, first.family)
    })
  }
  return { dispatcher: await dispatcherOf(route, guarded), mayReach }
}

function astray(code: HttpClientOptions['code'], from: string): DomainError {
  return new DomainError(code, `\`${withoutCredentials(from)}\` leads to where assay does not go`)
}

/** undici is half of all our code, and most runs ask nobody for anything. */
async function dispatcherOf(
  { httpProxy, httpsProxy, noProxy, authorities }: NetworkRoute,
  guarded?: LookupFunction,
): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici')
  // One context for all connections: parsing a bundle of authorities costs tens of milliseconds each time.
  const tls = authorities.length === 0 ? {} : { secureContext: await contextOf(authorities) }
  // INVARIANT: proxies are always given, empty ones too, so that undici never reads the environment by itself.
  return new EnvHttpProxyAgent({
    httpProxy,
    httpsProxy,
    noProxy,
    connections: 8,
    connect: { timeout: silenceMs, ...tls, ...(guarded === undefined ? {} : { lookup: guarded }) },
    requestTls: tls,
    proxyTls: tls,
  })
}

async function contextOf(authorities: readonly string[]): Promise<SecureContext> {
  const { createSecureContext, rootCertificates } = await import('node:tls')
  return createSecureContext({ ca: [...rootCertificates, ...authorities] })
}

async function follow(
  { code, credentials, signal }: HttpClientOptions,
  ways: Ways,
  url: string,
  { headers, body }: Readonly<{ headers: Readonly<Record<string, string>>; body?: Uint8Array }>,
): Promise<HttpAnswer> {
  const { request } = await import('undici')
  const first = new URL(url)
  let address = new URL(url)
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const authorization = credentialFor(credentials, address)
    address.username = ''
    address.password = ''
    const response = await request(address, {
      dispatcher: await ways.to(address, first),
      signal,
      ...(body === undefined ? {} : { method: 'POST' as const, body: Buffer.from(body) }),
      headers: { ...headers, 'user-agent': 'assay', ...(authorization === undefined ? {} : { authorization }) },
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    })
    const location = response.headers['location']
    if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== 'string') {
      return answerOf(response, address)
    }
    await response.body.dump()
    if (body !== undefined) throw new DomainError(code, `\`${withoutCredentials(url)}\` redirects what is sent to it`)
    address = redirected(code, address, location)
  }
  throw new DomainError(code, `\`${withoutCredentials(url)}\` redirects more than ${maxRedirects} times`)
}

/** THREAT: two tenants of one host: what one path is given is not for another. The path of a URL climbs nowhere. */
function credentialFor(credentials: HttpClientOptions['credentials'], { origin, pathname }: URL): string | undefined {
  let longest = ''
  for (const place of credentials?.keys() ?? []) {
    const isAbove = `${origin}${pathname}`.startsWith(place.endsWith('/') ? place : `${place}/`)
    if (isAbove && place.length > longest.length) longest = place
  }
  return credentials?.get(longest)
}

async function sendOne(
  { signal }: HttpClientOptions,
  dispatcher: Dispatcher,
  { method, url, headers, body }: HttpRequest,
): Promise<HttpAnswer> {
  const { request } = await import('undici')
  const address = new URL(url)
  const response = await request(address, {
    dispatcher,
    signal,
    method,
    headers: { ...headers, 'user-agent': 'assay' },
    ...(body === undefined ? {} : { body }),
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
  })
  return answerOf(response, address)
}

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData, address: URL): HttpAnswer {
  const first = Object.entries(headers).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value[0] : value
    return text === undefined ? [] : [[name.toLowerCase(), text] as const]
  })
  return {
    status: statusCode,
    headers: Object.fromEntries(first),
    body: body as AsyncIterable<Buffer>, // undici's bodies are streams of buffers; its type says `any`
    url: withoutCredentials(address.href),
    discard: () => body.dump(),
  }
}

/** THREAT: a redirect from TLS to plain text, or to another scheme. */
function redirected(code: HttpClientOptions['code'], from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
  if (to !== undefined && allowed.includes(to.protocol)) return to
  throw astray(code, from.href)
}

async function retry<Result>(
  { code, route, signal }: HttpClientOptions,
  what: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isDomainError(error)) throw withAddress(error, what)
      const delay = route.retryDelaysMs[tries]
      if (delay === undefined) throw unreachable(code, what, error)
      await sleep(delay * (0.75 + Math.random() / 2), undefined, { signal })
    }
  }
}

function withAddress(error: DomainError, what: string): DomainError {
  if (error.message.includes(what)) return error
  return new DomainError(error.code, `${error.message} (\`${what}\`)`, { help: error.help, cause: error })
}

/** The reason as the system names it (`ECONNREFUSED`, `UNABLE_TO_VERIFY_LEAF_SIGNATURE`), never an address inside. */
function unreachable(code: HttpClientOptions['code'], what: string, error: unknown): DomainError {
  const system = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const because =
    system ?? (error instanceof PassingFault ? error.message : error instanceof Error ? error.name : 'unknown')
  return new DomainError(code, `\`${what}\` cannot be fetched: ${because}`, { cause: error })
}

/** The address as it may be recorded and shown: no user, password, query or fragment. */
export function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return 'an address that is not one'
  const url = new URL(address)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
