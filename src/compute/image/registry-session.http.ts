/**
 * One repository of an OCI registry, asked as the caller's machine is set up for it: login, tokens, redirects.
 *
 * Trust: a registry is asked, and believed in nothing. It may ask for a token of any place (over TLS), only for the rights
 * that are needed, and only the registry itself is given it; it may redirect a read (not a write), and not from outside
 * into a private network.
 * SOURCE: OCI Distribution 1.1; Docker Registry v2, "Token Authentication"; RFC 9110 section 11.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'
import {
  type HttpAnswer,
  type HttpRequest,
  type MayReach,
  type NetworkRoute,
  openHttpClient,
  PassingFault,
  withoutCredentials,
} from '../../data/index.ts'
import { reachableFrom } from '../egress/index.ts'
import { type ImageName, imageText } from './reference.ts'

export type RegistryRoute = Readonly<{
  settings: NetworkRoute
  /** `user:password` in Base64. */
  login?: string
  /** Whether the caller has a login for this host too. */
  isKnown?: (host: string) => boolean
  signal: AbortSignal
}>

/** What is wanted of it, and how its failures are called. */
export type RegistryErrand = Readonly<{
  rights: 'pull' | 'pull,push'
  failed: 'ERR_ENV_FETCH' | 'ERR_REMOTE_FAILED'
}>

export type RegistryRequest = Readonly<{
  method: HttpRequest['method']
  /** Below `/v2/<repository>/`, or an address that the registry gave for this repository. */
  path: string | URL
  headers?: Readonly<Record<string, string>>
  body?: Uint8Array
}>

export type RegistrySession = Readonly<{
  /** Ends with a slash. */
  base: URL
  /** One request, with a login where one is asked for. Any status but 401, 403, 429 and 5xx is an answer. @throws `failed` */
  ask(request: RegistryRequest): Promise<HttpAnswer>
  /** Tries again after what may pass. */
  retried<Result>(path: string, attempt: () => Promise<Result>): Promise<Result>
  close(): Promise<void>
}>

const maxTokenBytes = 1024 * 1024

export function openRegistrySession(
  name: ImageName,
  { settings, login, isKnown, signal }: RegistryRoute,
  { rights, failed }: RegistryErrand,
): RegistrySession {
  const base = baseOf(name)
  const isLocal = base.protocol === 'http:'
  const credentials = new Map<string, string>()
  const noProxy = isLocal ? [settings.noProxy, base.hostname].filter((each) => each !== '').join(',') : settings.noProxy
  const route = { code: failed, route: { ...settings, noProxy }, signal, redirectsTo: () => around(base) } as const
  const client = openHttpClient({ ...route, credentials })

  const once = ({ method, path, headers = {}, body }: RegistryRequest): Promise<HttpAnswer> => {
    const url = typeof path === 'string' ? `${base.href}${path}` : path.href
    const all = { ...headers, 'accept-encoding': 'identity' }
    if (method === 'GET') return client.get(url, all)
    const authorization = credentials.get(base.origin)
    return client.send({
      method,
      url,
      headers: { ...all, ...(authorization === undefined ? {} : { authorization }) },
      ...(body === undefined ? {} : { body }),
    })
  }

  const authorization = async (header: string): Promise<string> => {
    const challenge = parseChallenge(header)
    if (challenge?.scheme === 'basic' && login !== undefined) return `Basic ${login}`
    if (challenge?.scheme !== 'bearer') throw denied(name, { rights, failed })
    const address = tokenAddress(challenge, { name, isLocal, rights, failed })
    if (login !== undefined) refuseStranger(address, { name, base, isKnown, failed })
    // THREAT: the login is for the registry's token server, and for no other request
    const logins = new Map(login === undefined ? [] : [[address.origin, `Basic ${login}`]])
    const tokens = openHttpClient({ ...route, credentials: logins, namedBy: base.hostname })
    try {
      const answer = await tokens.get(address.href, { accept: 'application/json', 'accept-encoding': 'identity' })
      if (answer.status === 200) return `Bearer ${tokenIn(await readBytes(answer, maxTokenBytes, failed), failed)}`
      await answer.discard()
      if (answer.status === 429 || answer.status >= 500) throw new PassingFault(`status ${answer.status}`)
      if (answer.status === 401 || answer.status === 403) throw denied(name, { rights, failed })
      throw unexpected(name, failed, answer.status)
    } finally {
      await tokens.close()
    }
  }

  return {
    base,
    ask: async (request) => {
      let answer = await once(request)
      if (answer.status === 401) {
        await answer.discard()
        credentials.set(base.origin, await authorization(answer.headers['www-authenticate'] ?? ''))
        answer = await once(request)
      }
      const { status } = answer
      if (status !== 401 && status !== 403 && status !== 429 && status < 500) return answer
      await answer.discard()
      if (status === 429 || status >= 500) throw new PassingFault(`status ${status}`)
      throw denied(name, { rights, failed })
    },
    retried: (path, attempt) => client.retried(withoutCredentials(`${base.href}${path}`), attempt),
    close: client.close,
  }
}

