/**
 * Brings data from where it comes from into the store and the working tree: assay's own step, outside of every stage.
 *
 * Bytes are digested while they arrive, and again as the store takes them in. What is on record is compared before
 * anything reaches the working tree. THREAT: split view: an address that serves one person other bytes than another,
 * or other bytes than on the day of curation. Source: design.md section 6.
 */
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readNetworkSettings } from '../compute/index.ts'
import {
  type Content,
  type Digest,
  DomainError,
  type FileEntry,
  folderOf,
  parseProjectPath,
  type Sha256,
} from '../core/index.ts'
import {
  type Classification,
  fetchFile,
  forgetPart,
  type HttpClient,
  ioFault,
  listS3,
  type NetworkRoute,
  type ObjectBatch,
  openHttpClient,
  parseS3Address,
  recordableAddress,
  type S3Object,
  s3SettingsOf,
  s3Signer,
  s3Url,
} from '../data/index.ts'
import { closeContent } from './closed-objects.ts'
import { type Arrived, openJournal } from './fetch-journal.fs.ts'
import type { Project } from './project.ts'

export type FetchOptions = Readonly<{
  route: NetworkRoute
  onProgress(text: string): void
  signal: AbortSignal
}>

export type FetchedSource = Readonly<{
  content: Content
  /** The address as it may be recorded. */
  origin: string
  headers: Readonly<Record<string, string>>
  /** Bytes that an earlier try had brought already. */
  resumedBytes: number
}>

export function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text)
}

/** True for what assay can ask for: http, https, S3. */
export function isFetchable(text: string): boolean {
  return /^(https?|s3):\/\//.test(text) && URL.canParse(text)
}

/** The address as `sources.yaml` has it. @throws ERR_USAGE for one that cannot be fetched */
export function recordedOrigin(address: string): string {
  if (isFetchable(address)) return originOf(address)
  throw new DomainError('ERR_USAGE', `\`${address.slice(0, 200)}\` is not an address that can be fetched`, {
    help: 'https://, http:// and s3:// can; bring other data into the project and say where it is from with --origin',
  })
}

/** How this machine reaches others: pip's variables for proxies and authorities, which are those of every tool. */
export function networkRouteOf(environment: Project['environment'], home: string): NetworkRoute {
  return readNetworkSettings(environment, home)
}

/** Where fetched data goes when nobody says: secret data into a folder that only its owner may enter. */
export function placeOf(address: string, classification: Classification): string {
  const path = address.startsWith('s3://') ? parseS3Address(address).key : new URL(address).pathname
  const name = basename(decodeURIComponent(path))
  if (name === '')
    throw new DomainError('ERR_USAGE', `\`${address}\` names no file`, { help: 'say where to with --to' })
  return parseProjectPath(isSecret(classification) ? `data/${classification}/${name}` : `data/${name}`)
}

/**
 * Fetches into the store; nothing is in the working tree afterwards.
 *
 * @param expected the digest on record, when there is one
 * @throws ERR_DATA_FETCH, ERR_DATA_SPLIT_VIEW, ERR_DATA_CHANGED, ERR_DISK_FULL, ERR_IO
 */
export async function fetchIntoStore(
  project: Project,
  address: string,
  expected: Digest | undefined,
  options: FetchOptions,
): Promise<FetchedSource> {
  const folder = join(project.root, '.assay', 'fetch', nameOf(address))
  makeFolder(folder)
  const credentials = credentialsOf(address)
  const client = openHttpClient({ code: 'ERR_DATA_FETCH', route: options.route, credentials, signal: options.signal })
  try {
    const place = { project, address, folder, client, onProgress: options.onProgress }
    const fetched = await (address.startsWith('s3://') ? fetchS3(place) : fetchOne(place, address))
    if (expected !== undefined && fetched.content.digest !== expected) {
      rmSync(folder, { recursive: true, force: true })
      throw splitView(address, expected, fetched.content.digest)
    }
    rmSync(folder, { recursive: true, force: true })
    return fetched
  } finally {
    await client.close()
  }
}

/**
 * Puts fetched content into the working tree.
 *
 * @throws ERR_USAGE when something else lies there already
 */
export async function placeContent(
  project: Project,
  {
    path,
    classification,
    content,
    replace,
  }: Readonly<{ path: string; classification: Classification; content: Content; replace: boolean }>,
): Promise<void> {
  const target = join(project.root, path)
  if (existsSync(target) && !replace && (await project.contents.rehash(path)) !== content.digest) {
    throw new DomainError('ERR_USAGE', `\`${path}\` is there already, with other bytes`, {
      help: 'say where to with --to, or put the new bytes in its place with --replace',
    })
  }
  // Order: the folder is closed to others before a secret byte is in it.
  if (isSecret(classification)) closeFolder(dirname(target))
  closeContent(project, content, classification)
  await project.contents.restore(path, content)
  protectData(project.root, path, classification)
}

/** Secret data is readable by its owner only. */
export function protectData(root: string, path: string, classification: Classification): void {
  const target = join(root, path)
  const status = lstatSync(target, { throwIfNoEntry: false })
  if (!isSecret(classification) || status === undefined || status.isSymbolicLink()) return
  try {
    chmodSync(target, status.isDirectory() ? 0o700 : 0o600)
  } catch (error) {
    throw ioFault(error, path)
  }
}

