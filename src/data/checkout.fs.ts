/**
 * A commit of a project as a working tree of its own, made without git's checkout: no filter, no hook and no index.
 *
 * The folder has a `.git` as a linked work tree has one: its HEAD is the commit, its objects are those of the repository
 * that it was made from, which is not written to. Bytes are put there from the object store, re-hashed by git's name.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { DomainError, isInside } from '../core/index.ts'
import type { CallerEnvironment } from './git.exec.ts'
import { locateRepository } from './git-locate.fs.ts'
import { withIoFaults } from './io-fault.ts'
import type { ObjectStore } from './object-store.ts'
import { openRepository } from './repository.exec.ts'
import type { GitOid, Repository } from './repository.ts'

export type CheckoutOptions = Readonly<{
  /** Absolute real path of the project in the repository that has the commit. */
  project: string
  commit: GitOid
  /** Absolute, empty: everything lies in it. */
  folder: string
  /** Takes the bytes of all files. */
  store: ObjectStore
  environment: CallerEnvironment
}>

/**
 * @returns the absolute path of the project in the new working tree
 * @throws ERR_GIT_FAILED when the commit, or a part of it, is not here; ERR_GIT_CORRUPT, ERR_GIT_UNSAFE, ERR_IO
 */
export async function checkoutCommit(options: CheckoutOptions): Promise<string> {
  const { project, commit, folder, environment } = options
  const place = locateRepository(project)
  if (place === undefined) throw new DomainError('ERR_GIT_FAILED', 'there is no repository that could hold the commit')
  const work = join(folder, 'work')
  const root = join(work, place.prefix)
  await withIoFaults(folder, async () => {
    mkdirSync(join(folder, 'git'))
    writeFileSync(join(folder, 'git', 'HEAD'), `${commit}\n`)
    writeFileSync(join(folder, 'git', 'commondir'), `${place.commonDir}\n`)
    mkdirSync(root, { recursive: true })
    writeFileSync(join(work, '.git'), `gitdir: ${join(folder, 'git')}\n`)
  })
  if (place.prefix !== '.') await writeRules(await open(work, environment), work, { ...options, prefix: place.prefix })
  const repository = await openWithSubmodules(root, options)
  await writeTree(repository, root, options)
  return root
}

async function open(folder: string, environment: CallerEnvironment): Promise<Repository> {
  const repository = await openRepository(folder, { environment })
  if (repository === undefined) throw new Error(`the work tree ${folder} was just made and is none`)
  return repository
}

/** Submodules that the project has here are read where they are. */
async function openWithSubmodules(root: string, { project, environment }: CheckoutOptions): Promise<Repository> {
  const linked = new Set<string>()
  for (;;) {
    const repository = await open(root, environment)
    const absent = [...repository.submodules].flatMap(([path, state]) =>
      state === 'absent' && !linked.has(path) ? [path] : [],
    )
    if (absent.length === 0) return repository
    for (const path of absent) {
      linked.add(path)
      mkdirSync(join(root, path), { recursive: true })
      const there = existsSync(join(project, path)) ? locateRepository(join(project, path)) : undefined
      if (there?.root === join(project, path)) writeFileSync(join(root, path, '.git'), `gitdir: ${there.gitDir}\n`)
    }
  }
}

/** What the folders above the project say about its files: what is ignored. */
async function writeRules(
  repository: Repository,
  work: string,
  { store, prefix }: CheckoutOptions & Readonly<{ prefix: string }>,
): Promise<void> {
  const above = prefix.split('/').map((_, index, names) => names.slice(0, index).join('/'))
  const paths = above.flatMap((folder) => ['.gitignore', '.gitattributes'].map((name) => posix.join(folder, name)))
  await writeFiles(await repository.storeBlobs(paths, store), work, store)
}

async function writeTree(repository: Repository, root: string, { store }: CheckoutOptions): Promise<void> {
  const state = [...repository.tree.keys()].find((path) => isInside(path, '.assay'))
  if (state !== undefined)
    throw new DomainError('ERR_PATH_UNSAFE', `\`${state}\` is in the commit, which is no place for it`)
  const files = [...repository.tree].flatMap(([path, { kind }]) => (kind === 'file' ? [path] : []))
  await writeFiles(await repository.storeBlobs(files, store), root, store)
  await withIoFaults(root, async () => {
    for (const [path, entry] of repository.tree) {
      if (entry.kind !== 'symlink') continue
      mkdirSync(dirname(join(root, path)), { recursive: true })
      symlinkSync(entry.target, join(root, path))
    }
  })
}

/**
 * Copies: hard links to the store would seem to change whenever a stage gets another link to the same object.
 *
 * THREAT: links come after files, so that no file is written through one.
 */
async function writeFiles(
  files: Awaited<ReturnType<Repository['storeBlobs']>>,
  root: string,
  store: ObjectStore,
): Promise<void> {
  for (const [path, content] of files) await store.restore(content, join(root, path), { within: root, durable: false })
}
