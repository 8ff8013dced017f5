/**
 * Remembers digests by path and stat, so that an unchanged file costs an `lstat`; and texts that follow from a key.
 *
 * It is a hint and nothing else: losing it, or any trouble with it, only makes files be read again. A wrong entry is
 * found by the spot checks of `digest-files.fs.ts`. Processes may share one file (WAL).
 *
 * THREAT: the file lies in the project, and a checkout that comes as an archive may bring one. Every row carries a seal
 * made with a secret of the user (DECISION 0019): a row that somebody else wrote, or changed, is not there.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
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
    /** As `folder`, asked file by file: in the order in which they were recorded, no table of them is made. */
    recall(folder: string, scheme: HashScheme): (name: string) => KnownFile | undefined
    record(entries: readonly KnownEntry[]): void
    /** A text that follows from its key alone, such as the SHA-256 of a git tree. */
    fact(key: string): string | undefined
    recordFact(key: string, value: string): void
    /** Forgets everything. */
    clear(): void
    [Symbol.dispose](): void
  }>

/** Raised whenever a text changes its shape: what another version remembered is dropped. */
const version = 7
const tables = ['files', 'md5s', 'facts', 'sealed'] as const
/**
 * MD5s are sealed too: whether data are what a `.dvc` file pins is judged by them. The seal stands before the value, which
 * may be of hundreds of pages: what stands behind it is found by reading all of them once more.
 */
const schema = `
  CREATE TABLE sealed (kind TEXT, key TEXT, seal TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID, STRICT;
  CREATE TABLE md5s (sha256 TEXT PRIMARY KEY, md5 TEXT NOT NULL, seal TEXT NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA user_version = ${version};`

/** SQLite's answers that mean: this is no database, or a broken one. */
const corruptCodes: ReadonlySet<unknown> = new Set([11, 26])
/** SQLITE_READONLY, SQLITE_CANTOPEN. */
const readOnlyCodes: ReadonlySet<unknown> = new Set([8, 14])
const busyTimeoutMs = 2000
/** LIMIT: some two million files; a larger cache is begun anew, since nothing else forgets files that are gone. */
const maxBytes = 512 * 1024 * 1024

/**
 * Opens the cache at `file`, making it when it is not there; a broken one is thrown away.
 *
 * Trust: whoever knows `secret` and may write `file` can make files look unchanged; level 4 and `--rehash` do not ask it.
 *
 * @param secret of whoever uses the cache; without one whoever may write `file` is believed
 */
export function openStatCache(file: string, secret: Uint8Array = new Uint8Array()): StatCache {
  const seal = createSecretKey(secret)
  let database = openDatabase(file)
  // Read once a process: what another one adds meanwhile is only not known here.
  const folders = new Map<string, Map<string, KnownFile>>()
  const placeOf = (scheme: HashScheme, folder: string): string => `${scheme}\0${folder}`

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
    folder: (folder, scheme) => {
      const place = placeOf(scheme, folder)
      const known = folders.get(place) ?? attempt((open) => readFolder({ open, seal }, folder, scheme), new Map())
      folders.set(place, known)
      return known
    },
    recall: (folder, scheme) => {
      const known = folders.get(placeOf(scheme, folder))
      if (known !== undefined) return (name) => known.get(name)
      return recallIn(attempt((open) => readSealed({ open, seal }, scheme, folder), undefined) ?? '')
    },
    record: (entries) => {
      for (const { scheme, folder, name, stat, digest } of entries)
        folders.get(placeOf(scheme, folder))?.set(name, { stat, digest })
      attempt((open) => writeEntries({ open, seal }, entries), undefined)
    },
    fact: (key) => attempt((open) => readSealed({ open, seal }, 'fact', key), undefined),
    recordFact: (key, value) => attempt((open) => writeSealed({ open, seal }, 'fact', key, value), undefined),
    md5s: (digests) => attempt<ReadonlyMap<Sha256, Md5>>((open) => readMd5s({ open, seal }, digests), new Map()),
    recordMd5s: (found) => attempt((open) => writeMd5s({ open, seal }, found), undefined),
    clear: () => {
      folders.clear()
      attempt((open) => open.exec('DELETE FROM sealed; DELETE FROM md5s'), undefined)
    },
    [Symbol.dispose]: () => attempt((open) => open.close(), undefined),
  }
}

