/**
 * `assay pull`: the evidence of a version from a remote, then the contents that it names, then the working tree.
 *
 * The remote is believed in nothing: evidence is what its digest and the trust policy say, a folder's list what its
 * `dirHash1` says, an object what its SHA-256 says. Read next: `travelling-evidence.ts`, `checkout.fs.ts`.
 */
import { join } from 'node:path'
import { isSecret } from '../attestation/index.ts'
import {
  type Digest,
  type DomainError,
  formatSize,
  isDirHash,
  isDomainError,
  type Sha256,
  sha256Of,
} from '../core/index.ts'
import {
  folderName,
  type Incoming,
  objectName,
  parseFolderList,
  type Remote,
  readWhole,
  receiveObjects,
  remoteFault,
} from '../data/index.ts'
import { holdProject } from './busy.fs.ts'
import { type CheckoutReport, restoreVersion } from './checkout.fs.ts'
import { close as closeObjects } from './closed-objects.ts'
import type { Project } from './project.ts'
import { chooseRemote, isRemoteOfOurs, openRemote, stopped, type Transfer } from './remotes.fs.ts'
import { bundlesOfVersion, fetchEvidence } from './travelling-evidence.ts'
import { fetchProofs } from './travelling-proofs.ts'
import { statementsBehind, versionOf } from './version.ts'
import {
  contentsOfVersion,
  folderOfContent,
  type NamedContent,
  objectsOf,
  takeFromWorkTree,
} from './version-contents.ts'

export type PullOptions = Transfer &
  Readonly<{
    remote?: string
    environments: boolean
    /** Into the store alone: the working tree stays as it is. */
    storeOnly: boolean
    /** Reads the objects that are here already again, and fetches those that are not right. */
    rehash: boolean
    /** Writes over what is kept nowhere else. */
    force: boolean
    /** Evidence and lists of folders are fetched all the same: without them nobody knows what is named. */
    dryRun: boolean
    onProgress(text: string): void
  }>

/** The shape of `assay pull --json`; fields may be added. */
export type PullReport = Readonly<{
  remote: string
  address: string
  /** Bundles that are new here. */
  evidence: number
  /** Proofs of transparency logs that are new here. */
  logProofs: number
  /** Objects that came; with `--dry-run` those that would. */
  fetched: Readonly<{ files: number; sizeBytes: number }>
  /** Named by the evidence, and neither here nor at the remote. */
  missing: readonly Readonly<{ path: string; digest: Digest }>[]
  /** Null with `--store-only`. */
  checkout: CheckoutReport | null
  dryRun: boolean
}>

/** LIMIT: a folder's list is read up to 512 MiB, some three million files. */
const maxListBytes = 512 * 1024 * 1024
/** LIMIT: 1 TiB an object. */
const maxObjectBytes = 1024 ** 4

/**
 * @param target a run or a commit; the working tree's lock and inventory when left out
 * @throws ERR_REMOTE_UNKNOWN, ERR_REMOTE_MISSING when nothing was ever pushed there, ERR_REMOTE_EVIDENCE,
 * ERR_REMOTE_CORRUPT when all else has arrived, ERR_REMOTE_FAILED, ERR_REMOTE_UNSAFE, ERR_CHECKOUT_CHANGED, ERR_DISK_FULL
 */
export async function pull(project: Project, target: string | undefined, options: PullOptions): Promise<PullReport> {
  using _hold = project.store.hold()
  const chosen = chooseRemote(project, options.remote)
  const version = await versionOf(project, target)
  const remote = openRemote(project, chosen, options)
  // one at a time: two would write one part of an object
  const release = options.dryRun ? () => undefined : holdProject(project.root)
  try {
    if (!(await isRemoteOfOurs(remote))) {
      throw remoteFault('ERR_REMOTE_MISSING', `nothing was pushed to \`${remote.address}\` yet`)
    }
    options.onProgress('looking for evidence')
    const evidence = await fetchEvidence(project, remote, version.roots.values(), options)
    const behind = statementsBehind(project, version.roots.values())
    const bundles = bundlesOfVersion(project, behind).bundles.keys()
    const approvals = project.evidence.approvals().map(({ bytes }) => sha256Of(bytes))
    const logProofs = await fetchProofs(project, remote, new Set([...bundles, ...approvals]), options)
    const named = contentsOfVersion(project, version, behind, options)
    const lists = await fetchLists(project, remote, named)
    const contents = named.map((content) => lists.fetched.get(content) ?? content)
    let wanted: Wanted
    try {
      wanted = await wantedObjects(project, remote, contents, options)
      if (!options.dryRun) {
        await receiveAll(project, remote, wanted.objects, options)
        await keepLists(project, remote, lists.fetched.values())
      }
    } finally {
      if (!options.dryRun) await closeSecret(project, contents) // what arrived before a break too
    }
    const restoring = { version, behind }
    return {
      remote: chosen.name,
      address: remote.address,
      evidence: evidence.fetched,
      logProofs,
      fetched: counted(wanted.objects),
      missing: [
        ...evidence.missing.map((digest) => ({ path: 'evidence', digest })),
        ...[...lists.missing, ...wanted.missing].map(({ path, digest }) => ({ path, digest })),
      ],
      checkout: options.storeOnly || options.dryRun ? null : await restoreVersion(project, restoring, { ...options }),
      dryRun: options.dryRun,
    }
  } catch (error) {
    throw options.signal.aborted ? stopped('pull') : error
  } finally {
    release()
    await remote.close()
  }
}

