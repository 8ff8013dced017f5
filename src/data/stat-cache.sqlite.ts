/**
 * Remembers digests by path and stat, so that an unchanged file costs an `lstat`.
 *
 * It is a hint and nothing else: losing it, or any trouble with it, only makes files be read again. A wrong entry is
 * found by the spot checks of `digest-files.fs.ts`. Processes may share one file (WAL).
 */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isMd5, type Md5, type Sha256 } from '../core/index.ts'
import type { StatKey } from './file-stat.ts'
import type { HashScheme } from './hash-file.fs.ts'
import type { Md5Memory } from './md5-memory.ts'

export type KnownFile = Readonly<{ stat: StatKey; digest: string }>
export type KnownEntry = KnownFile & Readonly<{ scheme: HashScheme; folder: string; name: string }>

export type StatCache = Md5Memory &
  Readonly<{
    /** What is known of the files of one absolute folder, by name. */
    folder(folder: string, scheme: HashScheme): ReadonlyMap<string, KnownFile>
    record(entries: readonly KnownEntry[]): void
    /** A text that follows from its key alone, such as the SHA-256 of a git tree. */
    fact(key: string): string | undefined
    recordFact(key: string, value: string): void
    /** Forgets everything. */
    clear(): void
    [Symbol.dispose](): void
  }>

const version = 2
const tables = ['files', 'md5s', 'facts'] as const
const schema = `
  CREATE TABLE files (scheme TEXT, folder TEXT, name TEXT, stat TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (scheme, folder, name)) WITHOUT ROWID, STRICT;
  CREATE TABLE md5s (sha256 TEXT PRIMARY KEY, md5 TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA user_version = ${version};`

/** SQLite's answers that mean: this is no database, or a broken one. */
const corruptCodes: ReadonlySet<unknown> = new Set([11, 26])
const busyTimeoutMs = 2000
/** LIMIT: some two million files; a larger cache is begun anew, since nothing else forgets files that are gone. */
const maxBytes = 512 * 1024 * 1024

/**
 * Opens the cache at `file`, making it when it is not there; a broken one is thrown away.
 *
 * Trust: whoever may write `file` can make files look unchanged; level 4 and `--rehash` do not ask it.
 */
export function openStatCache(file: string): StatCache {
  let database = openDatabase(file)

  /** INVARIANT: no trouble with the cache is trouble for the caller; the answer is then "nothing known". */
  const attempt = <T>(work: (open: DatabaseSync) => T, otherwise: T): T => {
    try {
      return database === undefined ? otherwise : work(database)
    } catch (error) {
      if (isCorrupt(error)) {
        database = replaceDatabase(file, database)
        return otherwise
      }
      if (isSqliteError(error)) return otherwise
      throw error
    }
  }
  return {
    folder: (folder, scheme) =>
      attempt<ReadonlyMap<string, KnownFile>>((open) => readFolder(open, folder, scheme), new Map()),
    record: (entries) => attempt((open) => writeEntries(open, entries), undefined),
    fact: (key) =>
      attempt((open) => textOf(open.prepare('SELECT value FROM facts WHERE key = ?').get(key)?.['value']), undefined),
    recordFact: (key, value) =>
      attempt((open) => void open.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(key, value), undefined),
    md5s: (digests) => attempt<ReadonlyMap<Sha256, Md5>>((open) => readMd5s(open, digests), new Map()),
    recordMd5s: (found) => attempt((open) => writeMd5s(open, found), undefined),
    clear: () => attempt((open) => open.exec(tables.map((name) => `DELETE FROM ${name};`).join(' ')), undefined),
    [Symbol.dispose]: () => attempt((open) => open.close(), undefined),
  }
}

function readFolder(open: DatabaseSync, folder: string, scheme: HashScheme): ReadonlyMap<string, KnownFile> {
  const known = new Map<string, KnownFile>()
  const rows = open.prepare('SELECT name, stat, digest FROM files WHERE scheme = ? AND folder = ?').all(scheme, folder)
  for (const row of rows) {
    const [name, stat, digest] = [textOf(row['name']), textOf(row['stat']), textOf(row['digest'])]
    if (name !== undefined && stat !== undefined && digest !== undefined) known.set(name, { stat, digest })
  }
  return known
}

function writeEntries(open: DatabaseSync, entries: readonly KnownEntry[]): void {
  if (entries.length === 0) return
  const insert = open.prepare('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)')
  inTransaction(open, () => {
    for (const { scheme, folder, name, stat, digest } of entries) insert.run(scheme, folder, name, stat, digest)
  })
}

function readMd5s(open: DatabaseSync, digests: readonly Sha256[]): ReadonlyMap<Sha256, Md5> {
  const select = open.prepare('SELECT md5 FROM md5s WHERE sha256 = ?')
  const known = new Map<Sha256, Md5>()
  for (const digest of digests) {
    const md5 = select.get(digest)?.['md5']
    if (isMd5(md5)) known.set(digest, md5)
  }
  return known
}

function writeMd5s(open: DatabaseSync, found: ReadonlyMap<Sha256, Md5>): void {
  if (found.size === 0) return
  const insert = open.prepare('INSERT OR REPLACE INTO md5s VALUES (?, ?)')
  inTransaction(open, () => {
    for (const [digest, md5] of found) insert.run(digest, md5)
  })
}

function inTransaction(open: DatabaseSync, write: () => void): void {
  open.exec('BEGIN IMMEDIATE')
  try {
    write()
    open.exec('COMMIT')
  } catch (error) {
    if (open.isTransaction) open.exec('ROLLBACK')
    throw error
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Undefined where no database can be: a read-only folder, a full disk. */
function openDatabase(file: string): DatabaseSync | undefined {
  try {
    const { size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {}
    return size > maxBytes ? replaceDatabase(file, undefined) : prepareDatabase(file)
  } catch (error) {
    return isCorrupt(error) ? replaceDatabase(file, undefined) : unavailable(error)
  }
}

function prepareDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    database.exec('BEGIN IMMEDIATE')
    const found = database.prepare('PRAGMA user_version').get()?.['user_version']
    if (found !== version) database.exec(`${tables.map((name) => `DROP TABLE IF EXISTS ${name};`).join(' ')} ${schema}`)
    database.exec('COMMIT')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Another process that has the old files open goes on with them, unseen by us. */
function replaceDatabase(file: string, broken: DatabaseSync | undefined): DatabaseSync | undefined {
  try {
    broken?.close()
  } catch (error) {
    if (!isSqliteError(error)) throw error
  }
  try {
    const aside = `${file}.broken-${process.pid}`
    renameSync(file, aside)
    for (const path of [aside, `${file}-wal`, `${file}-shm`]) rmSync(path, { force: true })
    return prepareDatabase(file)
  } catch (error) {
    return unavailable(error)
  }
}

function unavailable(error: unknown): undefined {
  if (isSqliteError(error) || (error instanceof Error && 'errno' in error)) return undefined
  throw error
}

function isSqliteError(error: unknown): error is Error & { errcode?: unknown } {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ERR_SQLITE_ERROR' || error.code === 'ERR_INVALID_STATE')
  )
}

function isCorrupt(error: unknown): boolean {
  return isSqliteError(error) && typeof error.errcode === 'number' && corruptCodes.has(error.errcode & 0xff)
}
