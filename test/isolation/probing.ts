import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { EngineName } from '../../src/core/index.ts'
import { namesOut, parseResults, plantCanaries, probeSource } from './probe.ts'
import { driverOf, folderFor, identities } from './support.ts'

/** Known and told in docs/reference/isolation.md: what every process of this kernel sees. */
const always = ['kernel_clock_and_processor']
/** Where the project is on another file system than /var/tmp and /tmp. */
const elsewhere = ['place_of_project_in_mount_table']

/** What an engine is known to let through, told in docs/reference/isolation.md: names of probes. */
export type Known = Readonly<{
  escape: readonly string[]
  leak: readonly string[]
  surface: readonly string[]
}>

export function describeProbe(engine: EngineName, known: Known): void {
  describe(`probe of the sandbox (${engine})`, { concurrency: 2 }, () => probeOf(engine, known))
}

function probeOf(engine: EngineName, known: Known): void {
  const { driveOne } = driverOf(engine)
  for (const identity of identities) {
    describe(`as ${identity}`, () => {
      test('lets no escape out, leaks only what is known, and shows no needless surface', async (context) => {
        await using canaries = await plantCanaries()
        const root = folderFor(identity, context)
        const answer = await driveOne(
          identity,
          context,
          {
            files: {
              'src/code.py': 'code\n',
              'out/neighbour.txt': 'neighbour\n',
              'probe.py': probeSource,
              'config.json': canaries.config(root),
            },
            commands: ['python3 -I probe.py config.json > out/results.jsonl'],
            outs: ['out/results.jsonl'],
            limits: { timeMs: 50_000 },
          },
          { root },
          { environment: { CANARY: canaries.canary }, inherited: { 40: canaries.descriptor } },
        )
        assert.deepEqual(answer.end, { kind: 'exited', code: 0 }, answer.log.tail.join('\n'))
        const results = parseResults(String(answer.outs['out/results.jsonl']).split('\n'))
        const count = (kind: string): number => results.filter((result) => result.kind === kind).length
        assert.ok(count('escape') >= 60 && count('leak') >= 13 && count('surface') >= 39, 'every probe was made')
        assert.deepEqual(namesOut(results, 'escape'), known.escape)
        assert.deepEqual(namesOut(results, 'surface'), known.surface)
        const { dev } = statSync(root)
        const isElsewhere = !['/var/tmp', '/tmp'].some((place) => statSync(place).dev === dev)
        assert.deepEqual(namesOut(results, 'leak'), [...(isElsewhere ? elsewhere : []), ...known.leak, ...always])
        assert.ok(answer.network.deniedAttempts >= 5, `counted ${answer.network.deniedAttempts}`)
      })

      test('collects none of the devious outs, and the honest ones beside them', async (context) => {
        const answer = await driveOne(identity, context, {
          files: { 'make.py': devious },
          commands: ['python3 make.py'],
          outs: [...Object.keys(because), 'honest.txt', 'honest-folder'],
        })
        assert.deepEqual(answer.end, { kind: 'exited', code: 0 }, answer.log.tail.join('\n'))
        assert.deepEqual(answer.outs, {
          'honest.txt': 'honest',
          'honest-folder': { 'a/b/c.txt': 'x', 'näme with spaces.txt': 'x' },
        })
        const found = Object.fromEntries(answer.faults.map((fault) => [fault.path, fault.because]))
        assert.deepEqual(Object.keys(found).sort(), Object.keys(because).sort())
        for (const [path, expected] of Object.entries(because)) assert.match(found[path] ?? '', expected, path)
      })

      test('leaves the objects of the store as they were', async (context) => {
        const root = folderFor(identity, context)
        const attempt =
          'for f in src/a.txt out/b.txt; do chmod 777 $f; echo evil > $f; ln $f out/l; cp --reflink=never /dev/null $f; python3 -c "import os,sys; os.truncate(sys.argv[1], 0)" $f; done 2>/dev/null; true'
        await driveOne(
          identity,
          context,
          { files: { 'src/a.txt': 'good\n', 'out/b.txt': 'good\n' }, commands: [attempt], outs: ['out/x'] },
          { root },
        )
        const objects = readdirSync(join(root, 'store'), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
        assert.ok(objects.includes('good\n'))
        assert.ok(!objects.some((text) => text.includes('evil')))
      })
    })
  }
}

/** Out -> why it is refused. */
const because: Readonly<Record<string, RegExp>> = {
  'link-absolute': /^is a symbolic link$/,
  'link-inside': /^is a symbolic link$/,
  'folder-link': /^holds `link`, which is a symbolic link$/,
  socket: /socket, fifo or device/,
  fifo: /socket, fifo or device/,
  'folder-fifo': /^holds `deep\/fifo`, which is a socket, fifo or device$/,
  'set-uid': /set-uid/,
  'set-gid-folder': /set-gid/,
  sticky: /sticky/,
  'hard-link': /second name/,
  'hard-link-to-out': /second name/,
  'control-name': /does not print/,
  'broken-name': /not UTF-8/,
  'backslash-name': /separator/,
  'bidi-name': /does not print/,
  sparse: /sparse/,
  'too-deep': /folders deep/,
  unreadable: /permissions forbid|socket|second name|set-uid/,
}

const devious = `import os, socket
def put(path, text='x'):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with open(path, 'w') as f: f.write(text)
put('honest.txt', 'honest'); put('honest-folder/a/b/c.txt'); put('honest-folder/n\\u00e4me with spaces.txt')
os.symlink('/etc/passwd', 'link-absolute')
os.symlink('honest.txt', 'link-inside')
put('folder-link/plain'); os.symlink('/', 'folder-link/link')
s = socket.socket(socket.AF_UNIX); s.bind('socket')
os.mkfifo('fifo')
os.makedirs('folder-fifo/deep'); os.mkfifo('folder-fifo/deep/fifo')
put('set-uid'); os.chmod('set-uid', 0o4755)
put('set-gid-folder/a'); os.chmod('set-gid-folder', 0o2755)
put('sticky/a'); os.chmod('sticky', 0o1777)
put('hard-link'); os.link('hard-link', 'second')
put('hard-link-to-out/a'); os.link('hard-link-to-out/a', 'hard-link-to-out/b')
put('control-name/a\\x1b[2Jb')
os.mkdir('broken-name'); open(b'broken-name/\\xff\\xfe', 'w').close()
put('backslash-name/a\\\\b')
put('bidi-name/a\\u202eb')
with open('sparse', 'wb') as f: f.truncate(900 << 20)
os.makedirs('/'.join(['too-deep'] + ['d'] * 80))
put('unreadable'); os.chmod('unreadable', 0o4000)
`
