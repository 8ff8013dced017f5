/** Goal: what one machine made is on another: data and outs by their digests, with the evidence that proves them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { sha256Of } from '../../src/core/index.ts'
import { words } from '../support/projects.ts'
import { assayIn, cloneOf, filesBelow, folders, ranWith } from '../support/remotes.ts'
import { serveS3 } from '../support/s3-server.ts'
import { assayProgram, scratchEnvironment } from '../support/scratch.ts'

test('after a clone and a pull from a folder the other machine verifies, reproduces, and has nothing to run', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  assert.equal((await project.json(0, 'reproduce')).verdict, 'identical')
  const missing = await project.json(0, 'push', '--dry-run')
  assert.deepEqual([missing.sent, existsSync(join(project.root, '../store'))], [missing.named, false])
  const pushed = await project.json(0, 'push')
  assert.deepEqual([pushed.sent, pushed.remote], [pushed.named, 'team'])
  assert.deepEqual((await project.json(0, 'push')).sent, { files: 0, sizeBytes: 0 })

  const clone = cloneOf(project)
  assert.equal((await clone.json(1, 'verify', 'model/count.txt')).error.code, 'ERR_EVIDENCE_MISSING')
  const would = await clone.json(0, 'pull', '--dry-run')
  assert.deepEqual([would.checkout, existsSync(join(clone.root, 'model'))], [null, false])
  const pulled = await clone.json(0, 'pull')
  assert.deepEqual(pulled.fetched, would.fetched)
  assert.deepEqual(pulled.checkout.restored.map(({ path }: { path: string }) => path).toSorted(), [
    'data/words.txt',
    'model/count.txt',
    'more',
    'out/sorted.txt',
    'parts',
  ])
  assert.equal(readFileSync(join(clone.root, 'more/two/three.txt'), 'utf8'), 'three\n')
  const verified = await clone.json(0, 'verify', 'model/count.txt')
  assert.deepEqual([verified.trusted, verified.level, verified.properties.reproduced], [true, 1, true])
  await clone.json(0, 'status', '--check')
  await clone.json(0, 'key', 'use')
  assert.equal((await clone.json(0, 'reproduce')).verdict, 'identical')
  assert.deepEqual((await clone.json(0, 'pull')).fetched, { files: 0, sizeBytes: 0 })
})

test('so it is with S3, whose objects the store itself has checked', async (context) => {
  const { environment, objects, asked } = await serveS3(context)
  const project = await ranWith(context, '{cloud: {url: "s3://bucket/a/b", region: eu-central-1}}')
  const here = assayIn(project.root, project, environment)
  const pushed = await here.json(0, 'push')
  assert.equal(pushed.sent.files + 1, objects.size) // the mark
  assert.ok([...objects.keys()].every((key) => key.startsWith('a/b/')))
  asked.length = 0
  assert.deepEqual((await here.json(0, 'push', '--rehash')).sent, { files: 0, sizeBytes: 0 })
  assert.deepEqual(
    asked.filter((line) => !/^(GET|HEAD)/.test(line)),
    [],
  )
  const clone = cloneOf(project, environment)
  await clone.json(0, 'pull')
  assert.equal((await clone.json(0, 'verify', 'model/count.txt')).trusted, true)
  assert.equal((await project.json(4, 'push')).error.code, 'ERR_REMOTE_FAILED', 'without credentials')
})

test('data that was only registered goes along, and comes before any run', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  project.write({ 'data/new.csv': 'a\n1\n', 'raw/x/y.csv': 'b\n2\n' })
  writeFileSync(join(project.root, '.gitignore'), `${folders['.gitignore']}/raw\n`)
  await project.json(0, 'data', 'add', 'new', 'data/new.csv')
  await project.json(0, 'data', 'add', 'raw', 'raw')
  project.commit()
  await project.json(0, 'push')
  const clone = cloneOf(project)
  await clone.json(0, 'pull')
  assert.equal(readFileSync(join(clone.root, 'raw/x/y.csv'), 'utf8'), 'b\n2\n')
  const { sources } = await clone.json(1, 'data', 'verify')
  assert.deepEqual(
    sources.map(({ bytes }: { bytes: string }) => bytes),
    ['on record', 'on record'],
  )
})

test('a commit and a run are restored, code is left to git, and that HEAD is another is said', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  const before = { words: project.read('data/words.txt'), count: project.read('model/count.txt') }
  const { runId } = await project.json(0, 'show')
  project.write({ 'data/words.txt': 'plum 9\n', 'more/four.txt': 'four\n' })
  rmSync(join(project.root, 'more/one.txt'))
  await project.json(0, 'run')
  project.commit('other data')
  const now = project.read('model/count.txt')
  assert.notEqual(now, before.count)

  const planned = await project.json(0, 'checkout', 'HEAD~1', '--dry-run')
  assert.deepEqual([planned.restored.length, project.read('model/count.txt')], [5, now])
  assert.match(
    (await project.assay('checkout', 'HEAD~1')).stdout,
    /HEAD is [0-9a-f]{12}: code, params and locks are git's.*git checkout/,
  )
  assert.deepEqual([project.read('data/words.txt'), project.read('model/count.txt')], [before.words, before.count])
  assert.deepEqual(readdirSync(join(project.root, 'more')).toSorted(), ['one.txt', 'two'])
  assert.equal(project.git('status', '--porcelain'), '')

  await project.json(0, 'checkout')
  assert.equal(project.read('model/count.txt'), now)
  const restored = await project.json(0, 'checkout', runId)
  assert.deepEqual([restored.runId, project.read('model/count.txt')], [runId, before.count])
  // the whole history travels commit by commit
  await project.json(0, 'push', 'HEAD~1')
  await project.json(0, 'push')
  const clone = cloneOf(project)
  await clone.json(0, 'pull')
  const unknown = await clone.json(1, 'checkout', 'HEAD~1')
  assert.deepEqual([unknown.error.code, /assay pull 'HEAD~1'/.test(unknown.error.help)], ['ERR_EVIDENCE_MISSING', true])
  assert.match(await clone.said('checkout', 'HEAD~2'), /names nothing/)
  await clone.json(0, 'pull', 'HEAD~1')
  assert.equal(readFileSync(join(clone.root, 'model/count.txt'), 'utf8'), before.count)
  assert.equal((await clone.json(2, 'checkout', 'no-such-name')).error.code, 'ERR_COMMIT_UNKNOWN')
  assert.equal((await clone.json(2, 'checkout', 'HEAD^{tree}')).error.code, 'ERR_COMMIT_UNKNOWN')
})

test('work that is kept nowhere else is not written over without --force, and is named', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  await project.json(0, 'push')
  project.write({ 'data/words.txt': 'mine\n', 'more/one.txt': 'mine too\n', 'more/new.txt': 'and mine\n' })
  for (const args of [['checkout'], ['pull']]) {
    const { error } = await project.json(1, ...args)
    assert.equal(error.code, 'ERR_CHECKOUT_CHANGED')
    for (const path of ['data/words.txt', 'more/one.txt', 'more/new.txt']) assert.ok(error.message.includes(path), path)
    assert.doesNotMatch(error.message, /three/)
  }
  assert.deepEqual([project.read('data/words.txt'), project.read('more/new.txt')], ['mine\n', 'and mine\n'])
  // a repository in a folder of data, which is no part of it, even where the data itself is kept
  const name = join(project.root, 'more/sub/.git')
  mkdirSync(name, { recursive: true })
  writeFileSync(join(name, 'HEAD'), 'mine\n')
  rmSync(join(project.root, 'more/new.txt'))
  writeFileSync(join(project.root, 'more/one.txt'), 'one\n')
  writeFileSync(join(project.root, 'data/words.txt'), words['data/words.txt'] ?? '')
  rmSync(join(project.root, 'model'), { recursive: true })
  assert.deepEqual((await project.json(0, 'checkout')).restored.length, 1, 'what is not replaced loses nothing')
  rmSync(join(project.root, 'more/one.txt'))
  const { error } = await project.json(1, 'checkout')
  assert.deepEqual([error.code, /more\/sub\/\.git/.test(error.message)], ['ERR_CHECKOUT_CHANGED', true])
  assert.ok(existsSync(join(name, 'HEAD')))
  project.write({ 'data/words.txt': 'mine\n', 'more/one.txt': 'mine too\n', 'more/new.txt': 'and mine\n' })
  // an out that a run made is kept by its evidence
  project.write({ 'out/sorted.txt': 'by hand\n' })
  assert.match((await project.json(1, 'checkout')).error.message, /out\/sorted\.txt/)
  await project.json(0, 'checkout', '--force')
  assert.deepEqual([project.read('more/one.txt'), existsSync(join(project.root, 'more/new.txt'))], ['one\n', false])
  await project.json(0, 'status', '--check')
})

test('a pull that is killed goes on where it was, and leaves no half of anything', async (context) => {
  const large = Buffer.alloc(6_000_000, 'large ')
  let stall = true
  const ranges: string[] = []
  const { environment, objects } = await serveS3(context, ({ method, key, headers }, response) => {
    const bytes = objects.get(key)
    if (method !== 'GET' || bytes?.length !== large.length) return false
    ranges.push(headers.range ?? 'all')
    if (!stall) return false
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 2_500_000))
    return true
  })
  const project = await ranWith(context, '{cloud: {url: "s3://bucket"}}', {
    ...folders,
    'data/words.txt': large.toString(),
  })
  await assayIn(project.root, project, environment).json(0, 'push')
  const clone = cloneOf(project, environment)
  const child = spawn(assayProgram, ['pull'], {
    cwd: clone.root,
    env: { ...scratchEnvironment(project.keys), ...environment },
    stdio: 'ignore',
  })
  const parts = join(clone.root, '.assay/fetch/objects')
  const part = join(parts, `${sha256Of(large).slice(7)}.part`)
  const arrived = (): number => statSync(part, { throwIfNoEntry: false })?.size ?? 0
  for (let tries = 0; arrived() < 2_500_000 && tries < 600; tries += 1)
    await new Promise((next) => setTimeout(next, 25))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(existsSync(join(clone.root, 'data')), false)
  stall = false
  await clone.json(0, 'pull')
  assert.deepEqual(ranges.at(-1), 'bytes=2500000-')
  assert.ok(readFileSync(join(clone.root, 'data/words.txt')).equals(large))
  assert.deepEqual(filesBelow(parts), [])
})

test('a push that is killed sends only what is left, in parts of a large object too', async (context) => {
  let stall = true
  const { environment, objects, asked } = await serveS3(context, ({ url }, _response) => {
    return stall && /partNumber=2/.test(url ?? '') // no answer
  })
  const project = await ranWith(context, '{cloud: {url: "s3://bucket"}}')
  writeFileSync(join(project.root, 'data/large.bin'), Buffer.alloc(40 * 1024 * 1024, 'assay'))
  await project.json(0, 'data', 'add', 'large', 'data/large.bin')
  project.commit()
  const child = spawn(assayProgram, ['push'], {
    cwd: project.root,
    env: { ...scratchEnvironment(project.keys), ...environment },
    stdio: 'ignore',
  })
  const isThere = (): boolean =>
    filesBelow(join(project.root, '.assay/fetch/uploads')).some((path) =>
      /"1":.*"3":|"3":.*"1":/.test(readFileSync(join(project.root, '.assay/fetch/uploads', path), 'utf8')),
    )
  for (let tries = 0; !isThere() && tries < 600; tries += 1) await new Promise((next) => setTimeout(next, 25))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const largest = (): number => Math.max(...[...objects.values()].map(({ length }) => length))
  assert.ok(largest() < 1_000_000, 'half of the object has a name')
  stall = false
  asked.length = 0
  await assayIn(project.root, project, environment).json(0, 'push')
  assert.deepEqual(
    asked.filter((line) => /partNumber/.test(line)).map((line) => /partNumber=\d/.exec(line)?.[0]),
    ['partNumber=2'],
  )
  assert.equal(largest(), 40 * 1024 * 1024)
  const clone = cloneOf(project, environment)
  await clone.json(0, 'pull')
  assert.ok(readFileSync(join(clone.root, 'data/large.bin')).equals(readFileSync(join(project.root, 'data/large.bin'))))
})

test('several push at once to one folder, and all of it is there', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  const other = cloneOf(project, {}, 'other')
  await project.json(0, 'push')
  await other.json(0, 'pull')
  rmSync(join(project.root, '../store'), { recursive: true })
  const pushes = await Promise.all([project, other, project, other].map((each) => each.json(0, 'push')))
  assert.ok(pushes.every(({ replaced }) => replaced.length === 0))
  assert.deepEqual(filesBelow(join(project.root, '../store/tmp')), [])
  assert.deepEqual((await project.json(0, 'push', '--rehash')).sent.files, 0)
  const clone = cloneOf(project)
  await clone.json(0, 'pull')
})

test('a remote must be named where none is the default, and what is not there is told when all else has come', async (context) => {
  const project = await ranWith(context, '{one: {url: ../one}, two: {url: ../two}}')
  assert.match((await project.json(2, 'push')).error.help, /one, two/)
  assert.equal((await project.json(2, 'push', '--remote', 'three')).error.code, 'ERR_REMOTE_UNKNOWN')
  assert.equal((await project.json(1, 'pull', '--remote', 'one')).error.code, 'ERR_REMOTE_MISSING')
  await project.json(0, 'push', '--remote', 'two')
  const objects = filesBelow(join(project.root, '../two/objects'))
  const gone = objects.find((path) => readFileSync(join(project.root, '../two/objects', path), 'utf8') === 'three\n')
  rmSync(join(project.root, '../two/objects', gone ?? ''))
  const clone = cloneOf(project)
  const pulled = await clone.json(1, 'pull', '--remote', 'two')
  assert.deepEqual(
    [pulled.error.code, pulled.missing.length, pulled.missing[0].path],
    ['ERR_REMOTE_MISSING', 1, 'more'],
  )
  assert.ok(existsSync(join(clone.root, 'model/count.txt')) && !existsSync(join(clone.root, 'more')))
  await project.json(0, 'push', '--remote', 'two')
  await clone.json(0, 'pull', '--remote', 'two')
  assert.ok(existsSync(join(clone.root, 'more/two/three.txt')))
  assert.equal(dirname(clone.root), dirname(project.root))
})
