import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Content, folderOf, type Md5, sha256Of } from '../core/index.ts'
import { dos2unixMd5 } from './dos2unix-md5.fs.ts'
import { type DvcCache, openDvcCache } from './dvc-cache.fs.ts'
import { md5OfText, parseDvcList, printDvcList } from './dvc-folder-list.ts'
import { openObjectStore } from './object-store.fs.ts'
import type { ObjectStore } from './object-store.ts'

type Setting = Readonly<{ base: string; store: ObjectStore; cache: DvcCache }>

function setting(context: TestContext): Setting {
  const base = mkdtempSync(join(tmpdir(), 'assay-dvc-cache-'))
  context.after(() => rmSync(base, { recursive: true, force: true }))
  const store = openObjectStore(join(base, 'objects'))
  return { base, store, cache: openDvcCache({ root: join(base, 'cache'), isShared: false }, store) }
}

function md5(text: string): Md5 {
  return `md5:${createHash('md5').update(text).digest('hex')}`
}

function objectAt({ cache }: Setting, name: string, legacy = false): string {
  return join(cache.root, ...(legacy ? [] : ['files', 'md5']), name.slice(0, 2), name.slice(2))
}

/** As DVC would have put it there. */
function plant(where: Setting, name: string, bytes: string, legacy = false): string {
  const path = objectAt(where, name, legacy)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes, { mode: 0o444 })
  return path
}

/** A folder with these files, as DVC 3 keeps it; its name. */
function plantFolder(where: Setting, files: Readonly<Record<string, string>>): string {
  const list = printDvcList(Object.entries(files).map(([path, text]) => ({ path, md5: md5(text) })))
  for (const text of Object.values(files)) plant(where, md5(text).slice(4), text)
  const name = `${md5OfText(list).slice(4)}.dir`
  plant(where, name, list)
  return name
}

const vectors = new URL('../../test/vectors/dvc/hash-vectors.json', import.meta.url)

test('folders get the names that DVC gives them', () => {
  const { dirHash } = JSON.parse(readFileSync(vectors, 'utf8')) as {
    dirHash: { files: Record<string, string>; md5: string }[]
  }
  assert.equal(dirHash.length, 9)
  for (const { files, md5: expected } of dirHash) {
    const list = printDvcList(Object.entries(files).map(([path, text]) => ({ path, md5: md5(text) })))
    assert.equal(`${md5OfText(list).slice(4)}.dir`, expected)
    assert.deepEqual(
      new Map(parseDvcList(Buffer.from(list), 'x').map((entry) => [entry.path, entry.md5])),
      new Map(Object.entries(files).map(([path, text]) => [path, md5(text)])),
    )
  }
})

test('a folder list that would leave its folder, or says a path twice, is refused', () => {
  const one = (relpath: string): string => JSON.stringify([{ md5: '0'.repeat(32), relpath }])
  const two = JSON.stringify(['a', 'a/b'].map((relpath) => ({ md5: '0'.repeat(32), relpath })))
  const twice = JSON.stringify(['a', 'a'].map((relpath) => ({ md5: '0'.repeat(32), relpath })))
  const odd = [one('../x'), one('/etc/passwd'), one('.'), one(''), one('a//b'), one('a/../../b'), one('.git/hooks/x')]
  const broken = ['{}', 'null', '[1]', '[{"md5": "xyz", "relpath": "a"}]', '[', '\ufeff[]']
  for (const text of [...odd.slice(0, 6), two, twice, ...broken]) {
    assert.throws(() => parseDvcList(Buffer.from(text), 'x'), { code: 'ERR_DVC_CACHE_CORRUPT' }, text)
  }
})

test('files and folders are put where DVC looks for them, read-only, and taken out again', async (context) => {
  const where = setting(context)
  const { store, cache } = where
  const [foo, bar] = [await store.putBytes(Buffer.from('foo')), await store.putBytes(Buffer.from('bar'))]
  await cache.put(
    new Map([
      [md5('foo'), foo],
      [md5('bar'), bar],
    ]),
    [
      { path: 'foo', md5: md5('foo') },
      { path: 'bar', md5: md5('bar') },
    ],
  )
  const folder = '5ea40360f5b4ec688df672a4db9c17d1.dir'
  assert.equal(cache.has(folder), true)
  assert.equal(statSync(objectAt(where, folder)).mode & 0o777, 0o444)
  assert.equal(
    readFileSync(objectAt(where, folder), 'utf8'),
    '[{"md5": "37b51d194a7513e45b56f6524f2d51f2", "relpath": "bar"}, {"md5": "acbd18db4cc2f85cedef654fccc4a4d8", "relpath": "foo"}]',
  )
  const file = objectAt(where, md5('foo').slice(4))
  assert.equal(statSync(file).mode & 0o777, 0o444)
  assert.equal(readFileSync(file, 'utf8'), 'foo')
  assert.equal(statSync(file).nlink, 1)

  const other = openObjectStore(join(where.base, 'other'))
  const taken = await openDvcCache({ root: cache.root, isShared: false }, other).take(
    { name: folder, legacy: false },
    false,
  )
  assert.deepEqual(
    taken,
    folderOf([
      { path: 'foo', digest: foo, sizeBytes: 3, executable: false },
      { path: 'bar', digest: bar, sizeBytes: 3, executable: false },
    ]),
  )
  assert.equal((await other.read(bar, 3)).toString(), 'bar')
  assert.deepEqual(readdirSync(join(other.root, 'tmp')), [])
})

