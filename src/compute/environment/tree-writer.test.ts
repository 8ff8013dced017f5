/** How large a tree of packages may become. Threat: supply-chain compromise, by archives that fill a disk. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { scratchFolder } from './testing.exec.ts'
import { openTreeWriter, type TreeLimit, type TreeWriter } from './tree-writer.fs.ts'

function write(writer: TreeWriter, path: string, content: string): void {
  const sink = writer.openFile(path, 'tool', false)
  sink.write(Buffer.from(content))
  sink.end()
}

/** Two folders, two files, a link: five entries and six bytes. */
function filled(context: TestContext, limit?: TreeLimit): string {
  const tree = scratchFolder(context)
  const writer = openTreeWriter(tree, limit)
  write(writer, 'a/b/one', 'abc')
  write(writer, 'a/two', 'def')
  writer.addLink('a/link', 'tool', 'two')
  writer.finish()
  return tree
}

const tooLarge = (error: unknown): boolean =>
  isDomainError(error, 'ERR_ENV_PACKAGE_REFUSED') && /`tool` makes the environment larger/.test(error.message)

test('a tree may hold just what its limit says, and a small one is far from the limit of all', (context) => {
  assert.ok(existsSync(join(filled(context, { entries: 5, bytes: 6 }), 'a/b/one')))
  filled(context)
})

test('refuses one entry more, be it a folder, a file or a link, and one byte more', (context) => {
  assert.throws(() => filled(context, { entries: 4, bytes: 6 }), tooLarge)
  assert.throws(() => filled(context, { entries: 1, bytes: 6 }), tooLarge)
  assert.throws(() => filled(context, { entries: 5, bytes: 5 }), tooLarge)
})
