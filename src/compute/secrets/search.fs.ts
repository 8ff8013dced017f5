/** All that a stage made and printed, looked through: what leaks, and what its definition declares harmless. */
import { type Finder, findInFile, findInText, type Leak, openFinder } from './find.fs.ts'
import { type Secret, spellingsOf } from './spellings.ts'

/** A credential that stands where it was declared to do no harm. */
export type HarmlessCredential = Readonly<{
  /** `a private key`. */
  what: string
  /** Of an out; the log's when left out. */
  path?: string
  /** What was declared: its fingerprint, or the out. */
  by: string
}>

export type Search = Readonly<{
  /** For what is printed. */
  finder(): Finder
  /** What leaks in an open file of an out. */
  inFile(fd: number, out: string): readonly Leak[]
  /** What leaks in the name of a file or folder in an out. */
  inName(name: string, out: string): readonly Leak[]
  /** What leaks of that which was printed. */
  inLog(found: readonly Leak[]): readonly Leak[]
  /** So far. */
  harmless(): readonly HarmlessCredential[]
}>

/** @param harmless fingerprints of credentials, and outs that may hold any */
export function openSearch(secrets: readonly Secret[], harmless: ReadonlySet<string>): Search {
  const spellings = spellingsOf(secrets)
  const declared = new Map<string, HarmlessCredential>()
  const leaking = (found: readonly Leak[], path?: string): readonly Leak[] =>
    found.filter((leak) => {
      const by = declaredBy(leak, harmless, path)
      if (by === undefined) return true
      const one = { what: leak.what, ...(path === undefined ? {} : { path }), by }
      declared.set(JSON.stringify(one), one)
      return false
    })
  return {
    finder: () => openFinder(spellings),
    inFile: (fd, out) => leaking(findInFile(fd, spellings), out),
    inName: (name, out) => leaking(findInText(name, spellings), out),
    inLog: (found) => leaking(found),
    harmless: () => [...declared.values()],
  }
}

function declaredBy({ granted, fingerprint }: Leak, harmless: ReadonlySet<string>, path?: string): string | undefined {
  if (granted === true) return undefined
  return [fingerprint, path].find((key) => key !== undefined && harmless.has(key))
}
