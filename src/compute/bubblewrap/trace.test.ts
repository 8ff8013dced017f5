import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

test('names project files that were not there, from the working folder', () => {
  const text = [
    '7 openat(AT_FDCWD, "data/labels.csv", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
    '7 newfstatat(AT_FDCWD, "/project/src/x.py", 0x7ff, 0) = -1 ENOENT (No such file or directory)',
    '7 openat(AT_FDCWD, "../up.txt", O_RDONLY) = -1 ENOENT (No such file or directory)',
    '7 openat(AT_FDCWD, "/usr/lib/none.so", O_RDONLY) = -1 ENOENT (No such file or directory)',
    '7 openat(AT_FDCWD, "there.txt", O_RDONLY) = 3',
  ].join('\n')
  assert.deepEqual(parseTrace(text, 'work').missing, ['work/data/labels.csv', 'src/x.py', 'up.txt'])
})

test('takes any text, and prints only plain words of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (noise) => {
      const { destinations } = parseTrace(`7 sendto(3, "${noise}", 9)\n7 connect(3, ${noise})`, '.')
      for (const destination of destinations) assert.match(destination, /^[\w.:[\]-]+$/)
    }),
  )
})
