/**
 * An installed tree on disk: its manifest, and whether it still is what was built.
 *
 * Layout: `<folder>/tree/...` is mounted, `<folder>/manifest.json` says what it must hold. The parts that name where the
 * interpreter lies (`pyvenv.cfg`, links in `bin`) are not in the manifest's digest, which is the same on every machine;
 * they are compared with what this machine's interpreter asks for.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import {
  type DirHash,
  digestOfJson,
  type FileEntry,
  folderOf,
  isSha256,
  type Sha256,
  sha256Of,
} from '../../core/index.ts'
import { hashFiles, type StatCache } from '../../data/index.ts'

export type TreeManifest = Readonly<{
  /** The environment that was built: lock, wheels, interpreter, recipe. */
  identity: Sha256
  files: readonly FileEntry[]
  /** Of an image or packages with links: its links, and every folder; otherwise there are no links, and a folder is there for its files. */
  layout?: Readonly<{ links: readonly TreeLink[]; folders: readonly string[] }>
  /** What it was made from, where the identity is not over SHA-256 digests. */
  artefacts?: readonly TreeArtefact[]
  warnings: readonly string[]
}>

/** `source` is where it was fetched, without credentials, or empty. */
export type TreeArtefact = Readonly<{ name: string; digest: Sha256; source: string }>

export type TreeLink = Readonly<{ path: string; target: string }>

/** What this machine's interpreter needs beside the wheels. */
export type LocalParts = Readonly<{
  configuration?: string
  /** Path in the tree -> target of the link. */
  links: ReadonlyMap<string, string>
}>

const configurationName = 'pyvenv.cfg'

/** SOURCE: PEP 405. @param interpreter absolute real path of the binary */
export function localPartsOf(interpreter: string, version: readonly [number, number, number]): Required<LocalParts> {
  const home = interpreter.slice(0, interpreter.lastIndexOf('/'))
  const names = ['python', `python${version[0]}`, `python${version[0]}.${version[1]}`]
  return {
    configuration: `home = ${home}\ninclude-system-site-packages = false\nversion = ${version.join('.')}\n`,
    links: new Map(names.map((name) => [`bin/${name}`, interpreter])),
  }
}

export function writeLocalParts(tree: string, { configuration, links }: Required<LocalParts>): void {
  if (!existsSync(join(tree, 'bin'))) {
    mkdirSync(join(tree, 'bin'))
    chmodSync(join(tree, 'bin'), 0o755)
  }
  writeFileSync(join(tree, configurationName), configuration, { flag: 'wx' })
  chmodSync(join(tree, configurationName), 0o444)
  for (const [path, target] of links) symlinkSync(target, join(tree, path))
}

/** By hand: 10,000 of them through a schema take longer than all else that is asked of a tree. */
function areFileEntries(value: unknown): value is readonly FileEntry[] {
  return Array.isArray(value) && value.every(isFileEntry)
}

function isFileEntry(value: unknown): value is FileEntry {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 4) return false
  const { path, digest, sizeBytes, executable } = value as Partial<Record<keyof FileEntry, unknown>> // asked member by member
  return (
    typeof path === 'string' &&
    path.length <= 4096 &&
    isSha256(digest) &&
    Number.isSafeInteger(sizeBytes) &&
    Number(sizeBytes) >= 0 &&
    typeof executable === 'boolean'
  )
}

const manifestShape = z.strictObject({
  identity: z.custom<Sha256>(isSha256),
  files: z.custom<readonly FileEntry[]>(areFileEntries),
  layout: z
    .strictObject({
      links: z.array(z.strictObject({ path: z.string().max(4096), target: z.string().max(4096) })),
      folders: z.array(z.string().max(4096)),
    })
    .exactOptional(),
  artefacts: z
    .array(z.strictObject({ name: z.string(), digest: z.custom<Sha256>(isSha256), source: z.string() }))
    .exactOptional(),
  warnings: z.array(z.string()),
})

