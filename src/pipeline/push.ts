/**
 * `assay push`: what a version names, to a remote: contents first, then the evidence that speaks of them, so that evidence
 * which is there speaks of contents that are there.
 *
 * Nothing is sent when part of it is more secret than the remote is cleared for, or is not whole here. What is there
 * already is not sent again; a push that was killed goes on in the next one. Read next: `version-contents.ts`.
 */
import { createHash } from 'node:crypto'
import { type Digest, DomainError, formatSize, isSha256, type Sha256, sha256Of } from '../core/index.ts'
import {
  bundleName,
  classifications,
  folderName,
  type Outgoing,
  objectName,
  type Remote,
  remoteMark,
  remoteMarkText,
  reproductionName,
} from '../data/index.ts'
import type { Project } from './project.ts'
import { type ChosenRemote, chooseRemote, isRemoteOfOurs, openRemote, stopped, type Transfer } from './remotes.fs.ts'
import { bundlesOfVersion } from './travelling-evidence.ts'
import { proofFiles } from './travelling-proofs.ts'
import { statementsBehind, versionOf } from './version.ts'
import {
  contentsOfVersion,
  folderOfContent,
  type NamedContent,
  type NamedObject,
  objectsOf,
  takeFromWorkTree,
} from './version-contents.ts'

export type PushOptions = Transfer &
  Readonly<{
    remote?: string
    /** Packages of environments too. */
    environments: boolean
    /** What the remote may not hold is left out, instead of refusing all. */
    permittedOnly: boolean
    /** Reads what the remote has already, every byte, and sends again what is not right. */
    rehash: boolean
    dryRun: boolean
    onProgress(text: string): void
  }>

type Counted = Readonly<{ files: number; sizeBytes: number }>

/** The shape of `assay push --json`; fields may be added. */
export type PushReport = Readonly<{
  remote: string
  address: string
  /** All that the version names: contents and evidence. */
  named: Counted
  /** Of it, what was sent; with `--dry-run` what would be. */
  sent: Counted
  /** Was there under its name, with other bytes. */
  replaced: readonly string[]
  leftOut: readonly Readonly<{ path: string; digest: Digest; because: string }>[]
  dryRun: boolean
}>

/**
 * @param target a run or a commit; the working tree's lock and inventory when left out
 * @throws ERR_REMOTE_UNKNOWN, ERR_REMOTE_CLASSIFIED, ERR_STORE_MISSING, ERR_STORE_CORRUPT, ERR_EVIDENCE_MISSING,
 * ERR_REMOTE_FAILED, ERR_REMOTE_UNSAFE, ERR_REMOTE_CORRUPT, ERR_DISK_FULL
 */
export async function push(project: Project, target: string | undefined, options: PushOptions): Promise<PushReport> {
  using _hold = project.store.hold()
  const chosen = chooseRemote(project, options.remote)
  const version = await versionOf(project, target)
  const behind = statementsBehind(project, version.roots.values())
  const [absent] = behind.absent
  if (absent !== undefined) {
    throw new DomainError('ERR_EVIDENCE_MISSING', `the evidence ${absent} is not here, or not believed`, {
      help: 'run the stages again, or pull it from where it is',
    })
  }
  const contents = contentsOfVersion(project, version, behind, options)
  const { permitted, leftOut } = withinClearance(contents, chosen, options)
  const remote = openRemote(project, chosen, options)
  try {
    const isThere = await isRemoteOfOurs(remote)
    const known = await objectsAtHand(project, permitted)
    const evidence = evidenceFiles(project, behind)
    const approvals = project.evidence.approvals().map(({ bytes }) => sha256Of(bytes))
    const attestations = new Set([...evidence.bundles.keys(), ...approvals])
    const proofs = await proofFiles(project, remote, { attestations, isThere })
    const files = [...known.files, ...evidence.files, ...proofs]
    const there = isThere ? await remote.sizes([...files, ...known.elsewhere].map(({ name }) => name)) : new Map()
    refuseMissing(known.elsewhere.filter(({ name }) => !there.has(name)))
    const { absent: unsent, wrong } = await compare(remote, files, there, options)
    const sending = [...unsent, ...wrong]
    if (!options.dryRun) await sendAll(remote, sending, { isThere, ...options })
    return {
      remote: chosen.name,
      address: remote.address,
      named: counted(files),
      sent: counted(sending),
      replaced: wrong.map(({ name }) => name),
      leftOut: [...leftOut, ...known.leftOut],
      dryRun: options.dryRun,
    }
  } catch (error) {
    throw options.signal.aborted ? stopped('push') : error
  } finally {
    await remote.close()
  }
}

