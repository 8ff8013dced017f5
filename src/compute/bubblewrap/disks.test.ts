import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areOnDisks } from './disks.fs.ts'

const mount = (number: string, point: string, type: string): string =>
  `30 1 ${number} / ${point} rw - ${type} source rw`
const mounts = [
  mount('254:0', '/', 'ext4'),
  mount('0:20', '/memory', 'tmpfs'),
  mount('254:1', '/disk', 'xfs'),
  mount('0:60', '/disk/far', 'nfs4'),
  mount('0:61', '/btrfs', 'btrfs'),
  mount('0:62', '/a\\040layer', 'overlay'),
  mount('254:1', '/twice', 'ext4'),
  mount('0:63', '/twice', 'fuse.some'),
]
const on = (...paths: readonly string[]) =>
  areOnDisks(paths, { info: mounts.join('\n'), isDisk: (number) => number.startsWith('254:') })

test('a stage is held by the kernel where each thing that it is shown lies on a disk', () => {
  assert.ok(on('/work', '/memory/x', '/disk/near', '/diskless'))
})

test('what lies on no disk is not held, nor is what has such a thing mounted below it', () => {
  for (const path of ['/disk/far/inputs', '/btrfs', '/a layer/x', '/twice/x', '/disk', '/'])
    assert.ok(!on('/work', path), path)
})
