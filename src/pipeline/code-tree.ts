/** The code of a project, from its repository and its working tree. The port is `code.ts`. */
import { type Content, DomainError, isInside, type Sha256 } from '../core/index.ts'
import type { LfsPointer, ObjectStore, Repository } from '../data/index.ts'
import type { CodeTree, DirtyFile } from './code.ts'
import type { Contents } from './project.ts'

export type CodeInput = Readonly<{
  repository: Repository | undefined
  store: ObjectStore
  contents: Contents
  /** Files that define what runs; one that the commit does not hold makes the tree dirty. */
  definition: readonly string[]
  /** Those of them that do not exist. */
  absent: readonly string[]
  /** Deps and params files of all stages: untracked, unignored ones make the tree dirty. */
  declared: readonly string[]
  /** Paths that may differ from the commit: locks, outs, approvals, pinned external inputs. */
  exempt: readonly string[]
}>

const putBack = 'put back what is not on disk (git restore PATH; in a sparse checkout git sparse-checkout disable)'

export async function openCode(input: CodeInput): Promise<CodeTree> {
  const { repository } = input
  if (repository?.commit === undefined) return withoutCommit()
  const exempt = (path: string): boolean => input.exempt.some((folder) => isInside(path, folder)) || isLock(path)
  const [differing, untracked, pointers, treeDigest] = await Promise.all([
    repository.dirty(),
    repository.untracked(input.declared.filter((path) => !exempt(path))),
    repository.lfsPointers(),
    repository.treeDigest(),
  ])
  const dirty: DirtyFile[] = [
    ...differing.map(({ path, kind, because }) => ({
      path,
      because: kind === 'modified' ? 'changed' : because,
      ...(kind === 'missing' ? { next: putBack } : {}),
    })),
    ...untracked.map((path) => ({ path, because: 'not tracked' })),
    ...input.definition
      .filter((path) => !repository.tree.has(path) && !untracked.includes(path))
      .map((path) =>
        input.absent.includes(path)
          ? ({ path, because: 'does not exist', absent: true } as const)
          : { path, because: 'not committed' },
      ),
  ].filter(({ path }) => !exempt(path))
  const changed = new Set(differing.map(({ path }) => path))
  const gone = new Set(differing.filter(({ kind }) => kind === 'missing' || kind === 'type').map(({ path }) => path))
  const paths = [...repository.tree].flatMap(([path, { kind }]) => (kind === 'file' && !gone.has(path) ? [path] : []))
  const reader = { ...input, repository, changed, pointers }
  const atHead = await repository.blobDigests(input.definition)
  return {
    commit: repository.commit,
    ...(treeDigest === undefined ? {} : { treeDigest }),
    ...(repository.ref === undefined ? {} : { ref: repository.ref }),
    ...(repository.remote === undefined ? {} : { uri: repository.remote }),
    ...peopleOf(repository.head),
    shallow: repository.isShallow,
    findings: repository.findings.map(({ because }) => because),
    absentSubmodules: [...repository.submodules].flatMap(([path, state]) => (state === 'absent' ? [path] : [])),
    paths,
    dirty,
    contents: remembered((wanted) => contentsOf(reader, wanted)),
    digests: remembered((wanted) => digestsOf(reader, wanted)),
    ...definitionsOf(repository, atHead),
    ...peopleIn(repository),
    isCommitted: (path) => repository.tree.has(path) && !changed.has(path),
    blobOf: (path) => {
      const entry = repository.tree.get(path)
      return entry?.kind === 'file' && !changed.has(path) ? entry.blob : undefined
    },
  }
}

function peopleOf(head: Repository['head']): Pick<CodeTree, 'author' | 'committer'> {
  if (head === undefined) return {}
  const textOf = ({ name, email }: typeof head.author): string => `${name} <${email}>`
  return { author: textOf(head.author), committer: textOf(head.committer) }
}

/** Of a repository, what it is asked for once. */
export function peopleIn(repository: Repository): Pick<CodeTree, 'peopleAt' | 'learnPeople'> {
  const known = new Map<string, readonly string[] | undefined>()
  const keyOf = (commit: string, since: string | undefined): string => `${since ?? ''}..${commit}`
  return {
    peopleAt: (commit, since) => known.get(keyOf(commit, since)),
    learnPeople: async (wanted) => {
      const unknown = wanted.filter(({ commit, since }) => !known.has(keyOf(commit, since)))
      if (unknown.length === 0) return false
      const answers = await repository.peopleIn(unknown.map(({ commit, since }) => ({ head: commit, until: since })))
      for (const [index, { commit, since }] of unknown.entries())
        known.set(
          keyOf(commit, since),
          answers[index]?.map(({ name, email }) => `${name} <${email}>`),
        )
      return true
    },
  }
}

