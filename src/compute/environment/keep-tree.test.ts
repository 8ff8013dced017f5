/** What of a kept tree is believed from memory, and what is not when all of it is asked for. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hexOf, sha256Of } from '../../core/index.ts'
import { openStatCache } from '../../data/index.ts'
import { reuseTree } from './keep-tree.fs.ts'
import { scratchFolder } from './testing.exec.ts'
import { treeDigest, writeManifest } from './tree.fs.ts'

test('the digest of a tree is remembered, and computed anew when all of it is asked for', async (context) => {
  const root = scratchFolder(context)
  using memory = openStatCache(join(root, 'memory'), Buffer.from('seal'))
  const identity = sha256Of(Buffer.from('identity'))
  const files = [{ path: 'a.py', digest: sha256Of(Buffer.from('a')), sizeBytes: 1, executable: false }]
  const manifest = { identity, files, warnings: [] }
  const folder = join(root, hexOf(identity))
  mkdirSync(folder)
  writeManifest(folder, manifest)
  const remembered = 'dirHash1:of-another-tree'
  memory.recordFact(`manifest:${sha256Of(readFileSync(join(folder, 'manifest.json')))}`, remembered)
  const told = async (rehash: boolean) => {
    const request = { purpose: 'identify', rehash, memory, cacheFolder: root, onProgress: () => undefined } as const
    const found = await reuseTree({ request, identity, local: { links: new Map() } })
    return treeDigest((found ?? assert.fail()).manifest)
  }
  assert.equal(await told(false), remembered, 'the memory is under the seal of the user')
  assert.equal(await told(true), treeDigest(manifest))
})
