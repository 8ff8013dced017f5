import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Content, folderOf, type Sha256, sha256Of } from '../core/index.ts'
import { collectGarbage } from './collect-garbage.fs.ts'
import { openObjectStore } from './object-store.fs.ts'
import type { ObjectStore } from './object-store.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-store-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function storeIn(base: string): ObjectStore {
  return openObjectStore(join(base, 'objects'))
}

async function putFileOf(store: ObjectStore, path: string): Promise<Sha256> {
  const fd = openSync(path, 'r')
  try {
    return (await store.putFile(fd)).digest
  } finally {
    closeSync(fd)
  }
}

/** Overwrites an object as somebody with the right to do so could. */
function damage(store: ObjectStore, digest: Sha256, text: string): void {
  chmodSync(store.pathOf(digest), 0o644)
  writeFileSync(store.pathOf(digest), text)
}

const file = (digest: Sha256, sizeBytes: number, executable = false): Content => ({
  kind: 'file',
  digest,
  sizeBytes,
  executable,
})

test('keeps bytes under their digest, read-only, in folders that others may traverse', async (context) => {
  const previous = process.umask(0o077)
  context.after(() => process.umask(previous))
  const store = storeIn(folder(context))
  const digest = await store.putBytes(Buffer.from('hello\n'))
  assert.equal(digest, 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03')
  const path = join(store.root, '58', '91b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03')
  assert.equal(store.pathOf(digest), path)
  assert.equal(statSync(path).mode & 0o7777, 0o644)
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o755)
  assert.equal(statSync(store.root).mode & 0o777, 0o700)
  assert.equal((await store.read(digest, 6)).toString(), 'hello\n')
  assert.deepEqual(readdirSync(join(store.root, 'tmp')), [])
})

test('a large file is stored as it is read, from its beginning', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const bytes = Buffer.alloc(5_000_003, 'assay')
  writeFileSync(join(base, 'large'), bytes)
  const digest = await putFileOf(store, join(base, 'large'))
  assert.equal(digest, sha256Of(bytes))
  assert.ok((await store.read(digest, bytes.length)).equals(bytes))
})

test('refuses to read more than the limit, and a byte more of limit is enough', async (context) => {
  const store = storeIn(folder(context))
  const digest = await store.putBytes(Buffer.from('12345'))
  await assert.rejects(store.read(digest, 4), { code: 'ERR_INPUT_TOO_LARGE' })
  assert.equal((await store.read(digest, 5)).toString(), '12345')
})

test('refuses what is not a regular file', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  await assert.rejects(putFileOf(store, base), { code: 'ERR_DATA_NOT_PLAIN' })
  await assert.rejects(putFileOf(store, '/dev/null'), { code: 'ERR_DATA_NOT_PLAIN' })
})

test('a corrupt object is set aside and never served; put again, it is', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('right'))
  damage(store, digest, 'wrong')
  await assert.rejects(store.read(digest, 100), { code: 'ERR_STORE_CORRUPT' })
  assert.equal(store.has(digest), false)
  assert.equal(readdirSync(join(base, 'quarantine')).length, 1)
  await assert.rejects(store.read(digest, 100), { code: 'ERR_STORE_MISSING' })
  assert.throws(() => store.pathOf(digest), { code: 'ERR_STORE_MISSING' })
  await store.putBytes(Buffer.from('right'))
  assert.equal((await store.read(digest, 100)).toString(), 'right')
})

test('a put of the right bytes replaces a bad object of the same size', async (context) => {
  const store = storeIn(folder(context))
  const digest = await store.putBytes(Buffer.from('right'))
  damage(store, digest, 'wrong')
  await store.putBytes(Buffer.from('right'))
  assert.equal(readFileSync(store.pathOf(digest), 'utf8'), 'right')
})

test('verify names the missing and the corrupt, and nothing else', async (context) => {
  const store = storeIn(folder(context))
  const [good, bad] = [await store.putBytes(Buffer.from('good')), await store.putBytes(Buffer.from('bad'))]
  const missing = sha256Of('never put')
  assert.deepEqual(await store.verify([good, bad]), [])
  damage(store, bad, 'BAD')
  assert.deepEqual(await store.verify([good, bad, missing]), [
    { digest: missing, fault: 'missing' },
    { digest: bad, fault: 'corrupt' },
  ])
  assert.equal(store.has(bad), false)
})