/** A fact that is JSON. The seal says that we wrote it; undefined when nothing, or nothing legible, is remembered. */
export function jsonFact(cache: Pick<StatCache, 'fact'> | undefined, key: string): unknown {
  try {
    return JSON.parse(cache?.fact(key) ?? 'null') ?? undefined
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}

type Sealed = Readonly<{ open: DatabaseSync; seal: KeyObject }>

function readSealed({ open, seal }: Sealed, kind: string, key: string): string | undefined {
  const row = open.prepare('SELECT seal, value FROM sealed WHERE kind = ? AND key = ?').get(kind, key)
  const value = textOf(row?.['value'])
  return value !== undefined && row?.['seal'] === sealOf(seal, [kind, key, value]) ? value : undefined
}

function writeSealed({ open, seal }: Sealed, kind: string, key: string, value: string): void {
  const insert = open.prepare('INSERT OR REPLACE INTO sealed (kind, key, value, seal) VALUES (?, ?, ?, ?)')
  insert.run(kind, key, value, sealOf(seal, [kind, key, value]))
}

/** THREAT: a row moved to another key. The lengths keep a part from taking letters of its neighbour. */
function sealOf(seal: KeyObject, parts: readonly string[]): string {
  const hmac = createHmac('sha256', seal)
  for (const part of parts) hmac.update(`${part.length}:`).update(part)
  return hmac.digest('hex')
}

/** A folder is one row: one seal for all of its files. `<name> NUL <stat> NUL <digest> NUL` a file. */
function readFolder(sealed: Sealed, folder: string, scheme: HashScheme): Map<string, KnownFile> {
  return parseFolder(readSealed(sealed, scheme, folder) ?? '')
}

/** A hundred thousand files that nobody touched are found one behind the other. */
function recallIn(text: string): (name: string) => KnownFile | undefined {
  let at = 0
  let all: ReadonlyMap<string, KnownFile> | undefined
  return (name) => {
    const statAt = at + name.length + 1
    if (all === undefined && text.startsWith(name, at) && text.charCodeAt(statAt - 1) === 0) {
      const statEnd = text.indexOf('\0', statAt)
      const end = text.indexOf('\0', statEnd + 1)
      if (statEnd > 0 && end > 0) {
        at = end + 1
        return { stat: text.slice(statAt, statEnd), digest: text.slice(statEnd + 1, end) }
      }
    }
    all ??= parseFolder(text)
    return all.get(name)
  }
}

function parseFolder(text: string): Map<string, KnownFile> {
  const known = new Map<string, KnownFile>()
  const fields = text.split('\0')
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [name = '', stat = '', digest = ''] = [fields[at], fields[at + 1], fields[at + 2]]
    known.set(name, { stat, digest })
  }
  return known
}

function printFolder(known: ReadonlyMap<string, KnownFile>): string {
  let text = ''
  for (const [name, { stat, digest }] of known) text += `${name}\0${stat}\0${digest}\0`
  return text
}

function writeEntries(sealed: Sealed, entries: readonly KnownEntry[]): void {
  if (entries.length === 0) return
  const schemes = Map.groupBy(entries, ({ scheme }) => scheme)
  inTransaction(sealed.open, () => {
    for (const [scheme, ofScheme] of schemes) {
      for (const [folder, found] of Map.groupBy(ofScheme, (entry) => entry.folder)) {
        const known = readFolder(sealed, folder, scheme)
        for (const { name, stat, digest } of found) known.set(name, { stat, digest })
        writeSealed(sealed, scheme, folder, printFolder(known))
      }
    }
  })
}

function readMd5s({ open, seal }: Sealed, digests: readonly Sha256[]): ReadonlyMap<Sha256, Md5> {
  const select = open.prepare('SELECT md5, seal FROM md5s WHERE sha256 = ?')
  const known = new Map<Sha256, Md5>()
  for (const digest of digests) {
    const row = select.get(digest)
    const md5 = row?.['md5']
    if (isMd5(md5) && row?.['seal'] === sealOf(seal, ['md5', digest, md5])) known.set(digest, md5)
  }
  return known
}

function writeMd5s({ open, seal }: Sealed, found: ReadonlyMap<Sha256, Md5>): void {
  if (found.size === 0) return
  const insert = open.prepare('INSERT OR REPLACE INTO md5s VALUES (?, ?, ?)')
  inTransaction(open, () => {
    for (const [digest, md5] of found) insert.run(digest, md5, sealOf(seal, ['md5', digest, md5]))
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
    if (isCorrupt(error)) return replaceDatabase(file, undefined)
    return isReadOnly(error) ? openForReading(file) : unavailable(error)
  }
}

/** On a file system that cannot be written: what is known is read as it lies there, and nothing is added. */
function openForReading(file: string): DatabaseSync | undefined {
  const address = pathToFileURL(file)
  address.search = '?immutable=1'
  try {
    const database = new DatabaseSync(address, { readOnly: true })
    if (database.prepare('PRAGMA user_version').get()?.['user_version'] === version) return database
    database.close()
    return undefined
  } catch (error) {
    return unavailable(error)
  }
}

function prepareDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs })
  try {
    database.exec('PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
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

function isReadOnly(error: unknown): boolean {
  return isSqliteError(error) && typeof error.errcode === 'number' && readOnlyCodes.has(error.errcode & 0xff)
}

function isCorrupt(error: unknown): boolean {
  return isSqliteError(error) && typeof error.errcode === 'number' && corruptCodes.has(error.errcode & 0xff)
}