test('in a cache that a group shares its members may add objects', async (context) => {
  const where = setting(context)
  const previous = process.umask(0o077)
  context.after(() => process.umask(previous))
  const shared = openDvcCache({ root: join(where.base, 'shared'), isShared: true }, where.store)
  await shared.put(new Map([[md5('foo'), await where.store.putBytes(Buffer.from('foo'))]]))
  for (const folder of ['', '/files', '/files/md5', `/files/md5/${md5('foo').slice(4, 6)}`])
    assert.equal(statSync(`${shared.root}${folder}`).mode & 0o7777, 0o2775)
})

test('an object that DVC would believe is replaced when it does not hold the bytes of its name', async (context) => {
  const where = setting(context)
  const digest = await where.store.putBytes(Buffer.from('foo'))
  const path = plant(where, md5('foo').slice(4), 'fox')
  await where.cache.put(new Map([[md5('foo'), digest]]))
  assert.equal(readFileSync(path, 'utf8'), 'foo')
  assert.deepEqual(readdirSync(dirname(path)).length, 1)
})

test('what is not there is nothing, also when a part of a folder is not', async (context) => {
  const where = setting(context)
  assert.equal(await where.cache.take({ name: md5('foo').slice(4), legacy: false }, false), undefined)
  const name = plantFolder(where, { a: 'one', b: 'two' })
  rmSync(objectAt(where, md5('two').slice(4)))
  assert.equal(await where.cache.take({ name, legacy: false }, false), undefined)
  assert.deepEqual(readdirSync(join(where.store.root, 'tmp')), [])
})

test('a changed object is never taken: file, file of a folder, list of a folder, link in its place', async (context) => {
  const refused = (where: Setting, name: string): Promise<void> =>
    assert.rejects(where.cache.take({ name, legacy: false }, false), { code: 'ERR_DVC_CACHE_CORRUPT' })
  const where = setting(context)
  const file = plant(where, md5('foo').slice(4), 'foo')
  const taken: Content = { kind: 'file', digest: sha256Of('foo'), sizeBytes: 3, executable: true }
  assert.deepEqual(await where.cache.take({ name: md5('foo').slice(4), legacy: false }, true), taken)
  chmodSync(file, 0o644)
  writeFileSync(file, 'fox')
  await refused(where, md5('foo').slice(4))

  const folder = plantFolder(where, { a: 'one', b: 'two' })
  const two = objectAt(where, md5('two').slice(4))
  chmodSync(two, 0o644)
  writeFileSync(two, 'twO')
  await refused(where, folder)
  writeFileSync(two, 'two')
  assert.equal((await where.cache.take({ name: folder, legacy: false }, false))?.kind, 'folder')
  chmodSync(objectAt(where, folder), 0o644)
  writeFileSync(objectAt(where, folder), '[]')
  await refused(where, folder)

  writeFileSync(join(where.base, 'secret'), 'secret')
  const link = objectAt(where, md5('secret').slice(4))
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(join(where.base, 'secret'), link)
  await refused(where, md5('secret').slice(4))
  assert.equal(where.store.has(sha256Of('secret')), false)
})

test('an MD5 of DVC 2 reads line ends of Windows as those of Unix, in what looks like text', async (context) => {
  const where = setting(context)
  const of = (bytes: Uint8Array | string): Md5 => {
    const path = join(where.base, 'file')
    writeFileSync(path, bytes)
    const fd = openSync(path, 'r')
    try {
      return dos2unixMd5(fd)
    } finally {
      closeSync(fd)
    }
  }
  assert.equal(of(''), md5(''))
  assert.equal(of('a\r\nb\r\n'), md5('a\nb\n'))
  assert.equal(of('a\rb\n\r'), md5('a\rb\n\r'))
  assert.equal(of('a\0\r\n'), md5('a\0\r\n'))
  // 3 of 10 bytes are strange, which is still text; 4 of 11 are not.
  assert.equal(of('abcde\r\n\u0001\u0002\u0003'), md5('abcde\n\u0001\u0002\u0003'))
  assert.equal(of('abcde\r\n\u0001\u0002\u0003\u0004'), md5('abcde\r\n\u0001\u0002\u0003\u0004'))
  // Blocks of 1 MiB: the line end that two of them share stays, and each is judged by its own beginning.
  const block = 1024 * 1024
  assert.equal(of(`${'x'.repeat(block - 1)}\r\ny\r\n`), md5(`${'x'.repeat(block - 1)}\r\ny\n`))
  assert.equal(of(`${'x\r\n'.padEnd(block, 'x')}\0\r\n`), md5(`${`x\n${'x'.repeat(block - 3)}`}\0\r\n`))

  const name = md5('a\nb\n').slice(4)
  plant(where, name, 'a\r\nb\r\n', true)
  assert.deepEqual(await where.cache.take({ name, legacy: true }, false), {
    kind: 'file',
    digest: sha256Of('a\r\nb\r\n'),
    sizeBytes: 6,
    executable: false,
  })
  assert.equal(await where.cache.take({ name, legacy: false }, false), undefined)
})
