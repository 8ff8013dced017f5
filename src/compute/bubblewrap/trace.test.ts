import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FileTrace } from '../sandbox.ts'
import { boxedCommand } from './chain.ts'
import { parseTrace } from './trace.ts'

// Lines as strace 6.1 prints them.
const lookup = String.raw`7 sendto(3, "\253\31\1\0\0\1\0\0\0\0\0\0\7weights\7example\3org\0\0\1\0\1", 37, MSG_NOSIGNAL, NULL, 0) = 37`
const twoLookups = String.raw`7 sendmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="\211c\1 \0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1", iov_len=29}], msg_iovlen=1}, msg_len=29}], 1, MSG_NOSIGNAL) = 1`
const connect =
  '7 connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("198.51.100.7")}, 16) = -1 ENETUNREACH (Network is unreachable)'
const connect6 =
  '7 connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH (Network is unreachable)'
const loopback = '7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'

test('names hosts that were looked up and addresses that were tried, each once, loopback left out', () => {
  const text = [lookup, lookup, twoLookups, connect, connect6, loopback].join('\n')
  assert.deepEqual(parseTrace(text, '.').destinations, [
    'weights.example.org',
    'example.org',
    '198.51.100.7:443',
    '[2001:db8::1]:443',
  ])
})

// As strace prints them with `-y`; the second process is bubblewrap's own.
const start = String.raw`7 execve("/bin/sh", ["/bin/sh", "-c", "\"$@\"; exit $?", "sh", "true"], 0x7f /* 9 vars */) = 0`
const filesOf = (lines: readonly string[], isCut = false): FileTrace =>
  parseTrace(['6 mkdir("/newroot/project", 0755) = -1 EROFS (x)', start, ...lines].join('\n'), 'work', isCut).files

test('names what was read, what was not there and what could not be written, from where the process stood', () => {
  assert.deepEqual(
    filesOf([
      '6 openat(AT_FDCWD</>, "/oldroot/secret", O_RDONLY) = -1 EACCES (Permission denied)',
      '7 access("data/first.csv", R_OK) = -1 ENOENT (No such file or directory)',
      '7 openat(AT_FDCWD</project/work>, "data/labels.csv", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
      '7 newfstatat(AT_FDCWD</project/work>, "/project/src/x.py", 0x7ff, 0) = -1 ENOENT (No such file or directory)',
      '7 openat(AT_FDCWD</project/work>, "../up.txt", O_RDONLY) = 3</project/up.txt>',
      '7 openat(3</project/data>, "there.txt", O_RDONLY) = 4</project/data/there.txt>',
      '7 openat(AT_FDCWD</project/work>, "list", O_PATH) = 5</project/work/list>',
      '7 chdir("/project/data") = 0',
      '7 rename("a", "b") = -1 EROFS (Read-only file system)',
      '8 openat(AT_FDCWD</project/src>, "out.txt", O_WRONLY|O_CREAT|O_TRUNC, 0666) = -1 EROFS (Read-only file system)',
      '8 unlink("old") = -1 ENOENT (No such file or directory)',
      '8 execve("/usr/bin/python3", ["python3"], 0x7f /* 9 vars */) = 0',
    ]),
    {
      read: ['/project/data/there.txt', '/project/up.txt', '/usr/bin/python3'],
      missing: ['/project/src/x.py', '/project/work/data/first.csv', '/project/work/data/labels.csv'],
      refusedWrites: ['/project/data/a', '/project/data/b', '/project/src/out.txt'],
      whole: true,
    },
  )
})

test('a call that another thread interrupted is one call', () => {
  const { read } = filesOf([
    '7 openat(AT_FDCWD</project>, "x.csv", O_RDONLY|O_CLOEXEC <unfinished ...>',
    '8 openat(AT_FDCWD</project>, "y.csv", O_RDONLY|O_CLOEXEC) = 3</project/y.csv>',
    '7 <... openat resumed>)             = 5</project/x.csv>',
  ])
  assert.deepEqual(read, ['/project/x.csv', '/project/y.csv'])
})

test('a name of spaces alone costs no more than to read it', () => {
  const name = ' '.repeat(1_000_000) // whose square nobody lives to see
  const { read, missing } = filesOf([
    `7 openat(AT_FDCWD</project>, "${name}x", O_RDONLY) = -1 ENOENT (No such file or directory)`,
    '7 openat(AT_FDCWD</project>, "y.csv", O_RDONLY <unfinished ...>',
    '7 <... openat resumed>)             = 5</project/y.csv>',
  ])
  assert.deepEqual({ read, missing }, { read: ['/project/y.csv'], missing: [`/project/${name}x`] })
})

test('a name that looks like the rest of a line is a name', () => {
  const { read, missing, refusedWrites } = filesOf([
    String.raw`7 openat(AT_FDCWD</project/d\76 = 0 \"q\74x>, "n) = -1 EROFS (\303\266\33\n", O_RDONLY) = 3</project/n) = -1 EROFS (\303\266>`,
    String.raw`7 openat(AT_FDCWD</project>, "a\" = 3</project/b>", O_RDONLY) = -1 ENOENT (No such file or directory)`,
  ])
  assert.deepEqual(
    { read, missing, refusedWrites },
    { read: ['/project/n) = -1 EROFS (ö'], missing: ['/project/a" = 3</project/b>'], refusedWrites: [] },
  )
})

test('a stage begins with whatever process 1 runs: in an image, and without control groups, too', () => {
  const ways = [undefined, { prlimit: 'prlimit', processes: 9 }, { prlimit: 'prlimit', processes: 9, hasOwnRoot: true }]
  for (const counted of ways) {
    const words = boxedCommand(['true'], counted).map((word) => JSON.stringify(word))
    const begins = `7 execve("/bin/sh", [${words.join(', ')}], 0x7f /* 9 vars */) = 0`
    const read = '7 openat(AT_FDCWD</project>, "x", O_RDONLY) = 3</project/x>'
    assert.deepEqual(parseTrace(`${begins}\n${read}`, '.').files, {
      ...{ read: ['/project/x'], missing: [], refusedWrites: [], whole: true },
    })
  }
})

test('a trace that was cut, or in which no stage begins, is not whole', () => {
  assert.equal(filesOf([], true).whole, false)
  assert.equal(parseTrace('7 openat(AT_FDCWD</>, "x", O_RDONLY) = 3</x>', '.').files.whole, false)
})

test('takes any text, and prints only plain words of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (noise) => {
      const text = `${start}\n7 sendto(3<socket:[1]>, "${noise}", 9)\n7 connect(3, ${noise})\n7 openat(${noise}, "x") = 3<${noise}>`
      const { destinations } = parseTrace(text, '.')
      for (const destination of destinations) assert.match(destination, /^[\w.:[\]-]+$/)
    }),
  )
})
