/** The GPUs of this machine, as its device files and drivers tell; looked for only when a stage asks for one. */
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isSha256 } from '../../core/index.ts'
import { digestPath, type StatCache } from '../../data/index.ts'
import type { Environment } from '../environment.ts'
import type { Gpus } from '../sandbox.ts'
import { parseLibraryCache } from '../system/library-cache.ts'
import type { DeviceFile, DeviceTree } from './plan.ts'

const nvidiaProc = '/proc/driver/nvidia'

export function observeDevices(): DeviceTree {
  const busIds = nvidiaBusIds()
  const devices = ['/dev', '/dev/dri'].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /^(?:nvidia[\w-]*|kfd|renderD\d+)$/.test(name))
      .flatMap((name) => deviceAt(join(folder, name), busIds)),
  )
  return { devices, libraries: parseLibraryCache(Buffer.from(bytesOf('/etc/ld.so.cache')), process.arch) }
}

function deviceAt(path: string, busIds: ReadonlyMap<string, string>): readonly DeviceFile[] {
  const stats: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats?.isCharacterDevice() !== true) return []
  const name = path.slice(path.lastIndexOf('/') + 1)
  const vendor = textOf(`/sys/class/drm/${name}/device/vendor`).trim()
  const busId = busIds.get(name)
  return [
    {
      path,
      gid: Number(stats.gid),
      open: (stats.mode & 0o006n) === 0o006n,
      ...(vendor === '' ? {} : { vendor }),
      ...(busId === undefined ? {} : { busId }),
    },
  ]
}

/** `nvidia0` -> `0000:01:00.0`. SOURCE: README of the driver, "The /proc File System Interface". */
function nvidiaBusIds(): ReadonlyMap<string, string> {
  return new Map(
    namesIn(`${nvidiaProc}/gpus`).flatMap((busId) => {
      const minor = /^Device Minor:\s*(\d+)/m.exec(textOf(`${nvidiaProc}/gpus/${busId}/information`))?.[1]
      return minor === undefined ? [] : [[`nvidia${minor}`, busId] as const]
    }),
  )
}

/** Devices, version of the driver, and each library of it by the digest of its bytes. */
export async function gpuFacts(gpus: Gpus, memory: StatCache | undefined): Promise<Environment['facts']> {
  const version =
    gpus.vendor === 'nvidia'
      ? /Module\s+([\d.]+)/.exec(textOf(`${nvidiaProc}/version`))?.[1]
      : textOf('/sys/module/amdgpu/version').trim()
  const facts: [string, string][] = [
    ['vendor', gpus.vendor],
    ['driver', version === undefined || version === '' ? 'unknown' : version],
    ['devices', gpus.devices.join(', ')],
  ]
  for (const path of gpus.libraries) {
    const { digest } = await digestPath(path, memory === undefined ? {} : { cache: memory })
    if (isSha256(digest)) facts.push([`library ${path}`, digest])
  }
  return facts.map(([name, value]) => ({ name: `gpu/${name}`, value, tier: 'observed' }))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // INVARIANT: a machine without the folder has no such device.
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch {
    return new Uint8Array() // INVARIANT: absence only ever makes a fact unknown, or a library unmounted.
  }
}

function textOf(path: string): string {
  return Buffer.from(bytesOf(path)).toString('utf8')
}
