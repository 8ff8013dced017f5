/**
 * What tests of images share: a maker of archives and images that can lie in every field, and a registry on loopback.
 *
 * Not part of the product: nothing but tests imports it. No image of a public registry is needed: a root is made of files
 * of the machine that the tests run on.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Sha256, sha256Of } from '../../core/index.ts'
import { type Compression, platformOf } from './documents.ts'

/** `type`: the flag of the header: `0` file, `1` hard link, `2` link, `3` device, `5` folder, `6` fifo. */
export type Entry = Readonly<{
  name: string
  type?: string
  content?: Buffer | string
  link?: string
  mode?: number
  /** Written in place of what is true. */
  size?: number
  /** A pax header before it. */
  pax?: Readonly<Record<string, string>>
}>

const blockBytes = 512

/** An archive, written field by field. SOURCE: POSIX pax, "ustar Interchange Format". */
export function tarOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBytes), Buffer.alloc(2 * blockBytes)])
}

function entryBytes({ pax, ...entry }: Entry): readonly Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)
  const own = [headerOf(entry, content.length), content, padding]
  const long = Buffer.byteLength(entry.name) > 100 ? { path: entry.name } : {}
  const records = Object.entries({ ...long, ...pax })
  if (records.length === 0) return own
  const text = records.map(([key, value]) => recordOf(key, value)).join('')
  return [...entryBytes({ name: 'pax', type: 'x', content: text }), ...own]
}

function recordOf(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest) + 1
  while (`${length}`.length + Buffer.byteLength(rest) !== length) length += 1
  return length + rest
}

function headerOf({ name, type = '0', link = '', mode = 0o644, size }: Entry, sizeBytes: number): Buffer {
  const header = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, length: number): void =>
    void header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
  header.write(name.slice(0, 100), 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size ?? sizeBytes, 124, 12)
  octal(0, 136, 12)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(link.slice(0, 100), 157)
  header.write('ustar\x0000', 257)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return header
}

const layerType = { none: '', gzip: '+gzip', zstd: '+zstd' } as const
const compress = { none: (bytes: Buffer) => bytes, gzip: gzipSync, zstd: zstdCompressSync } as const

export type MadeImage = Readonly<{
  /** Everything that a registry has of it, by digest. */
  blobs: ReadonlyMap<string, Buffer>
  manifest: Sha256
  config: Sha256
  layers: readonly Sha256[]
}>

export type ImageLies = Readonly<{
  compression?: Compression
  docker?: boolean
  variables?: readonly string[]
  platform?: Readonly<{ os: string; architecture: string }>
  /** Changes the documents before they are digested. */
  config?: (config: Record<string, unknown>) => unknown
  manifest?: (manifest: Record<string, unknown>) => unknown
}>

type Descriptor = Readonly<{ mediaType: string; digest: Sha256; size: number }>

/** An image of these archives, right but for what is asked to be wrong. */
export function imageOf(archives: readonly Buffer[], lies: ImageLies = {}): MadeImage {
  const { compression = 'gzip', docker = false } = lies
  const blobs = new Map<string, Buffer>()
  const add = (bytes: Buffer, mediaType: string): Descriptor => {
    const digest = sha256Of(bytes)
    blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const addJson = (document: unknown, mediaType: string): Descriptor =>
    add(Buffer.from(JSON.stringify(document)), mediaType)
  const oci = 'application/vnd.oci.image'
  const layers = archives.map((archive) =>
    add(
      compress[compression](archive),
      docker ? 'application/vnd.docker.image.rootfs.diff.tar.gzip' : `${oci}.layer.v1.tar${layerType[compression]}`,
    ),
  )
  const plainConfig = {
    ...(lies.platform ?? platformOf(process.arch)),
    config: { Env: lies.variables ?? [] },
    rootfs: { type: 'layers', diff_ids: archives.map((archive) => sha256Of(archive)) },
  }
  const config = addJson(
    lies.config?.(plainConfig) ?? plainConfig,
    docker ? 'application/vnd.docker.container.image.v1+json' : `${oci}.config.v1+json`,
  )
  const mediaType = docker ? 'application/vnd.docker.distribution.manifest.v2+json' : `${oci}.manifest.v1+json`
  const plainManifest = { schemaVersion: 2, mediaType, config, layers }
  const manifest = addJson(lies.manifest?.(plainManifest) ?? plainManifest, mediaType)
  return { blobs, manifest: manifest.digest, config: config.digest, layers: layers.map(({ digest }) => digest) }
}

/** An index of images, each for a platform. */
export function indexOf(
  images: readonly Readonly<{ image: MadeImage; platform: Readonly<{ os: string; architecture: string }> }>[],
): Readonly<{ blobs: ReadonlyMap<string, Buffer>; digest: Sha256 }> {
  const manifests = images.map(({ image: { manifest, blobs }, platform }) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: manifest,
    size: blobs.get(manifest)?.length ?? 0,
    platform,
  }))
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))
  const digest = sha256Of(bytes)
  return { blobs: new Map([...images.flatMap(({ image }) => [...image.blobs]), [digest, bytes]]), digest }
}

export type TestRegistry = Readonly<{
  /** `127.0.0.1:port`, as it is written in front of an image's name. */
  host: string
  asked: { path: string; authorization: string | undefined }[]
}>

/** A registry that has these blobs, manifests and tags, but for what is given: answers by path. */
export async function serveRegistry(
  context: TestContext,
  blobs: ReadonlyMap<string, Buffer>,
  answers: Readonly<Record<string, RequestListener>> = {},
): Promise<TestRegistry> {
  const asked: TestRegistry['asked'] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push({ path, authorization: request.headers.authorization })
    const given = answers[path] ?? answers[path.slice(path.lastIndexOf('/') + 1)]
    if (given !== undefined) return given(request, response)
    const bytes = blobs.get(path.slice(path.lastIndexOf('/') + 1))
    if (bytes !== undefined) return response.end(bytes)
    return response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked } // a TCP server's address has this shape
}

/** The programs that a root needs to run small shell stages, and their libraries, as they lie on this machine. */
const programs = [
  'sh',
  'cat',
  'cp',
  'echo',
  'env',
  'id',
  'ls',
  'mkdir',
  'sort',
  'sleep',
  'uniq',
  'cut',
  'touch',
  'head',
]

/** A root of a merged /usr, with a word of its own in /etc/word. @param also programs of this machine's /usr/bin */
export function machineRoot(word: string, more: readonly Entry[] = [], also: readonly string[] = []): Buffer {
  const libraries = new Set<string>()
  const files = [...programs, ...also].flatMap((name) => {
    const path = realpathSync(`/usr/bin/${name}`)
    for (const library of librariesOf(path)) libraries.add(library)
    return [{ name: `usr/bin/${name}`, content: readFileSync(path), mode: 0o755 }]
  })
  return tarOf([
    ...['usr', 'usr/bin', 'usr/lib', 'usr/lib64', 'etc'].map((name) => ({ name: `${name}/`, type: '5', mode: 0o755 })),
    ...['bin', 'lib', 'lib64'].map((name) => ({ name, type: '2', link: `usr/${name}` })),
    ...files,
    // by the names that the loader looks for: links of the machine are not needed
    ...[...libraries].map((path) => ({ name: `.${path}`, content: readFileSync(path), mode: 0o755 })),
    { name: 'etc/word', content: word },
    { name: 'etc/os-release', content: 'PRETTY_NAME="A root of tests 1"\n' },
    ...more,
  ])
}

function librariesOf(program: string): readonly string[] {
  const said = execFileSync('/usr/bin/ldd', [program], { encoding: 'utf8' })
  return [...said.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path)
}
