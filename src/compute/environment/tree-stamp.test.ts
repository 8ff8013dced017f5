import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { treeStamp } from './tree-stamp.exec.ts'

const nowhere = ['/dev/none', '/dev/null', '/proc'] // missing, no folder, one that takes none
for (const [how, find, places] of [
  ['by find', '/usr/bin/find', undefined],
  ['by find, where shared memory takes no file', '/usr/bin/find', [...nowhere, tmpdir()]],
  ['where no place takes a file', '/usr/bin/find', nowhere],
  ['without find', 'none', undefined],
  ['with a find that fails', '/bin/false', undefined],
] as const) {
  test(`a tree has one stamp while nothing changes in it, and another after any change: ${how}`, async (context) => {
    const tree = mkdtempSync(join(tmpdir(), 'assay-stamp-'))
    context.after(() => rmSync(tree, { recursive: true, force: true }))
    mkdirSync(join(tree, 'lib'))
    const file = join(tree, 'lib', 'a\nb.py')
    writeFileSync(file, 'x = 1\n')
    symlinkSync('a', join(tree, 'link'))
    const seen = new Set<string>()
    const stamp = async (): Promise<void> => {
      const [one, two] = [await treeStamp(tree, find, places), await treeStamp(tree, find, places)]
      assert.equal(one.digest, two.digest)
      assert.equal(one.digest.startsWith('find:'), how.startsWith('by find'))
      assert.ok(Math.abs(one.newestMs() - Date.now()) < 60_000)
      seen.add(one.digest)
    }
    await stamp()
    const { atime, mtime } = statSync(file)
    writeFileSync(file, 'x = 2\n')
    utimesSync(file, atime, mtime)
    await stamp()
    chmodSync(file, 0o600)
    await stamp()
    writeFileSync(join(tree, 'lib', 'new'), '')
    await stamp()
    rmSync(join(tree, 'link'))
    await stamp()
    assert.equal(seen.size, 5)
  })
}
