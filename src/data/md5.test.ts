import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Md5, type Sha256, sha256Of } from '../core/index.ts'
import { digestFd } from './digest-fd.fs.ts'
import { ingestPath } from './digest-tree.fs.ts'
import type { Md5Memory } from './md5-memory.ts'
import { openObjectStore } from './object-store.fs.ts'
import { openStatCache } from './stat-cache.sqlite.ts'

const mebibyte = 1024 * 1024

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-md5-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function memory(): Md5Memory & Readonly<{ known: Map<Sha256, Md5> }> {
  const known = new Map<Sha256, Md5>()
  return {
    known,
    md5s: (digests) => new Map(digests.flatMap((digest) => [[digest, known.get(digest)] as const]).filter(isKnown)),
    recordMd5s: (found) => {
      for (const [digest, md5] of found) known.set(digest, md5)
    },
  }
}

function isKnown(entry: readonly [Sha256, Md5 | undefined]): entry is readonly [Sha256, Md5] {
  return entry[1] !== undefined
}

function md5Of(bytes: Uint8Array): Md5 {
  return `md5:${createHash('md5').update(bytes).digest('hex')}`
}

/** A hole with a mark at either end: as large as is asked for, and made in no time. */
function makeLarge(path: string, sizeBytes: number, mark: string): void {
  const fd = openSync(path, 'w')
  writeSync(fd, mark, 0)
  ftruncateSync(fd, sizeBytes - mark.length)
  writeSync(fd, mark, sizeBytes - mark.length)
  closeSync(fd)
}

function withFile<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, 'r')
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

test('both digests of a file come from one read, whatever its size', (context) => {
  const base = folder(context)
  for (const sizeBytes of [0, 1, 5 * mebibyte + 3, 64 * mebibyte, 64 * mebibyte + 3, 70 * mebibyte - 1]) {
    const path = join(base, String(sizeBytes))
    if (sizeBytes < 4) writeFileSync(path, 'x'.repeat(sizeBytes))
    else makeLarge(path, sizeBytes, `${sizeBytes}`.slice(0, 3))
    const bytes = readFileSync(path)
    const seen = createHash('sha256')
    const found = withFile(path, (fd) => digestFd(fd, { md5: true, eachChunk: (chunk) => seen.update(chunk) }))
    assert.deepEqual(found, { digest: sha256Of(bytes), sizeBytes, md5: md5Of(bytes) })
    assert.equal(`sha256:${seen.digest('hex')}`, found.digest)
    assert.deepEqual(
      withFile(path, (fd) => digestFd(fd)),
      { digest: found.digest, sizeBytes },
    )
  }
})

test('a file whose reading is broken off leaves nothing in the digest of the next one', (context) => {
  const path = join(folder(context), 'large')
  makeLarge(path, 80 * mebibyte, 'mark')
  let chunks = 0
  const breakOff = (): void => {
    chunks += 1
    if (chunks === 20) throw new Error('no space')
  }
  assert.throws(() => withFile(path, (fd) => digestFd(fd, { md5: true, eachChunk: breakOff })), /no space/)
  assert.equal(withFile(path, (fd) => digestFd(fd, { md5: true })).md5, md5Of(readFileSync(path)))
})

test('what comes into a store with a memory of MD5s has its MD5 remembered: files, folders, added files', async (context) => {
  const base = folder(context)
  const known = memory()
  const store = openObjectStore(join(base, 'objects'), { md5Memory: known })
  mkdirSync(join(base, 'data/sub'), { recursive: true })
  writeFileSync(join(base, 'data/a'), 'foo')
  writeFileSync(join(base, 'data/sub/b'), 'bar')
  makeLarge(join(base, 'large'), 110 * mebibyte, 'mark') // by a worker, which has a second thread of its own
  await ingestPath(join(base, 'data'), store)
  await ingestPath(join(base, 'large'), store)
  using batch = store.batch()
  writeFileSync(join(base, 'added'), 'added')
  const fd = openSync(join(base, 'added'), 'r')
  await batch.addFile(fd)
  closeSync(fd)
  assert.equal(known.known.size, 3)
  await batch.commit()
  assert.deepEqual(
    known.known,
    new Map([
      [sha256Of('foo'), 'md5:acbd18db4cc2f85cedef654fccc4a4d8'],
      [sha256Of('bar'), 'md5:37b51d194a7513e45b56f6524f2d51f2'],
      [sha256Of(readFileSync(join(base, 'large'))), md5Of(readFileSync(join(base, 'large')))],
      [sha256Of('added'), md5Of(Buffer.from('added'))],
    ]),
  )
})

test('an object whose MD5 is not remembered is read, and re-hashed in the same read', async (context) => {
  const base = folder(context)
  const known = memory()
  const digest = await openObjectStore(join(base, 'objects')).putBytes(Buffer.from('foo'))
  const store = openObjectStore(join(base, 'objects'), { md5Memory: known })
  assert.deepEqual(await store.md5s([digest]), new Map([[digest, 'md5:acbd18db4cc2f85cedef654fccc4a4d8']]))
  assert.equal(known.known.get(digest), 'md5:acbd18db4cc2f85cedef654fccc4a4d8')

  const damaged = await store.putBytes(Buffer.from('bar'))
  chmodSync(store.pathOf(damaged), 0o644)
  writeFileSync(store.pathOf(damaged), 'baz')
  await assert.rejects(store.md5s([digest, damaged]), { code: 'ERR_STORE_CORRUPT' })
  await assert.rejects(store.md5s([sha256Of('never')]), { code: 'ERR_STORE_MISSING' })
  assert.equal(known.known.has(damaged), false)
})

test('an unchanged file has its MD5 from memory, of another process too', async (context) => {
  const base = folder(context)
  const path = join(base, 'data')
  writeFileSync(path, 'foo')
  utimesSync(path, new Date('2026-01-01'), new Date('2026-01-01'))
  const now = (): number => Date.now() + 10_000
  {
    using cache = openStatCache(join(base, 'stat.sqlite'))
    await ingestPath(path, openObjectStore(join(base, 'objects'), { md5Memory: cache }), { cache, now })
  }
  using cache = openStatCache(join(base, 'stat.sqlite'))
  const store = openObjectStore(join(base, 'objects'), { md5Memory: cache })
  const content = await ingestPath(path, store, { cache, now, spotChecks: 0 })
  assert.equal(content.kind === 'file' && cache.md5s([content.digest]).get(content.digest), md5Of(Buffer.from('foo')))
  rmSync(join(base, 'objects'), { recursive: true })
  assert.equal((await store.md5s([sha256Of('foo')])).size, 1)
  cache.clear()
  assert.equal(cache.md5s([sha256Of('foo')]).size, 0)
})

test('an MD5 that somebody without our seal wrote is not known, and is made again', async (context) => {
  const base = folder(context)
  const forged = new Map([[sha256Of('foo'), md5Of(Buffer.from('bar'))]])
  {
    using stranger = openStatCache(join(base, 'stat.sqlite'), Buffer.from('a stranger'))
    stranger.recordMd5s(forged)
    assert.deepEqual(stranger.md5s([sha256Of('foo')]), forged)
  }
  using cache = openStatCache(join(base, 'stat.sqlite'), Buffer.from('ours'))
  assert.equal(cache.md5s([sha256Of('foo')]).size, 0)
  const store = openObjectStore(join(base, 'objects'), { md5Memory: cache })
  const digest = await store.putBytes(Buffer.from('foo'))
  assert.equal((await store.md5s([digest])).get(digest), md5Of(Buffer.from('foo')))
})
