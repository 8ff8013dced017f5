/** Parts of a large object, against a store in memory: what it holds in the end is what was asked for. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Sha256, sha256Of } from '../../core/index.ts'
import { type Upload, uploadInParts } from './s3-parts.http.ts'

const partBytes = 16 * 1024 * 1024

type Place = Readonly<{
  upload: Upload
  sent: number[]
  held: Map<string, Buffer>
  uploads: Map<string, Map<number, Buffer>>
}>

function place(context: TestContext): Place & Readonly<{ folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const held = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const sent: number[] = []
  const upload: Upload = {
    ...{ address: 's3://test', notes: join(folder, 'notes'), jobs: 1 },
    begin: async () => {
      uploads.set(`u${uploads.size}`, new Map())
      return `u${uploads.size - 1}`
    },
    part: async (_name, { id, number, bytes }) => {
      sent.push(number)
      uploads.get(id)?.set(number, Buffer.from(bytes))
      return uploads.has(id) ? `"${number}"` : undefined
    },
    complete: async (name, id) => {
      const parts = uploads.get(id)
      if (parts === undefined) return false
      held.set(name, Buffer.concat([...parts].toSorted(([left], [right]) => left - right).map(([, bytes]) => bytes)))
      return true
    },
    sizeOf: async (name) => held.get(name)?.length,
  }
  return { upload, sent, held, uploads, folder }
}

const good = Buffer.alloc(partBytes + 1000, 'assay')
const digest = sha256Of(good)
const outgoing = (path: string, of: Sha256 = digest) => ({
  name: 'objects/x',
  digest: of,
  sizeBytes: good.length,
  path,
})

test('an object that was corrupt, and is mended, is sent as it is now; a part that is right is not sent twice', async (context) => {
  const { upload, sent, held, folder } = place(context)
  const path = join(folder, 'object')
  const bad = Buffer.from(good)
  bad[3] = 0
  writeFileSync(path, bad)
  await assert.rejects(uploadInParts(upload, outgoing(path)), { code: 'ERR_STORE_CORRUPT' })
  writeFileSync(path, good)
  await uploadInParts(upload, outgoing(path))
  assert.ok(held.get('objects/x')?.equals(good))
  assert.deepEqual(sent, [1, 2, 1])
  assert.deepEqual(readdirSync(join(folder, 'notes')), [])
})

test('an upload that the store forgot after its last part is begun anew', async (context) => {
  const { upload, held, uploads, folder } = place(context)
  const path = join(folder, 'object')
  writeFileSync(path, good)
  const broken: Upload = { ...upload, complete: () => Promise.reject(new Error('the connection is gone')) }
  await assert.rejects(uploadInParts(broken, outgoing(path)), /the connection is gone/)
  uploads.delete('u0')
  uploads.set('another', new Map())
  await uploadInParts(upload, outgoing(path))
  assert.ok(held.get('objects/x')?.equals(good))
})
