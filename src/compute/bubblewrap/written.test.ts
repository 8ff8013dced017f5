import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writtenIn } from './written.fs.ts'

test('counts blocks, at least one for each name, and stops at so many names', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  assert.deepEqual(writtenIn([folder, join(folder, 'gone')]), { bytes: 0 })
  mkdirSync(join(folder, 'inner'))
  for (const name of ['a', 'b', 'inner/c']) writeFileSync(join(folder, name), '')
  assert.deepEqual(writtenIn([folder]), { bytes: 4 * 4096 })
  writeFileSync(join(folder, 'a'), Buffer.alloc(1 << 20, 1))
  assert.ok(writtenIn([folder]).bytes >= (1 << 20) + 3 * 4096)
  assert.equal(writtenIn([folder], 4).fault, undefined)
  assert.equal(writtenIn([folder], 3).fault, 'it wrote more than 3 files and folders')
})