type Place = Readonly<{
  project: Project
  address: string
  folder: string
  client: HttpClient
  onProgress(text: string): void
}>

async function fetchOne(place: Place, url: string, headersFor?: Signed): Promise<FetchedSource> {
  using batch = place.project.store.batch()
  const part = join(place.folder, 'part')
  const { entry, headers, resumedBytes } = await fetchPart(place, batch, { part, url, name: url, headersFor })
  await batch.commit()
  const content: Content = { kind: 'file', digest: entry.digest, sizeBytes: entry.sizeBytes, executable: false }
  return { content, origin: originOf(place.address), headers, resumedBytes }
}

/** A key that ends in `/`, or none: everything below it, as a folder. */
async function fetchS3(place: Place): Promise<FetchedSource> {
  const settings = s3SettingsOf(place.project.environment)
  const { bucket, key } = parseS3Address(place.address)
  const sign = s3Signer(settings)
  if (key !== '' && !key.endsWith('/')) {
    const url = s3Url(settings, bucket, key)
    return fetchOne(place, url, (headers) => sign(url, headers))
  }
  const objects = await listS3(place.client, settings, place.address)
  if (objects.length === 0) throw new DomainError('ERR_DATA_FETCH', `there is nothing below \`${place.address}\``)
  const journal = openJournal(place.folder)
  const isHere = (digest: Sha256): boolean => place.project.store.keep(digest)
  const files: FileEntry[] = []
  let resumedBytes = 0
  for (const group of groupsOf(objects)) {
    using batch = place.project.store.batch()
    const arrived: Arrived[] = []
    for (const object of group) {
      const { path, url, sizeBytes, etag } = object
      const before = journal.find(object, isHere)
      if (before !== undefined) {
        files.push({ path, digest: before, sizeBytes, executable: false })
        resumedBytes += sizeBytes
        continue
      }
      const name = `${files.length + 1}/${objects.length} ${path}`
      const headersFor: Signed = (headers) => sign(url, headers)
      const fetched = await fetchPart(place, batch, { part: join(place.folder, nameOf(path)), url, name, headersFor })
      if (fetched.entry.sizeBytes !== sizeBytes) {
        throw new DomainError('ERR_DATA_FETCH', `\`${path}\` is not of the size that the list says`)
      }
      files.push({ ...fetched.entry, path })
      arrived.push({ path, etag, sizeBytes, digest: fetched.entry.digest })
      resumedBytes += fetched.resumedBytes
    }
    await batch.commit()
    journal.add(arrived)
  }
  return { content: folderOf(files), origin: originOf(place.address), headers: {}, resumedBytes }
}

/** LIMIT: what a killed fetch of a folder has to fetch again at most, unless one object is larger. */
const groupBytes = 64 * 1024 * 1024
const groupFiles = 256

function groupsOf(objects: readonly S3Object[]): readonly (readonly S3Object[])[] {
  const groups: S3Object[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const object of objects) {
    const open = groups.at(-1)
    if (open === undefined || bytes + object.sizeBytes > groupBytes || open.length >= groupFiles) {
      groups.push([object])
      bytes = object.sizeBytes
    } else {
      open.push(object)
      bytes += object.sizeBytes
    }
  }
  return groups
}

type Signed = (headers: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>
type Part = Readonly<{ part: string; url: string; name: string; headersFor: Signed | undefined }>

async function fetchPart(
  { client, onProgress }: Place,
  batch: ObjectBatch,
  { part, url, name, headersFor }: Part,
): Promise<Readonly<{ entry: FileEntry; headers: Readonly<Record<string, string>>; resumedBytes: number }>> {
  const { digest, sizeBytes, headers, resumedBytes } = await fetchFile({
    client,
    url,
    part,
    ...(headersFor === undefined ? {} : { headersFor }),
    onBytes: (received, total) => onProgress(progressText(name, received, total)),
  })
  const fd = openSync(part, 'r')
  try {
    const stored = await batch.addFile(fd)
    if (stored.digest !== digest) {
      throw new DomainError('ERR_DATA_CHANGED', `\`${name}\` changed on disk while it was fetched`)
    }
  } finally {
    closeSync(fd)
  }
  forgetPart(part)
  return { entry: { path: 'file', digest, sizeBytes, executable: false }, headers, resumedBytes }
}

function progressText(name: string, received: number, total: number | undefined): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  return `fetching ${name}  ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`}`
}

function splitView(address: string, expected: Digest, found: Digest): DomainError {
  return new DomainError('ERR_DATA_SPLIT_VIEW', `\`${originOf(address)}\` serves other bytes than those on record`, {
    details: { expected, found },
  })
}

function originOf(address: string): string {
  return address.startsWith('s3://') ? address : recordableAddress(address)
}

function credentialsOf(address: string): ReadonlyMap<string, string> {
  if (address.startsWith('s3://')) return new Map()
  const { origin, username, password } = new URL(address)
  if (username === '' && password === '') return new Map()
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return new Map([[origin, `Basic ${Buffer.from(pair).toString('base64')}`]])
}

function isSecret(classification: Classification): boolean {
  return classification === 'confidential' || classification === 'restricted'
}

/** A name that says nothing of what it stands for. */
function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ioFault(error, folder)
  }
}

function closeFolder(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ioFault(error, folder)
  }
}
