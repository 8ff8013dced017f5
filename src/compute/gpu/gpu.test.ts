import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gpuBinds } from '../bubblewrap/furnish.ts'
import { type DeviceFile, type DeviceTree, planGpus, processorsOf } from './plan.ts'
import { smiReader } from './samples.ts'

const device = (path: string, more: Partial<DeviceFile> = {}): DeviceFile => ({ path, gid: 0, open: true, ...more })

/** Two processors, listed as a folder lists them; a parts manager, a display, and what belongs to other things. */
const nvidia: DeviceTree = {
  devices: [
    device('/dev/nvidia10', { busId: '0000:81:00.0' }),
    device('/dev/nvidia2', { busId: '0000:01:00.0' }),
    device('/dev/nvidia-modeset'),
    device('/dev/nvidia-uvm'),
    device('/dev/nvidiactl'),
    device('/dev/dri/renderD128', { vendor: '0x10de', gid: 105, open: false }),
  ],
  libraries: new Map([
    ['libcuda.so.1', '/usr/lib/x86_64-linux-gnu/libcuda.so.1'],
    ['libnvidia-ml.so.1', '/opt/driver/libnvidia-ml.so.1'],
    ['libnvidia-glcore.so.550', '/opt/driver/libnvidia-glcore.so.550'],
    ['libssl.so.3', '/usr/lib/x86_64-linux-gnu/libssl.so.3'],
  ]),
}

const amd: DeviceTree = {
  devices: [
    device('/dev/kfd', { gid: 105, open: false }),
    device('/dev/dri/renderD128', { vendor: '0x8086', gid: 105, open: false }),
    device('/dev/dri/renderD129', { vendor: '0x1002', gid: 105, open: false }),
  ],
  libraries: new Map([['libhsa-runtime64.so.1', '/opt/rocm/lib/libhsa-runtime64.so.1']]),
}

test('gives as many processors as were asked for, in order, with what they share and the libraries for computing', () => {
  assert.deepEqual(planGpus(nvidia, 1), {
    vendor: 'nvidia',
    units: ['/dev/nvidia2'],
    devices: ['/dev/nvidia-uvm', '/dev/nvidiactl', '/dev/nvidia2'],
    libraries: ['/opt/driver/libnvidia-ml.so.1', '/usr/lib/x86_64-linux-gnu/libcuda.so.1'],
    groups: [],
    busIds: ['0000:01:00.0'],
  })
  assert.deepEqual(planGpus(nvidia, 1, new Set(['/dev/nvidia2']))?.units, ['/dev/nvidia10'])
  assert.deepEqual(planGpus(amd, 1), {
    vendor: 'amd',
    units: ['/dev/dri/renderD129'],
    devices: ['/dev/kfd', '/dev/dri/renderD129'],
    libraries: ['/opt/rocm/lib/libhsa-runtime64.so.1'],
    groups: [105],
    busIds: [],
  })
})

test('gives nothing when fewer are free, and none that its driver does not control', () => {
  assert.equal(planGpus(nvidia, 3), undefined)
  assert.equal(planGpus(nvidia, 2, new Set(['/dev/nvidia10'])), undefined)
  assert.equal(planGpus(amd, 2), undefined)
  assert.equal(processorsOf({ devices: [device('/dev/nvidia0')], libraries: new Map() }), undefined)
  assert.equal(processorsOf({ devices: amd.devices.slice(1), libraries: new Map() }), undefined)
  assert.equal(processorsOf({ devices: [], libraries: new Map() }), undefined)
})

test('a stage without GPUs has no device of one; with one it has its own to use and the libraries to read', () => {
  assert.deepEqual(gpuBinds(undefined), [])
  assert.deepEqual(
    gpuBinds(planGpus(amd, 1)).map(({ kind, source, target }) => [kind, source === target, source]),
    [
      ['device', true, '/dev/kfd'],
      ['device', true, '/dev/dri/renderD129'],
      ['read-only', true, '/opt/rocm/lib/libhsa-runtime64.so.1'],
    ],
  )
})

// 35 % + 5 % and (1024 + 3) MiB; a look that is not whole yet, and one that says nothing, leave the last one.
test('sums the processors of one look, however its lines are cut; what is not told is not made up', () => {
  const reader = smiReader(2)
  assert.equal(reader.last(), undefined)
  for (const piece of ['35, 10', '24\n5, ', '3\n99, 1\n']) reader.feed(piece)
  const sum = { gpuPercent: 40, gpuMemoryBytes: 1027 * 1024 * 1024 }
  assert.deepEqual(reader.last(), sum)
  reader.feed('[N/A], [N/A]\n')
  assert.deepEqual(reader.last(), sum)
})
