import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeStages } from './stages.ts'
import { drive, driveCommand, driveOne, folderFor, identities } from './support.ts'

describeStages('bubblewrap')

for (const identity of identities) {
  test(`names destinations and missing files when it traces, as ${identity}`, async (context) => {
    const answer = await driveOne(identity, context, {
      commands: [
        'python3 -c \'import socket\ntry: socket.getaddrinfo("weights.example.org", 443)\nexcept OSError: pass\ns = socket.socket()\ntry: s.connect(("198.51.100.7", 80))\nexcept OSError: pass\ntry: open("data/labels.csv")\nexcept OSError: pass\'',
      ],
      hidden: ['data/labels.csv', 'data/other.csv'],
      trace: true,
    })
    assert.deepEqual(answer.end, { kind: 'exited', code: 0 })
    assert.deepEqual(answer.network.destinations, ['weights.example.org', '198.51.100.7:80'])
    assert.ok(answer.network.deniedAttempts >= 2)
    assert.deepEqual(answer.undeclaredReads, ['data/labels.csv'])
    assert.ok(answer.files?.whole === true && answer.files.missing.includes('/project/data/labels.csv'))
    assert.ok(answer.files.read.every((path) => !path.startsWith('/newroot') && !path.startsWith('/oldroot')))
  })
}

test('without a sandbox the same port collects the same outs, and says that nothing was isolated', async (context) => {
  const root = folderFor('user', context)
  const answer = await driveOne(
    'user',
    context,
    {
      files: { 'in.txt': 'in\n' },
      commands: ['cat in.txt > out.txt; echo changed > in.txt; ln -s /etc/passwd link'],
      outs: ['out.txt', 'link'],
    },
    { root, engine: 'none' },
  )
  assert.deepEqual(answer.outs, { 'out.txt': 'in\n' })
  assert.deepEqual(answer.faults, [{ path: 'link', because: 'is a symbolic link' }])
  assert.equal(answer.policy.engine, 'none')
  assert.equal(answer.policy.facts['isolated'], false)
  const [again] = await drive('user', context, [{ files: { 'in.txt': 'in\n' }, commands: ['cat in.txt'] }], {
    root,
    engine: 'none',
  })
  assert.deepEqual(again?.log.tail, ['in'], 'the object in the store is untouched')
})

test('runs one command of our own in the same sandbox, with one writable folder', async (context) => {
  for (const identity of identities) {
    const root = folderFor(identity, context)
    const end = await driveCommand(identity, root, {
      argv: ['/bin/sh', '-c', 'echo made > new.txt; echo told; touch /usr/x 2>/dev/null || exit 3'],
      mounts: [],
      writable: { source: root, target: '/work' },
      variables: { PATH: '/usr/bin:/bin' },
      limits: { cpus: 1, memoryBytes: 1 << 28, timeMs: 20_000, processes: 32, outputBytes: 1 << 24 },
    })
    const { sandbox, ...rest } = end
    assert.deepEqual(rest, { end: { kind: 'exited', code: 3 }, tail: ['told'], deniedAttempts: 0 })
    assert.equal(sandbox.engine, 'bubblewrap')
    assert.equal(readFileSync(join(root, 'new.txt'), 'utf8'), 'made\n')
  }
})
