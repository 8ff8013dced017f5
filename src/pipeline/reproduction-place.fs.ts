/** Where stages are run again: a checkout of the commit that the evidence names, with the inputs that it names. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { StageFacts, StatedDependency } from '../attestation/index.ts'
import {
  type Content,
  type Digest,
  DomainError,
  isDirHash,
  isDomainError,
  isSha256,
  type Sha256,
} from '../core/index.ts'
import { checkoutCommit, withIoFaults } from '../data/index.ts'
import { saveLock } from './lock.fs.ts'
import type { LockEntry } from './lock.ts'
import type { Original } from './originals.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'

export type Place = AsyncDisposable &
  Readonly<{
    /** Opened in the checkout; store, evidence, environments, policy and key are those of the project. */
    project: Project
  }>

/** `before`: taken as they were. `group`: stages of one commit that are run again. Each stage after those that it builds on. */
export type Laid = Readonly<{ before: readonly Original[]; group: readonly Original[] }>

/**
 * @throws ERR_REPRODUCTION_UNAVAILABLE when evidence names no commit, a commit that is not all here, or bytes that are nowhere
 */
export async function layOutPlace(caller: Caller, project: Project, { before, group }: Laid): Promise<Place> {
  const last = group.at(-1)?.facts
  if (last === undefined) throw new Error('a place for no stage')
  const commit = commitOf(last)
  const chain = [...before, ...group]
  refuseTwice(chain)
  const folder = join(project.root, '.assay', 'again', `${process.pid}-${randomBytes(4).toString('hex')}`)
  const remove = async (): Promise<void> => rmSync(folder, { recursive: true, force: true })
  await withIoFaults(folder, () => mkdirSync(folder, { recursive: true }))
  try {
    const { store, environment } = project
    const root = await checkoutCommit({ project: project.root, commit, folder, store, environment }).catch(
      (error: unknown) => {
        throw isDomainError(error, 'ERR_GIT_FAILED') ? commitGone(commit, error.message) : error
      },
    )
    // The system of now is taken as it is: what moved in it is among the differences.
    const stages = new Map(chain.map((original) => [original.facts.stage, entryOf(original)]))
    saveLock(root, { stages, systems: new Map() })
    const place = await openProject(
      { ...caller, workingFolder: root },
      { overrides: last.overrides, rehash: true, lentBy: project },
    )
    await putInputs(project, place, chain)
    return { project: place, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function commitOf({ stage, source }: StageFacts): string {
  if (source.commit === undefined) throw unavailable(`\`${stage}\` was run without a commit`, 'commit, then run again')
  if (source.dirty.length > 0) {
    const files = source.dirty.slice(0, 3).join(', ')
    throw unavailable(`\`${stage}\` was run on changes that no commit has: ${files}`, 'commit, then run again')
  }
  return source.commit
}

function commitGone(commit: string, because: string): DomainError {
  const next = 'git fetch, and --unshallow in a shallow clone'
  return unavailable(`the commit ${commit} cannot be had: ${because}; next: ${next}`, next)
}

/** Outs are found by their stage: two statements of one stage cannot both be run at one commit. */
function refuseTwice(chain: readonly Original[]): void {
  const names = new Set<string>()
  for (const { facts } of chain) {
    if (names.has(facts.stage)) {
      throw unavailable(
        `two statements of \`${facts.stage}\` are behind it`,
        'reproduce a run instead: assay show --all',
      )
    }
    names.add(facts.stage)
  }
}

function unavailable(what: string, help: string): DomainError {
  return new DomainError('ERR_REPRODUCTION_UNAVAILABLE', what, { help })
}

/** So that what is not run again is taken as it was. */
function entryOf({ attestation, facts }: Original): LockEntry {
  const digests = (items: readonly Readonly<{ path: string; digest: Digest }>[]): Readonly<Record<string, Digest>> =>
    Object.fromEntries(items.map(({ path, digest }) => [path, digest]))
  return {
    attestation,
    key: facts.key,
    deps: digests(facts.dependencies.filter(({ role }) => role === 'dep')),
    params: {},
    outs: digests(facts.outputs),
  }
}

/** What comes from outside, and what a stage added to: put where it was, from the store, else from the working tree. */
async function putInputs(project: Project, place: Project, chain: readonly Original[]): Promise<void> {
  const wanted = new Map<string, Readonly<{ stage: string; digest: Digest }>>()
  for (const { facts } of chain) {
    for (const { path, digest, role, origin } of facts.dependencies) {
      if (role === 'persist' || isExternal(origin)) wanted.set(path, { stage: facts.stage, digest })
    }
  }
  for (const [path, { stage, digest }] of wanted) {
    if ((await place.contents.digest(path)) === digest) continue
    const content = (await storedContent(project, digest)) ?? (await presentContent(project, path, digest))
    if (content === undefined) {
      throw unavailable(
        `\`${path}\` of \`${stage}\` (${digest}) is neither in the store nor in the working tree`,
        'bring the data back, such as by dvc pull or assay data fetch',
      )
    }
    await place.contents.restore(path, content)
  }
}

function isExternal({ kind }: StatedDependency['origin']): boolean {
  return kind === 'source' || kind === 'unlisted' || kind === 'not-made-here'
}

async function storedContent({ store, evidence }: Project, digest: Digest): Promise<Content | undefined> {
  if (isSha256(digest)) {
    if (!(await isWhole(store, [digest]))) return undefined
    return { kind: 'file', digest, sizeBytes: statSync(store.pathOf(digest)).size, executable: false }
  }
  const list = isDirHash(digest) ? evidence.folderList(digest) : undefined
  if (list === undefined || !(await isWhole(store, [list]))) return undefined
  const folder = await store.readFolder(list)
  const isThis =
    folder.digest === digest &&
    (await isWhole(
      store,
      folder.files.map((file) => file.digest),
    ))
  return isThis ? folder : undefined
}

async function isWhole(store: Project['store'], digests: readonly Sha256[]): Promise<boolean> {
  return (await store.verify(digests)).length === 0
}

async function presentContent(project: Project, path: string, digest: Digest): Promise<Content | undefined> {
  if ((await project.contents.rehash(path)) !== digest) return undefined
  const content = await project.contents.ingest(path)
  return content?.digest === digest ? content : undefined
}
