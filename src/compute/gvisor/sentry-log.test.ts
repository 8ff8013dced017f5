import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookForNodes } from './nodes.ts'
import { listenToSentry } from './sentry-log.ts'

const line = (call: string): string =>
  `I1126 00:50:11.206091       1 strace.go:607] [   9:   9] python3 X ${call} (22µs)`
const started = (program: string): string =>
  line(`execve(0x7ed67cbb8cc8 ${program}, 0x7ed67cbb8b30 ["x"], 0x7ed67cbb8b50 ["PATH=/bin"]) = 0 (0x0)`)
const refused = (call: string, address: string): string =>
  line(`${call}(0x3 socket:[13], 0x7ebb6e7635f0 {Family: ${address}}, 0x10) = -1 errno=101 (network is unreachable)`)

function told(lines: readonly string[], counts = true): ReturnType<ReturnType<typeof listenToSentry>['told']> {
  const listener = listenToSentry({ lookups: '198.51.100.1', entry: 1, counts })
  for (const each of lines) listener.take(each)
  return listener.told()
}

test('counts and names every attempt that found no way out, and none that stayed inside', () => {
  const { deniedAttempts, destinations } = told([
    refused('connect', 'AF_INET, Addr: 203.0.113.9, Port: 80'),
    refused('sendto', 'AF_INET6, Addr: 2001:db8::1, Port: 53'),
    refused('connect', 'AF_INET, Addr: 198.51.100.1, Port: 53'),
    line('sendmmsg(0x3 socket:[2], 0x7e, 0x2, 0x4000) = -1 errno=101 (network is unreachable)'),
    line('connect(0x3 socket:[1], 0x7e {Family: AF_UNIX, Addr: "/x"}, 0x6e) = -1 errno=2 (no such file or directory)'),
    line('connect(0x3 socket:[1], 0x7e {Family: AF_INET, Addr: 127.0.0.1, Port: 9}, 0x10) = -1 errno=111 (refused)'),
  ])
  assert.equal(deniedAttempts, 4)
  assert.deepEqual(destinations, ['203.0.113.9:80', '[2001:db8::1]:53'])
  assert.equal(told([refused('connect', 'AF_INET, Addr: 203.0.113.9, Port: 80')], false).deniedAttempts, 0)
})

test('tells which outs hold what only the kernel of the stage has', () => {
  const asked = lookForNodes(['/project/out', "/project/it's"])
  assert.match(asked, /! node '\/project\/it'\\''s' \|\| "\/\.assay\/held\/1\$found"/)
  const { held, programs } = told([
    started('/usr/bin/prlimit'),
    started('/.assay/held/1/project/out/a/b'), // as it tells a program that is not there
    line('execve(0x7e /.assay/held/0/project/x y, 0x7e []) = -1 errno=2 (no such file or directory)'),
    started('/project/.assay/held/5/x'),
    started('/.assay/held/x/y'),
  ])
  assert.deepEqual(held, [
    { out: 1, path: '/project/out/a/b' },
    { out: 0, path: '/project/x' },
  ])
  assert.deepEqual(programs, ['(unreadable)', '/project/.assay/held/5/x', 'y'])
})

test('an argument that reads as another call hides neither a program nor an attempt to leave', () => {
  const lie = ' X execve(0x0 /.assay/held/99999/x'
  const lines = [
    started('/usr/bin/prlimit'),
    line(`execve(0x7e /usr/bin/xmrig, 0x7e ["a${lie}"], 0x7e []) = 0 (0x0)`),
    line(`execve(0x7e /tmp/a\r, 0x7e ["x"], 0x7e []) = 0 (0x0)`),
    line('execve(0x7e /bin/cat, 0x7e [") = -1 errno=2 (x) (1s)"], 0x7e []) = 0 (0x0)'),
    line('execve(0x7e /bin/cut, 0x7e [").').padEnd(64 * 1024 - 30, 'x') +
      ') = -1 errno=2 (no such) (22µs)'.slice(0, 30),
    line(`sendto(0x3 socket:[2], 0x7e "${lie}", 0x9) = -1 errno=101 (network is unreachable)`),
  ]
  const { deniedAttempts, programs, held } = told(lines)
  assert.equal(deniedAttempts, 1)
  for (const name of ['xmrig', 'cat', 'cut']) assert.ok(programs.includes(name), name)
  assert.deepEqual(held, [], 'no out has such a number, so that none takes the place of one')
})

test('a stage that names its process so that a line breaks hides nothing', () => {
  const attempt = refused('connect', 'AF_INET, Addr: 203.0.113.9, Port: 80').replace('python3', 'a\nI1126 b')
  assert.equal(told(attempt.split('\n')).deniedAttempts, 1)
})

test('tells when the command itself was started, which programs ran since, and that a process was refused', () => {
  assert.equal(told([started('/usr/bin/prlimit')]).started, false)
  const elsewhere = [
    started('./sort'),
    started('/usr/../project/cat'),
    line('execveat(AT_FDCWD /project, 0x7e tools/join, 0x7e ["x"], 0x7e [], 0x0) = 0 (0x0)'),
    line('execveat(0x3 /usr/bin, 0x7e /usr/bin/awk, 0x7e ["x"], 0x7e [], 0x0) = 0 (0x0)'),
  ]
  assert.deepEqual(told([started('/usr/bin/prlimit'), ...elsewhere]).programs, [
    './sort',
    './tools/join',
    '/project/cat',
    'awk',
  ])
  const failed = line('execve(0x7e /usr/bin/none, 0x7e ["none"], 0x7e []) = -1 errno=2 (no such file or directory)')
  const all = told([started('/usr/bin/prlimit'), started('/bin/sh'), started('/project/python3'), failed])
  assert.deepEqual([all.started, all.programs, all.crowded], [true, ['/project/python3', 'sh'], false])
  assert.equal(told([line('clone(CLONE_VM, 0x0) = -1 errno=11 (resource temporarily unavailable)')]).crowded, true)
})

test('a program is called by a name of the system only where the path says that it is one', () => {
  const asked = (...lines: readonly string[]): readonly string[] =>
    told([started('/usr/bin/prlimit'), ...lines]).programs.filter((name) => name !== 'prlimit')
  assert.deepEqual(asked(started('/usr/lib/gcc/12/../../../bin/python3'), started('/usr//bin/./sh')), ['python3', 'sh'])
  for (const path of [
    '/proc/self/cwd/python3',
    '/dev/fd/3',
    '/dev/fd/3/python3',
    '/proc/self/cwd/../../../usr/bin/python3',
    '/usr/../proc/./self/cwd/../../../../usr/bin/python3',
  ]) {
    const [name = ''] = asked(started(path))
    assert.match(name, /^\//, path)
  }
  const unreadable = [
    started('/tmp/my python3'),
    started('/tmp/a, b'),
    started('/tmp/d X execve(0x0 /usr/bin/python3, 0x1 z'),
    line('execveat(0x3 /tmp/python3, 0x7ef413686dd5 , 0x7ef41341c1b0 ["python3"], 0x7e [], 0x1000) = 0 (0x0)'),
    line('execveat(0x3 /tmp/a b, 0x7e python3, 0x7e ["x"], 0x7e [], 0x0) = 0 (0x0)'),
    'I1126 00:50:11.206091       1 strace.go:607] [   9:   9] sh X execve(0x56278d6778f8 /tmp/a',
  ]
  for (const each of unreadable) assert.deepEqual(asked(each), ['(unreadable)'], each)
})