test('an object that is a link is not an object', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('right'))
  rmSync(store.pathOf(digest))
  writeFileSync(join(base, 'elsewhere'), 'right')
  symlinkSync(join(base, 'elsewhere'), join(store.root, digest.slice(7, 9), digest.slice(9)))
  assert.equal(store.has(digest), false)
  await assert.rejects(store.read(digest, 100), { code: 'ERR_STORE_MISSING' })
})

test('a folder list is read back whole; another spelling of it is refused', async (context) => {
  const store = storeIn(folder(context))
  const digest = await store.putBytes(Buffer.from('x'))
  const files = ['b/ä.txt', 'a', 'b/\u{1F600}', 'b/\uFFEE'].map((path) => ({
    path,
    digest,
    sizeBytes: 1,
    executable: path === 'a',
  }))
  const list = await store.putFolder(files)
  assert.deepEqual(await store.readFolder(list), folderOf(files))
  assert.deepEqual(await store.readFolder(await store.putFolder([])), folderOf([]))

  const text = (await store.read(list, 10_000)).toString()
  for (const other of [
    text.replace('"path":"a"', '"path":"../a"'),
    text.replace('"path":"a"', '"path":"b"'),
    text.replace('"path":"a"', '"path":"b/ä.txt"'),
    text.replace('"assayFolder":1', '"assayFolder":2'),
    text.replace('"sizeBytes":1', '"sizeBytes":1,"sizeBytes":1'),
    `${text}\n`,
    'null',
    '{',
  ]) {
    assert.notEqual(other, text)
    const bad = await store.putBytes(Buffer.from(other))
    await assert.rejects(store.readFolder(bad), { code: 'ERR_INPUT_MALFORMED' }, other)
  }
})

test('a restored file belongs to the user: changing it leaves the object as it was', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('kept'))
  const target = join(base, 'project/out/model.bin')
  await store.restore(file(digest, 4), target)
  assert.equal(statSync(target).mode & 0o777, 0o644)
  writeFileSync(target, 'changed')
  assert.equal((await store.read(digest, 10)).toString(), 'kept')
  await store.restore(file(digest, 4, true), target)
  assert.equal(readFileSync(target, 'utf8'), 'kept')
  assert.equal(statSync(target).mode & 0o777, 0o755)
})

test('a restored folder replaces the old one whole', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('x'))
  const target = join(base, 'out')
  mkdirSync(join(target, 'old/deep'), { recursive: true })
  writeFileSync(join(target, 'old/deep/file'), 'old')
  const entries = ['sub/one', 'two'].map((path) => ({ path, digest, sizeBytes: 1, executable: path === 'two' }))
  await store.restore(folderOf(entries), target)
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['sub', 'sub/one', 'two'])
  assert.equal(statSync(join(target, 'two')).mode & 0o777, 0o755)

  await store.restore(file(digest, 1), target)
  assert.equal(readFileSync(target, 'utf8'), 'x')
  await store.restore(folderOf(entries), target)
  assert.equal(readFileSync(join(target, 'sub/one'), 'utf8'), 'x')
  assert.deepEqual(readdirSync(base).sort(), ['objects', 'out'])
})

test('nothing is restored through a link; a target that is a link is replaced, not followed', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('x'))
  mkdirSync(join(base, 'victim'))
  writeFileSync(join(base, 'victim/file'), 'precious')
  symlinkSync(join(base, 'victim'), join(base, 'out'))
  await assert.rejects(store.restore(file(digest, 1), join(base, 'out/file')), { code: 'ERR_PATH_UNSAFE' })
  await assert.rejects(store.restore(file(digest, 1), join(base, '../out'), { within: base }), {
    code: 'ERR_PATH_UNSAFE',
  })
  assert.equal(readFileSync(join(base, 'victim/file'), 'utf8'), 'precious')

  // The same link above `within` is the user's own choice.
  await store.restore(file(digest, 1), join(base, 'out/new'), { within: join(base, 'out') })
  assert.equal(readFileSync(join(base, 'victim/new'), 'utf8'), 'x')
  await store.restore(folderOf([]), join(base, 'out'))
  assert.equal(lstatSync(join(base, 'out')).isDirectory(), true)
  assert.equal(readFileSync(join(base, 'victim/file'), 'utf8'), 'precious')
})

test('a list of files cannot write outside its folder', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('x'))
  const hostile = folderOf([{ path: '../escaped', digest, sizeBytes: 1, executable: false }])
  await assert.rejects(store.restore(hostile, join(base, 'out')), { code: 'ERR_PATH_UNSAFE' })
  assert.deepEqual(readdirSync(base), ['objects'])
})

