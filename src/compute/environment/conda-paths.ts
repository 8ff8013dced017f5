/**
 * What a package of conda says of itself: which files are linked, where, and which hold the place that it was built for.
 *
 * SOURCE: conda, "Package specification" (`info/index.json`, `paths.json`, `files`, `has_prefix`, `link.json`) and
 * `core/path_actions.py`, `core/portability.py`. Everything read is hostile.
 */
import { z } from 'zod'
import { DomainError, isSha256, parseStrictJson, type Sha256 } from '../../core/index.ts'
import type { LockedCondaPackage } from './conda-lock.ts'
import { refusedPackage } from './tree-writer.fs.ts'
import { environmentTarget } from './wheel-layout.ts'
import { type EntryPoint, parseEntryPoints } from './wheel-metadata.ts'

export type CondaFile = Readonly<{
  /** Of the bytes in the archive, where the package states it. */
  sha256?: Sha256
  /** The place it was built for, and how that stands in the file. */
  prefix?: Readonly<{ placeholder: string; mode: 'text' | 'binary' }>
}>

export type CondaFacts = Readonly<{
  /** Path in the archive -> what is said of it. */
  files: ReadonlyMap<string, CondaFile>
  isNoarchPython: boolean
  entryPoints: readonly EntryPoint[]
}>

const text = z.string().max(4096)
const indexShape = z.looseObject({
  ...{ name: text, version: text, build: text },
  noarch: z.unknown().optional(),
})
const pathsShape = z.looseObject({
  paths_version: z.literal(1),
  paths: z.array(
    z.looseObject({
      _path: text,
      path_type: z.enum(['hardlink', 'softlink', 'directory']),
      sha256: z.string().optional(),
      file_mode: z.enum(['text', 'binary']).optional(),
      prefix_placeholder: text.optional(),
    }),
  ),
})
const linkShape = z.looseObject({
  noarch: z.looseObject({ type: z.string(), entry_points: z.array(text).optional() }).optional(),
})

/** @param info name below `info/` -> bytes @throws ERR_ENV_PACKAGE_REFUSED */
export function readCondaFacts(one: LockedCondaPackage, info: ReadonlyMap<string, Buffer>): CondaFacts {
  const { fileName } = one
  const index = shaped(indexShape, info.get('index.json'), fileName, 'index.json')
  const [name, version, build] = [index.name, index.version, index.build]
  if (name !== one.name || version !== one.version || build !== one.build) {
    throw refusedPackage(fileName, `says that it is \`${name}-${version}-${build}\``)
  }
  const isNoarchPython = index.noarch === 'python'
  const linking = info.has('link.json') ? shaped(linkShape, info.get('link.json'), fileName, 'link.json') : {}
  const lines = isNoarchPython ? (linking.noarch?.entry_points ?? []) : []
  const entryPoints = parseEntryPoints(Buffer.from(['[console_scripts]', ...lines].join('\n')))
  if (typeof entryPoints === 'string') throw refusedPackage(fileName, entryPoints)
  return { files: filesOf(info, fileName), isNoarchPython, entryPoints }
}

function shaped<T>(shape: z.ZodType<T>, bytes: Buffer | undefined, owner: string, name: string): T {
  if (bytes === undefined) throw refusedPackage(owner, `has no info/${name}`)
  try {
    const parsed = shape.safeParse(parseStrictJson(bytes, name, { maxBytes: 64 * 1024 * 1024, maxDepth: 32 }))
    if (parsed.success) return parsed.data
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
  }
  throw refusedPackage(owner, `has an info/${name} that is not one`)
}

function filesOf(info: ReadonlyMap<string, Buffer>, owner: string): ReadonlyMap<string, CondaFile> {
  const found = new Map<string, CondaFile>()
  if (!info.has('paths.json')) return oldFiles(info, owner)
  for (const one of shaped(pathsShape, info.get('paths.json'), owner, 'paths.json').paths) {
    const { _path: path, path_type: type, prefix_placeholder: placeholder, file_mode: mode = 'text' } = one
    if (type === 'directory') continue
    if (found.has(path)) throw refusedPackage(owner, `lists \`${path}\` twice`)
    const digest = `sha256:${one.sha256 ?? ''}`
    found.set(path, {
      ...(isSha256(digest) && type === 'hardlink' ? { sha256: digest } : {}),
      ...(placeholder === undefined ? {} : { prefix: prefixOf(placeholder, mode, owner) }),
    })
  }
  return found
}

