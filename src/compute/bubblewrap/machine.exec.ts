/** What this machine has for a sandbox: programs, kernel, control groups, the shape of its system folders. */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DomainError } from '../../core/index.ts'
import { type GroupPlace, groupPlaces } from './control-group.fs.ts'
import { type Bind, etcEntries, procFiles, procFolders, type SystemLayout } from './recipe.ts'
import type { Architecture } from './seccomp-calls.ts'
import { mayDropUid } from './uid-slot.exec.ts'

const run = promisify(execFile)

/** Absolute paths. THREAT: never looked up on the caller's PATH. */
export type Tools = Readonly<{
  bwrap: string
  setpriv: string
  prlimit: string
  mkfifo: string
  unshare?: string
  mount?: string
  taskset?: string
  inotifywait?: string
  strace?: string
  /** python3, which joins the network of a sandbox. */
  python?: string
}>

export type Machine = Readonly<{
  architecture: Architecture
  /** True when every sandbox gets a user id of its own. */
  dropsUid: boolean
  tools: Tools
  bwrapVersion: string
  system: SystemLayout
  etc: readonly Bind[]
  groups: readonly GroupPlace[]
  /** Hard limit of open files, at most what the recipe gives. */
  openFiles: number
  maxQueuedEvents: number
}>

const folders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/current-system/sw/bin']
const packages = { bwrap: 'bubblewrap', setpriv: 'util-linux', prlimit: 'util-linux', mkfifo: 'coreutils' } as const
/** Where, in the private mount namespace of one sandbox, paths are bound that its user could not reach. */
export const meetingPlace = '/run/assay'

/** @throws ERR_SANDBOX_UNAVAILABLE with what to install or enable */
export async function inspectMachine(): Promise<Machine> {
  const architecture = architectureOf(process.arch)
  const tools = findTools()
  const bwrapVersion = (await run(tools.bwrap, ['--version'], { env: {} })).stdout.trim().replace(/^bubblewrap /, '')
  if (!isAtLeast(bwrapVersion, [0, 8])) {
    throw unavailable(`bubblewrap ${bwrapVersion} is too old`, 'install bubblewrap 0.8 or newer')
  }
  const dropsUid = mayDropUid()
  if (dropsUid) makeMeetingPlace(tools)
  return {
    architecture,
    dropsUid,
    tools,
    bwrapVersion,
    system: systemLayout(),
    etc: hostEtc(),
    groups: await findGroups(tools, dropsUid),
    openFiles: Math.min(65_536, hardLimitOfFiles()),
    maxQueuedEvents: Number.parseInt(readOr('/proc/sys/fs/inotify/max_queued_events', '0'), 10) || 0,
  }
}

export function unavailable(because: string, help: string, cause?: unknown): DomainError {
  const otherwise = '; or run with --unsafe-no-sandbox, which the evidence says'
  return new DomainError('ERR_SANDBOX_UNAVAILABLE', `stages cannot be isolated here: ${because}`, {
    help: help + otherwise,
    cause,
  })
}

export function architectureOf(name: string): Architecture {
  if (name === 'x64' || name === 'arm64') return name
  throw unavailable(`there is no system call filter for ${name}`, 'use a machine with x86_64 or aarch64')
}

function findTools(): Tools {
  const needed = (name: keyof typeof packages): string => {
    const path = findProgram(name)
    if (path === undefined) throw unavailable(`the program ${name} is missing`, `install the package ${packages[name]}`)
    return path
  }
  const optional = (['unshare', 'mount', 'taskset', 'inotifywait', 'strace', 'python'] as const).flatMap((name) => {
    const path = findProgram(name === 'python' ? 'python3' : name)
    return path === undefined ? [] : [[name, path] as const]
  })
  return {
    bwrap: needed('bwrap'),
    setpriv: needed('setpriv'),
    prlimit: needed('prlimit'),
    mkfifo: needed('mkfifo'),
    ...Object.fromEntries(optional),
  }
}