function counted(files: readonly Outgoing[]): Counted {
  return { files: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

type LeftOut = PushReport['leftOut']

/** THREAT: data that may not leave a house, and what was made of it, on a remote that others read. */
function withinClearance(
  contents: readonly NamedContent[],
  { name, classification }: ChosenRemote,
  { permittedOnly }: Pick<PushOptions, 'permittedOnly'>,
): Readonly<{ permitted: readonly NamedContent[]; leftOut: LeftOut }> {
  const ceiling = classifications.indexOf(classification)
  const isAbove = (content: NamedContent): boolean => classifications.indexOf(content.classification) > ceiling
  const above = contents.filter(isAbove)
  const [first] = above
  if (first !== undefined && !permittedOnly) {
    const more = above.length > 1 ? ` and ${above.length - 1} more` : ''
    throw new DomainError(
      'ERR_REMOTE_CLASSIFIED',
      `\`${first.path}\` is ${first.classification}${more}, and the remote \`${name}\` is cleared for ${classification}`,
      { details: { path: first.path, classification: first.classification, above: above.length } },
    )
  }
  // the same bytes under another name are as secret, but for none at all: an empty log tells nothing
  const secret = new Set(above.map(({ digest }) => digest).filter((digest) => digest !== sha256Of('')))
  const permitted = contents.filter((content) => !secret.has(content.digest))
  return {
    permitted,
    leftOut: above.map(({ path, digest, classification: own }) => ({ path, digest, because: `it is ${own}` })),
  }
}

type Elsewhere = Readonly<{ name: string; path: string; digest: Digest }>
type AtHand = Readonly<{
  files: readonly Outgoing[]
  /** Not here: whether the remote has it decides. */
  elsewhere: readonly Elsewhere[]
  leftOut: LeftOut
}>

/** Every object of the contents once, and the lists of folders. */
async function objectsAtHand(project: Project, contents: readonly NamedContent[]): Promise<AtHand> {
  const files = new Map<string, Outgoing>()
  const elsewhere: Elsewhere[] = []
  const leftOut: { path: string; digest: Digest; because: string }[] = []
  for (const content of contents) {
    const { path, digest, isOptional } = content
    const objects = await objectsHere(project, content)
    const absent = objects?.filter((object) => !project.store.has(object.digest)) ?? []
    if (isOptional && (objects === undefined || absent.length > 0)) {
      leftOut.push({ path, digest, because: 'it is not here' })
      continue
    }
    if (objects === undefined) elsewhere.push({ name: nameOf(content), path, digest })
    for (const object of absent) elsewhere.push({ name: objectName(object.digest), path, digest: object.digest })
    for (const object of objects ?? []) {
      if (!project.store.has(object.digest)) continue
      const file = outgoing(project, object)
      files.set(file.name, file)
    }
    const folder = isSha256(digest) ? undefined : await folderOfContent(project, content)
    if (folder !== undefined) {
      const list = await project.store.putFolder(folder.files)
      const name = nameOf(content)
      files.set(name, { ...outgoing(project, { digest: list }), name })
    }
  }
  return { files: [...files.values()], elsewhere, leftOut }
}

async function objectsHere(project: Project, content: NamedContent): Promise<readonly NamedObject[] | undefined> {
  const objects = await objectsOf(project, content)
  if (objects?.every(({ digest }) => project.store.has(digest)) === true) return objects
  await takeFromWorkTree(project, content)
  return objectsOf(project, content)
}

/** Of a folder its list: by its own digest where a statement names it, so that versions that differ in modes alone do not meet. */
function nameOf({ digest, list }: NamedContent): string {
  if (list !== undefined) return objectName(list)
  return isSha256(digest) ? objectName(digest) : folderName(digest)
}

function outgoing({ store }: Project, { digest }: NamedObject): Outgoing {
  store.keep(digest)
  return { name: objectName(digest), digest, path: store.pathOf(digest), sizeBytes: store.sizeOf(digest) }
}

function refuseMissing(missing: readonly Elsewhere[]): void {
  const [first] = missing
  if (first === undefined) return
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : ''
  throw new DomainError(
    'ERR_STORE_MISSING',
    `\`${first.path}\` (${first.digest})${more} is neither in the store nor at the remote`,
    { details: { digest: first.digest, missing: missing.length } },
  )
}

type EvidenceFiles = Readonly<{ bundles: ReadonlyMap<Sha256, Uint8Array>; files: readonly Outgoing[] }>

function evidenceFiles(project: Project, behind: ReturnType<typeof statementsBehind>): EvidenceFiles {
  const { bundles, reproductions } = bundlesOfVersion(project, behind)
  const empty = new Uint8Array()
  const files = [
    ...[...bundles].map(([digest, bytes]) => ({
      name: bundleName(digest),
      digest,
      bytes,
      sizeBytes: bytes.length,
    })),
    ...reproductions.map(({ original, reproduction }) => ({
      name: reproductionName(original, reproduction),
      digest: sha256Of(empty),
      bytes: empty,
      sizeBytes: 0,
    })),
  ]
  return { bundles, files }
}

/** What lies there with another size is wrong for sure; with `rehash` every byte is asked for. */
async function compare(
  remote: Remote,
  files: readonly Outgoing[],
  there: ReadonlyMap<string, number>,
  { rehash, onProgress }: PushOptions,
): Promise<Readonly<{ absent: readonly Outgoing[]; wrong: readonly Outgoing[] }>> {
  const absent: Outgoing[] = []
  const wrong: Outgoing[] = []
  for (const [index, file] of files.entries()) {
    const size = there.get(file.name)
    if (size === undefined) absent.push(file)
    else if (size !== file.sizeBytes) wrong.push(file)
    else if (rehash) {
      onProgress(`reading again ${index + 1}/${files.length}`)
      if (!(await isRight(remote, file))) wrong.push(file)
    }
  }
  return { absent, wrong }
}

async function isRight(remote: Remote, file: Outgoing): Promise<boolean> {
  const hasher = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of remote.read(file.name, 0)) {
    sizeBytes += chunk.length
    if (sizeBytes > file.sizeBytes) return false
    hasher.update(chunk)
  }
  return `sha256:${hasher.digest('hex')}` === file.digest
}

async function sendAll(
  remote: Remote,
  files: readonly Outgoing[],
  { isThere, onProgress, signal }: PushOptions & Readonly<{ isThere: boolean }>,
): Promise<void> {
  if (!isThere) {
    await remote.prepare()
    const bytes = Buffer.from(remoteMarkText)
    const mark = { name: remoteMark, digest: sha256Of(bytes), bytes, sizeBytes: bytes.length }
    await remote.put([mark], () => undefined)
  } else if (files.length > 0) await remote.prepare()
  const total = counted(files)
  let sentFiles = 0
  let sentBytes = 0
  const onSent = ({ sizeBytes }: Outgoing): void => {
    signal.throwIfAborted()
    sentFiles += 1
    sentBytes += sizeBytes
    onProgress(`pushing ${sentFiles}/${total.files} files  ${formatSize(sentBytes)} of ${formatSize(total.sizeBytes)}`)
  }
  // Order: contents, then evidence, then what leads from one to another.
  for (const group of [/^(objects|folders)\//, /^attestations\//, /^(reproductions|log-proofs)\//]) {
    await remote.put(
      files.filter(({ name }) => group.test(name)),
      onSent,
    )
  }
}
