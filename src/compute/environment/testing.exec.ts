/**
 * What the tests of this folder share: a box without isolation, and a maker of wheels that can lie in every field.
 *
 * Not part of the product: nothing but tests imports it.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { openObjectStore } from '../../data/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import type { Environment } from '../environment.ts'
import { readNetworkSettings } from './network-settings.fs.ts'
import type { NetworkSettings } from './network-settings.ts'
import { prepareEnvironment } from './prepare.ts'
import type { EnvironmentRequest } from './request.ts'
import { environmentTarget } from './wheel-layout.ts'

/** Runs the command as a child of this process, its inside paths replaced by the host's: for speed, not for safety. */
export const plainBox: RunInBox = ({ argv, mounts, writable, variables, signal }) =>
  new Promise((resolve, reject) => {
    const outside = (word: string): string => {
      const mount = [...mounts, writable].find(({ target }) => word === target || word.startsWith(`${target}/`))
      return mount === undefined ? word : mount.source + word.slice(mount.target.length)
    }
    const [program = '', ...options] = argv.map(outside)
    const child = spawn(program, options, { env: { ...variables }, ...(signal === undefined ? {} : { signal }) })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
    child.on('error', reject)
    child.on('close', (code, killer) =>
      resolve({
        end: code === null ? { kind: 'signalled', signal: killer ?? '' } : { kind: 'exited', code },
        tail: Buffer.concat(said).toString().trimEnd().split('\n'),
        deniedAttempts: 0,
        sandbox: { engine: 'none', digest: `sha256:${'0'.repeat(64)}` },
      }),
    )
  })

export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-environment-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const noNetwork: NetworkSettings = {
  indexes: [],
  folders: [],
  httpProxy: '',
  httpsProxy: '',
  noProxy: '',
  authorities: [],
  retryDelaysMs: [5, 5, 5],
  warnings: [],
}

/** The settings of the machine that the tests run on: its proxy and index. */
export function machineNetwork(): NetworkSettings {
  return readNetworkSettings(process.env, homedir())
}

export function requestFor(
  root: string,
  definition: EnvironmentRequest['definition'],
  given: Partial<EnvironmentRequest> = {},
): EnvironmentRequest {
  mkdirSync(root, { recursive: true })
  return {
    name: 'test',
    purpose: 'mount',
    definition,
    store: openObjectStore(join(root, 'objects')),
    cacheFolder: join(root, 'environments'),
    workFolder: join(root, 'boxes'),
    caller: { environment: { ...process.env, PATH: '/usr/bin:/bin' }, workingFolder: root },
    network: noNetwork,
    runInBox: plainBox,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...given,
  }
}

export type MemberToWrite = Readonly<{
  name: string
  content: Buffer | string
  mode?: number
  method?: 0 | 8
  /** Written in place of what is true. */
  local?: Readonly<{ name?: string; crc?: number; size?: number }>
  central?: Readonly<{ name?: string; crc?: number; size?: number; compressed?: number; offset?: number }>
  /** Data that is not the compressed content. */
  raw?: Buffer
}>

/** A zip archive, written field by field. */
export function zipOf(
  members: readonly MemberToWrite[],
  around: Readonly<{ before?: Buffer; between?: Buffer; after?: Buffer }> = {},
): Buffer {
  const parts: Buffer[] = [around.before ?? Buffer.alloc(0)]
  const directory: Buffer[] = []
  let position = parts[0]?.length ?? 0
  for (const member of members) {
    const content = Buffer.from(member.content)
    const method = member.method ?? 8
    const data = member.raw ?? (method === 8 ? deflateRawSync(content) : content)
    const truth = {
      name: member.name,
      crc: crc32(content),
      size: content.length,
      compressed: data.length,
      offset: position,
    }
    const local = headerOf({ ...truth, ...member.local }, method)
    directory.push(centralOf({ ...truth, ...member.central }, method, member.mode ?? 0o100644))
    parts.push(local, data)
    position += local.length + data.length
  }
  const between = around.between ?? Buffer.alloc(0)
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(position + between.length, 16)
  return Buffer.concat([...parts, between, central, end, around.after ?? Buffer.alloc(0)])
}

type Fields = Readonly<{ name: string; crc: number; size: number; compressed: number; offset: number }>

function headerOf({ name, crc, size, compressed }: Fields, method: number): Buffer {
  const raw = Buffer.from(name)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(method, 8)
  header.writeUInt32LE(crc, 14)
  header.writeUInt32LE(compressed, 18)
  header.writeUInt32LE(size, 22)
  header.writeUInt16LE(raw.length, 26)
  return Buffer.concat([header, raw])
}

function centralOf({ name, crc, size, compressed, offset }: Fields, method: number, mode: number): Buffer {
  const raw = Buffer.from(name)
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(0x0314, 4)
  header.writeUInt16LE(20, 6)
  header.writeUInt16LE(method, 10)
  header.writeUInt32LE(crc, 16)
  header.writeUInt32LE(compressed, 20)
  header.writeUInt32LE(size, 24)
  header.writeUInt16LE(raw.length, 28)
  header.writeUInt32LE((mode << 16) >>> 0, 38)
  header.writeUInt32LE(offset, 42)
  return Buffer.concat([header, raw])
}

