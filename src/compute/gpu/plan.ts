/**
 * Which device files and libraries a stage gets that asks for GPUs: as many processors as it asked for, what all of them
 * share, and nothing else. Pure.
 *
 * SOURCE: names of device files and of the driver's libraries for computing: libnvidia-container, src/nvc_info.c; AMD: the
 * container documentation of ROCm (/dev/kfd and one /dev/dri/renderD* a processor).
 * LIMIT: no real GPU was at hand: the plan is tested on made-up trees. Parts of a GPU (MIG) are not given out.
 */
import type { Gpus } from '../sandbox.ts'

export type DeviceFile = Readonly<{
  path: string
  /** Group of the file. */
  gid: number
  /** Whether anybody may read and write it. */
  open: boolean
  /** Of a render node: the PCI vendor, `0x1002`. */
  vendor?: string
  /** Where the driver says it: the address of the processor on the PCI bus. */
  busId?: string
}>

/** Character devices of a machine, and where the linker finds libraries. */
export type DeviceTree = Readonly<{
  devices: readonly DeviceFile[]
  libraries: ReadonlyMap<string, string>
}>

export type Processors = Readonly<{
  vendor: Gpus['vendor']
  /** One for each processor, in the order of their numbers. */
  units: readonly DeviceFile[]
  /** What every stage with a GPU needs beside its own. */
  shared: readonly DeviceFile[]
}>

const nvidiaShared = ['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools']
const nvidiaLibrary =
  /^lib(?:cuda|cudadebugger|nvidia-(?:ml|cfg|opencl|gpucomp|ptxjitcompiler|fatbinaryloader|allocator|compiler|nvvm|pkcs11[\w-]*))\.so[\w.]*$/
const amdLibrary = /^lib(?:hsa-runtime64|hsakmt|amdhip64|drm|drm_amdgpu|rocm_smi64|amd_comgr)\.so[\w.]*$/
const amdVendor = '0x1002'

/** The processors of a machine; undefined when there are none that can be given to a stage. */
export function processorsOf({ devices }: DeviceTree): Processors | undefined {
  const named = (paths: readonly string[]): readonly DeviceFile[] => devices.filter(({ path }) => paths.includes(path))
  const nvidia = numbered(devices, /^\/dev\/nvidia(\d+)$/)
  const nvidiaControl = named(nvidiaShared)
  if (nvidia.length > 0 && nvidiaControl.some(({ path }) => path === '/dev/nvidiactl'))
    return { vendor: 'nvidia', units: nvidia, shared: nvidiaControl }
  const amd = numbered(devices, /^\/dev\/dri\/renderD(\d+)$/).filter(({ vendor }) => vendor === amdVendor)
  const kfd = named(['/dev/kfd'])
  return amd.length > 0 && kfd.length > 0 ? { vendor: 'amd', units: amd, shared: kfd } : undefined
}

function numbered(devices: readonly DeviceFile[], name: RegExp): readonly DeviceFile[] {
  const numberOf = ({ path }: DeviceFile): number => Number(name.exec(path)?.[1] ?? -1)
  return devices.filter((device) => numberOf(device) >= 0).toSorted((left, right) => numberOf(left) - numberOf(right))
}

/**
 * @param taken paths of processors that other stages have
 * @returns undefined when fewer are free
 */
export function planGpus(tree: DeviceTree, count: number, taken: ReadonlySet<string> = new Set()): Gpus | undefined {
  const processors = processorsOf(tree)
  const units = processors?.units.filter(({ path }) => !taken.has(path)).slice(0, count) ?? []
  if (processors === undefined || units.length < count) return undefined
  const { vendor, shared } = processors
  const devices = [...shared, ...units]
  const wanted = vendor === 'nvidia' ? nvidiaLibrary : amdLibrary
  const libraries = [...tree.libraries].flatMap(([name, path]) => (wanted.test(name) ? [path] : []))
  return {
    vendor,
    units: units.map(({ path }) => path),
    devices: devices.map(({ path }) => path),
    libraries: [...new Set(libraries)].toSorted(),
    groups: [...new Set(devices.filter(({ open }) => !open).map(({ gid }) => gid))].toSorted(
      (left, right) => left - right,
    ),
    busIds: units.flatMap(({ busId }) => busId ?? []),
  }
}
