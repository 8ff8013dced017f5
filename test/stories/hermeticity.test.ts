/** Goal: after one traced run a person knows which deps to declare, and what the stage wanted and did not get. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'

const train = `import helper, threading
def read(path):
    try: return open(path).read()
    except OSError: return ''
thread = threading.Thread(target=read, args=('data/train.csv',))
thread.start(); thread.join()
read('data/labels.csv'); read('/etc/passwd-'); read('/var/lib/dpkg/status')
for path in ('src/cache.bin', 'src/\\x1b[31mred\\nran      train'):
    try: open(path, 'w')
    except OSError: pass
open('out/extra.log', 'w').write('x')
open('out/model', 'w').write('m')
`

test('a traced run says what it read, what it asked for beyond, and which lines belong into dvc.yaml', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml':
      'stages:\n  train: {cmd: python3 src/train.py, deps: [src/train.py, data/train.csv, data/old.csv], outs: [out/model]}\n',
    'src/train.py': train,
    'src/helper.py': '',
    'data/train.csv': '1\n',
    'data/old.csv': '2\n',
    'data/labels.csv': '3\n',
    '.gitignore': '/out\n/data\n',
  })
  const unknown = (await project.json(2, 'show', '--hermeticity', 'train')).error
  assert.equal(unknown.code, 'ERR_STAGE_UNKNOWN')
  await project.json(0, 'run')
  for (const two of [
    ['--hermeticity', '--report', 'x.html'],
    ['--hermeticity', '--resources'],
    ['--all', '--environment'],
  ])
    assert.equal((await project.json(2, 'show', ...two)).error.code, 'ERR_USAGE', two.join(' '))
  const [untraced] = (await project.json(0, 'show', '--hermeticity', 'train')).stages
  assert.deepEqual(
    [untraced.hermeticity.seenBy, untraced.hermeticity.undeclaredFiles],
    ['evidence', ['src/helper.py']],
    'the evidence of any run knows the tracked files',
  )
  const idle = await project.assay('run', '--trace', 'train')
  assert.match(idle.stderr, /no stage was traced.*--force/)

  const short = await project.assay('run', '--trace', '--force', 'train')
  assert.equal(short.code, 0, short.stderr)
  assert.match(short.stderr, /asked for, and hidden from it: data\/labels\.csv\n/)
  assert.match(short.stderr, /deps that it never read: data\/old\.csv\n[\s\S]*assay show --hermeticity train\n/)
  const [{ hermeticity }] = (await project.json(0, 'show', '--hermeticity')).stages
  const { outsideReads, network, ...rest } = hermeticity
  assert.deepEqual(rest, {
    seenBy: 'trace',
    whole: true,
    usedFiles: ['src/helper.py', 'src/train.py'],
    undeclaredFiles: ['src/helper.py'],
    unreadDeps: ['data/old.csv'],
    undeclaredReads: ['data/labels.csv'],
    refusedWrites: ['src/\u001b[31mred\nran      train', 'src/cache.bin'],
    discardedWrites: ['out/extra.log'],
    dvc: { place: 'dvc.yaml, under train', add: ['data/labels.csv', 'src/helper.py'], remove: ['data/old.csv'] },
  })
  assert.ok(outsideReads.includes('/var/lib/dpkg/status'), outsideReads.join())
  const whole = await project.assay('show', '--hermeticity', 'train')
  assert.match(whole.stdout, /add to dvc\.yaml, under train:\n +deps:\n +- data\/labels\.csv\n +- src\/helper\.py\n/)
  for (const text of [short.stderr, whole.stdout]) {
    assert.ok(!text.includes('\u001b'), 'no escape sequence of a name reaches the terminal')
    assert.ok(!text.includes('\nran      train\n'), 'no name makes a line of its own')
  }
  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) {
    const { dsseEnvelope } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    const statement = Buffer.from(dsseEnvelope.payload, 'base64').toString()
    for (const path of ['labels.csv', 'dpkg', 'cache.bin'])
      assert.ok(!statement.includes(path), `${path}: what was asked for and not given is nobody else's business`)
  }

  project.write({
    'dvc.yaml':
      'stages:\n  train: {cmd: python3 src/train.py, deps: [src/train.py, data/train.csv, data/labels.csv, src/helper.py], outs: [out/model]}\n',
  })
  project.commit()
  const [mended] = (await project.json(0, 'run', '--trace')).stages
  assert.deepEqual(mended.hermeticity.dvc, { place: 'dvc.yaml, under train', add: [], remove: [] }, 'the honest twin')
})
