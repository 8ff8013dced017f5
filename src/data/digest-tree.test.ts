import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Content, folderOf, sha256Of } from '../core/index.ts'
import { digestPath, ingestPath } from './digest-tree.fs.ts'
import { hashFile } from './hash-file.fs.ts'
import { openObjectStore } from './object-store.fs.ts'
import { openStatCache, type StatCache } from './stat-cache.sqlite.ts'

function scratch(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-digest-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'data'))
  return path
}

function cacheIn(context: TestContext, base: string): StatCache {
  const cache = openStatCache(join(base, 'cache/stat.sqlite'))
  context.after(() => cache[Symbol.dispose]())
  return cache
}

/** Time enough later for fresh files to count as settled. */
const later = (): number => Date.now() + 10_000

const entry = (path: string, text: string, executable = false) => ({
  path,
  digest: sha256Of(text),
  sizeBytes: text.length,
  executable,
})

test('a file is its SHA-256, a folder its dirHash1', async (context) => {
  const base = scratch(context)
  mkdirSync(join(base, 'data/b'))
  for (const [path, text] of [
    ['a.txt', 'a'],
    ['b/c.txt', 'c'],
    ['b-d', 'd'],
  ] as const)
    writeFileSync(join(base, 'data', path), text)
  chmodSync(join(base, 'data/b-d'), 0o755)
  assert.deepEqual(await digestPath(join(base, 'data/a.txt')), {
    kind: 'file',
    digest: sha256Of('a'),
    sizeBytes: 1,
    executable: false,
  })
  const found = await digestPath(join(base, 'data'))
  assert.deepEqual(found, folderOf([entry('a.txt', 'a'), entry('b-d', 'd', true), entry('b/c.txt', 'c')]))
  // Worked by hand with coreutils: lines of `sha256sum`, sorted by the bytes of the path, digested.
  const byHand = execFileSync(
    'sh',
    ['-c', 'LC_ALL=C; find . -type f | cut -c3- | sort | xargs sha256sum | sha256sum'],
    { cwd: join(base, 'data'), encoding: 'utf8' },
  )
  assert.equal(found.digest, `dirHash1:${byHand.slice(0, 64)}`)
})

test('.git and .assay are no part of a folder', async (context) => {
  const base = scratch(context)
  for (const path of ['.git', 'sub/.assay']) mkdirSync(join(base, 'data', path), { recursive: true })
  for (const path of ['.git/config', 'sub/.assay/key', 'a']) writeFileSync(join(base, 'data', path), 'a')
  assert.deepEqual(await digestPath(join(base, 'data')), folderOf([entry('a', 'a')]))
})

test('what is not a plain file is refused by name; without it the folder passes', async (context) => {
  const base = scratch(context)
  const data = join(base, 'data')
  writeFileSync(join(data, 'plain'), 'x')
  const server = createServer().listen(join(data, 'socket'))
  await new Promise((resolve) => server.once('listening', resolve))
  const refuses = (name: RegExp): Promise<void> =>
    assert.rejects(digestPath(data, { name: 'data' }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_DATA_NOT_PLAIN')
      assert.match(error.message, name)
      return true
    })
  await refuses(/`data\/socket` is a socket/)
  await new Promise((resolve) => server.close(resolve))
  execFileSync('mkfifo', [join(data, 'fifo')])
  await refuses(/`data\/fifo` is a fifo/)
  rmSync(join(data, 'fifo'))
  symlinkSync('plain', join(data, 'link'))
  await refuses(/`data\/link` is a link/)
  await assert.rejects(digestPath(join(data, 'link')), { code: 'ERR_DATA_NOT_PLAIN' })
  rmSync(join(data, 'link'))
  for (const [name, because] of [
    ['e\u0301', /normal form C/],
    ['x\u202ey', /does not print/],
    ['a\\b', /separator/],
    ['PLAIN', /in case only/],
  ] as const) {
    writeFileSync(join(data, name), 'x')
    await refuses(because)
    rmSync(join(data, name))
  }
  const latin1 = Buffer.concat([Buffer.from(`${data}/`), Buffer.from([0xe4])])
  writeFileSync(latin1, 'x')
  await refuses(/not UTF-8/)
  rmSync(latin1)
  await assert.rejects(digestPath('/dev/null'), { code: 'ERR_DATA_NOT_PLAIN' })
  await assert.rejects(digestPath(join(data, 'none')), { code: 'ERR_DATA_MISSING' })
  assert.deepEqual(await digestPath(data), folderOf([entry('plain', 'x')]))
})

test('a folder above that is a link is refused below `within` only', async (context) => {
  const base = scratch(context)
  writeFileSync(join(base, 'data/a'), 'a')
  symlinkSync('data', join(base, 'linked'))
  await assert.rejects(digestPath(join(base, 'linked/a'), { within: base }), { code: 'ERR_DATA_NOT_PLAIN' })
  await assert.rejects(digestPath(join(base, 'data/a'), { within: join(base, 'linked') }), { code: 'ERR_PATH_UNSAFE' })
  assert.equal((await digestPath(join(base, 'data/a'), { within: base })).digest, sha256Of('a'))
  assert.equal((await digestPath(join(base, 'linked/a'))).digest, sha256Of('a'))
})

