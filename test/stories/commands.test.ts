/** Goal: commands as repositories write them run in the sandbox as they run in a shell outside of it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import type { Scratch } from '../support/scratch.ts'

type Stage = Readonly<{ cmd: string | readonly string[]; deps?: readonly string[]; outs: readonly string[] }>

async function stagesOf(
  context: TestContext,
  stages: Readonly<Record<string, Stage>>,
  files: Readonly<Record<string, string>> = {},
): Promise<Scratch> {
  // JSON is YAML
  return adopted(context, { 'dvc.yaml': JSON.stringify({ stages }), '.gitignore': '/out\n', ...files })
}

test('assignments, conditions, pipelines, redirections, substitutions and lists of commands run as a shell runs them', async (context) => {
  const project = await stagesOf(
    context,
    {
      assigned: { cmd: 'SIZE=3 UNIT="k b" sh -c \'echo $SIZE$UNIT\' > out/assigned', outs: ['out/assigned'] },
      conditions: {
        cmd: 'false && echo no > out/conditions || echo yes > out/conditions; test -s out/conditions && echo so >> out/conditions',
        outs: ['out/conditions'],
      },
      piped: { cmd: 'cat words.txt | sort -u | head -n 2 > out/piped', deps: ['words.txt'], outs: ['out/piped'] },
      substituted: { cmd: 'echo "$(echo a) `echo b` $((2 + 3))" > out/substituted', outs: ['out/substituted'] },
      // SOURCE: dvc/stage/run.py `_enforce_cmd_list`: lines are commands of their own.
      lines: { cmd: 'cd /tmp\npwd > out/lines\n', outs: ['out/lines'] },
      listed: {
        cmd: ['cd /tmp && echo one > left', 'cat /tmp/left > out/listed', 'pwd >> out/listed'],
        outs: ['out/listed'],
      },
      background: { cmd: '(sleep 0.1; echo late) > out/background & wait', outs: ['out/background'] },
    },
    { 'words.txt': 'pear\napple\npear\nfig\n' },
  )
  await project.json(0, 'run')
  const made = (name: string): string => project.read(`out/${name}`)
  assert.equal(made('assigned'), '3k b\n')
  assert.equal(made('conditions'), 'yes\nso\n')
  assert.equal(made('piped'), 'apple\nfig\n')
  assert.equal(made('substituted'), 'a b 5\n')
  assert.equal(made('lines'), '/project\n')
  assert.equal(made('listed'), 'one\n/project\n')
  assert.equal(made('background'), 'late\n')
})

test('a command that fails in the middle of `&&` or of a list fails the stage; in a pipeline the last one decides', async (context) => {
  const project = await stagesOf(context, {
    and: { cmd: 'echo x > out/and && false && true', outs: ['out/and'] },
    list: { cmd: ['echo x > out/list', 'exit 3', 'echo y > out/list'], outs: ['out/list'] },
    pipe: { cmd: 'false | cat > out/pipe', outs: ['out/pipe'] },
  })
  const report = await project.json(3, 'run', '--keep-going')
  assert.deepEqual(statuses(report), { and: 'failed', list: 'failed', pipe: 'ran' })
  assert.ok(!existsSync(`${project.root}/out/list`))
})

const withMake = { skip: existsSync('/usr/bin/make') ? false : 'make is not installed' }

test('make builds an out with its rules, in parallel too', withMake, async (context) => {
  const makefile = `out/all: out/a.part out/b.part
\tcat $^ > $@
out/%.part: src/%.txt
\ttr a-z A-Z < $< > $@
`
  const project = await stagesOf(
    context,
    { build: { cmd: 'make -s -j2 out/all', deps: ['src'], outs: ['out/all'] } },
    { Makefile: makefile, 'src/a.txt': 'ape\n', 'src/b.txt': 'bee\n' },
  )
  await project.json(0, 'run')
  assert.equal(project.read('out/all'), 'APE\nBEE\n')
  project.write({ Makefile: makefile.replace('a-z A-Z', 'a-z b-za') })
  project.commit('another rule')
  await project.json(0, 'run')
  assert.equal(project.read('out/all'), 'bqf\ncff\n', 'a Makefile that make read is code of the stage')
})

/**
 * What a notebook kernel does before its first cell: ZeroMQ lists the interfaces by getifaddrs(3), which asks netlink, and
 * binds TCP sockets on loopback; the kernel's own sockets may be files. SOURCE: libzmq ip_resolver.cpp: of the errors of
 * getifaddrs only EINVAL and EOPNOTSUPP mean "none", any other one aborts the process.
 */
const kernel = `import ctypes, errno, os, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
first = ctypes.c_void_p()
status = libc.getifaddrs(ctypes.byref(first))
assert status == 0 or ctypes.get_errno() in (errno.EINVAL, errno.EOPNOTSUPP), os.strerror(ctypes.get_errno())

def talk(family, address):
    with socket.socket(family) as server:
        server.bind(address)
        server.listen()
        threading.Thread(target=lambda: server.accept()[0].sendall(b'pong')).start()
        with socket.socket(family) as client:
            client.connect(server.getsockname())
            return client.recv(4).decode()

print(talk(socket.AF_INET, ('127.0.0.1', 0)), talk(socket.AF_INET, (socket.gethostbyname('localhost'), 0)))
print(talk(socket.AF_UNIX, '/tmp/kernel'))
left, right = socket.socketpair()
left.send(b'x')
print(right.recv(1).decode(), os.eventfd_read(os.eventfd(1)) if hasattr(os, 'eventfd') else 1)
`

test('what a notebook kernel needs of the network is there: loopback, local sockets, and an answer that it knows when it lists interfaces', async (context) => {
  const project = await stagesOf(
    context,
    { kernel: { cmd: 'python3 kernel.py > out/kernel', deps: ['kernel.py'], outs: ['out/kernel'] } },
    { 'kernel.py': kernel },
  )
  await project.json(0, 'run')
  assert.equal(project.read('out/kernel'), 'pong pong\npong\nx 1\n')
  assert.equal((await project.json(0, 'verify', 'out/kernel')).trusted, true)
})