/** Packages of before 2017: `info/files`, and `info/has_prefix` with or without placeholder and mode. */
function oldFiles(info: ReadonlyMap<string, Buffer>, owner: string): ReadonlyMap<string, CondaFile> {
  const listed = info.get('files')
  if (listed === undefined) throw refusedPackage(owner, 'has neither info/paths.json nor info/files')
  const prefixes = new Map(linesOf(info.get('has_prefix')).map((line) => prefixLine(line, owner)))
  return new Map(
    linesOf(listed).map((path) => {
      const prefix = prefixes.get(path)
      return [path, prefix === undefined ? {} : { prefix }]
    }),
  )
}

function linesOf(bytes: Buffer | undefined): readonly string[] {
  return (bytes?.toString('utf8') ?? '').split('\n').filter((line) => line.trim() !== '')
}

/** SOURCE: conda, `read_has_prefix`: `PATH`, or `PLACEHOLDER MODE PATH` with quotes around what holds spaces. */
function prefixLine(line: string, owner: string): readonly [string, NonNullable<CondaFile['prefix']>] {
  const [, placeholder, mode, path] = /^"?([^" ]+)"? (text|binary) "?([^"]+?)"?$/.exec(line.trim()) ?? []
  if (placeholder === undefined || path === undefined) {
    return [line.trim(), prefixOf('/opt/anaconda1anaconda2anaconda3', 'text', owner)]
  }
  return [path, prefixOf(placeholder, mode === 'binary' ? 'binary' : 'text', owner)]
}

function prefixOf(placeholder: string, mode: 'text' | 'binary', owner: string): NonNullable<CondaFile['prefix']> {
  const isPlain = /^\/[\x21-\x7e]{7,1023}$/.test(placeholder)
  if (isPlain) return { placeholder, mode }
  throw refusedPackage(owner, `names a place it was built for that is none: \`${placeholder.slice(0, 60)}\``)
}

/** Where a file of a package lies in the environment, or undefined when it is left out. */
export function placeOf(path: string, python: string | undefined, { isNoarchPython }: CondaFacts): string | undefined {
  // Bytecode of a package would run instead of the source that was reviewed; all is compiled anew.
  if (path.split('/').includes('__pycache__')) return undefined
  if (!isNoarchPython) return path
  if (path.startsWith('site-packages/')) return `lib/python${python}/${path}`
  return path.startsWith('python-scripts/') ? `bin/${path.slice('python-scripts/'.length)}` : path
}

/** The file with the environment's own place in it; one that was built for nothing is the same. */
export function withPrefix(bytes: Buffer, { prefix }: CondaFile): Buffer {
  if (prefix === undefined) return bytes
  const [from, to] = [Buffer.from(prefix.placeholder), Buffer.from(environmentTarget)]
  return prefix.mode === 'text' ? replacedText(bytes, from, to) : replacedStrings(bytes, from, to)
}

type Replacing = Readonly<{ bytes: Buffer; from: Buffer; to: Buffer }>

/** INVARIANT: the new place is shorter than any that a package may name, so that one output of the input's size holds all. */
function replacedText(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const output = Buffer.alloc(bytes.length)
  return output.subarray(0, replaceInto(output, 0, { bytes, from, to }))
}

/** @returns where in `output` the text ends */
function replaceInto(output: Buffer, at: number, { bytes, from, to }: Replacing): number {
  let [read, written] = [0, at]
  for (let found = bytes.indexOf(from); found >= 0; found = bytes.indexOf(from, read)) {
    written += bytes.copy(output, written, read, found)
    written += to.copy(output, written)
    read = found + from.length
  }
  return written + bytes.copy(output, written, read)
}

/** Strings that end with NUL: each keeps its length, with NULs after its new end. */
function replacedStrings(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const output = Buffer.from(bytes)
  let end = 0
  for (let found = bytes.indexOf(from); found >= 0; found = bytes.indexOf(from, end)) {
    end = bytes.indexOf(0, found)
    if (end < 0) break // not a string that ends: conda leaves it too
    output.fill(0, replaceInto(output, found, { bytes: bytes.subarray(found, end), from, to }), end)
  }
  return output
}
