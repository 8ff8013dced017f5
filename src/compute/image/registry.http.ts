/**
 * Documents and layers of an image, from the registry that its name gives.
 *
 * Trust: a registry is asked where bytes are, and believed in nothing: each byte is kept only when it has the digest and
 * the size that were pinned. It may ask for a token of any place (over TLS); only for reading this repository, and only
 * the registry itself is given it.
 * SOURCE: OCI Distribution 1.1, "Pull"; Docker Registry v2, "Token Authentication"; RFC 9110 section 11.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson, type Sha256, sha256Of } from '../../core/index.ts'
import {
  type HttpAnswer,
  type NetworkRoute,
  openHttpClient,
  PassingFault,
  withoutCredentials,
} from '../../data/index.ts'
import { isGone, writeBody } from '../environment/fetch.http.ts'
import { documentTypes, maxDocumentBytes } from './documents.ts'
import { type ImageName, imageText } from './reference.ts'

export type Registry = Readonly<{
  /** An index or manifest. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  document(digest: Sha256): Promise<Buffer>
  /** Bytes of a configuration, which are few. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  smallBlob(digest: Sha256): Promise<Buffer>
  /** Writes exactly these bytes from the start of `fd`. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  blob(
    wanted: Readonly<{ digest: Sha256; sizeBytes: number }>,
    fd: number,
    onBytes: (received: number) => void,
  ): Promise<void>
  /** What the tag stands for now. @throws ERR_ENV_FETCH, ERR_ENV_GONE */
  digestOfTag(tag: string): Promise<Sha256>
  close(): Promise<void>
}>

const maxTokenBytes = 1024 * 1024

export type RegistryRoute = Readonly<{
  settings: NetworkRoute
  /** `user:password` in Base64. */
  login?: string
  signal: AbortSignal
}>

export function openRegistry(name: ImageName, { settings, login, signal }: RegistryRoute): Registry {
  const base = baseOf(name)
  const isLocal = base.protocol === 'http:'
  const credentials = new Map<string, string>()
  const noProxy = isLocal ? [settings.noProxy, base.hostname].filter((each) => each !== '').join(',') : settings.noProxy
  const route = { code: 'ERR_ENV_FETCH', route: { ...settings, noProxy }, signal } as const
  const client = openHttpClient({ ...route, credentials })

  const get = async (path: string, accept: string): Promise<HttpAnswer> => {
    const headers = { accept, 'accept-encoding': 'identity' }
    const first = await client.get(`${base.href}${path}`, headers)
    if (first.status !== 401) return refuseStatus(first, name)
    await first.discard()
    credentials.set(base.origin, await authorization(first.headers['www-authenticate'] ?? ''))
    return refuseStatus(await client.get(`${base.href}${path}`, headers), name)
  }

  const authorization = async (header: string): Promise<string> => {
    const challenge = parseChallenge(header)
    if (challenge?.scheme === 'basic' && login !== undefined) return `Basic ${login}`
    if (challenge?.scheme !== 'bearer') throw deniedBy(name)
    const address = tokenAddress(challenge, name, isLocal)
    // THREAT: the login is for the registry's token server, and for no other request
    const logins = new Map(login === undefined ? [] : [[address.origin, `Basic ${login}`]])
    const tokens = openHttpClient({ ...route, credentials: logins })
    try {
      const answer = await tokens.get(address.href, { accept: 'application/json', 'accept-encoding': 'identity' })
      return `Bearer ${tokenIn(await readBytes(await refuseStatus(answer, name, 'ERR_ENV_FETCH'), maxTokenBytes))}`
    } finally {
      await tokens.close()
    }
  }

  const bytesOf = (path: string, accept: string): Promise<Buffer> =>
    client.retried(withoutCredentials(`${base.href}${path}`), async () =>
      readBytes(await get(path, accept), maxDocumentBytes),
    )
  const pinned = async (path: string, digest: Sha256, accept: string): Promise<Buffer> => {
    const bytes = await bytesOf(path, accept)
    if (sha256Of(bytes) !== digest) throw otherBytes(name, digest, 'has other bytes')
    return bytes
  }
  const accepted = documentTypes.join(', ')
  return {
    document: (digest) => pinned(`manifests/${digest}`, digest, accepted),
    smallBlob: (digest) => pinned(`blobs/${digest}`, digest, '*/*'),
    digestOfTag: async (tag) => sha256Of(await bytesOf(`manifests/${tag}`, accepted)),
    blob: ({ digest, sizeBytes }, fd, onBytes) =>
      client.retried(withoutCredentials(`${base.href}blobs/${digest}`), async () => {
        const answer = await get(`blobs/${digest}`, '*/*')
        const tooMany = (): DomainError => otherBytes(name, digest, `has more than ${sizeBytes} bytes`)
        const got = await writeBody(answer, fd, { maxBytes: sizeBytes, tooMany, onBytes })
        if (got.sizeBytes !== sizeBytes) throw otherBytes(name, digest, `has ${got.sizeBytes} bytes of ${sizeBytes}`)
        if (got.digest !== digest) throw otherBytes(name, digest, 'has other bytes')
      }),
    close: client.close,
  }
}