/** No repository, or nothing committed: no file is tracked, so a stage sees its declared deps alone. */
function withoutCommit(): CodeTree {
  return {
    shallow: false,
    findings: [],
    absentSubmodules: [],
    paths: [],
    peopleAt: () => undefined,
    learnPeople: async () => false,
    dirty: [],
    contents: async () => new Map(),
    digests: async () => new Map(),
    definitionAt: () => undefined,
    learnDefinitions: async () => false,
    isCommitted: () => false,
    blobOf: () => undefined,
  }
}

type Reader = Readonly<{
  repository: Repository
  store: ObjectStore
  contents: Contents
  changed: ReadonlySet<string>
  pointers: ReadonlyMap<string, LfsPointer>
}>

async function contentsOf(reader: Reader, paths: readonly string[]): Promise<ReadonlyMap<string, Content>> {
  const { fromCommit, fromWork } = split(reader, paths)
  const found = new Map(await reader.repository.storeBlobs(fromCommit, reader.store))
  for (const path of fromWork) {
    const content = await reader.contents.ingest(path)
    if (content === undefined) continue
    refuseOtherLfs(reader, path, content.digest)
    found.set(path, content)
  }
  return found
}

/** What the commits that a chain names hold; the project's own files of HEAD are known from the start. */
function definitionsOf(
  repository: Repository,
  atHead: ReadonlyMap<string, Sha256>,
): Pick<CodeTree, 'definitionAt' | 'learnDefinitions'> {
  const known = new Map<string, Map<string, Sha256 | 'absent' | undefined>>()
  return {
    definitionAt: (commit, path) =>
      (commit === repository.commit ? atHead.get(path) : undefined) ?? known.get(commit)?.get(path),
    learnDefinitions: async (wanted) => {
      let learnt = false
      for (const [commit, paths] of wanted) {
        const before = known.get(commit) ?? new Map<string, Sha256 | 'absent' | undefined>()
        known.set(commit, before)
        const unknown = [...paths].filter((path) => !before.has(path))
        if (unknown.length === 0) continue
        learnt = true
        const otherwise = commit === repository.commit ? 'absent' : undefined
        const found = await repository.digestsAt(commit, unknown)
        for (const path of unknown) before.set(path, found?.get(path) ?? otherwise)
      }
      return learnt
    },
  }
}

/**
 * Every stage asks for nearly the same files; what a file was when it was first asked for holds for the whole run.
 *
 * The same list is answered with the same map, which costs nothing however many files it has.
 */
function remembered<Value>(
  askUnknown: (paths: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): (paths: readonly string[]) => Promise<ReadonlyMap<string, Value>> {
  const known = new Map<string, Value | undefined>()
  const lists = new WeakMap<readonly string[], ReadonlyMap<string, Value>>()
  return async (paths) => {
    const before = lists.get(paths)
    if (before !== undefined) return before
    const unknown = paths.filter((path) => !known.has(path))
    const found = unknown.length === 0 ? undefined : await askUnknown(unknown)
    for (const path of unknown) known.set(path, found?.get(path))
    const wanted = new Map<string, Value>()
    for (const path of paths) {
      const value = known.get(path)
      if (value !== undefined) wanted.set(path, value)
    }
    lists.set(paths, wanted)
    return wanted
  }
}

async function digestsOf(reader: Reader, paths: readonly string[]): Promise<ReadonlyMap<string, Sha256>> {
  const { fromCommit, fromWork } = split(reader, paths)
  const found = new Map(await reader.repository.blobDigests(fromCommit))
  for (const path of fromWork) {
    const content = await reader.contents.ingest(path)
    if (content?.kind === 'file') found.set(path, content.digest)
  }
  return found
}

/** The commit's bytes where the work file is the same; an LFS pointer's bytes are in the work tree alone. */
function split({ changed, pointers }: Reader, paths: readonly string[]): Record<'fromCommit' | 'fromWork', string[]> {
  const fromCommit: string[] = []
  const fromWork: string[] = []
  for (const path of paths) (changed.has(path) || pointers.has(path) ? fromWork : fromCommit).push(path)
  return { fromCommit, fromWork }
}

/** THREAT: a work file that is not what the committed pointer names, or the pointer itself read as data. */
function refuseOtherLfs({ pointers, changed }: Reader, path: string, digest: string): void {
  const pointer = pointers.get(path)
  if (pointer === undefined || changed.has(path) || pointer.digest === digest) return
  throw new DomainError('ERR_DATA_MISSING', `\`${path}\` is a Git LFS pointer and its bytes are not here`, {
    help: `get them first: git lfs pull --include ${path}`,
  })
}

function isLock(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === 'assay.lock' || name === 'dvc.lock'
}