test('workers and the main thread agree', async (context) => {
  const base = scratch(context)
  for (let index = 0; index < 3100; index += 1) writeFileSync(join(base, 'data', `f${index}`), `file ${index % 50}`)
  writeFileSync(join(base, 'data/large'), Buffer.alloc(3_000_000, 'x'))
  const here = await digestPath(join(base, 'data'), { workers: 0 })
  assert.deepEqual(await digestPath(join(base, 'data')), here)
  const store = openObjectStore(join(base, 'objects'))
  assert.deepEqual(await ingestPath(join(base, 'data'), store), here)
  assert.deepEqual(readdirSync(join(store.root, 'tmp')), [])
  assert.ok(here.kind === 'folder')
  assert.deepEqual(await store.verify(here.files.map(({ digest }) => digest)), [])
  await store.restore(here, join(base, 'back'))
  assert.equal((await digestPath(join(base, 'back'))).digest, here.digest)
})

test('a file that changes while it is read is told, not digested', async (context) => {
  const base = scratch(context)
  const path = join(base, 'data/growing')
  writeFileSync(path, Buffer.alloc(64_000_000))
  const fd = openSync(path, 'a')
  const worker = digestPath(join(base, 'data'), { workers: 0 })
  assert.equal((await worker).sizeBytes, 64_000_000, 'at rest it is digested')
  // The main thread writes while a worker reads.
  writeFileSync(join(base, 'data/second'), Buffer.alloc(64_000_000))
  let running = true
  const reading = digestPath(join(base, 'data'), { workers: 1 }).finally(() => {
    running = false
  })
  const writing = (async () => {
    while (running) {
      writeSync(fd, 'x')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  await assert.rejects(reading, { code: 'ERR_DATA_CHANGED' })
  await writing
})

test('an unchanged file is not read again; a changed one is, with its times restored too', async (context) => {
  const base = scratch(context)
  const cache = cacheIn(context, base)
  const path = join(base, 'data/a')
  writeFileSync(path, 'aaa')
  const old = new Date('2020-01-01')
  utimesSync(path, old, old)
  const options = { cache, now: later, spotChecks: 0 }
  await digestPath(path, options)
  const [known] = cache.folder(join(base, 'data'), 'sha256').values()
  assert.equal(known?.digest, sha256Of('aaa'))
  // A false memory shows that it is asked.
  const forged = {
    scheme: 'sha256',
    folder: join(base, 'data'),
    name: 'a',
    stat: known?.stat ?? '',
    digest: sha256Of('x'),
  } as const
  cache.record([forged])
  assert.equal((await digestPath(path, options)).digest, sha256Of('x'))
  assert.equal((await digestPath(path, { ...options, rehash: true })).digest, sha256Of('aaa'))

  cache.record([forged])
  writeFileSync(path, 'AAA')
  utimesSync(path, old, old)
  assert.equal((await digestPath(path, options)).digest, sha256Of('AAA'))
})

test('a spot check finds a wrong memory, and everything is forgotten', async (context) => {
  const base = scratch(context)
  const cache = cacheIn(context, base)
  for (const name of ['a', 'b']) writeFileSync(join(base, 'data', name), name)
  const options = { cache, now: later }
  const honest = await digestPath(join(base, 'data'), options)
  assert.deepEqual(await digestPath(join(base, 'data'), options), honest)
  const stat = cache.folder(join(base, 'data'), 'sha256').get('b')?.stat ?? ''
  cache.record([{ scheme: 'sha256', folder: join(base, 'data'), name: 'b', stat, digest: sha256Of('x') }])
  await assert.rejects(digestPath(join(base, 'data'), options), { code: 'ERR_DATA_STAT_CACHE_WRONG' })
  assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 0)
  assert.deepEqual(await digestPath(join(base, 'data'), options), honest)
})

test('a file that was just written is not remembered', async (context) => {
  const base = scratch(context)
  const cache = cacheIn(context, base)
  writeFileSync(join(base, 'data/a'), 'a')
  await digestPath(join(base, 'data/a'), { cache })
  assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 0, 'racy')
  const future = new Date(Date.now() + 3_600_000)
  utimesSync(join(base, 'data/a'), future, future)
  await digestPath(join(base, 'data/a'), { cache, now: later })
  assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 0, 'from the future')
  utimesSync(join(base, 'data/a'), new Date(), new Date())
  await digestPath(join(base, 'data/a'), { cache, now: later })
  assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 1)
})

test('ingestion reads again what the store has lost', async (context) => {
  const base = scratch(context)
  const cache = cacheIn(context, base)
  const store = openObjectStore(join(base, 'objects'))
  writeFileSync(join(base, 'data/a'), 'a')
  const options = { cache, now: later }
  await ingestPath(join(base, 'data'), store, options)
  rmSync(store.pathOf(sha256Of('a')), { force: true })
  assert.equal(store.has(sha256Of('a')), false)
  for (const rehash of [false, true]) {
    await ingestPath(join(base, 'data'), store, { ...options, rehash })
    assert.equal(store.has(sha256Of('a')), true)
  }
})

