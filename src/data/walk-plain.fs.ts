/**
 * The plain files below a path: regular files with plain names, nothing else.
 *
 * Links are never followed: a link is told by name, since what it leads to is not part of what is approved.
 * `.git` and `.assay` are left out wherever they stand; trust.md section 1.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { DomainError, nameFault, oneLine } from '../core/index.ts'
import { type FileStat, fileStatOf } from './file-stat.ts'
import { errnoOf } from './io-fault.ts'

/** `path` is absolute; `inner` is the file's path in the folder, `.` for a single file. */
export type PlainFile = Readonly<{ path: string; inner: string }>
export type PlainTree = Readonly<{ kind: 'file' | 'folder'; files: readonly (PlainFile & FileStat)[] }>

/** `name`: how to call the path in errors. `within`: folders between it and the path must not be links. */
export type WalkOptions = Readonly<{ name: string; within?: string }>

/** LIMIT: what core allows for a path. */
const maxPathBytes = 1024
const masked: ReadonlySet<string> = new Set(['.git', '.assay'])

/**
 * Sees every file once; nothing is read.
 *
 * @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN naming the path
 */
export function walkPlain(path: string, options: WalkOptions): PlainTree {
  const files: PlainTree['files'][number][] = []
  for (const { path: file, inner } of plainFiles(path, options)) {
    const { stat, sizeBytes, executable } = see({ path: file, inner }, options.name)
    files.push({ path: file, inner, stat, sizeBytes, executable })
  }
  return { kind: files[0]?.inner === '.' ? 'file' : 'folder', files }
}

function see({ path, inner }: PlainFile, name: string): FileStat {
  const shown = inner === '.' ? name : `${name}/${inner}`
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined) throw new DomainError('ERR_DATA_CHANGED', `\`${oneLine(shown)}\` vanished while it was read`)
  if (!stats.isFile()) throw notPlain(shown, `is ${kindOf(stats)}`)
  return fileStatOf(stats)
}

/** As `walkPlain`, one after the other, by what the folders say of their files. */
export function* plainFiles(path: string, options: WalkOptions): Generator<PlainFile> {
  if (options.within !== undefined) refuseLinksAbove(path, options.within, options.name)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new DomainError('ERR_DATA_MISSING', `\`${oneLine(options.name)}\` is not there`)
  if (!stats.isDirectory()) {
    if (!stats.isFile()) throw notPlain(options.name, `is ${kindOf(stats)}`)
    yield { path, inner: '.' }
    return
  }
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    // Paths that differ in case only do so first within one folder.
    const folded = new Map<string, string>()
    const entries = entriesOf(join(path, folder), `${options.name}/${folder}`)
    const mayHaveTwins = entries.some(({ name }) => name !== name.toLowerCase())
    const below: string[] = []
    for (const entry of entries) {
      if (masked.has(entry.name)) continue
      const inner = `${folder}${entry.name}`
      refuseName(entry.name, inner, options.name)
      if (mayHaveTwins) refuseTwin(folded, { name: entry.name, inner, of: options.name })
      if (entry.isDirectory()) below.push(`${inner}/`)
      else if (entry.isFile()) yield { path: `${path}/${inner}`, inner }
      else throw notPlain(`${options.name}/${inner}`, `is ${kindOf(entry)}`)
    }
    // the first one next: a folder of folders comes in order, which whoever sorts the files is spared
    for (const next of below.reverse()) folders.push(next)
  }
}

/** What a walk leaves out below a folder, by its path in it. Nothing of a file, or of what is not there. */
export function maskedBelow(path: string): readonly string[] {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  const found: string[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of entriesOf(join(path, folder), folder)) {
      if (masked.has(entry.name)) found.push(`${folder}${entry.name}`)
      else if (entry.isDirectory()) folders.push(`${folder}${entry.name}/`)
    }
  }
  return found
}

export function kindOf(entry: Pick<Dirent, 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isDirectory'>): string {
  if (entry.isSymbolicLink()) return 'a link'
  if (entry.isFIFO()) return 'a fifo'
  if (entry.isSocket()) return 'a socket'
  return entry.isDirectory() ? 'a folder' : 'a device'
}

/** THREAT: two readers may take names for one that differ in case only. */
function refuseTwin(
  folded: Map<string, string>,
  { name, inner, of }: Readonly<{ name: string; inner: string; of: string }>,
): void {
  const key = name.toLowerCase()
  const twin = folded.get(key)
  if (twin !== undefined) throw notPlain(`${of}/${inner}`, `differs from \`${twin}\` in case only`)
  folded.set(key, inner)
}

function refuseName(name: string, inner: string, of: string): void {
  // What is not UTF-8 was decoded to this character.
  const fault = name.includes('\ufffd') ? 'is not UTF-8' : nameFault(name)
  if (fault !== undefined) throw notPlain(`${of}/${inner}`, `has a name that ${fault}`)
  // A unit of a JavaScript string is at most three bytes.
  if (inner.length * 3 > maxPathBytes && Buffer.byteLength(inner) > maxPathBytes)
    throw notPlain(`${of}/${inner}`, `is longer than ${maxPathBytes} bytes`)
}

function refuseLinksAbove(path: string, within: string, name: string): void {
  for (let folder = dirname(path); folder !== within; folder = dirname(folder)) {
    if (dirname(folder) === folder || relative(within, folder).startsWith('..')) {
      throw new DomainError('ERR_PATH_UNSAFE', `\`${oneLine(name)}\` is not inside the project`)
    }
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    if (stats !== undefined && !stats.isDirectory()) {
      throw notPlain(
        name,
        `lies in \`${relative(within, folder)}\`, which is ${stats.isFile() ? 'a file' : kindOf(stats)}`,
      )
    }
  }
}

function entriesOf(folder: string, shown: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
    throw new DomainError('ERR_DATA_CHANGED', `\`${oneLine(shown)}\` vanished while it was read`)
  }
}

function notPlain(shown: string, what: string): DomainError {
  const path = oneLine(shown).slice(0, 1000)
  return new DomainError('ERR_DATA_NOT_PLAIN', `\`${path}\` ${what}`, { details: { path } })
}