test('a corrupt object is not restored and the old file stays', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('right'))
  damage(store, digest, 'wrong')
  writeFileSync(join(base, 'out'), 'old')
  await assert.rejects(store.restore(file(digest, 5), join(base, 'out')), { code: 'ERR_STORE_CORRUPT' })
  assert.equal(readFileSync(join(base, 'out'), 'utf8'), 'old')
  assert.deepEqual(readdirSync(base).sort(), ['objects', 'out', 'quarantine'])
})

test('a view links plain files and copies executables', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const digest = await store.putBytes(Buffer.from('x'))
  await store.link(file(digest, 1), join(base, 'view/plain'))
  await store.link(file(digest, 1, true), join(base, 'view/run'))
  assert.equal(statSync(join(base, 'view/plain')).ino, statSync(store.pathOf(digest)).ino)
  assert.equal(statSync(join(base, 'view/plain')).mode & 0o777, 0o644)
  assert.notEqual(statSync(join(base, 'view/run')).ino, statSync(store.pathOf(digest)).ino)
  assert.equal(statSync(join(base, 'view/run')).mode & 0o777, 0o755)
  assert.equal(statSync(store.pathOf(digest)).mode & 0o777, 0o644)
  await assert.rejects(store.link(file(sha256Of('no'), 1), join(base, 'view/no')), { code: 'ERR_STORE_MISSING' })
})

const tomorrow = (): Date => new Date(Date.now() + 86_400_000)

test('collects what is unreachable and old, and nothing else', async (context) => {
  const store = storeIn(folder(context))
  const [kept, lost] = [await store.putBytes(Buffer.from('kept')), await store.putBytes(Buffer.from('lost'))]
  const young = await collectGarbage(store, new Set([kept]), { olderThanMs: 60_000, now: new Date() })
  assert.deepEqual(young, { freedBytes: 0, removed: 0 })
  const old = await collectGarbage(store, new Set([kept]), { olderThanMs: 60_000, now: tomorrow() })
  assert.deepEqual(old, { freedBytes: 4, removed: 1 })
  assert.deepEqual([store.has(kept), store.has(lost)], [true, false])
})

test('a put of bytes that are there keeps them from the collector', async (context) => {
  const store = storeIn(folder(context))
  const digests = [await store.putBytes(Buffer.from('wanted')), await store.putBytes(Buffer.from('not wanted'))]
  for (const digest of digests) utimesSync(store.pathOf(digest), new Date(0), new Date(0))
  await store.putBytes(Buffer.from('wanted'))
  await collectGarbage(store, new Set(), { olderThanMs: 3_600_000, now: new Date() })
  assert.deepEqual(
    digests.map((digest) => store.has(digest)),
    [true, false],
  )
})

test('nothing is collected while a process holds the store; a dead process holds nothing', async (context) => {
  const store = storeIn(folder(context))
  const digest = await store.putBytes(Buffer.from('x'))
  {
    using _hold = store.hold()
    await assert.rejects(collectGarbage(store, new Set(), { olderThanMs: 0, now: tomorrow() }), {
      code: 'ERR_STORE_BUSY',
    })
    assert.equal(store.has(digest), true)
  }
  writeFileSync(join(store.root, 'holds', `${process.pid}.1.0123456789abcdef`), '') // same number, another start time
  assert.equal((await collectGarbage(store, new Set(), { olderThanMs: 0, now: tomorrow() })).removed, 1)
  assert.deepEqual(readdirSync(join(store.root, 'holds')), [])
})

test('the collector follows no link and leaves strangers alone', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  mkdirSync(join(base, 'precious'))
  const name = 'a'.repeat(62)
  writeFileSync(join(base, 'precious', name), 'precious')
  symlinkSync(join(base, 'precious'), join(store.root, 'aa'))
  mkdirSync(join(store.root, 'bb'))
  symlinkSync(join(base, 'precious', name), join(store.root, 'bb', name))
  writeFileSync(join(store.root, 'bb/notes.txt'), 'mine')
  assert.equal((await collectGarbage(store, new Set(), { olderThanMs: 0, now: tomorrow() })).removed, 0)
  assert.equal(readFileSync(join(base, 'precious', name), 'utf8'), 'precious')
  assert.equal(existsSync(join(store.root, 'bb/notes.txt')), true)
})

