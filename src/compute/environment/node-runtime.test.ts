/** Which Node.js a stage runs: the one that evidence names, or none. Threat: pipeline tampering. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { findNode } from './node-runtime.fs.ts'
import { requestFor, scratchFolder } from './testing.exec.ts'

test('a Node.js of another name is taken where `node` beside it is that one, and refused where it is another', async (context) => {
  const folder = join(scratchFolder(context), 'bin')
  const [renamed, node] = [join(folder, 'node-own'), join(folder, 'node')]
  mkdirSync(folder)
  copyFileSync(process.execPath, renamed)
  const root = scratchFolder(context)
  const find = () => findNode(requestFor(root, { kind: 'host' }), renamed)

  mkdirSync(join(root, 'environments'))
  symlinkSync(process.execPath, node)
  const names = (error: unknown): boolean =>
    isDomainError(error, 'ERR_ENV_INTERPRETER') && /`node` would be `.*` in a stage, and not/.test(error.message)
  await assert.rejects(find, names)

  rmSync(node)
  symlinkSync('node-own', node)
  assert.equal((await find()).path[0], folder)
})
