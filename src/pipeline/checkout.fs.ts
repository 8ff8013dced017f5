/**
 * `assay checkout`: data and outs of a version out of the store into the working tree. Code, params and locks are git's.
 *
 * INVARIANT: what is in the working tree and kept nowhere else is never written over, unless that was asked for: it is
 * looked at before anything is written. Each file or folder takes its place whole; what a killed checkout did not come to,
 * the next one does.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSecret } from '../attestation/index.ts'
import {
  type Content,
  closedFolderFault,
  type Digest,
  DomainError,
  isDomainError,
  isInside,
  oneLine,
  quotedForShell,
} from '../core/index.ts'
import { digestPath, ioFault, maskedBelow, sweepRestores } from '../data/index.ts'
import { believedStage } from './believe.ts'
import { holdProject } from './busy.fs.ts'
import { keepInDvcCache, pinnedOtherwise } from './dvc/index.ts'
import { protectData } from './fetch-source.fs.ts'
import type { Project } from './project.ts'
import { type Behind, statementsBehind, type Version, versionOf } from './version.ts'
import { contentInStore, contentsOfVersion, type NamedContent } from './version-contents.ts'

export type CheckoutOptions = Readonly<{ force: boolean; dryRun: boolean; onProgress(text: string): void }>

/** The shape of `assay checkout --json`; fields may be added. */
export type CheckoutReport = Readonly<{
  /** Null for the working tree's own version, and for a run that was made without a commit. */
  commit: string | null
  runId: string | null
  head: string | null
  restored: readonly Readonly<{ path: string; digest: Digest; sizeBytes: number }>[]
  unchanged: number
  /** Not ours to change: `git` for what it tracks, else the `.dvc` file that pins other bytes. */
  left: readonly Readonly<{ path: string; to: string }>[]
  /** Named, and not whole in the store. */
  missing: readonly Readonly<{ path: string; digest: Digest }>[]
  dryRun: boolean
}>

/**
 * @param target a run or a commit; what `assay.lock` of the working tree names when left out
 * @throws ERR_COMMIT_UNKNOWN; ERR_CHECKOUT_CHANGED, ERR_STORE_MISSING, ERR_EVIDENCE_MISSING before anything is written;
 * ERR_STORE_CORRUPT, ERR_RUN_BUSY, ERR_PATH_UNSAFE, ERR_IO, ERR_DISK_FULL
 */
export async function checkout(
  project: Project,
  target: string | undefined,
  options: CheckoutOptions,
): Promise<CheckoutReport> {
  using _hold = project.store.hold()
  const version = await versionOf(project, target)
  const behind = statementsBehind(project, version.roots.values())
  const pull = `assay pull${target === undefined ? '' : ` ${quotedForShell(target)}`}`
  const [absent] = behind.absent
  if (absent !== undefined) {
    throw new DomainError('ERR_EVIDENCE_MISSING', `the evidence ${absent} is not here, or not believed`, {
      help: `if it was pushed to a remote: ${pull}`,
    })
  }
  return restoreVersion(project, { version, behind, pull }, options)
}

export type Restoring = Readonly<{
  version: Version
  behind: Behind
  /**
   * What to type for what is not in the store; undefined for a pull, which has tried: then it is told, the rest restored,
   * and the project is held already.
   */
  pull?: string
}>

/** @throws ERR_PATH_UNSAFE for what no stage may make either: whoever signed it, it is not written */
export async function restoreVersion(
  project: Project,
  { version, behind, pull }: Restoring,
  options: CheckoutOptions,
): Promise<CheckoutReport> {
  const contents = contentsOfVersion(project, version, behind, { environments: false })
  const placed = contents.filter(({ place }) => place !== 'none')
  refuseClosed(placed.map(({ path }) => path))
  const release = options.dryRun || pull === undefined ? () => undefined : holdProject(project.root)
  try {
    const planned = await planOf(project, placed, options)
    const missing = planned.missing.filter(({ isOptional }) => pull === undefined || !isOptional)
    const [first] = missing
    if (first !== undefined && pull !== undefined && !options.dryRun) throw notWhole(first, missing.length, pull)
    if (planned.changed.length > 0 && !options.force) throw wouldBeLost(planned.changed)
    if (!options.dryRun) await restoreAll(project, planned.restore, options)
    return {
      commit: version.commit ?? null,
      runId: version.runId ?? null,
      head: project.code.commit ?? null,
      restored: planned.restore.map(({ named, content }) => ({
        path: named.path,
        digest: content.digest,
        sizeBytes: content.sizeBytes,
      })),
      unchanged: planned.unchanged,
      left: planned.left,
      missing: missing.map(({ path, digest }) => ({ path, digest })),
      dryRun: options.dryRun,
    }
  } finally {
    release()
  }
}

type Placing = Readonly<{ named: NamedContent; content: Content }>
type Planned = Readonly<{
  restore: readonly Placing[]
  missing: readonly NamedContent[]
  changed: readonly string[]
  left: CheckoutReport['left']
  unchanged: number
}>