export type WheelToWrite = Readonly<{
  project: string
  version?: string
  tag?: string
  files: readonly MemberToWrite[]
  /** More lines of METADATA. */
  metadata?: string
  entryPoints?: string
  /** Changes the RECORD that would be right. */
  record?: (lines: readonly string[]) => readonly string[]
  around?: Readonly<{ before?: Buffer; between?: Buffer; after?: Buffer }>
}>

export function wheelName({ project, version = '1.0', tag = 'py3-none-any' }: WheelToWrite): string {
  return `${project}-${version}-${tag}.whl`
}

/** A wheel that is right, but for what is asked to be wrong. */
export function wheelOf(wheel: WheelToWrite): Buffer {
  const { project, version = '1.0', tag = 'py3-none-any' } = wheel
  const folder = `${project}-${version}.dist-info`
  const members: MemberToWrite[] = [
    ...wheel.files,
    { name: `${folder}/WHEEL`, content: `Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: ${tag}\n` },
    {
      name: `${folder}/METADATA`,
      content: `Metadata-Version: 2.1\nName: ${project}\nVersion: ${version}\n${wheel.metadata ?? ''}`,
    },
    ...(wheel.entryPoints === undefined ? [] : [{ name: `${folder}/entry_points.txt`, content: wheel.entryPoints }]),
  ]
  const lines = members
    .filter(({ name }) => !name.endsWith('/'))
    .map(({ name, content }) => {
      const hash = createHash('sha256').update(content).digest('base64url')
      return `${name},sha256=${hash},${Buffer.from(content).length}`
    })
  const record = [...(wheel.record ?? ((same) => same))(lines), `${folder}/RECORD,,`, ''].join('\n')
  return zipOf([...members, { name: `${folder}/RECORD`, content: record }], wheel.around)
}

/** A lock of these wheels, and a folder that holds them. */
export function lockOf(folder: string, wheels: readonly WheelToWrite[]): string {
  return lockTexts['requirements.lock']?.(wheelsIn(folder, wheels)) ?? ''
}

type Named = Readonly<{ project: string; version: string; fileName: string; hex: string }>

/** The same packages as `lockOf` pins, as each other format writes them; by the file name of the lock. */
export const lockTexts: Readonly<Record<string, (wheels: readonly Named[]) => string>> = {
  'requirements.lock': (wheels) =>
    wheels.map(({ project, version, hex }) => `${project}==${version} --hash=sha256:${hex}\n`).join(''),
  'pylock.toml': (wheels) =>
    `lock-version = "1.0"\ncreated-by = "a test"\n${wheels
      .map(
        ({ project, version, fileName, hex }) =>
          `[[packages]]\nname = "${project}"\nversion = "${version}"\nwheels = [{ path = "wheels/${fileName}", hashes = { sha256 = "${hex}" } }]\n`,
      )
      .join('')}`,
  'uv.lock': (wheels) =>
    `version = 1\n[[package]]\nname = "root"\nversion = "0"\nsource = { virtual = "." }\ndependencies = [${wheels
      .map(({ project }) => `{ name = "${project}" }`)
      .join(', ')}]\n${wheels
      .map(
        ({ project, version, fileName, hex }) =>
          `[[package]]\nname = "${project}"\nversion = "${version}"\nsource = { registry = "wheels" }\nwheels = [{ path = "${fileName}", hash = "sha256:${hex}" }]\n`,
      )
      .join('')}`,
  'poetry.lock': (wheels) =>
    `${wheels
      .map(
        ({ project, version, fileName, hex }) =>
          `[[package]]\nname = "${project}"\nversion = "${version}"\noptional = false\ngroups = ["main"]\nfiles = [{file = "${fileName}", hash = "sha256:${hex}"}]\n`,
      )
      .join('')}[metadata]\nlock-version = "2.1"\npython-versions = ">=3.8"\n`,
  'Pipfile.lock': (wheels) =>
    JSON.stringify({
      _meta: { 'pipfile-spec': 6 },
      default: Object.fromEntries(
        wheels.map(({ project, version, hex }) => [project, { version: `==${version}`, hashes: [`sha256:${hex}`] }]),
      ),
      develop: {},
    }),
}

/** Writes the wheels into a folder and says what a lock must know of them. */
export function wheelsIn(folder: string, wheels: readonly WheelToWrite[]): readonly Named[] {
  mkdirSync(folder, { recursive: true })
  return wheels.map((wheel) => {
    const bytes = wheelOf(wheel)
    writeFileSync(join(folder, wheelName(wheel)), bytes)
    const hex = createHash('sha256').update(bytes).digest('hex')
    return { project: wheel.project, version: wheel.version ?? '1.0', fileName: wheelName(wheel), hex }
  })
}

/** Prepares an environment of wheels from a local folder, without any network. */
export async function prepareWheels(
  root: string,
  wheels: readonly WheelToWrite[],
  given: Partial<EnvironmentRequest> = {},
): Promise<Environment> {
  const folder = join(root, 'wheels')
  const lock = lockOf(folder, wheels)
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(lock) }
  return prepareEnvironment(requestFor(root, definition, { network: { ...noNetwork, folders: [folder] }, ...given }))
}

/** Absolute folder of the tree that an environment mounts. */
export function treeOf(environment: Environment): string {
  const mount = environment.mounts.find(({ target }) => target === environmentTarget)
  if (mount === undefined) throw new Error('no tree is mounted')
  return mount.source
}
