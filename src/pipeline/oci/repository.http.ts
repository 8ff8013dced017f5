/**
 * One repository of a registry, to put artifacts into and to take evidence from.
 *
 * Trust: whatever comes back is held to the digest that it was asked by, and to limits; a tag is only what stands there
 * now. Addresses that a registry gives for an upload or a next page must be its own.
 * SOURCE: OCI Distribution 1.1, "Push", "Pull", "Listing Referrers".
 */
import { type RegistrySession, readRegistryBytes as readBytes } from '../../compute/index.ts'
import { type DomainError, type Sha256, sha256Of } from '../../core/index.ts'
import { type HttpAnswer, remoteFault } from '../../data/index.ts'
import {
  type Descriptor,
  maxDescriptors,
  maxDocumentBytes,
  mediaTypes,
  parseReferrers,
  referrersTag,
} from './documents.ts'

export type OciRepository = Readonly<{
  /** As it may be shown. */
  address: string
  /** A document by its tag or digest; undefined when there is none. @throws ERR_REMOTE_CORRUPT for other bytes than the digest's */
  document(reference: string): Promise<Buffer | undefined>
  /** @throws ERR_REMOTE_CORRUPT, ERR_REMOTE_MISSING, ERR_REMOTE_UNSAFE when it is larger than `maxBytes` */
  blob(descriptor: Descriptor, maxBytes: number): Promise<Buffer>
  has(blob: Sha256): Promise<boolean>
  putBlob(blob: OutgoingBlob): Promise<void>
  /** @returns whether the registry lists it among the referrers of its subject by itself */
  putDocument(reference: string, document: Readonly<{ bytes: Buffer; descriptor: Descriptor }>): Promise<boolean>
  /** What refers to it, as the registry says. @throws ERR_REMOTE_UNSAFE for a list without end */
  referrers(subject: Sha256): Promise<readonly Descriptor[]>
  close(): Promise<void>
}>

export type OutgoingBlob = Readonly<{
  digest: Sha256
  sizeBytes: number
  /** Bytes `start` up to, not including, `end`. */
  read(start: number, end: number): Uint8Array
}>

/** LIMIT: 100 pages of a list. */
const maxPages = 100
/** Above this size a blob is sent in pieces of it: what is held in memory. */
const chunkBytes = 16 * 1024 * 1024
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const accept = `${mediaTypes.manifest}, ${mediaTypes.index}`

export function openOciRepository(address: string, session: RegistrySession): OciRepository {
  const { ask, base, retried } = session
  const read = (
    path: string | URL,
    headers: Readonly<Record<string, string>>,
    maxBytes: number,
  ): Promise<Page | undefined> =>
    retried(typeof path === 'string' ? path : path.pathname.slice(base.pathname.length), async () => {
      const answer = await ask({ method: 'GET', path, headers })
      if (answer.status === 200)
        return { bytes: await readBytes(answer, maxBytes, 'ERR_REMOTE_UNSAFE'), link: answer.headers['link'] }
      await answer.discard()
      if (answer.status === 404) return undefined
      throw unexpected(address, answer.status)
    })
  const document: OciRepository['document'] = async (reference) => {
    const page = await read(`manifests/${reference}`, { accept }, maxDocumentBytes)
    if (page !== undefined && reference.startsWith('sha256:') && sha256Of(page.bytes) !== reference)
      throw otherBytes(address, reference)
    return page?.bytes
  }
  const repository: OciRepository = {
    address,
    document,
    blob: async ({ digest, size }, maxBytes) => {
      if (size > maxBytes) throw remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` names ${digest} with ${size} bytes`)
      const page = await read(`blobs/${digest}`, { accept: '*/*' }, size)
      if (page === undefined) throw remoteFault('ERR_REMOTE_MISSING', `${digest} is not at \`${address}\``)
      if (page.bytes.length !== size || sha256Of(page.bytes) !== digest) throw otherBytes(address, digest)
      return page.bytes
    },
    has: (blob) =>
      retried(`blobs/${blob}`, async () => {
        const answer = await ask({ method: 'HEAD', path: `blobs/${blob}` })
        await answer.discard()
        if (answer.status === 404) return false
        // a registry that keeps its bytes elsewhere says where: of what it has
        if (answer.status === 200 || redirects.has(answer.status)) return true
        throw unexpected(address, answer.status)
      }),
    putBlob: (blob) => retried(`blobs/uploads/`, () => upload(session, address, blob)),
    putDocument: (reference, { bytes, descriptor }) =>
      retried(`manifests/${reference}`, async () => {
        const headers = { 'content-type': descriptor.mediaType }
        const answer = await ask({ method: 'PUT', path: `manifests/${reference}`, headers, body: bytes })
        await answer.discard()
        if (answer.status !== 201 && answer.status !== 200) throw unexpected(address, answer.status)
        const said = answer.headers['docker-content-digest']
        if (said !== undefined && said !== descriptor.digest) throw otherBytes(address, descriptor.digest)
        return answer.headers['oci-subject'] !== undefined
      }),
    referrers: async (subject) => {
      const found: Descriptor[] = []
      let path: string | URL | undefined = `referrers/${subject}`
      for (let pages = 0; path !== undefined; pages += 1) {
        if (pages >= maxPages || found.length > maxDescriptors) throw endless(address)
        const page: Page | undefined = await read(path, { accept: mediaTypes.index }, maxDocumentBytes)
        if (page === undefined && pages === 0) return await referrersByTag(repository, subject)
        if (page === undefined) throw unexpected(address, 404)
        found.push(...parseReferrers(page.bytes, `a list of \`${address}\``))
        path = nextOf(page.link, { base, address, from: typeof path === 'string' ? new URL(path, base) : path })
      }
      return found
    },
    close: session.close,
  }
  return repository
}

