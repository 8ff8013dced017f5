/**
 * Archives that can lie in every field, for tests: tar as POSIX writes it, and source distributions in it.
 *
 * Not part of the product: nothing but tests imports it.
 */
import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { zipOf } from './testing.exec.ts'

export type TarMember = Readonly<{
  name: string
  content?: Buffer | string
  mode?: number
  /** `0` file, `1` hard link, `2` symbolic link, `5` folder, `3` device, `6` fifo. */
  type?: string
  link?: string
  /** Written in place of what is true. */
  size?: number
  checksum?: number
}>

/** SOURCE: POSIX.1-1988 ustar. */
export function tarOf(members: readonly TarMember[]): Buffer {
  const parts = members.flatMap((member) => {
    const content = Buffer.from(member.content ?? '')
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
    return [tarHeader(member, content.length), content, padding]
  })
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function tarHeader({ name, mode = 0o644, type = '0', link = '', size, checksum }: TarMember, length: number): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(name, 0, 100)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(size ?? length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write(type, 156)
  header.write(link, 157, 100)
  header.write('ustar\x0000', 257)
  const sum = checksum ?? header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** A record of a pax header, of `key=value`. */
export function paxOf(pair: string): string {
  const rest = ` ${pair}\n`
  const length = [2, 3, 4].find((digits) => `${rest.length + digits}`.length === digits) ?? 0
  return `${rest.length + length}${rest}`
}

export const tarGzOf = (members: readonly TarMember[]): Buffer => gzipSync(tarOf(members))

/**
 * A source distribution that brings its own backend and so needs no other package.
 *
 * @param backend Python of its `build_wheel`; `write_wheel(folder, text)` makes a right wheel of one module
 */
export function sourceOf(
  {
    project,
    requires = [],
    asks = [],
    backend,
  }: Readonly<{ project: string; requires?: readonly string[]; asks?: readonly string[]; backend: string }>,
  more: readonly TarMember[] = [],
): Buffer {
  const root = `${project}-1.0`
  return tarGzOf([
    { name: `${root}/`, type: '5', mode: 0o755 },
    {
      name: `${root}/pyproject.toml`,
      content: `[build-system]\nrequires = ${JSON.stringify(requires)}\nbuild-backend = "own"\nbackend-path = ["."]\n`,
    },
    { name: `${root}/own.py`, content: backendProgram(project, asks, backend) },
    ...more.map((member) => ({ ...member, name: member.name.replace(/^~/, root) })),
  ])
}

function backendProgram(project: string, asks: readonly string[], backend: string): string {
  return `
import base64, hashlib, os, zipfile
def get_requires_for_build_wheel(config=None):
    return ${JSON.stringify(asks)}
def write_wheel(folder, text, lie=''):
    name = '${project}-1.0-py3-none-any.whl'
    info = '${project}-1.0.dist-info'
    files = [
        ('${project}.py', text),
        (info + '/METADATA', 'Metadata-Version: 2.1\\nName: ${project}\\nVersion: 1.0\\n'),
        (info + '/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'),
    ]
    record = ''
    for path, content in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256((content + lie).encode()).digest()).rstrip(b'=').decode()
        record += '%s,sha256=%s,%d\\n' % (path, digest, len(content.encode()))
    files.append((info + '/RECORD', record + info + '/RECORD,,\\n'))
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:
        for path, content in files:
            wheel.writestr(zipfile.ZipInfo(path), content)
    return name
def build_wheel(folder, config=None, metadata=None):
${backend.replaceAll(/^/gm, '    ')}
`
}

export type CondaFileToWrite = Readonly<{
  path: string
  content?: Buffer | string
  mode?: number
  /** Built for the placeholder. */
  prefix?: 'text' | 'binary'
  link?: string
  hardLink?: string
  /** Written in place of the true digest. */
  sha256?: string
}>

export type CondaToWrite = Readonly<{
  name: string
  version?: string
  build?: string
  files: readonly CondaFileToWrite[]
  /** Entry points make it a package for any Python. */
  entryPoints?: readonly string[]
  /** Written in place of what is true, by the name below `info/`. */
  info?: Readonly<Record<string, string | undefined>>
  more?: readonly TarMember[]
  /** Behind the end of the archive of its files. */
  behind?: Buffer
  /** Written in place of the checksum of its part of files. */
  crc?: number
}>

export const placeholder = `/opt/build_env_${'placehold_'.repeat(20)}`

/** SOURCE: conda, "Package specification". */
function condaMembers({ name, version = '1.0', build = '0', files, entryPoints, info = {}, more = [] }: CondaToWrite) {
  const paths = files.map(({ path, content = '', prefix, link, sha256 }) => ({
    _path: path,
    path_type: link === undefined ? 'hardlink' : 'softlink',
    sha256: sha256 ?? createHash('sha256').update(content).digest('hex'),
    size_in_bytes: Buffer.from(content).length,
    ...(prefix === undefined ? {} : { file_mode: prefix, prefix_placeholder: placeholder }),
  }))
  const noarch = entryPoints === undefined ? {} : { noarch: 'python' }
  const written: Readonly<Record<string, string | undefined>> = {
    'index.json': JSON.stringify({ name, version, build, build_number: 0, depends: [], ...noarch }),
    'paths.json': JSON.stringify({ paths_version: 1, paths }),
    'link.json':
      entryPoints &&
      JSON.stringify({ noarch: { type: 'python', entry_points: entryPoints }, package_metadata_version: 1 }),
    ...info,
  }
  const inner = files.map(({ path, content = '', mode = 0o644, link, hardLink }): TarMember => {
    if (link !== undefined) return { name: path, type: '2', link }
    return hardLink === undefined ? { name: path, content, mode } : { name: path, type: '1', link: hardLink }
  })
  const facts = Object.entries(written).flatMap(([path, content]) =>
    content === undefined ? [] : [{ name: `info/${path}`, content }],
  )
  return { facts, inner: [...inner, ...more] }
}

/** A package of the newer kind: two zstd tars in a zip that does not compress. */
export function condaOf(one: CondaToWrite): Buffer {
  const { facts, inner } = condaMembers(one)
  const { name, version = '1.0', build = '0', behind = Buffer.of(), crc } = one
  const lie = crc === undefined ? {} : { crc }
  const part = (kind: string, members: readonly TarMember[]) => ({
    name: `${kind}-${name}-${version}-${build}.tar.zst`,
    content: zstdCompressSync(Buffer.concat([tarOf(members), kind === 'pkg' ? behind : Buffer.of()])),
    method: 0 as const,
    ...(kind === 'pkg' ? { local: lie, central: lie } : {}),
  })
  const metadata = { name: 'metadata.json', content: '{"conda_pkg_format_version": 2}', method: 0 as const }
  return zipOf([metadata, part('pkg', inner), part('info', facts)])
}

/** The tar of a package of the older kind, before it is compressed with bzip2. */
export function oldCondaOf(one: CondaToWrite): Buffer {
  const { facts, inner } = condaMembers(one)
  return tarOf([...facts, ...inner])
}
