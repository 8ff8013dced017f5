/**
 * What the tool learned of this machine in one project of a test file, for the next: digests of programs and libraries,
 * the installed packages, what interpreters say of themselves. The first run in a project reads 300 MB for them.
 *
 * Nothing of a project is handed on, each seals with the secret of its own user, and the tool looks at stat and stamps as ever.
 * LIMIT: a project that is told has its secret made here, by the tool's own function, before the tool needs one.
 */
import { copyFileSync, existsSync, lstatSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { loadSeal } from '../../src/attestation/seal.fs.ts'
import { type KnownEntry, openStatCache, type StatCache } from '../../src/data/stat-cache.sqlite.ts'

type Place = Readonly<{ root: string; keys: string }>

const entries = new Map<string, KnownEntry>()
const facts = new Map<string, string>()
const factsOfHost = /^(system|system-layer|(installed|interpreter|node):.*)$/

/** The tool names folders by where they really are. */
const scratchPlace = `${realpathSync(tmpdir())}/`

const cacheOf = ({ root }: Place): string => join(root, '.assay/cache/stat.sqlite')
const sealOf = ({ keys }: Place): string => join(keys, 'assay/seal.key')
const secretOf = ({ root, keys }: Place): Uint8Array => loadSeal({ ASSAY_CONFIG_HOME: join(keys, 'assay') }, root)

/** Called when a verb has succeeded for the first time in a project: one tells of the machine what is known, others learn of it. */
export function shareHost(verb: string, project: Place): void {
  if (verb === 'init') tellHost(project)
  if (verb === 'run' || verb === 'data validate' || verb === 'data review') learnHost(project)
}

/** A copy is read: the project must not see that anybody looked. */
function learnHost(project: Place): void {
  const copy = join(project.keys, 'learned.sqlite')
  if (!existsSync(cacheOf(project)) || !existsSync(sealOf(project))) return
  copyFileSync(cacheOf(project), copy)
  try {
    const keys = keysIn(copy)
    using cache = openStatCache(copy, secretOf(project))
    for (const { kind, key } of keys) learnRow(cache, kind, key)
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true })
  }
}

function keysIn(file: string): readonly Readonly<Record<'kind' | 'key', string>>[] {
  using database = new DatabaseSync(file, { readOnly: true })
  return database.prepare('SELECT kind, key FROM sealed').all() as { kind: string; key: string }[]
}

function learnRow(cache: StatCache, kind: string, key: string): void {
  if (kind === 'fact' && factsOfHost.test(key)) {
    const value = cache.fact(key)
    if (value !== undefined) facts.set(key, value)
  }
  if (kind !== 'sha256' || `${key}/`.startsWith(scratchPlace)) return
  for (const [name, known] of cache.folder(key, kind))
    entries.set(`${key}/${name}`, { ...known, scheme: kind, folder: key, name })
}

function tellHost(project: Place): void {
  const folder = lstatSync(dirname(cacheOf(project)), { throwIfNoEntry: false })
  if (facts.size === 0 || folder?.isDirectory() !== true) return
  using cache = openStatCache(cacheOf(project), secretOf(project))
  cache.record([...entries.values()])
  for (const [key, value] of facts) cache.recordFact(key, value)
}