/** Plain text only on this machine itself, as Docker and Podman have it. */
function baseOf({ registry, repository }: ImageName): URL {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return new URL(`${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${repository}/`)
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host)
}

/** A registry of a private network may keep its bytes in that network. */
async function around({ hostname }: URL): Promise<MayReach> {
  // INVARIANT: a name that only a proxy can resolve opens no private network.
  const { lookup } = await import('node:dns/promises') // its loading reads the machine's resolver
  const own = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(() => [])
  return reachableFrom(own.map(({ address }) => address))
}

type Challenge = Readonly<{ scheme: 'basic' | 'bearer' | 'other'; realm: string; service: string }>

function parseChallenge(header: string): Challenge | undefined {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s*(.{0,4096})$/.exec(header) ?? []
  const scheme = word.toLowerCase()
  if (scheme !== 'basic' && scheme !== 'bearer') return undefined
  const value = (name: string): string => new RegExp(`(?:^|[,\\s])${name}="([^"]*)"`, 'i').exec(rest)?.[1] ?? ''
  return { scheme, realm: value('realm'), service: value('service') }
}

type TokenErrand = RegistryErrand & Readonly<{ name: ImageName; isLocal: boolean }>

/** THREAT: a registry that sends a login to where it is not protected, or that asks for more rights than are needed. */
function tokenAddress({ realm, service }: Challenge, { name, isLocal, rights, failed }: TokenErrand): URL {
  const address = URL.canParse(realm) ? new URL(realm) : undefined
  const isSafe =
    address?.protocol === 'https:' || (isLocal && address?.protocol === 'http:' && isLoopback(address.host))
  if (address === undefined || !isSafe)
    throw new DomainError(failed, `the registry of \`${imageText(name)}\` asks for a login at no safe address`)
  if (service !== '') address.searchParams.set('service', service)
  address.searchParams.set('scope', `repository:${name.repository}:${rights}`)
  return address
}

/** Registries whose token servers are other hosts. SOURCE: the challenges that they answer with. */
const tokenServers: Readonly<Record<string, string>> = {
  'registry-1.docker.io': 'auth.docker.io',
  'registry.gitlab.com': 'gitlab.com',
  'registry.digitalocean.com': 'api.digitalocean.com',
  'rg.fr-par.scw.cloud': 'api.scaleway.com',
  'rg.nl-ams.scw.cloud': 'api.scaleway.com',
  'rg.pl-waw.scw.cloud': 'api.scaleway.com',
}

/** Scheme, host and port are the registry's, or the host is in the table. @param base of the registry */
export function isOwnTokenServer(address: URL, base: URL): boolean {
  return (
    address.origin === base.origin ||
    (Object.hasOwn(tokenServers, base.host) && tokenServers[base.host] === address.host)
  )
}

type Guard = Readonly<{
  name: ImageName
  base: URL
  isKnown: RegistryRoute['isKnown']
  failed: RegistryErrand['failed']
}>

/**
 * THREAT: a registry that was taken over, or an index that is made to answer for one, sends the login to a host that has
 * nothing to do with it. A domain above it says nothing, since anybody may have a name there (`co.uk`, `fly.dev`), and another
 * port may be another user's: both only when the caller has a login for them too.
 */
function refuseStranger(address: URL, { name, base, isKnown, failed }: Guard): void {
  const { host } = address
  if (isOwnTokenServer(address, base) || isKnown?.(host) === true) return
  throw new DomainError(failed, `the registry of \`${imageText(name)}\` wants your login to be sent to \`${host}\``, {
    help: `if that is its own token server, keep a login for ${host} beside the one for ${name.registry}`,
  })
}

const tokenShape = z.object({
  token: z.string().max(65_536).optional(),
  access_token: z.string().max(65_536).optional(),
})

function tokenIn(bytes: Buffer, failed: RegistryErrand['failed']): string {
  const parsed = tokenShape.safeParse(parseStrictJson(bytes, 'the answer of the token server'))
  const token = parsed.data?.token ?? parsed.data?.access_token ?? ''
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new DomainError(failed, 'the token server of a registry gives no token')
}

function denied(name: ImageName, { rights, failed }: RegistryErrand): DomainError {
  const what = rights === 'pull' ? 'read' : 'write to'
  return new DomainError(failed, `the registry ${name.registry} does not let you ${what} \`${imageText(name)}\``, {
    help: `log in (docker login ${name.registry}, or podman login), or check the name: some registries say so of what they do not have`,
  })
}

export function unexpected(name: ImageName, failed: RegistryErrand['failed'], status: number): DomainError {
  return new DomainError(failed, `the registry ${name.registry} answers with status ${status}: \`${imageText(name)}\``)
}

export async function readBytes(
  { body }: HttpAnswer,
  maxBytes: number,
  failed: RegistryErrand['failed'] | 'ERR_REMOTE_UNSAFE',
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw new DomainError(failed, `the answer is larger than the limit of ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
