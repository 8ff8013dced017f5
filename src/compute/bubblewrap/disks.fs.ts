/** Which disks a stage reads and writes, by the numbers that the kernel holds them to. */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isInside } from '../../core/index.ts'
import { quietly } from './process-facts.fs.ts'

/** File systems whose writing by way of memory is charged to whoever wrote. SOURCE: Linux, admin-guide/cgroup-v2.rst, Writeback. */
const charging: ReadonlySet<string> = new Set(['ext2', 'ext4', 'xfs', 'f2fs'])

/**
 * `major:minor` of every whole disk that holds a mounted file system: a stage may be shown a part of any.
 *
 * @param folder where a stage writes; what it lies on must be one of them, or nothing is held
 */
export function disksFor(folder: string): readonly string[] {
  const mounts = mountsIn(mountInfo())
  const own = quietly(() => numberOf(statSync(folder).dev))
  if (!mounts.some(({ number, type }) => number === own && charging.has(type) && diskOf(number) !== undefined))
    return []
  return [...new Set(mounts.flatMap(({ number }) => diskOf(number) ?? []))]
}

/**
 * Whether all that a stage is shown lies on whole disks, whose number can be held, or in memory.
 *
 * THREAT: what comes over a network, from a program, or from a file system with a number of its own (NFS, FUSE, overlay,
 * btrfs, ZFS) is read past the kernel's limit.
 *
 * @param paths absolute; what is mounted below one is shown with it
 */
export function areOnDisks(paths: readonly string[], { info = mountInfo(), isDisk = hasDisk } = {}): boolean {
  const mounts = mountsIn(info)
  const isHeld = ({ number, type }: MountPoint): boolean => inMemory.has(type) || isDisk(number)
  return paths.every((path) => {
    const real = quietly(() => realpathSync(path)) ?? path
    // of those mounted upon one another the last is seen
    const above = mounts.filter(({ point }) => isBelow(real, point))
    const own = above.toSorted((one, other) => other.point.length - one.point.length || other.at - one.at)[0]
    return own !== undefined && [own, ...mounts.filter(({ point }) => isBelow(point, real))].every(isHeld)
  })
}

function isBelow(path: string, folder: string): boolean {
  return folder === '/' || isInside(path, folder)
}

const inMemory: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'devtmpfs', 'devpts', 'proc', 'sysfs', 'mqueue'])

type MountPoint = Readonly<{ number: string; point: string; type: string; at: number }>

/** SOURCE: proc_pid_mountinfo(5); a space in a path is `\\040`. */
function mountsIn(info: string): readonly MountPoint[] {
  return info.split('\n').flatMap((line, at) => {
    const [left = '', right = ''] = line.split(' - ')
    const [, , number, , point] = left.split(' ')
    if (number === undefined || point === undefined) return []
    const plain = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    return [{ number, point: plain, type: right.split(' ')[0] ?? '', at }]
  })
}

function mountInfo(): string {
  return quietly(() => readFileSync('/proc/self/mountinfo', 'utf8')) ?? ''
}

function hasDisk(number: string): boolean {
  return diskOf(number) !== undefined
}

/** SOURCE: makedev(3). */
function numberOf(device: number): string {
  const value = BigInt(device)
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n)
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

/** The kernel holds whole disks alone. Undefined for what lies on none. */
function diskOf(number: string): string | undefined {
  const place = quietly(() => realpathSync(join('/sys/dev/block', number)))
  if (place === undefined) return undefined
  if (!existsSync(join(place, 'partition'))) return number
  return quietly(() => readFileSync(join(dirname(place), 'dev'), 'utf8').trim())
}