test('a refused ingestion leaves nothing in the store', async (context) => {
  const base = scratch(context)
  const store = openObjectStore(join(base, 'objects'))
  writeFileSync(join(base, 'data/a'), 'a')
  const [file] = [{ kind: 'hashed' }]
  assert.equal(file?.kind, hashFile(join(base, 'data/a'), { scheme: 'sha256' }).kind)
  symlinkSync('a', join(base, 'data/b'))
  await assert.rejects(ingestPath(join(base, 'data'), store), { code: 'ERR_DATA_NOT_PLAIN' })
  assert.deepEqual(readdirSync(store.root, { recursive: true }).sort(), ['holds', 'tmp'])
})

test('a broken cache is thrown away and made anew', async (context) => {
  const base = scratch(context)
  const file = join(base, 'cache/stat.sqlite')
  writeFileSync(join(base, 'data/a'), 'a')
  const digest = async (cache: StatCache): Promise<Content> =>
    digestPath(join(base, 'data'), { cache, now: later, spotChecks: 0 })
  const expected = folderOf([entry('a', 'a')])
  for (const damage of [
    () =>
      writeFileSync(
        file,
        'this is no database, whatever its name says; it is long enough to have a header and more'.repeat(20),
      ),
    () => {
      const bytes = Buffer.alloc(8192, 0xff)
      bytes.write('SQLite format 3\0', 'latin1')
      writeFileSync(file, bytes)
    },
  ]) {
    {
      using cache = openStatCache(file)
      await digest(cache)
      assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 1)
    }
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    damage()
    using cache = openStatCache(file)
    assert.deepEqual(await digest(cache), expected)
    assert.equal(cache.folder(join(base, 'data'), 'sha256').size, 1)
  }
})

test('damage that shows only later, and a folder that cannot be written, cost speed and nothing else', async (context) => {
  const base = scratch(context)
  const file = join(base, 'cache/stat.sqlite')
  writeFileSync(join(base, 'data/a'), 'a')
  {
    using cache = openStatCache(file)
    const entries = Array.from(
      { length: 5000 },
      (_, index) => ({ scheme: 'sha256', folder: '/x', name: `n${index}`, stat: 's'.repeat(80), digest: 'd' }) as const,
    )
    cache.record(entries)
  }
  const fd = openSync(file, 'r+')
  writeSync(fd, Buffer.alloc(200_000, 0xee), 0, 200_000, 8192)
  using cache = openStatCache(file)
  assert.ok(cache.folder('/x', 'sha256').size <= 5000)
  assert.deepEqual(await digestPath(join(base, 'data'), { cache, now: later }), folderOf([entry('a', 'a')]))
  using none = openStatCache(join(base, 'data/a/no/such.sqlite'))
  assert.deepEqual(await digestPath(join(base, 'data'), { cache: none, now: later }), folderOf([entry('a', 'a')]))
  assert.equal(none.fact('x'), undefined)
})

test('processes share one cache', async (context) => {
  const base = scratch(context)
  const file = join(base, 'cache/stat.sqlite')
  const module = join(import.meta.dirname, 'stat-cache.sqlite.ts')
  const script = `import { openStatCache } from ${JSON.stringify(module)}
    const cache = openStatCache(${JSON.stringify(file)})
    for (let i = 0; i < 100; i += 1) cache.recordFact(process.argv[1] + i, 'v')`
  const run = async (name: string): Promise<void> => {
    const { promisify } = await import('node:util')
    const { execFile } = await import('node:child_process')
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, name])
    assert.equal(stderr, '', 'and says nothing of experiments')
  }
  await Promise.all(['a', 'b', 'c'].map(run))
  using cache = openStatCache(file)
  for (const name of ['a', 'b', 'c'])
    for (let index = 0; index < 100; index += 1) assert.equal(cache.fact(name + index), 'v')
})

test('files are recalled by their names, whatever order they are asked for in', (context) => {
  const cache = openStatCache(join(scratch(context), 'order.sqlite'))
  const names = ['a', 'ab', 'b', 'c', 'ca']
  const digestOf = (name: string): string => sha256Of(name)
  cache.record(
    names.map((name) => ({ scheme: 'sha256', folder: '/x', name, stat: `1.${name}`, digest: digestOf(name) })),
  )
  const asked = [
    names,
    names.toReversed(),
    ['a', 'b', 'c', 'ca'],
    ['a', 'aa', 'ab', 'b', 'new', 'c', 'ca'],
    ['ab', 'a', '', 'c'],
  ]
  for (const order of asked) {
    const recall = cache.recall('/x', 'sha256')
    for (const name of order) {
      const known = names.includes(name) ? { stat: `1.${name}`, digest: digestOf(name) } : undefined
      assert.deepEqual(recall(name), known, `${name} of ${order.join()}`)
    }
  }
  assert.equal(cache.recall('/y', 'sha256')('a'), undefined)
  cache[Symbol.dispose]()
})
