/**
 * Limits held by the kernel: one control group a sandbox, version 1 or 2.
 *
 * Version 2 is written from the kernel's documentation (admin-guide/cgroup-v2.rst), and tried in a virtual machine by
 * `scripts/cgroup-v2.sh`; `openBubblewrap` tries a group before it relies on one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Limits } from '../sandbox.ts'
import { errnoOf, pidNamespace, processState } from './process-facts.fs.ts'

export type GroupUsage = Readonly<{ cpuMs?: number; memoryPeakBytes?: number; processesPeak?: number }>

export type ControlGroup = Readonly<{
  heldBy: 'cgroup-v1' | 'cgroup-v2'
  /** Which of the bytes a second on disks it holds; writes are none of version 1, which sees no writing by way of memory. */
  holdsIo: 'all' | 'reads' | 'none'
  /** Folders that were made. */
  folders: readonly string[]
  /** Files that take the pid of a process that enters. */
  entries: readonly string[]
  usage(): GroupUsage
  /** Used since it was made, and held at this moment. */
  now(): Readonly<{ cpuMs?: number; memoryBytes?: number }>
  /** Which limit the kernel enforced, by its own counters. */
  hit(): 'memory' | 'processes' | undefined
  /** Processes that are in it now. */
  processes(): number
  kill(): void
  remove(): Promise<void>
}>

/** Where groups may be made. Version 1: controller -> folder; `disks`: where groups are made that hold I/O. */
export type GroupPlace =
  | Readonly<{ version: 1; folders: Readonly<Record<string, string>>; disks?: string }>
  | Readonly<{ version: 2; folder: string }>

/** Beyond the stage's own: bubblewrap's two and the shell between commands. */
const ownProcesses = 4
/** Own pid namespace, pid, start time, number. */
const groupName = /^assay-(\d{1,20})-(\d{1,10})-(\d{1,20})-\d{1,10}$/

type CgroupMount = Readonly<{ root: string; point: string; controllers: readonly string[]; version: 1 | 2 }>

/** Candidates, best first. @param mountInfo, own text of /proc/self/mountinfo and /proc/self/cgroup */
export function groupPlaces(mountInfo: string, own: string): readonly GroupPlace[] {
  const mounts = mountInfo.split('\n').flatMap(parseMount)
  const paths = new Map(
    own.split('\n').flatMap((line) => {
      const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return path === undefined ? [] : (controllers ?? '').split(',').map((name) => [name, path] as const)
    }),
  )
  const folderOf = (controller: string): string | undefined => {
    const mount = mounts.find((each) => each.version === 1 && each.controllers.includes(controller))
    return mount === undefined ? undefined : ownFolder(mount, paths.get(controller) ?? '/')
  }
  const folders = Object.fromEntries(
    ['memory', 'pids', 'cpu', 'cpuacct'].flatMap((controller) => {
      const folder = folderOf(controller)
      return folder === undefined ? [] : [[controller, folder] as const]
    }),
  )
  const disks = folderOf('blkio')
  const second = mounts.find(({ version }) => version === 2)
  return [
    ...(folders['memory'] !== undefined && folders['pids'] !== undefined
      ? [{ version: 1 as const, folders, ...(disks === undefined ? {} : { disks }) }]
      : []),
    ...(second === undefined
      ? []
      : foldersAbove(second, paths.get('') ?? '/').map((folder) => ({ version: 2 as const, folder }))),
  ]
}

function parseMount(line: string): readonly CgroupMount[] {
  const [left = '', right = ''] = line.split(' - ')
  const [, , , root = '', point = ''] = left.split(' ')
  const [type, , options = ''] = right.split(' ')
  if (type === 'cgroup2') return [{ root, point, controllers: [], version: 2 }]
  return type === 'cgroup' ? [{ root, point, controllers: options.split(','), version: 1 }] : []
}

/** The own group's folder, or the mount point where a namespace hides it. */
function ownFolder({ root, point }: CgroupMount, path: string): string {
  const inner = root === '/' ? path : path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
  const folder = inner === '/' ? point : join(point, inner)
  return existsSync(folder) ? folder : point
}

/** Own group and those above it: a group that holds processes cannot give controllers to its children, one above may. */
function foldersAbove(mount: CgroupMount, path: string): readonly string[] {
  const folders = [ownFolder(mount, path)]
  for (let last = folders[0] ?? ''; last !== mount.point && last.startsWith(mount.point); ) {
    last = dirname(last)
    folders.push(last)
  }
  return folders
}

/**
 * @param disks `major:minor` of those that a stage reads and writes; empty when that is not known
 * @returns undefined when the place does not let us; nothing is left behind then
 */