test('a killed writer leaves only a temporary file, which is swept when it is old', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const writer = spawn(process.execPath, [join(fixtures, 'store-writer.fs.ts'), store.root, 'stall'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => writer.stdout.once('data', resolve))
  const ended = new Promise((resolve) => writer.once('exit', resolve))
  writer.kill('SIGKILL')
  await ended
  const left = readdirSync(store.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.deepEqual(
    left.map(({ parentPath }) => parentPath),
    [join(store.root, 'tmp')],
  )
  await collectGarbage(store, new Set(), { olderThanMs: 3_600_000, now: new Date() })
  assert.equal(readdirSync(join(store.root, 'tmp')).length, 1, 'young')
  await collectGarbage(store, new Set(), { olderThanMs: 3_600_000, now: tomorrow() })
  assert.deepEqual(readdirSync(join(store.root, 'tmp')), [])
})

test('processes that put the same bytes at once agree', async (context) => {
  const store = storeIn(folder(context))
  const writers = [1, 2, 3].map(
    () =>
      new Promise((resolve) =>
        spawn(process.execPath, [join(fixtures, 'store-writer.fs.ts'), store.root, 'many'], { stdio: 'inherit' }).once(
          'exit',
          resolve,
        ),
      ),
  )
  assert.deepEqual(await Promise.all(writers), [0, 0, 0])
  const digests = Array.from({ length: 200 }, (_, index) => sha256Of(`object ${index}`))
  assert.deepEqual(await store.verify(digests), [])
  assert.deepEqual(readdirSync(join(store.root, 'tmp')), [])
})

test('a full disk is told by name, and the store stays consistent', (context) => {
  const base = folder(context)
  const mounted = (command: string): string =>
    execFileSync(
      'unshare',
      [
        '-rm',
        'sh',
        '-c',
        `mount -t tmpfs -o size=3m none "$1" && ${command}`,
        'sh',
        base,
        process.execPath,
        join(fixtures, 'store-writer.fs.ts'),
      ],
      { encoding: 'utf8' },
    )
  try {
    mounted('true')
  } catch {
    context.skip('this machine does not let us mount a small file system')
    return
  }
  assert.deepEqual(JSON.parse(mounted('exec "$2" "$3" "$1/objects" full')), {
    small: true,
    code: 'ERR_DISK_FULL',
    temps: 0,
    faults: 0,
  })
})

test('objects of secret data lie in a folder of their own, the strictest that they were put in, and are served as ever', async (context) => {
  const base = folder(context)
  const store = storeIn(base)
  const under = (name: string): string => join(store.root, 'closed', name)
  const digest = await store.putBytes(Buffer.from('a diagnosis'))
  const other = await store.putBytes(Buffer.from('a flower'))
  store.closeOff([digest, sha256Of(Buffer.from('not here'))], 'confidential')
  assert.ok(store.pathOf(digest).startsWith(under('confidential')))
  store.closeOff([digest], 'restricted')
  store.closeOff([digest], 'confidential')
  assert.ok(store.pathOf(digest).startsWith(under('restricted')))
  assert.ok(!store.pathOf(other).startsWith(join(store.root, 'closed')))
  for (const path of [store.root, under('confidential'), under('restricted')])
    assert.equal(statSync(path).mode & 0o777, 0o700, path)

  // the same bytes of a public source are there already
  assert.equal(await store.putBytes(Buffer.from('a diagnosis')), digest)
  writeFileSync(join(base, 'source'), 'a diagnosis')
  assert.equal(await putFileOf(store, join(base, 'source')), digest)
  assert.ok(store.keep(digest) && store.pathOf(digest).startsWith(under('restricted')))
  assert.equal((await store.read(digest, 100)).toString(), 'a diagnosis')
  for (const put of ['restore', 'link'] as const) {
    await store[put](file(digest, 11), join(base, put))
    assert.equal(readFileSync(join(base, put), 'utf8'), 'a diagnosis')
  }
  assert.deepEqual(await store.verify([digest, other]), [])

  // collected like any other, and set aside when it is not what its name says
  const now = new Date(Date.now() + 86_400_000)
  assert.equal((await collectGarbage(store, new Set([digest]), { olderThanMs: 0, now })).removed, 1)
  damage(store, digest, 'a diagnosys')
  assert.deepEqual(await store.verify([digest]), [{ digest, fault: 'corrupt' }])
  assert.equal(store.has(digest), false)
  store.closeOff([await store.putBytes(Buffer.from('a diagnosis'))], 'restricted')
  assert.equal((await collectGarbage(store, new Set(), { olderThanMs: 0, now })).removed, 1)
})

test('a store that others may look into is closed when it is opened', (context) => {
  const base = folder(context)
  mkdirSync(join(base, 'objects'), { mode: 0o755 })
  assert.equal(statSync(storeIn(base).root).mode & 0o777, 0o700)
})
