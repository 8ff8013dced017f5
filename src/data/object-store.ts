/**
 * Where bytes live, by digest: the port. `object-store.fs.ts` is the adapter; docs/architecture.md says who may write.
 *
 * The store is a folder that only its owner may enter; within it objects of secret data lie in folders of their own.
 * Objects are regular files, mode 0644 (0755 never: the executable bit belongs to the folder entry), written to a
 * temporary name, fsynced and renamed; nothing outside the store ever holds a writable link to one.
 */
import type { Content, FileEntry, Md5, Sha256 } from '../core/index.ts'
import type { Md5Memory } from './md5-memory.ts'
import type { ClosedFolder } from './object-files.fs.ts'

/** Bytes that are in the store, by name and size. */
export type StoredBytes = Readonly<{ digest: Sha256; sizeBytes: number }>

/**
 * Many objects with one flush of the disk. Nothing of it is in the store before `commit`; what was added when the
 * process dies is swept later.
 */
export type ObjectBatch = Readonly<{
  addBytes(bytes: Uint8Array): Sha256
  addFile(fd: number): Promise<StoredBytes>
  /**
   * Takes over a file that nobody else has open, whose bytes were digested as they were written: it is renamed, where the
   * file system can, and gone from `path` either way.
   */
  adopt(path: string, stored: StoredBytes): Promise<void>
  /** Takes back what was added: no byte of it is kept, unless the store had it before. */
  drop(digest: Sha256): void
  commit(): Promise<void>
  /** Removes what was added; after `commit` it does nothing. */
  [Symbol.dispose](): void
}>

/** While one is held, by any process, no object is collected. */
export type StoreHold = Readonly<{ [Symbol.dispose](): void }>

/** Where a restore must stay. */
export type RestoreOptions = Readonly<{
  /** Absolute folder above the target that is trusted as it is; below it no folder may be a link. `/` when left out. */
  within?: string
  /** False for what need not outlive the machine; `restore` flushes to the disk otherwise. */
  durable?: boolean
}>

export type ObjectStore = Readonly<{
  /** Absolute folder that holds the objects. */
  root: string
  /** Where there is one, what is ingested and what is added to a batch as a file has its MD5 made in the same read. */
  md5Memory?: Md5Memory
  has(digest: Sha256): boolean
  /** As `has`, and makes the object young again, so that the collector leaves it to whoever asked. */
  keep(digest: Sha256): boolean
  /** Bytes of the object. @throws ERR_STORE_MISSING */
  sizeOf(digest: Sha256): number
  /** Absolute path of the object, for reading and for read-only mounts. @throws ERR_STORE_MISSING */
  pathOf(digest: Sha256): string
  putBytes(bytes: Uint8Array): Promise<Sha256>
  /** Copies (reflink where the file system can) and digests in one pass; the source is read through `fd` only. */
  putFile(fd: number): Promise<StoredBytes>
  batch(): ObjectBatch
  /** The bytes, re-hashed. @throws ERR_STORE_MISSING, ERR_STORE_CORRUPT (the object is set aside), ERR_INPUT_TOO_LARGE */
  read(digest: Sha256, maxBytes: number): Promise<Buffer>
  /** Re-hashes objects; returns those that are missing or corrupt (set aside, so that they are never served). */
  verify(digests: Iterable<Sha256>): Promise<readonly Readonly<{ digest: Sha256; fault: 'missing' | 'corrupt' }>[]>
  /**
   * Re-hashes objects that are about to be given to a stage; each once in the life of this store's opening.
   *
   * @throws ERR_STORE_MISSING, ERR_STORE_CORRUPT (set aside)
   */
  prove(digests: Iterable<Sha256>): Promise<void>
  /** MD5s of objects: remembered, else made of every byte. @throws ERR_STORE_MISSING, ERR_STORE_CORRUPT */
  md5s(digests: Iterable<Sha256>): Promise<ReadonlyMap<Sha256, Md5>>
  /** Keeps a folder's list of files, so that its `dirHash1` can be opened again; returns the list's own digest. */
  putFolder(files: readonly FileEntry[]): Promise<Sha256>
  readFolder(list: Sha256): Promise<Extract<Content, { kind: 'folder' }>>
  /**
   * Puts content at `target` (absolute) as a reflink or copy, never a link: written beside, fsynced, renamed; a folder
   * replaces the old one whole. Files are 0644, or 0755 when executable. Every object is re-hashed as it is copied.
   */
  restore(content: Content, target: string, options?: RestoreOptions): Promise<void>
  /**
   * Puts content at `target` for a read-only mount: hard links where possible. INVARIANT: the caller never hands
   * `target` out writable; executables are copies, since a mode belongs to the inode. Objects are not re-hashed:
   * `verify` does that.
   */
  link(content: Content, target: string, options?: RestoreOptions): Promise<void>
  /**
   * Moves objects into the folder of what is as secret: that of restricted data, or of confidential data. Out of the
   * stricter one nothing is moved; whoever has an object open, or as a link, keeps it.
   */
  closeOff(digests: Iterable<Sha256>, folder: ClosedFolder): void
  /** Keeps the collector away until it is disposed of. @throws ERR_STORE_BUSY while objects are being collected */
  hold(): StoreHold
}>