function counted(objects: readonly Incoming[]): PullReport['fetched'] {
  return { files: objects.length, sizeBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

type FetchedLists = Readonly<{
  /** Contents whose list is nowhere. */
  missing: readonly NamedContent[]
  /** Content -> the same with its list. */
  fetched: ReadonlyMap<NamedContent, NamedContent>
}>

/** Where the list of a folder may lie: by its own digest, else by the folder's. */
function listNames({ digest, list }: NamedContent): readonly string[] {
  return [...(list === undefined ? [] : [objectName(list)]), ...(isDirHash(digest) ? [folderName(digest)] : [])]
}

/** Lists of folders that are not here, each held to the folder's digest. */
async function fetchLists(project: Project, remote: Remote, contents: readonly NamedContent[]): Promise<FetchedLists> {
  const missing: NamedContent[] = []
  const fetched = new Map<NamedContent, NamedContent>()
  const asked: NamedContent[] = []
  for (const content of contents) {
    if (!isDirHash(content.digest) || (await objectsOf(project, content)) !== undefined) continue
    await takeFromWorkTree(project, content)
    if ((await objectsOf(project, content)) === undefined) asked.push(content)
  }
  const there = await remote.sizes(asked.flatMap(listNames))
  for (const content of asked) {
    const name = listNames(content).find((each) => there.has(each))
    if (name === undefined) {
      if (!content.isOptional) missing.push(content)
      continue
    }
    const folder = folderIn(remote, content, await readWhole(remote, name, maxListBytes))
    const list = await project.store.putFolder(folder.files)
    // The digest of a folder does not cover modes: where a statement names the list, that is held to it too.
    if (content.list !== undefined && content.list !== list) throw otherFolder(remote, content)
    fetched.set(content, { ...content, list })
  }
  return { missing, fetched }
}

/**
 * Which list a folder has is kept when its files are here. THREAT: the digest of a folder does not cover sizes: a list that
 * lies about one would stand in the way of every later pull.
 */
async function keepLists(project: Project, remote: Remote, fetched: Iterable<NamedContent>): Promise<void> {
  const { store, evidence } = project
  for (const content of fetched) {
    const folder = await folderOfContent(project, content)
    if (folder?.files.every(({ digest }) => store.has(digest)) !== true || content.list === undefined) continue
    if (folder.files.some(({ digest, sizeBytes }) => store.sizeOf(digest) !== sizeBytes))
      throw otherFolder(remote, content)
    if (isDirHash(content.digest)) evidence.saveFolder(content.digest, content.list)
  }
}

function folderIn(
  remote: Remote,
  content: NamedContent,
  bytes: Buffer | undefined,
): ReturnType<typeof parseFolderList> {
  try {
    const folder = bytes === undefined ? undefined : parseFolderList(bytes, content.path)
    if (folder?.digest === content.digest) return folder
  } catch (error) {
    if (!isDomainError(error, 'ERR_INPUT_MALFORMED')) throw error
  }
  throw otherFolder(remote, content)
}

function otherFolder({ address }: Remote, { path, digest }: NamedContent): DomainError {
  return remoteFault('ERR_REMOTE_CORRUPT', `\`${address}\` holds another list of files for \`${path}\` (${digest})`)
}

type Wanted = Readonly<{ objects: readonly Incoming[]; missing: readonly NamedContent[] }>

/** Objects that are not here and that the remote has; contents of which the remote lacks some. */
async function wantedObjects(
  project: Project,
  remote: Remote,
  contents: readonly NamedContent[],
  { rehash }: PullOptions,
): Promise<Wanted> {
  const absent = new Map<Sha256, Readonly<{ content: NamedContent; sizeBytes: number | undefined }>>()
  for (const content of contents) {
    let objects = (await objectsOf(project, content)) ?? []
    const isHere = (): boolean => objects.every(({ digest }) => project.store.keep(digest))
    if (rehash) await project.store.verify(objects.map(({ digest }) => digest))
    if (!isHere()) await takeFromWorkTree(project, content)
    if (isHere()) continue
    objects = (await objectsOf(project, content)) ?? []
    for (const { digest, sizeBytes } of objects)
      if (!project.store.has(digest)) absent.set(digest, { content, sizeBytes })
  }
  const there = await remote.sizes([...absent.keys()].map(objectName))
  const objects: Incoming[] = []
  const missing = new Set<NamedContent>()
  for (const [digest, { content, sizeBytes }] of absent) {
    const size = there.get(objectName(digest))
    if (size === undefined) {
      if (!content.isOptional) missing.add(content)
      continue
    }
    if (size > maxObjectBytes) throw remoteFault('ERR_REMOTE_UNSAFE', `\`${digest}\` would have ${size} bytes`)
    objects.push({ digest, sizeBytes: sizeBytes ?? size })
  }
  return { objects, missing: [...missing] }
}

/** Objects that are here, those of an earlier pull too; what lies with stricter ones stays there. */
async function closeSecret(project: Project, contents: readonly NamedContent[]): Promise<void> {
  for (const content of contents.filter(({ classification }) => isSecret(classification))) {
    const digests = ((await objectsOf(project, content)) ?? []).map(({ digest }) => digest)
    closeObjects(project, digests, content.classification)
  }
}

async function receiveAll(
  { root, store }: Project,
  remote: Remote,
  objects: readonly Incoming[],
  { jobs, onProgress, signal }: PullOptions,
): Promise<void> {
  const total = counted(objects)
  let files = 0
  let bytes = 0
  await receiveObjects(remote, store, objects, {
    parts: join(root, '.assay', 'fetch', 'objects'),
    jobs,
    onReceived: ({ sizeBytes }) => {
      signal.throwIfAborted()
      files += 1
      bytes += sizeBytes
      onProgress(`pulling ${files}/${total.files} objects  ${formatSize(bytes)} of ${formatSize(total.sizeBytes)}`)
    },
  })
}