type Page = Readonly<{ bytes: Buffer; link: string | undefined }>

/** A registry without the API: its users keep the list under a tag. */
export async function referrersByTag(
  { address, document }: Pick<OciRepository, 'address' | 'document'>,
  subject: Sha256,
): Promise<readonly Descriptor[]> {
  const bytes = await document(referrersTag(subject))
  return bytes === undefined ? [] : parseReferrers(bytes, `the list of referrers at \`${address}\``)
}

/** Small ones in one request, others in pieces. */
async function upload({ ask, base }: RegistrySession, address: string, blob: OutgoingBlob): Promise<void> {
  const { digest, sizeBytes, read } = blob
  const type = { 'content-type': 'application/octet-stream' }
  let answer = await ask({ method: 'POST', path: 'blobs/uploads/' })
  let place = await locationOf(answer, base, address)
  const whole = sizeBytes <= chunkBytes ? read(0, sizeBytes) : new Uint8Array()
  for (let start = 0; sizeBytes > chunkBytes && start < sizeBytes; start += chunkBytes) {
    const body = read(start, Math.min(sizeBytes, start + chunkBytes))
    const headers = { ...type, 'content-range': `${start}-${start + body.length - 1}` }
    answer = await ask({ method: 'PATCH', path: place, headers, body })
    place = await locationOf(answer, base, address)
  }
  place.searchParams.set('digest', digest)
  answer = await ask({ method: 'PUT', path: place, headers: type, body: whole })
  await answer.discard()
  if (answer.status !== 201) throw unexpected(address, answer.status)
}

/** THREAT: an upload, with its credentials and bytes, sent to another place. */
async function locationOf(answer: HttpAnswer, base: URL, address: string): Promise<URL> {
  await answer.discard()
  const location = answer.headers['location']
  if (answer.status !== 202 || location === undefined) throw unexpected(address, answer.status)
  return ownAddress(location, base, { base, address, isUpload: true })
}

/** `<...>; rel="next"`. SOURCE: RFC 8288. */
function nextOf(link: string | undefined, { from, ...own }: Own & Readonly<{ from: URL }>): URL | undefined {
  const [, target] = /^\s*<([^>]{1,4096})>\s*;[^,]*\brel="?next"?/.exec(link ?? '') ?? []
  return target === undefined ? undefined : ownAddress(target, from, own)
}

type Own = Readonly<{ base: URL; address: string; isUpload?: true }>

/** An upload may be somewhere else at the registry than all else, as Google's are (`/artifacts-uploads/`); in no other repository. */
function ownAddress(text: string, from: URL, { base, address, isUpload }: Own): URL {
  const url = URL.canParse(text, from.href) ? new URL(text, from) : undefined
  if (url !== undefined && url.origin === base.origin && url.username === '') {
    const { pathname } = url
    if (pathname.startsWith(base.pathname) || (isUpload === true && !pathname.startsWith('/v2/'))) return url
  }
  throw remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` sends us to another place`)
}

function otherBytes(address: string, digest: string): DomainError {
  return remoteFault('ERR_REMOTE_CORRUPT', `\`${address}\` gives other bytes for ${digest}`)
}

function endless(address: string): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `the list of referrers at \`${address}\` does not end`)
}

function unexpected(address: string, status: number): DomainError {
  return remoteFault('ERR_REMOTE_FAILED', `\`${address}\` answers with status ${status}`)
}