export function makeControlGroup(
  place: GroupPlace,
  name: string,
  limits: Limits,
  disks: readonly string[],
): ControlGroup | undefined {
  const made: string[] = []
  const io = limits.ioBytesPerSecond === undefined ? undefined : { perSecond: limits.ioBytesPerSecond, disks }
  try {
    return place.version === 1 ? makeFirst(place, name, limits, io, made) : makeSecond(place, name, limits, io, made)
  } catch (error) {
    for (const folder of made) removeNow(folder)
    if (errnoOf(error) === undefined) throw error
    return undefined // the caller falls back to limits by resource limits, and the evidence says so
  }
}

type IoLimit = Readonly<{ perSecond: number; disks: readonly string[] }>

function makeFirst(
  place: Extract<GroupPlace, { version: 1 }>,
  name: string,
  limits: Limits,
  limit: IoLimit | undefined,
  made: string[],
): ControlGroup {
  const at = (controller: string): string | undefined => {
    const parent = place.folders[controller]
    return parent === undefined ? undefined : join(parent, name)
  }
  const folders = [...new Set(Object.values(place.folders))].map((parent) => join(parent, name))
  for (const folder of folders) {
    mkdirSync(folder, { mode: 0o755 })
    made.push(folder)
  }
  const memory = at('memory') ?? ''
  const pids = at('pids') ?? ''
  const cpu = at('cpu')
  const cpuTime = at('cpuacct')
  write(memory, 'memory.limit_in_bytes', limits.memoryBytes)
  if (existsSync(join(memory, 'memory.memsw.limit_in_bytes')))
    write(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes)
  write(pids, 'pids.max', limits.processes + ownProcesses)
  if (cpu !== undefined)
    write(cpu, 'cpu.cfs_quota_us', Math.ceil(limits.cpus * readNumber(cpu, 'cpu.cfs_period_us', 100_000)))
  const io = place.disks === undefined ? undefined : firstIo(join(place.disks, name), limit, made)
  if (io !== undefined && !folders.includes(io)) folders.push(io)
  return {
    heldBy: 'cgroup-v1',
    holdsIo: io === undefined ? 'none' : 'reads',
    folders,
    entries: folders.map((folder) => join(folder, 'cgroup.procs')),
    usage: () => ({
      ...(cpuTime === undefined ? {} : { cpuMs: Math.round(readNumber(cpuTime, 'cpuacct.usage', 0) / 1e6) }),
      memoryPeakBytes: readNumber(memory, 'memory.max_usage_in_bytes', 0),
    }),
    now: () => ({
      ...(cpuTime === undefined ? {} : { cpuMs: readNumber(cpuTime, 'cpuacct.usage', 0) / 1e6 }),
      memoryBytes: readNumber(memory, 'memory.usage_in_bytes', 0),
    }),
    hit: () => hitOf(readField(memory, 'memory.oom_control', 'oom_kill'), readField(pids, 'pids.events', 'max')),
    processes: () => Math.max(0, readNumber(pids, 'pids.current', 0)),
    kill: () => killAll(memory),
    remove: () => removeAll(folders),
  }
}

function makeSecond(
  place: Extract<GroupPlace, { version: 2 }>,
  name: string,
  limits: Limits,
  io: IoLimit | undefined,
  made: string[],
): ControlGroup {
  const offered = new Set(readText(place.folder, 'cgroup.subtree_control').trim().split(' '))
  for (const controller of ['memory', 'pids', 'cpu'].filter((each) => !offered.has(each))) {
    try {
      write(place.folder, 'cgroup.subtree_control', `+${controller}`)
    } catch (error) {
      if (controller !== 'cpu') throw error // memory and processes must be held; cpu is a courtesy to the neighbours
    }
  }
  const folder = join(place.folder, name)
  mkdirSync(folder, { mode: 0o755 })
  made.push(folder)
  write(folder, 'memory.max', limits.memoryBytes)
  if (existsSync(join(folder, 'memory.swap.max'))) write(folder, 'memory.swap.max', 0)
  write(folder, 'pids.max', limits.processes + ownProcesses)
  if (existsSync(join(folder, 'cpu.max'))) write(folder, 'cpu.max', `${Math.ceil(limits.cpus * 100_000)} 100000`)
  return {
    heldBy: 'cgroup-v2',
    holdsIo: secondIo(place.folder, folder, io) ? 'all' : 'none',
    folders: [folder],
    entries: [join(folder, 'cgroup.procs')],
    usage: () => secondUsage(folder),
    now: () => ({
      cpuMs: readField(folder, 'cpu.stat', 'usage_usec') / 1000,
      memoryBytes: readNumber(folder, 'memory.current', 0),
    }),
    hit: () => hitOf(readField(folder, 'memory.events', 'oom_kill'), readField(folder, 'pids.events', 'max')),
    processes: () => Math.max(0, readNumber(folder, 'pids.current', 0)),
    kill: () => killAll(folder),
    remove: () => removeAll([folder]),
  }
}

