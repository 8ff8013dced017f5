import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { boxedCommand, type Chain, chainOf, relocator, stageCommand } from './chain.ts'

const tools = {
  bwrap: '/usr/bin/bwrap',
  setpriv: '/usr/bin/setpriv',
  prlimit: '/usr/bin/prlimit',
  unshare: '/usr/bin/unshare',
  mount: '/usr/bin/mount',
}
const chain: Chain = {
  tools,
  groupEntries: ['/sys/fs/cgroup/memory/a/cgroup.procs'],
  relocations: [],
  meetingPlace: '/run/assay',
  uid: 60800,
  fileBytes: 1024,
  openFiles: 1024,
  processors: [],
  parentPid: 77,
  traceDescriptor: undefined,
  command: ['/bin/sh', '-c', 'true'],
}

test('drops the user before bubblewrap starts, and only when there is one to drop to', () => {
  const argv = chainOf(chain)
  const order = [
    '/sys/fs/cgroup/memory/a/cgroup.procs',
    '/usr/bin/prlimit',
    '/usr/bin/setpriv',
    '--reuid=60800',
    '--clear-groups',
    '--bounding-set=-all',
    '--no-new-privs',
    '77',
    '/usr/bin/bwrap',
  ]
  const places = order.map((each) => argv.indexOf(each))
  assert.deepEqual(
    places,
    places.toSorted((left, right) => left - right),
  )
  assert.ok(!places.includes(-1))
  const asUser = chainOf({ ...chain, uid: undefined })
  assert.ok(!asUser.some((each) => each.startsWith('--reuid')))
  assert.ok(asUser.includes('--no-new-privs'))
})

test('binds what the user cannot reach in a mount namespace of its own', () => {
  const argv = chainOf({ ...chain, relocations: [{ source: '/root/p', target: '/run/assay/0', kind: 'folder' }] })
  assert.ok(argv.indexOf('/usr/bin/unshare') < argv.indexOf('/root/p'))
  assert.ok(argv.indexOf('/root/p') < argv.indexOf('/usr/bin/setpriv'))
  assert.ok(!chainOf(chain).includes('/usr/bin/unshare'))
})

test('counts processes by a resource limit only where no control group does', () => {
  assert.ok(!boxedCommand(['true'], undefined).some((each) => each.startsWith('--nproc')))
  assert.ok(boxedCommand(['true'], { prlimit: 'prlimit', processes: 9 }).includes('--nproc=11:11'))
})

test('never puts a command where a shell would read it twice', () => {
  const nasty = 'echo "$HOME" \'; rm -rf / #'
  assert.deepEqual(stageCommand([nasty]), ['/bin/sh', '-c', nasty])
  assert.deepEqual(stageCommand([nasty, 'true']).slice(-2), [nasty, 'true'])
})

test('relocates a folder once, and what lies in it with it', () => {
  const { reach, relocations } = relocator(
    '/run/assay',
    (path) => !path.startsWith('/root'),
    () => 'folder',
  )
  assert.equal(reach('/usr/lib'), '/usr/lib')
  assert.equal(reach('/root/box'), '/run/assay/0')
  assert.equal(reach('/root/box/view/a'), '/run/assay/0/view/a')
  assert.equal(reach('/root/other'), '/run/assay/1')
  assert.equal(relocations.length, 2)
})

test('without control groups the shell of an image counts its processes: an image need not have prlimit', () => {
  const counted = { prlimit: '/usr/bin/prlimit', processes: 9, hasOwnRoot: true }
  const inside = boxedCommand(['/bin/sh', '-c', 'cat /proc/self/limits'], counted)
  assert.ok(!inside.includes('/usr/bin/prlimit'))
  for (const shell of ['/bin/dash', '/bin/bash'].filter((path) => existsSync(path))) {
    const [, ...rest] = inside.map((word) => (word === '/bin/sh' ? shell : word))
    assert.match(execFileSync(shell, rest, { encoding: 'utf8' }), /^Max processes +11 +11 /m, shell)
  }
})
