import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sweepProject } from './sweep-project.fs.ts'

test('what a killed run left goes; what a process that is alive asks with stays', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'assay-sweep-'))
  context.after(() => rmSync(root, { recursive: true }))
  const gone = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }))
  const state = join(root, '.assay')
  mkdirSync(join(state, 'environments', `tmp-${gone}-a`), { recursive: true })
  mkdirSync(join(state, 'environments', `tmp-${process.pid}-a`))
  for (const pid of [gone, process.pid]) {
    mkdirSync(join(state, 'again', `${pid}-3f9a2c`, 'work'), { recursive: true })
    for (const name of [`run.lock.${pid}`, `run.lock.${pid}.stale`]) writeFileSync(join(state, name), '')
  }
  mkdirSync(join(state, 'tmp', 'scratch'), { recursive: true })
  for (const pid of [gone, process.pid]) writeFileSync(join(state, 'tmp', `a.sigstore.json.${pid}.k3f9.tmp`), '')
  writeFileSync(join(state, 'run.lock'), `${process.pid} 1`)

  sweepProject(root)

  const own = [`run.lock.${process.pid}`, `run.lock.${process.pid}.stale`]
  assert.deepEqual(readdirSync(state).toSorted(), ['again', 'environments', 'run.lock', ...own, 'tmp'])
  assert.deepEqual(readdirSync(join(state, 'tmp')), [`a.sigstore.json.${process.pid}.k3f9.tmp`])
  assert.deepEqual(readdirSync(join(state, 'again')), [`${process.pid}-3f9a2c`])
  assert.deepEqual(readdirSync(join(state, 'environments')), [`tmp-${process.pid}-a`])
})
