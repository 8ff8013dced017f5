/**
 * The tracked files of a project as a stage would read them, and what makes the tree dirty.
 *
 * A clean file is taken from the commit's blob, a dirty one from the work tree; either way the bytes that were digested
 * are the bytes in the store that the stage reads. Source: trust.md section 2.
 */
import { type Content, quotedForShell, type Sha256 } from '../core/index.ts'

/** `absent`: nothing is there that could be committed. `next`: what to do, where committing the path is not it. */
export type DirtyFile = Readonly<{ path: string; because: string; absent?: true; next?: string }>

export type CodeTree = Readonly<{
  commit?: string
  /** SHA-256 over the whole tree, beside git's SHA-1. */
  treeDigest?: Sha256
  ref?: string
  uri?: string
  /** `Name <mail>`, of the commit. */
  author?: string
  committer?: string
  shallow: boolean
  /** Oddities of the repository that assay is not misled by, and that a reader should know. */
  findings: readonly string[]
  /** Submodules whose files are not known: not checked out, or without the commit that is pinned. */
  absentSubmodules: readonly string[]
  /** Tracked regular files, project paths; those of submodules that are here too. */
  paths: readonly string[]
  dirty: readonly DirtyFile[]
  /** The content of these tracked files, in the store. */
  contents(paths: readonly string[]): Promise<ReadonlyMap<string, Content>>
  /**
   * Digest of a file in a commit; `absent` when the commit is here without it, undefined when it is not here or was
   * not learnt.
   */
  definitionAt(commit: string, path: string): Sha256 | 'absent' | undefined
  /**
   * Reads these files of these commits for `definitionAt`.
   *
   * @returns false when all of it was asked for before: to ask again would change nothing
   */
  learnDefinitions(wanted: ReadonlyMap<string, ReadonlySet<string>>): Promise<boolean>
  /** `Name <mail>` of everybody who wrote or committed what leads to the one and not to the other; of spans that were learnt. */
  peopleAt(commit: string, since: string | undefined): readonly string[] | undefined
  /** As `learnDefinitions`, for `peopleAt`. */
  learnPeople(wanted: readonly Readonly<{ commit: string; since: string | undefined }>[]): Promise<boolean>
  /** True when the commit holds the file with the bytes that the work tree has. */
  isCommitted(path: string): boolean
  /** Git's own id of a committed file that the work tree has not changed. */
  blobOf(path: string): string | undefined
  /** Digests only, for the stage's key: nothing is copied. */
  digests(paths: readonly string[]): Promise<ReadonlyMap<string, Sha256>>
}>

/** What brings a submodule to the commit that is pinned. */
export function updateOfSubmodule(path: string): string {
  return `git submodule update --init --recursive ${quotedForShell(path)}`
}
