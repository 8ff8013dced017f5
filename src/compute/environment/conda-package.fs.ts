/**
 * One package of conda into a tree: `.conda` (a zip of two zstd tars) or `.tar.bz2`.
 *
 * Node has no bzip2: such an archive is decompressed in the sandbox, by the machine's own program.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { DomainError, type Sha256 } from '../../core/index.ts'
import { openZip } from '../../data/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import { removeTree } from '../remove-tree.fs.ts'
import type { LockedCondaPackage } from './conda-lock.ts'
import { type CondaFacts, type CondaFile, placeOf, readCondaFacts, withPrefix } from './conda-paths.ts'
import { decompressed, type MemberSink, readTar, type TarArchive, type TarMember } from './tar-members.ts'
import { refusedPackage, type TreeWriter } from './tree-writer.fs.ts'
import { launcherOf } from './wheel-layout.ts'

export type CondaUnpacking = Readonly<{
  /** Absolute path of the package's bytes. */
  archive: string
  /** Absolute, of the tree that `writer` writes. */
  tree: string
  /** `3.12`, where the environment has a Python. */
  python: string | undefined
  writer: TreeWriter
  /** Absolute folder on the disk of the tree, not there. */
  scratch: string
  runInBox: RunInBox
  workFolder: string
  signal: AbortSignal
}>

/** LIMIT: 64 MiB for each list of a package, 1 GiB for a file that holds the place it was built for. */
const maxInfoBytes = 64 * 1024 * 1024
const maxPrefixedBytes = 1024 ** 3

/** @returns warnings @throws ERR_ENV_PACKAGE_REFUSED, ERR_ENV_BUILD */
export async function unpackConda(one: LockedCondaPackage, unpacking: CondaUnpacking): Promise<readonly string[]> {
  const { scratch } = unpacking
  mkdirSync(scratch, { mode: 0o700 })
  try {
    using parts = await openParts(one, unpacking)
    const info = await readInfo(one, parts)
    const facts = readCondaFacts(one, info)
    return await link(one, { ...unpacking, parts, facts, info })
  } finally {
    removeTree(scratch)
  }
}

type Parts = Readonly<{ info(): AsyncIterable<Buffer>; files(): AsyncIterable<Buffer>; sizeBytes: number }> & Disposable

async function openParts(one: LockedCondaPackage, unpacking: CondaUnpacking): Promise<Parts> {
  const { archive } = unpacking
  const sizeBytes = statSync(archive).size
  if (one.fileName.endsWith('.tar.bz2')) {
    const plain = await decompress(one, unpacking)
    const read = (): AsyncIterable<Buffer> => createReadStream(plain)
    return { info: read, files: read, sizeBytes, [Symbol.dispose]: () => undefined }
  }
  const zip = await openZip(archive, (what, cause) => refusedPackage(one.fileName, what, cause))
  const stem = one.fileName.slice(0, -'.conda'.length)
  const part = (kind: 'info' | 'pkg') => (): AsyncIterable<Buffer> =>
    decompressed(Readable.from(zip.content(`${kind}-${stem}.tar.zst`)), createZstdDecompress())
  try {
    for (const kind of ['info', 'pkg']) {
      if (zip.members.some(({ path }) => path === `${kind}-${stem}.tar.zst`)) continue
      throw refusedPackage(one.fileName, `has no part \`${kind}-${stem}.tar.zst\``)
    }
  } catch (error) {
    zip[Symbol.dispose]()
    throw error
  }
  return { info: part('info'), files: part('pkg'), sizeBytes, [Symbol.dispose]: () => zip[Symbol.dispose]() }
}

const boxLimits = { cpus: 1, memoryBytes: 1024 ** 3, timeMs: 20 * 60_000, processes: 16, outputBytes: 16 * 1024 ** 3 }

async function decompress(
  { fileName }: LockedCondaPackage,
  { archive, scratch, runInBox, workFolder, signal }: CondaUnpacking,
): Promise<string> {
  const program = ['/usr/bin/bzip2', '/bin/bzip2'].find((path) => existsSync(path))
  if (program === undefined) {
    throw new DomainError(
      'ERR_ENV_BUILD',
      `\`${fileName}\` is compressed with bzip2, which this machine does not have`,
      {
        help: 'install bzip2 (apt install bzip2), or lock packages of the newer kind, which end with .conda',
      },
    )
  }
  const folder = join(scratch, 'out')
  mkdirSync(folder)
  const { end, tail } = await runInBox({
    workFolder,
    argv: ['/bin/sh', '-c', '"$0" -dc < "$1" > "$2"', program, `/source/${fileName}`, '/out/plain.tar'],
    mounts: [{ source: archive, target: `/source/${fileName}` }],
    writable: { source: folder, target: '/out' },
    variables: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' },
    limits: boxLimits,
    signal,
  })
  signal.throwIfAborted()
  if (end.kind !== 'exited' || end.code !== 0) {
    throw refusedPackage(fileName, `does not decompress: ${tail.at(-1) ?? end.kind}`)
  }
  return join(folder, 'plain.tar')
}

