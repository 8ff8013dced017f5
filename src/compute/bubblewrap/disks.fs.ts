/** Which disks a stage reads and writes, by the numbers that the kernel holds them to. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { quietly } from './process-facts.fs.ts'

/** File systems whose writing by way of memory is charged to whoever wrote. SOURCE: Linux, admin-guide/cgroup-v2.rst, Writeback. */
const charging: ReadonlySet<string> = new Set(['ext2', 'ext4', 'xfs', 'f2fs', 'btrfs'])

/**
 * `major:minor` of every whole disk that holds a mounted file system: a stage may be shown a part of any.
 *
 * @param folder where a stage writes; what it lies on must be one of them, or nothing is held
 */
export function disksFor(folder: string): readonly string[] {
  const mounts = (quietly(() => readFileSync('/proc/self/mountinfo', 'utf8')) ?? '').split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const number = left.split(' ')[2]
    return number === undefined ? [] : [{ number, type: right.split(' ')[0] ?? '' }]
  })
  const own = quietly(() => numberOf(statSync(folder).dev))
  if (!mounts.some(({ number, type }) => number === own && charging.has(type) && diskOf(number) !== undefined))
    return []
  return [...new Set(mounts.flatMap(({ number }) => diskOf(number) ?? []))]
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
