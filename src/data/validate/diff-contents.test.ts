import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Content, sha256Of } from '../../core/index.ts'
import { diffContents } from './diff-contents.ts'

function folder(files: Readonly<Record<string, string>>): Content {
  const listed = Object.entries(files).map(([path, bytes]) => ({
    path,
    digest: sha256Of(bytes),
    sizeBytes: bytes.length,
    executable: false,
  }))
  return { kind: 'folder', digest: `dirHash1:${'0'.repeat(64)}`, sizeBytes: 0, files: listed }
}

test('a file that lies in another folder has moved; one of other bytes has not, and of two copies each moves once', () => {
  const before = folder({ 'cat/1': 'a', 'cat/2': 'b', 'cat/3': 'c', 'cat/4': 'c', 'cat/5': 'e' })
  const after = folder({ 'cat/1': 'a', 'dog/2': 'b', 'dog/3': 'c', 'dog/9': 'other', 'cat/5': 'f' })
  const { added, removed, moved, changed } = diffContents(before, after)
  assert.deepEqual(moved, [
    { from: 'cat/2', to: 'dog/2' },
    { from: 'cat/3', to: 'dog/3' },
  ])
  assert.deepEqual(added, ['dog/2', 'dog/3', 'dog/9'])
  assert.deepEqual(removed, ['cat/2', 'cat/3', 'cat/4'])
  assert.deepEqual(
    changed.map(({ row }) => row),
    ['cat/5'],
  )
})
