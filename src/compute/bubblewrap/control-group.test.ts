import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { groupPlaces, makeControlGroup } from './control-group.fs.ts'
import { headedField, namedField } from './network-counters.fs.ts'
import { tailOf } from './tail.ts'

const firstMounts = [
  '35 31 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
].join('\n')

test('finds version 1 controllers, also two in one folder, in the own group or at the mount point', () => {
  const own = '8:pids:/\n4:memory:/surely-not-there/abc\n1:cpu,cpuacct:/\n'
  assert.deepEqual(groupPlaces(firstMounts, own), [
    {
      version: 1,
      folders: {
        memory: '/sys/fs/cgroup/memory',
        pids: '/sys/fs/cgroup/pids',
        cpu: '/sys/fs/cgroup/cpu,cpuacct',
        cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
      },
    },
  ])
})

test('offers the groups above the own one in version 2, nearest first', () => {
  const mount = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate'
  const places = groupPlaces(mount, '0::/\n')
  assert.deepEqual(places, [{ version: 2, folder: '/sys/fs/cgroup' }])
  assert.deepEqual(groupPlaces('', '0::/user.slice\n'), [])
})

test('does not take version 1 without memory or without processes for a place', () => {
  assert.deepEqual(groupPlaces(firstMounts.split('\n')[0] ?? '', '4:memory:/\n'), [])
})

test('reads counters of both shapes and refuses to call a missing one zero', () => {
  const snmp = 'Ip: Forwarding OutNoRoutes\nIp: 1 7\nUdp: InDatagrams NoPorts\nUdp: 3 2\n'
  assert.equal(headedField(snmp, 'Ip', 'OutNoRoutes'), 7)
  assert.equal(headedField(snmp, 'Udp', 'NoPorts'), 2)
  assert.equal(namedField('Ip6InReceives \t0\nIp6OutNoRoutes \t5\n', 'Ip6OutNoRoutes'), 5)
  assert.throws(() => headedField(snmp, 'Ip', 'Gone'))
  assert.throws(() => namedField(snmp, 'Ip6OutNoRoutes'))
})

test('shows the last twenty lines, safe to print, a progress bar as it stood at the end', () => {
  const lines = [...Array.from({ length: 30 }, (_, index) => `line ${index}`), '10%\r50%\r100%', '\u001b[31mred', '']
  const tail = tailOf(lines)
  assert.equal(tail.length, 20)
  assert.deepEqual(tail.slice(-3), ['line 29', '100%', '\\u{1b}[31mred'])
})

test('a controller of disks may share its folder with another, and the folder of a stranger stays', (context) => {
  // plain folders take what is written as a group does
  const place = mkdtempSync(join(tmpdir(), 'assay-group-'))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  const limits = { cpus: 1, memoryBytes: 2 ** 30, timeMs: 1000, processes: 8, outputBytes: 1, ioBytesPerSecond: 1000 }
  const made = (name: string, disks: string) => {
    mkdirSync(disks, { recursive: true })
    return makeControlGroup({ version: 1, folders: { memory: place, pids: place }, disks }, name, limits, ['8:0'])
  }
  const shared = made('one', place)
  assert.deepEqual([shared?.holdsIo, shared?.folders], ['reads', [join(place, 'one')]])
  assert.equal(readFileSync(join(place, 'one/blkio.throttle.read_bps_device'), 'utf8'), '8:0 1000')
  const apart = made('two', join(place, 'disks'))
  assert.deepEqual(apart?.folders, [join(place, 'two'), join(place, 'disks/two')])
  mkdirSync(join(place, 'disks/three'))
  assert.equal(made('three', join(place, 'disks'))?.holdsIo, 'none')
  assert.ok(existsSync(join(place, 'disks/three')))
})
