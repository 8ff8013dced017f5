/** Goal: several machines write one transparency log in an object store, and nobody can fork it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256Of } from '../../src/core/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { assayIn, cloneOf } from '../support/remotes.ts'
import { serveS3 } from '../support/s3-server.ts'

const log = ['--log', 's3://bucket/logs/words']

test('two machines append to one log at once, a killed one is caught up with, and a store that goes back or forgets conditions is refused', async (context) => {
  const project = await adopted(context, words)
  project.commit()
  const store = await serveS3(context)
  const here = assayIn(project.root, project, store.environment)
  const there = cloneOf(project, store.environment)
  await there.json(0, 'key', 'use')
  const entries = (name: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => {
      const file = join(project.keys, `${name}-${at}`)
      writeFileSync(file, `${name} ${at}`)
      return file
    })
  await here.json(0, 'tlog', 'append', ...log, ...entries('first', 250))
  const [left, right] = await Promise.all([
    here.json(0, 'tlog', 'append', ...log, ...entries('left', 5)),
    there.json(0, 'tlog', 'append', ...log, ...entries('right', 7)),
  ])
  assert.equal(left.key, right.key)
  const whole = await there.json(0, 'tlog', 'verify', ...log)
  assert.deepEqual([whole.size, whole.trusted], [262, true])

  // killed after it had the turn: nothing but the head is there
  const shown = store.objects.get('logs/words/checkpoint')
  const tiles = new Map([...store.objects].filter(([key]) => key.includes('/tile/')))
  await there.json(0, 'tlog', 'append', ...log, ...entries('killed', 3))
  for (const key of [...store.objects.keys()].filter((each) => each.includes('/tile/'))) {
    if (!tiles.has(key)) store.objects.delete(key)
  }
  store.objects.set('logs/words/checkpoint', shown ?? Buffer.of())
  const caught = await here.json(0, 'tlog', 'append', ...log, ...entries('last', 1))
  assert.deepEqual([caught.size, caught.added], [266, 1])

  const proof = join(project.keys, 'proof')
  await here.json(0, 'tlog', 'prove', sha256Of('killed 1'), ...log, '--out', proof)
  const proven = ['--proof', proof, '--key', caught.key]
  assert.equal((await there.json(0, 'tlog', 'verify', sha256Of('killed 1'), ...proven)).size, 266)

  const monitor = [
    'tlog',
    'monitor',
    's3://bucket/logs/words',
    '--key',
    caught.key,
    '--state',
    join(project.keys, 'seen'),
  ]
  assert.equal((await here.json(0, ...monitor)).size, 266)

  // a store that goes back
  const honest = new Map(store.objects)
  store.objects.set('logs/words/checkpoint', shown ?? Buffer.of())
  const back = await here.json(1, ...monitor)
  assert.equal(back.error.code, 'ERR_TLOG_REWIND')
  const { seen, shown: now } = JSON.parse(readFileSync(back.evidence, 'utf8'))
  assert.match(seen, /\n266\n/)
  assert.equal(now, String(shown))
  for (const [key, bytes] of honest) store.objects.set(key, bytes)
  store.objects.delete('logs/words/head')
  assert.equal((await here.json(1, 'tlog', 'append', ...log)).error.code, 'ERR_TLOG_MISSING')

  for (const [key, bytes] of honest) store.objects.set(key, bytes)
  const other = join(project.keys, 'other.pem')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(other, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const another = assayIn(there.root, project, { ...store.environment, ASSAY_SIGNING_KEY_FILE: other })
  assert.equal((await another.json(1, 'tlog', 'append', ...log)).error.code, 'ERR_TLOG_SIGNATURE', 'another key')

  const careless = await serveS3(context, (request) => {
    delete request.headers['if-match']
    delete request.headers['if-none-match']
    return false
  })
  const refused = await assayIn(project.root, project, careless.environment).json(4, 'tlog', 'append', ...log)
  assert.equal(refused.error.code, 'ERR_TLOG_UNREACHABLE')
  assert.match(refused.error.message, /whatever the condition/)
  assert.equal(careless.objects.has('logs/words/head'), false, 'nothing of a log was written')
})