/**
 * @param made folders of the group: where a controller shares its folder with another, it is there
 * @returns the group's folder; undefined when it holds nothing, which others then do
 */
function firstIo(folder: string, io: IoLimit | undefined, made: string[]): string | undefined {
  if (io === undefined || io.disks.length === 0) return undefined
  const isShared = made.includes(folder)
  try {
    if (!isShared) {
      mkdirSync(folder, { mode: 0o755 })
      made.push(folder)
    }
    for (const disk of io.disks)
      for (const file of ['blkio.throttle.read_bps_device', 'blkio.throttle.write_bps_device'])
        write(folder, file, `${disk} ${io.perSecond}`)
    return folder
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    if (!isShared && made.includes(folder)) removeNow(folder)
    return undefined
  }
}

/** False when it holds nothing, which others then do. */
function secondIo(parent: string, folder: string, io: IoLimit | undefined): boolean {
  if (io === undefined || io.disks.length === 0) return false
  try {
    write(parent, 'cgroup.subtree_control', '+io')
    for (const disk of io.disks) write(folder, 'io.max', `${disk} rbps=${io.perSecond} wbps=${io.perSecond}`)
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

function secondUsage(folder: string): GroupUsage {
  const peak = readNumber(folder, 'memory.peak', -1)
  const processes = readNumber(folder, 'pids.peak', -1)
  return {
    cpuMs: Math.round(readField(folder, 'cpu.stat', 'usage_usec') / 1000),
    ...(peak < 0 ? {} : { memoryPeakBytes: peak }),
    ...(processes < 0 ? {} : { processesPeak: Math.max(1, processes - ownProcesses) }),
  }
}

function hitOf(killedForMemory: number, refusedProcesses: number): 'memory' | 'processes' | undefined {
  if (killedForMemory > 0) return 'memory'
  return refusedProcesses > 0 ? 'processes' : undefined
}

function killAll(folder: string): void {
  if (existsSync(join(folder, 'cgroup.kill'))) {
    write(folder, 'cgroup.kill', 1)
    return
  }
  for (const pid of readText(folder, 'cgroup.procs').split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error
    }
  }
}

/** LIMIT: a folder that stays busy for two seconds is left to the next sweep. */
async function removeAll(folders: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (folders.map(removeNow).every(Boolean)) return
    await sleep(10)
  }
}

function removeNow(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
  }
}

/** Ends and removes the groups that a killed run named. THREAT: the names come from a file; only our own shape counts. */
export async function removeLeftGroups(folders: readonly string[]): Promise<void> {
  const ours = folders.filter(
    (folder) => folder.startsWith('/sys/fs/cgroup/') && !folder.includes('/../') && groupName.test(basename(folder)),
  )
  for (const folder of ours) {
    if (existsSync(join(folder, 'cgroup.procs'))) killAll(folder)
  }
  await removeAll(ours)
}

/** Removes empty groups of processes that are gone and whose record is gone too. One that holds processes stays. */
export function sweepGroups(place: GroupPlace): void {
  const parents =
    place.version === 2 ? [place.folder] : [...Object.values(place.folders), ...[place.disks ?? []].flat()]
  for (const parent of parents) {
    for (const name of existsSync(parent) ? readdirSync(parent) : []) {
      const [, namespace, pid, startTicks] = groupName.exec(name) ?? []
      if (Number(namespace) !== pidNamespace() || processState(Number(pid))?.startTicks === startTicks) continue
      removeNow(join(parent, name))
    }
  }
}

let groups = 0

/** A name that no other process of this machine takes, and that says whose it is. */
export function newGroupName(): string {
  groups += 1
  return `assay-${pidNamespace()}-${process.pid}-${processState(process.pid)?.startTicks ?? 0}-${groups}`
}

function write(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), `${value}`)
}

function readText(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8')
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return '' // a file that this kernel does not have
  }
}

function readNumber(folder: string, file: string, otherwise: number): number {
  const value = Number.parseInt(readText(folder, file), 10)
  return Number.isSafeInteger(value) ? value : otherwise
}

/** `name value` lines. */
function readField(folder: string, file: string, name: string): number {
  const line = readText(folder, file)
    .split('\n')
    .find((each) => each.startsWith(`${name} `))
  return Number.parseInt(line?.slice(name.length + 1) ?? '0', 10) || 0
}