/** Plain text only on this machine itself, as Docker and Podman have it. */
function baseOf({ registry, repository }: ImageName): URL {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  const scheme = /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host) ? 'http' : 'https'
  return new URL(`${scheme}://${host}/v2/${repository}/`)
}

type Challenge = Readonly<{ scheme: 'basic' | 'bearer' | 'other'; realm: string; service: string }>

function parseChallenge(header: string): Challenge | undefined {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s*(.{0,4096})$/.exec(header) ?? []
  const scheme = word.toLowerCase()
  if (scheme !== 'basic' && scheme !== 'bearer') return undefined
  const value = (name: string): string => new RegExp(`(?:^|[,\\s])${name}="([^"]*)"`, 'i').exec(rest)?.[1] ?? ''
  return { scheme, realm: value('realm'), service: value('service') }
}

/** THREAT: a registry that sends a login to where it is not protected, or that asks for more rights than to read. */
function tokenAddress({ realm, service }: Challenge, name: ImageName, isLocal: boolean): URL {
  const address = URL.canParse(realm) ? new URL(realm) : undefined
  const isSafe = address?.protocol === 'https:' || (isLocal && address?.protocol === 'http:')
  if (address === undefined || !isSafe)
    throw new DomainError('ERR_ENV_FETCH', `the registry of \`${imageText(name)}\` asks for a login at no safe address`)
  if (service !== '') address.searchParams.set('service', service)
  address.searchParams.set('scope', `repository:${name.repository}:pull`)
  return address
}

const tokenShape = z.object({
  token: z.string().max(65_536).optional(),
  access_token: z.string().max(65_536).optional(),
})

function tokenIn(bytes: Buffer): string {
  const parsed = tokenShape.safeParse(parseStrictJson(bytes, 'the answer of the token server'))
  const token = parsed.data?.token ?? parsed.data?.access_token ?? ''
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new DomainError('ERR_ENV_FETCH', 'the token server of a registry gives no token')
}

/** @param gone what a missing page is: of a token server it says nothing about the image */
async function refuseStatus(
  answer: HttpAnswer,
  name: ImageName,
  gone: 'ERR_ENV_GONE' | 'ERR_ENV_FETCH' = 'ERR_ENV_GONE',
): Promise<HttpAnswer> {
  const { status, discard } = answer
  if (status === 200) return answer
  await discard()
  if (status === 429 || status >= 500) throw new PassingFault(`status ${status}`)
  if (status === 401 || status === 403) throw deniedBy(name)
  const isMissing = isGone(status) && gone === 'ERR_ENV_GONE'
  const what = isMissing ? 'has no such image, or not all of it' : `answers with status ${status}`
  throw new DomainError(
    isMissing ? gone : 'ERR_ENV_FETCH',
    `the registry ${name.registry} ${what}: \`${imageText(name)}\``,
    {
      ...(isMissing ? { help: 'check the name, and whether the registry still keeps that digest' } : {}),
    },
  )
}

function deniedBy(name: ImageName): DomainError {
  return new DomainError(
    'ERR_ENV_FETCH',
    `the registry ${name.registry} does not let you read \`${imageText(name)}\``,
    {
      help: `log in (docker login ${name.registry}, or podman login), or check the name: some registries say so of what they do not have`,
    },
  )
}

async function readBytes({ body }: HttpAnswer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes)
      throw new DomainError('ERR_ENV_FETCH', `the answer is larger than the limit of ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function otherBytes(name: ImageName, digest: Sha256, because: string): DomainError {
  return new DomainError(
    'ERR_ENV_HASH_MISMATCH',
    `what the registry gives for \`${imageText(name)}\` ${because}: ${digest}`,
    {
      details: { image: imageText(name), digest },
    },
  )
}