async function readInfo(one: LockedCondaPackage, parts: Parts): Promise<ReadonlyMap<string, Buffer>> {
  const wanted = new Set(['index.json', 'paths.json', 'files', 'has_prefix', 'link.json'])
  const found = new Map<string, Buffer>()
  const archive = archiveOf(one, parts)
  await readTar(parts.info(), archive, (member): MemberSink | undefined => {
    const name = plainPath(member).replace(/^info\//, '')
    if (!plainPath(member).startsWith('info/') || !wanted.has(name)) return undefined
    const isTwice = found.has(name) || member.type !== 'file' || member.sizeBytes > maxInfoBytes
    if (isTwice) throw refusedPackage(one.fileName, `has an info/${name} that is not one file of 64 MiB at most`)
    return collecting((bytes) => void found.set(name, bytes))
  })
  return found
}

function archiveOf({ fileName }: LockedCondaPackage, { sizeBytes }: Parts): TarArchive {
  return { name: fileName, sizeBytes, globalHeaders: 'refused' }
}

function plainPath({ path }: TarMember): string {
  return path.startsWith('./') ? path.slice(2) : path
}

function collecting(done: (bytes: Buffer) => void): MemberSink {
  const pieces: Buffer[] = []
  return { write: (piece) => void pieces.push(Buffer.from(piece)), end: () => done(Buffer.concat(pieces)) }
}

type Linking = CondaUnpacking & Readonly<{ parts: Parts; facts: CondaFacts; info: ReadonlyMap<string, Buffer> }>

async function link(one: LockedCondaPackage, linking: Linking): Promise<readonly string[]> {
  const { parts, facts, info, writer, python } = linking
  const { fileName } = one
  if (facts.isNoarchPython && python === undefined)
    throw refusedPackage(fileName, 'is for Python, which the lock does not have')
  const missing = new Set(facts.files.keys())
  const hardLinks: TarMember[] = []
  await readTar(parts.files(), archiveOf(one, parts), (member) => {
    const path = plainPath(member)
    if (member.type === 'folder' || path.startsWith('info/')) return undefined
    const file = facts.files.get(path)
    if (file === undefined) return undefined // conda links what is listed, and nothing else
    if (!missing.delete(path)) throw refusedPackage(fileName, `has two files \`${path}\``)
    const place = placeOf(path, python, facts)
    if (place === undefined) return undefined
    if (member.type === 'hard-link') {
      hardLinks.push(member)
      return undefined
    }
    if (member.type === 'link') {
      addLink(place, member.target, fileName, writer)
      return undefined
    }
    return fileSink({ path, place, file, member }, fileName, writer)
  })
  for (const member of hardLinks) copyLinked(member, fileName, linking)
  const [gone] = missing
  if (gone !== undefined) throw refusedPackage(fileName, `lists \`${gone}\`, which it does not have`)
  for (const point of facts.entryPoints) {
    writeBytes(`bin/${point.name}`, Buffer.from(launcherOf(point)), true, fileName, writer)
  }
  const record = info.get('index.json') ?? Buffer.alloc(0)
  writeBytes(`conda-meta/${one.name}-${one.version}-${one.build}.json`, record, false, fileName, writer)
  return [...facts.files.keys()].flatMap((path) => warningOf(path, one.name))
}

type Incoming = Readonly<{ path: string; place: string; file: CondaFile; member: TarMember }>

/** Streams a file; one that holds the place it was built for, or that another package brought too, is looked at whole. */
function fileSink({ path, place, file, member }: Incoming, owner: string, writer: TreeWriter): MemberSink {
  const hasher = createHash('sha256')
  const refuseOther = (): void => {
    const isRight = file.sha256 === undefined || file.sha256 === `sha256:${hasher.digest('hex')}`
    if (!isRight) throw refusedPackage(owner, `has other bytes than it lists: \`${path}\``)
  }
  if (file.prefix === undefined && writer.at(place) === undefined) {
    const sink = writer.openFile(place, owner, member.executable)
    return {
      write(piece) {
        hasher.update(piece)
        sink.write(piece)
      },
      end() {
        sink.end()
        refuseOther()
      },
    }
  }
  if (member.sizeBytes > maxPrefixedBytes) throw refusedPackage(owner, `has too large a file: \`${path}\``)
  return collecting((bytes) => {
    hasher.update(bytes)
    refuseOther()
    writeBytes(place, withPrefix(bytes, file), member.executable, owner, writer)
  })
}

/** One path, one owner; equal bytes of another package have no say in who wins. */
function writeBytes(place: string, bytes: Buffer, executable: boolean, owner: string, writer: TreeWriter): void {
  const earlier = writer.at(place)
  if (earlier === undefined) {
    const sink = writer.openFile(place, owner, executable)
    sink.write(bytes)
    sink.end()
    return
  }
  const digest: Sha256 = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (earlier.digest === digest && earlier.executable === executable) return
  throw refusedPackage(owner, `brings \`${place}\`, which \`${earlier.owner}\` brings with other bytes`)
}

function addLink(place: string, target: string, owner: string, writer: TreeWriter): void {
  const earlier = writer.at(place)
  if (earlier === undefined) writer.addLink(place, owner, target)
  else if (earlier.target !== target) {
    throw refusedPackage(owner, `brings \`${place}\`, which \`${earlier.owner}\` brings with other bytes`)
  }
}

/** A second name of a file of the same archive: its bytes once more. */
function copyLinked(member: TarMember, owner: string, { facts, python, tree, writer }: Linking): void {
  const source = member.target.startsWith('./') ? member.target.slice(2) : member.target
  const from = facts.files.has(source) ? placeOf(source, python, facts) : undefined
  const place = placeOf(plainPath(member), python, facts)
  const known = from === undefined ? undefined : writer.at(from)
  if (from === undefined || place === undefined || known?.owner !== owner || known.target !== undefined) {
    throw refusedPackage(owner, `has a link to what is no file of it: \`${member.path}\``)
  }
  writeBytes(place, readFileSync(join(tree, from)), known.executable, owner, writer)
}

/** What conda would run, and assay does not. */
function warningOf(path: string, name: string): readonly string[] {
  if (/^bin\/\.[^/]*-(post-link|pre-link|pre-unlink)\.sh$/.test(path)) return [`${name}: \`${path}\` is not run`]
  return path.startsWith('etc/conda/activate.d/') ? [`${name}: \`${path}\` is not run: nothing activates`] : []
}