async function planOf(
  project: Project,
  placed: readonly NamedContent[],
  { force }: Pick<CheckoutOptions, 'force'>,
): Promise<Planned> {
  const restore: Placing[] = []
  const missing: NamedContent[] = []
  const changed: string[] = []
  const left: { path: string; to: string }[] = []
  const kept = keptDigests(project, placed)
  let unchanged = 0
  for (const named of placed) {
    const here = await digestHere(project, named.path)
    if (here === named.digest) {
      unchanged += 1
      continue
    }
    if (isOfGit(project, named.path)) {
      left.push({ path: named.path, to: 'git' })
      continue
    }
    const content = await contentInStore(project, named)
    if (content === undefined) {
      missing.push(named)
      continue
    }
    // a `.dvc` within a folder of data is data: the project's own lies elsewhere
    if (content.kind === 'folder')
      refuseClosed(content.files.flatMap(({ path }) => (gitFolder.test(path) ? [`${named.path}/${path}`] : [])))
    const pin = await pinnedOtherwise(project, named.path, content)
    if (pin !== undefined) {
      left.push({ path: named.path, to: pin })
      continue
    }
    restore.push({ named, content })
    if (force) continue
    if (here !== undefined && !(await isKept(project, here, kept)))
      changed.push(...(await filesThatDiffer(project, named.path, content)))
    // no digest covers these, and they go with the folder that is replaced
    for (const inner of maskedBelow(join(project.root, named.path))) changed.push(`${named.path}/${inner}`)
  }
  return { restore, missing, changed, left, unchanged }
}

const gitFolder = /(?:^|\/)\.git(?:\/|$)/i

function refuseClosed(paths: readonly string[]): void {
  for (const path of paths) {
    const fault = closedFolderFault(path)
    if (fault !== undefined) throw new DomainError('ERR_PATH_UNSAFE', `\`${oneLine(path)}\` ${fault}`)
  }
}

/** `other` for what has no digest: a link, a device, what cannot be read. */
async function digestHere(project: Project, path: string): Promise<Digest | 'other' | undefined> {
  try {
    return await project.contents.digest(path)
  } catch (error) {
    if (isDomainError(error, 'ERR_DATA_NOT_PLAIN', 'ERR_DATA_CHANGED')) return 'other'
    throw error
  }
}

/** A file that git tracks, and a folder that holds one. */
function isOfGit({ surroundings: { tracked } }: Project, path: string): boolean {
  return tracked.around(path).length > 0 || tracked.within(path).length > 0
}

type Kept = (digest: Digest) => NamedContent | undefined

/** Contents that evidence or the inventory names: they can be had again. All evidence is read when it is first needed. */
function keptDigests(project: Project, placed: readonly NamedContent[]): Kept {
  const near = new Map(placed.map((named) => [named.digest, named]))
  let all: ReadonlyMap<Digest, NamedContent> | undefined
  return (digest) => {
    const known = near.get(digest)
    if (known !== undefined) return known
    all ??= everythingNamed(project)
    return all.get(digest)
  }
}

function everythingNamed(project: Project): ReadonlyMap<Digest, NamedContent> {
  const attestations = project.evidence.attestations()
  const roots = attestations.filter((attestation) => believedStage(project, attestation) !== undefined)
  const version: Version = {
    roots: new Map(roots.map((attestation) => [attestation, attestation])),
    sources: [...project.sources.values()].map(({ source }) => source),
  }
  const contents = contentsOfVersion(project, version, statementsBehind(project, roots), { environments: false })
  return new Map(contents.map((named) => [named.digest, named]))
}

async function isKept(project: Project, here: Digest | 'other', kept: Kept): Promise<boolean> {
  const named = here === 'other' ? undefined : kept(here)
  return named !== undefined && (await contentInStore(project, named)) !== undefined
}

/** Names of what would be lost: files of a folder that the new one does not have as they are. */
async function filesThatDiffer(project: Project, path: string, wanted: Content): Promise<readonly string[]> {
  const here = await contentHere(project, path)
  if (here?.kind !== 'folder') return [path]
  const names = new Map(wanted.kind === 'folder' ? wanted.files.map((file) => [file.path, file.digest]) : [])
  return here.files.flatMap((file) => (names.get(file.path) === file.digest ? [] : [`${path}/${file.path}`]))
}

async function contentHere({ root }: Project, path: string): Promise<Content | undefined> {
  try {
    return await digestPath(join(root, path), { name: path, within: root })
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: what cannot be looked into is named as a whole.
    throw error
  }
}

/** LIMIT: so many files are named; the message says how many more there are. */
const namedFiles = 10

function wouldBeLost(files: readonly string[]): DomainError {
  const named = files.slice(0, namedFiles).map((path) => `\`${oneLine(path)}\``)
  const more = files.length > named.length ? ` and ${files.length - named.length} more` : ''
  return new DomainError('ERR_CHECKOUT_CHANGED', `${named.join(', ')}${more} would be lost: kept nowhere else`, {
    details: { files: files.length, first: files[0] ?? '' },
  })
}

function notWhole({ path, digest }: NamedContent, count: number, pull: string): DomainError {
  const more = count > 1 ? ` and ${count - 1} more` : ''
  return new DomainError('ERR_STORE_MISSING', `\`${path}\` (${digest})${more} is not whole in the store`, {
    details: { digest, missing: count },
    help: `if it was pushed to a remote: ${pull}`,
  })
}

async function restoreAll(
  project: Project,
  placings: readonly Placing[],
  { onProgress }: CheckoutOptions,
): Promise<void> {
  for (const [index, { named, content }] of placings.entries()) {
    const { path, classification, place } = named
    onProgress(`restoring ${index + 1}/${placings.length} ${path}`)
    const target = join(project.root, path)
    const isData = place === 'data' && isSecret(classification)
    sweepRestores(target)
    // Order: the folder is closed to others before a secret byte is in it.
    if (isData) closeFolder(dirname(target), project.root)
    await project.contents.restore(path, content)
    if (isData) protectData(project.root, path, classification)
    await keepInDvcCache(project, path, content)
  }
}

function closeFolder(folder: string, root: string): void {
  if (!isInside(folder, root) || existsSync(folder)) return
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ioFault(error, folder)
  }
}