export function writeManifest(folder: string, manifest: TreeManifest): void {
  const fd = openSync(join(folder, 'manifest.json'), 'wx', 0o644)
  try {
    writeFileSync(fd, JSON.stringify(manifest))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Undefined when there is none, or none of this shape: the tree is built anew then.
 *
 * @param memory under the user's seal: which bytes had this shape, and the digest of the tree that they speak of; without it
 * nothing that was known before is used
 */
export function readManifest(folder: string, memory?: Memory): TreeManifest | undefined {
  try {
    const bytes = readFileSync(join(folder, 'manifest.json'))
    const digest = sha256Of(bytes)
    if (memory === undefined || lastRead?.digest !== digest)
      lastRead = { digest, manifest: parseManifest(bytes, digest, memory) }
    return lastRead.manifest
  } catch {
    return undefined // INVARIANT: without a manifest nothing of the tree is used.
  }
}

type Memory = Pick<StatCache, 'fact' | 'recordFact'>

function parseManifest(bytes: Buffer, digest: Sha256, memory: Memory | undefined): TreeManifest {
  const document: unknown = JSON.parse(bytes.toString('utf8'))
  const known = memory?.fact(`manifest:${digest}`) as DirHash | Sha256 | undefined // our own text
  const manifest = known === undefined ? manifestShape.parse(document) : (document as TreeManifest) // these bytes had it
  if (known === undefined) memory?.recordFact(`manifest:${digest}`, treeDigest(manifest))
  else digests.set(manifest, known)
  return manifest
}

/** The one that was read last: an environment is identified, and then mounted. */
let lastRead: Readonly<{ digest: Sha256; manifest: TreeManifest }> | undefined

/** `dirHash1` where there are only files; with links and empty folders, which that has no word for, a digest over all. */
export function treeDigest(manifest: TreeManifest): DirHash | Sha256 {
  const known = digests.get(manifest)
  if (known !== undefined) return known
  const digest = digestTree(manifest)
  digests.set(manifest, digest)
  return digest
}

/** Made once of each manifest that was read: it is asked for by several. */
const digests = new WeakMap<TreeManifest, DirHash | Sha256>()

function digestTree({ files, layout }: TreeManifest): DirHash | Sha256 {
  if (layout === undefined) return folderOf(files).digest
  const hasher = createHash('sha256')
  const add = (...parts: readonly string[]): void => void hasher.update(`${parts.join('\0')}\n`)
  for (const path of layout.folders) add('folder', path)
  for (const { path, digest, executable } of files) add(executable ? 'program' : 'file', path, digest)
  for (const { path, target } of layout.links) add('link', path, target)
  return `sha256:${hasher.digest('hex')}`
}

/** What is remembered under the user's seal of a tree that he built: all of its manifest that evidence or a user is told. */
export function sealOf(manifest: TreeManifest): string {
  const { artefacts = [], warnings } = manifest
  return `${treeDigest(manifest)} ${digestOfJson({ artefacts, warnings })}`
}

/**
 * Re-hashes every file of a tree, on all cores.
 *
 * @returns undefined when the tree is exactly what the manifest and this machine's interpreter say, else the first
 * difference
 */
export async function treeFault(tree: string, manifest: TreeManifest, local: LocalParts): Promise<string | undefined> {
  const expected = new Map(manifest.files.map((file) => [file.path, file]))
  const found: FileEntry[] = []
  const links = new Map([
    ...(manifest.layout?.links ?? []).map(({ path, target }) => [path, target] as const),
    ...local.links,
  ])
  const unseen = manifest.layout === undefined ? undefined : new Set(manifest.layout.folders)
  let configured = local.configuration === undefined
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const item of readdirSync(join(tree, folder), { withFileTypes: true })) {
      const path = folder === '' ? item.name : `${folder}/${item.name}`
      const full = join(tree, path)
      if (item.isDirectory()) {
        if (unseen?.delete(path) === false) return `\`${path}\` is a folder that was not built`
        folders.push(path)
      } else if (item.isSymbolicLink()) {
        if (links.get(path) !== readlinkSync(full)) return `\`${path}\` is a link that was not built`
        links.delete(path)
      } else if (path === configurationName && local.configuration !== undefined) {
        if (!item.isFile() || readFileSync(full, 'utf8') !== local.configuration) return `\`${path}\` was changed`
        configured = true
      } else {
        const file = expected.get(path)
        const fault = item.isFile() ? statusFault(full, file) : 'is not a regular file'
        if (file === undefined || fault !== undefined) return `\`${path}\` ${fault}`
        found.push(file)
        expected.delete(path)
      }
    }
  }
  const missing = [
    ...expected.keys(),
    ...links.keys(),
    ...(unseen ?? []),
    ...(configured ? [] : [configurationName]),
  ][0]
  return missing === undefined ? await bytesFault(tree, found) : `\`${missing}\` is gone`
}

function statusFault(path: string, expected: FileEntry | undefined): string | undefined {
  if (expected === undefined) return 'was not built'
  const status = lstatSync(path)
  if (status.size !== expected.sizeBytes) return 'has another size'
  return ((status.mode & 0o111) !== 0) === expected.executable ? undefined : 'has another mode'
}

/** The first of these files that holds other bytes, in words. */
export async function bytesFault(tree: string, files: readonly FileEntry[]): Promise<string | undefined> {
  const paths = files.map(({ path }) => join(tree, path))
  const outcomes = await hashFiles(paths, { scheme: 'sha256', sizes: files.map(({ sizeBytes }) => sizeBytes) })
  const wrong = files.find(({ digest }, index) => {
    const outcome = outcomes[index]
    return outcome?.kind !== 'hashed' || outcome.digest !== digest
  })
  return wrong === undefined ? undefined : `\`${wrong.path}\` has other bytes`
}

/** A regular file of a folder that somebody else wrote, or undefined. @param maxBytes above which it is not read */
export function readPlainFile(path: string, maxBytes: number): Buffer | undefined {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined || !status.isFile() || status.size > maxBytes) return undefined
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return fstatSync(fd).isFile() ? readFileSync(fd) : undefined
  } finally {
    closeSync(fd)
  }
}