/** Absolute; never by the caller's PATH. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // INVARIANT: what cannot be run is not there.
  }
}

function isAtLeast(version: string, wanted: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1])
}

/** THREAT: a link or a folder of another user would let him choose where our mounts go. */
function makeMeetingPlace(tools: Tools): void {
  if (tools.unshare === undefined || tools.mount === undefined) {
    throw unavailable('unshare or mount is missing', 'install the packages util-linux and mount')
  }
  mkdirSync(meetingPlace, { recursive: true, mode: 0o755 })
  const stats = lstatSync(meetingPlace)
  if (!stats.isDirectory() || stats.uid !== 0) {
    throw unavailable(`${meetingPlace} is not a folder of root`, `remove ${meetingPlace}`)
  }
}

function systemLayout(): SystemLayout {
  const links: { path: string; to: string }[] = []
  const real: string[] = []
  for (const path of ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isSymbolicLink()) links.push({ path, to: readlinkSync(path) })
    else if (stats?.isDirectory()) real.push(path)
  }
  return {
    links,
    folders: real,
    maskedFiles: procFiles.map((name) => `/proc/${name}`).filter((path) => existsSync(path)),
    maskedFolders: procFolders.map((name) => `/proc/${name}`).filter((path) => existsSync(path)),
  }
}

function hostEtc(): readonly Bind[] {
  return etcEntries
    .map((name) => `/etc/${name}`)
    .filter((path) => existsSync(path))
    .map((path) => ({ kind: 'read-only', source: path, target: path }))
}

/**
 * Control groups, mounted by us where /sys/fs/cgroup is empty (a bare container).
 * INVARIANT: mounts are made in a mount namespace of our own only, so that nobody else sees them.
 */
async function findGroups(tools: Tools, isRoot: boolean): Promise<readonly GroupPlace[]> {
  const look = (): readonly GroupPlace[] =>
    groupPlaces(readOr('/proc/self/mountinfo', ''), readOr('/proc/self/cgroup', ''))
  const found = look()
  if (found.length > 0 || !isRoot || tools.mount === undefined || !hasPrivateMounts()) return found
  await mountGroups(tools.mount)
  return look()
}

/** Another mount namespace than the machine's first process, or than whoever started us: `bin/assay` makes one as root. */
function hasPrivateMounts(): boolean {
  const own = linkOr('/proc/self/ns/mnt')
  const others = [linkOr('/proc/1/ns/mnt'), linkOr(`/proc/${process.ppid}/ns/mnt`)]
  return own !== undefined && others.some((other) => other !== undefined && other !== own)
}

function linkOr(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // INVARIANT: in doubt nothing is mounted.
  }
}

async function mountGroups(mount: string): Promise<void> {
  const mounted = async (args: readonly string[]): Promise<boolean> => {
    try {
      await run(mount, [...args], { env: {} })
      return true
    } catch {
      return false // INVARIANT: without groups the limits are held by other means, and the evidence says so.
    }
  }
  if (!existsSync('/sys/fs/cgroup')) return
  if (await mounted(['-t', 'cgroup2', 'none', '/sys/fs/cgroup'])) {
    if (readOr('/sys/fs/cgroup/cgroup.controllers', '').includes('memory')) return
  }
  if (!(await mounted(['-t', 'tmpfs', '-o', 'mode=0755,size=64k', 'none', '/sys/fs/cgroup']))) return
  for (const controller of ['memory', 'pids', 'cpu', 'cpuacct']) {
    mkdirSync(`/sys/fs/cgroup/${controller}`)
    await mounted(['-t', 'cgroup', '-o', controller, 'none', `/sys/fs/cgroup/${controller}`])
  }
}

function hardLimitOfFiles(): number {
  const line = readOr('/proc/self/limits', '')
    .split('\n')
    .find((each) => each.startsWith('Max open files'))
  const hard = line?.trim().split(/\s+/)[4]
  return hard === 'unlimited' ? 65_536 : Number(hard ?? 1024) || 1024
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise // INVARIANT: a file that this kernel does not have means that its feature is not there.
  }
}
