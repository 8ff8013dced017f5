/**
 * A git repository as the record of a project's code: the port. `repository.exec.ts` is the adapter.
 *
 * Trust: everything in a repository is hostile. Objects are re-hashed as they are read; its configuration, filters and
 * hooks never run; what it says about itself (author, identity, remote) is declared, not proven.
 */
import type { Content, ErrorCode, Sha256 } from '../core/index.ts'
import type { ObjectStore } from './object-store.ts'

/** Hex: 40 digits, or 64 in a repository of the SHA-256 format. */
export type GitOid = string

export type TreeEntry =
  | Readonly<{ kind: 'file'; mode: '100644' | '100755'; blob: GitOid; sizeBytes: number }>
  /** `escapes`: the target is absolute or lies outside of the project. */
  | Readonly<{ kind: 'symlink'; mode: '120000'; blob: GitOid; sizeBytes: number; target: string; escapes: boolean }>
  | Readonly<{ kind: 'submodule'; mode: '160000'; commit: GitOid }>

/** Whether the files of a submodule are known: it is checked out, and has the commit that is pinned. */
export type SubmoduleState = 'here' | 'absent'

/** Who, as git was told; `at` by the clock of that machine. */
export type GitPerson = Readonly<{ name: string; email: string; at: Date }>

export type Person = Readonly<{ name: string; email: string }>
export type GitCommit = Readonly<{
  tree: GitOid
  parents: readonly GitOid[]
  author: GitPerson
  committer: GitPerson
  /** As the message names them; undefined when it names more than 100. */
  coAuthors: readonly Person[] | undefined
}>

/** Something about the repository that a verdict must know. assay is not misled by it. */
export type RepositoryFinding = Readonly<{ code: ErrorCode; because: string }>

export type DirtyKind = 'modified' | 'missing' | 'mode' | 'type' | 'converted'
export type DirtyPath = Readonly<{ path: string; kind: DirtyKind; because: string }>

/** A Git LFS pointer in the commit: the bytes are elsewhere, known by their SHA-256. */
export type LfsPointer = Readonly<{ digest: Sha256; sizeBytes: number }>

/** `isWhole`: false when more commits changed the folder than are read. */
export type OnceThere = Readonly<{ files: readonly Readonly<{ name: string; blob: GitOid }>[]; isWhole: boolean }>

export type FilesAt = Readonly<{ commit: GitOid; files: ReadonlyMap<string, Buffer> }>

export type Repository = Readonly<{
  /** Real, absolute path of the work tree. */
  root: string
  /** Real, absolute path of the project, in or below the work tree. */
  projectRoot: string
  /** The project's folder in the work tree, `.` at its top. */
  prefix: string
  objectFormat: 'sha1' | 'sha256'
  /** Of HEAD; undefined before the first commit. */
  commit?: GitOid
  head?: GitCommit
  /** Full name of the ref that HEAD names, such as `refs/heads/main`; undefined when detached. */
  ref?: string
  /** A clone without its whole history. */
  isShallow: boolean
  /** Without user, password, query and fragment; undefined when there is none or it is no address. */
  remote?: string
  /** What git would write into a new commit: declared. Asked of git once, when it is wanted. */
  identity(): Promise<Readonly<{ name?: string; email?: string; tier: 'declared' }>>
  findings: readonly RepositoryFinding[]
  /** Git's name of the project's folder in the commit; undefined when the commit has no such folder. */
  treeOid?: GitOid
  /**
   * The project's part of the commit, by project path; empty before the first commit. The files of a submodule that is
   * here stand beside the submodule itself.
   */
  tree: ReadonlyMap<string, TreeEntry>
  /** Submodules of the project, and those in them, by project path. */
  submodules: ReadonlyMap<string, SubmoduleState>
  /** @throws ERR_GIT_CORRUPT, ERR_GIT_FAILED when the object is not here, ERR_INPUT_TOO_LARGE over 1 GiB */
  readBlob(blob: GitOid): Promise<Buffer>
  /** Each distinct blob once, through one git process. */
  readBlobs(blobs: Iterable<GitOid>): Promise<ReadonlyMap<GitOid, Buffer>>
  /** SHA-256 of the committed bytes of regular files; paths that are none are left out. */
  blobDigests(paths: Iterable<string>): Promise<ReadonlyMap<string, Sha256>>
  /**
   * SHA-256 of regular files in any commit; `absent` when the commit does not hold the file.
   *
   * @returns undefined when the commit, or the project's folder in it, is not here
   * @throws ERR_GIT_CORRUPT, ERR_INPUT_TOO_LARGE
   */
  digestsAt(commit: GitOid, paths: Iterable<string>): Promise<ReadonlyMap<string, Sha256 | 'absent'> | undefined>
  /**
   * Regular files of any commit; those that it does not hold are left out.
   *
   * @param revision a name as git has them: a hash or its beginning, a branch, a tag, `HEAD~2`
   * @returns undefined when it names no commit, or the commit is not here
   * @throws ERR_GIT_CORRUPT, ERR_INPUT_TOO_LARGE
   */
  filesAt(revision: string, paths: readonly string[]): Promise<FilesAt | undefined>
  /**
   * Files that lie in a folder of the project in any commit that leads to HEAD, each content once; of a shallow clone in those
   * that are here.
   *
   * @throws ERR_GIT_CORRUPT, ERR_GIT_FAILED
   */
  onceIn(folder: string): Promise<OnceThere>
  /** Whether the commit is here, by its whole name; hostile. */
  holds(commit: GitOid): Promise<boolean>
  /**
   * Everybody who wrote or committed what leads to `head` and not to `until`; all of it where that is undefined.
   *
   * @returns one answer a span: undefined when the history is not here, `until` does not lead to `head`, one of both is no
   *   commit, or there are too many commits, or co-authors of one
   */
  peopleIn(
    spans: readonly Readonly<{ head: GitOid; until: GitOid | undefined }>[],
  ): Promise<readonly (readonly Person[] | undefined)[]>
  /** Puts the committed bytes of regular files into a store; paths that are none are left out. */
  storeBlobs(paths: Iterable<string>, store: ObjectStore): Promise<ReadonlyMap<string, Content>>
  /** SHA-256 over (path, mode, SHA-256 of the bytes) of the project's part; undefined without a commit. */
  treeDigest(): Promise<Sha256 | undefined>
  lfsPointers(): Promise<ReadonlyMap<string, LfsPointer>>
  /**
   * Files of the commit whose work file is not the same, found by hashing work files; the index is not asked.
   *
   * @param within project paths, files or folders; the whole project when left out
   */
  dirty(within?: readonly string[]): Promise<readonly DirtyPath[]>
  /** Work files at or below the given project paths that are neither in the commit nor ignored. */
  untracked(within: readonly string[]): Promise<readonly string[]>
  /** Which of the project paths the repository's ignore files name, whether committed or not. */
  ignored(paths: readonly string[]): Promise<ReadonlySet<string>>
}>
