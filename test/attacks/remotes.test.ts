/**
 * T1, T3, T4, A36: a remote that lies, a remote that is a trap, a repository that names one, data that may not leave. Each
 * is refused by code, and nothing of it is in the store; the honest twin passes.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { stageFactsShape } from '../../src/attestation/stage-facts-shape.ts'
import { sha256Of } from '../../src/core/index.ts'
import { objectName, openFolderRemote, parseRemoteAddress } from '../../src/data/index.ts'
import { restoreVersion } from '../../src/pipeline/checkout.fs.ts'
import { openProject } from '../../src/pipeline/index.ts'
import type { Project } from '../../src/pipeline/project.ts'
import { statementsBehind, versionOf } from '../../src/pipeline/version.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { assayIn, type Clone, cloneOf, filesBelow, folders, ranWith } from '../support/remotes.ts'
import { listing, secret, serveS3 } from '../support/s3-server.ts'
import { type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

/** Changes the one file of a folder remote that holds these bytes, or whose name fits. */
function tamper(store: string, which: (text: string, path: string) => boolean, change: (path: string) => void): void {
  const found = filesBelow(store).filter((path) => which(readFileSync(join(store, path), 'latin1'), path))
  assert.equal(found.length, 1, `one file is meant: ${found.join(', ')}`)
  change(join(store, found[0] ?? ''))
}

const write =
  (bytes: string | Buffer) =>
  (path: string): void => {
    chmodSync(path, 0o644)
    writeFileSync(path, bytes)
  }

/** Objects of a store are what their names say, whatever was tried. */
function assertStoreIsRight(root: string): void {
  const store = join(root, '.assay/objects')
  for (const path of filesBelow(store)) {
    const [folder = '', name = ''] = path.split('/')
    if (folder.length === 2) assert.equal(sha256Of(readFileSync(join(store, path))), `sha256:${folder}${name}`)
  }
}

const isObject = (text: string) => (bytes: string, path: string) => path.startsWith('objects/') && bytes === text
const isList = (bytes: string, path: string): boolean => path.startsWith('folders/') && bytes.includes('three.txt')

test('T1, T3: whatever a remote lies about is refused by code, and nothing of it has a name here', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  await project.json(0, 'push')
  const store = join(project.root, '../store')
  const honest = join(project.root, '../honest')
  cpSync(store, honest, { recursive: true })
  const clone = cloneOf(project)

  const lies: readonly (readonly [string, () => void, string])[] = [
    ['other bytes', () => tamper(store, isObject('three\n'), write('thref\n')), 'ERR_REMOTE_CORRUPT'],
    ['fewer bytes', () => tamper(store, isObject('three\n'), write('thr')), 'ERR_REMOTE_CORRUPT'],
    ['more bytes', () => tamper(store, isObject('three\n'), write('three\n\n')), 'ERR_REMOTE_CORRUPT'],
    [
      'another list of a folder',
      () => tamper(store, isList, (path) => write(readFileSync(path, 'utf8').replace('three.txt', 'thref.txt'))(path)),
      'ERR_REMOTE_CORRUPT',
    ],
    [
      'a list that leads out of the folder',
      () => tamper(store, isList, (path) => write(readFileSync(path, 'utf8').replace('one.txt', '../../x'))(path)),
      'ERR_REMOTE_CORRUPT',
    ],
    [
      'evidence with a changed byte',
      () =>
        tamper(
          store,
          (text, path) =>
            path.startsWith('attestations/') &&
            Buffer.from(JSON.parse(text).dsseEnvelope.payload, 'base64').includes('"stage":"count"'),
          (path) => write(readFileSync(path, 'utf8').replace(/"sig":"M/, '"sig":"N'))(path),
        ),
      'ERR_REMOTE_CORRUPT',
    ],
    [
      'a link in the place of an object',
      () =>
        tamper(store, isObject('three\n'), (path) => {
          rmSync(path)
          symlinkSync('/etc/hostname', path)
        }),
      'ERR_REMOTE_UNSAFE',
    ],
    [
      'a pipe, which would be waited on for ever',
      () =>
        tamper(store, isObject('three\n'), (path) => {
          rmSync(path)
          execFileSync('mkfifo', [path])
        }),
      'ERR_REMOTE_UNSAFE',
    ],
    [
      'a folder that is a link',
      () =>
        tamper(store, isObject('three\n'), (path) => {
          renameSync(dirname(path), `${dirname(path)}-aside`)
          symlinkSync(`${dirname(path)}-aside`, dirname(path))
        }),
      'ERR_REMOTE_UNSAFE',
    ],
    ['a mark that no assay wrote', () => write('mine\n')(join(store, 'assay-remote')), 'ERR_REMOTE_UNSAFE'],
    ['a later version', () => write('7\n')(join(store, 'assay-remote')), 'ERR_FORMAT_NEWER'],
  ]
  for (const [name, lie, code] of lies) {
    lie()
    rmSync(join(clone.root, '.assay'), { recursive: true, force: true })
    const { error } = await clone.json(code === 'ERR_FORMAT_NEWER' ? 2 : 1, 'pull')
    assert.equal(error.code, code, `${name}: ${error.message}`)
    assert.equal(existsSync(join(clone.root, 'more')), false, name)
    assertStoreIsRight(clone.root)
    rmSync(store, { recursive: true })
    cpSync(honest, store, { recursive: true })
  }
  // a list that lies about what the digest of a folder does not cover: no later pull believes it
  for (const isHere of [false, true]) {
    rmSync(join(clone.root, '.assay'), { recursive: true, force: true })
    if (isHere) {
      await clone.json(0, 'pull')
      for (const path of ['index/folder', '../more']) rmSync(join(clone.root, '.assay', path), { recursive: true })
    }
    tamper(store, isList, (path) => {
      write(readFileSync(path, 'utf8').replace('three.txt","sizeBytes":6', 'three.txt","sizeBytes":5'))(path)
    })
    assert.equal((await clone.json(1, 'pull')).error.code, 'ERR_REMOTE_CORRUPT')
    rmSync(store, { recursive: true })
    cpSync(honest, store, { recursive: true })
    await clone.json(0, 'pull')
  }
  assert.equal((await clone.json(0, 'verify', 'model/count.txt')).trusted, true)

  // who pushed it mends it
  tamper(store, isObject('three\n'), write('thref\n'))
  assert.equal((await project.json(0, 'push')).replaced.length, 0, 'the same size is believed')
  assert.equal((await project.json(0, 'push', '--rehash')).replaced.length, 1)
  tamper(store, isObject('three\n'), write('thr'))
  assert.equal((await project.json(0, 'push')).replaced.length, 1, 'another size never is')
})

test('T3: a lock that names the evidence of a stranger is refused, and brings nothing', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}', words)
  const stranger = await ranWith(context, '{team: {url: ../store}}', words)
  const place = join(project.root, '../store')
  await project.json(0, 'push')
  await stranger.json(0, 'push')
  cpSync(join(stranger.root, '../store'), place, { recursive: true, force: true })
  const clone = cloneOf(project)
  const own = readFileSync(join(clone.root, 'assay.lock'))
  writeFileSync(join(clone.root, 'assay.lock'), stranger.read('assay.lock'))
  assert.equal((await clone.json(1, 'pull')).error.code, 'ERR_REMOTE_EVIDENCE')
  assert.equal(existsSync(join(clone.root, 'model')), false)
  writeFileSync(join(clone.root, 'assay.lock'), own)
  await clone.json(0, 'pull')
})

test('T1: restricted data, and what was made of it, goes to no remote that is not cleared for it', async (context) => {
  const project = await adopted(context, folders)
  appendFileSync(
    join(project.root, 'assay.yaml'),
    'remotes: {team: {url: ../team}, vault: {url: ../vault, classification: restricted}}\n',
  )
  await project.json(0, 'data', 'add', 'patients', 'data/words.txt', '--classification', 'restricted')
  project.commit()
  await project.json(0, 'data', 'approve', 'patients')
  project.commit()
  await project.json(0, 'run')
  project.commit()

  const { error } = await project.json(1, 'push', '--remote', 'team')
  assert.deepEqual([error.code, error.details.classification], ['ERR_REMOTE_CLASSIFIED', 'restricted'])
  assert.equal(existsSync(join(project.root, '../team')), false)
  const partial = await project.json(0, 'push', '--remote', 'team', '--permitted-only')
  const left = partial.leftOut.map(({ path }: { path: string }) => path)
  for (const path of ['data/words.txt', 'out/sorted.txt', 'model/count.txt', 'parts', 'log of sort'])
    assert.ok(left.includes(path), `${path} is left out`)
  const sent = filesBelow(join(project.root, '../team/objects')).map((path) =>
    readFileSync(join(project.root, '../team/objects', path), 'utf8'),
  )
  assert.ok(sent.includes('three\n') && !sent.some((text) => text.includes('pear')))

  await project.json(0, 'push', '--remote', 'vault')
  const clone = cloneOf(project)
  const vault = join(project.root, '../vault')
  tamper(vault, isObject(project.read('out/sorted.txt')), write('lie\n'))
  assert.equal((await clone.json(1, 'pull', '--remote', 'vault')).error.code, 'ERR_REMOTE_CORRUPT')
  const open = filesBelow(join(clone.root, '.assay/objects')).filter((path) => !path.startsWith('closed/'))
  const texts = open.map((path) => readFileSync(join(clone.root, '.assay/objects', path), 'utf8'))
  assert.ok(texts.includes('three\n'), 'what is not secret lies open')
  assert.ok(!texts.some((text) => text.includes('pear')), 'what came before a pull broke off lies apart too')
  assert.equal((await project.json(0, 'push', '--remote', 'vault')).replaced.length, 1)
  await clone.json(0, 'pull', '--remote', 'vault')
  assert.ok(
    filesBelow(join(clone.root, '.assay/objects/closed/restricted')).length >= 4,
    'they lie apart in the store too',
  )
  assert.equal(
    execFileSync('stat', ['-c', '%a', join(clone.root, 'data/words.txt')], { encoding: 'utf8' }).trim(),
    '600',
  )

  // what was restricted once, or is today, is so in every version
  project.write({ 'data/late.txt': 'late\n' })
  await project.json(0, 'data', 'add', 'late', 'data/late.txt', '--classification', 'internal')
  const sources = project.read('sources.yaml')
  project.write({ 'sources.yaml': sources.replace('classification: restricted', 'classification: internal') })
  project.commit('patients are internal now')
  const leftOut = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { leftOut: found } = await project.json(
      0,
      'push',
      ...args,
      '--remote',
      'team',
      '--permitted-only',
      '--dry-run',
    )
    return found.map(({ path }: { path: string }) => path)
  }
  const lowered = await leftOut()
  assert.deepEqual([lowered.includes('data/words.txt'), lowered.includes('data/late.txt')], [true, false])
  project.write({ 'sources.yaml': sources.replace('classification: internal', 'classification: restricted') })
  project.commit('late is restricted now')
  assert.ok((await leftOut('HEAD~1')).includes('data/late.txt'))

  // nor does another name for it in the inventory let it out
  project.write({ 'sources.yaml': sources, 'data/open.txt': 'open\n' })
  await project.json(0, 'data', 'add', 'open', 'data/open.txt', '--classification', 'internal')
  project.commit('open data')
  assert.equal((await leftOut()).includes('data/open.txt'), false)
  await project.json(0, 'data', 'add', 'closed', 'data/open.txt', '--classification', 'restricted')
  project.commit('the same data, restricted, by another name')
  assert.ok((await leftOut('HEAD~1')).includes('data/open.txt'))
})

test('T5: an assay.yaml cannot name a remote that is an option, a password or a place in the project', async (context) => {
  const bad = [
    'ssh://-oProxyCommand=id/x',
    'ssh://host/../../x',
    'ssh://host/a//b',
    'ssh://ada:word@host/x',
    'ssh://host:99999/x',
    'ssh://ho st/x',
    'ssh://host/x\u0007',
    's3://key:word@bucket/x',
    's3://bucket/../x',
    's3://-bucket/x',
    'http://host/x',
    'ext::sh -c id',
    'file:///etc',
    '',
  ]
  for (const url of bad) assert.throws(() => parseRemoteAddress(url), { code: 'ERR_USAGE' }, url)
  for (const url of [
    'ssh://ada@host:22/srv/a b',
    'ssh://[::1]/x',
    's3://bucket',
    's3://bucket/a/b/',
    '/mnt/store',
    '../store',
  ])
    parseRemoteAddress(url)

  const project = await ranWith(context, '{team: {url: ../store}}', words)
  const settings = project.read('assay.yaml')
  for (const url of ['ssh://-oProxyCommand=id/x', 'ssh://ada:word@host/x']) {
    project.write({ 'assay.yaml': settings.replace('../store', `"${url}"`) })
    assert.equal((await project.json(2, 'pull')).error.code, 'ERR_SETTINGS_INVALID')
  }
  project.write({ 'assay.yaml': settings.replace('../store', '.git/hooks') })
  assert.equal((await project.json(1, 'push')).error.code, 'ERR_REMOTE_UNSAFE')
  // a folder of somebody else is not made a remote, and not written to
  mkdirSync(join(project.root, '../store'))
  writeFileSync(join(project.root, '../store/thesis.txt'), 'mine\n')
  project.write({ 'assay.yaml': settings })
  assert.equal((await project.json(1, 'push')).error.code, 'ERR_REMOTE_UNSAFE')
  assert.deepEqual(filesBelow(join(project.root, '../store')), ['thesis.txt'])
  rmSync(join(project.root, '../store/thesis.txt'))
  // a folder of a remote that leads elsewhere is not written through
  await project.json(0, 'push')
  const objects = join(project.root, '../store/objects')
  rmSync(objects, { recursive: true })
  mkdirSync(join(project.root, '../elsewhere'))
  symlinkSync(join(project.root, '../elsewhere'), objects)
  assert.equal((await project.json(1, 'push')).error.code, 'ERR_REMOTE_UNSAFE')
  assert.deepEqual(filesBelow(join(project.root, '../elsewhere')), [])
  rmSync(objects)
  await project.json(0, 'push')
})

test('T4: credentials of S3 stand nowhere, and a store that lies over S3 is refused as any other', async (context) => {
  let lie: ((key: string, bytes: Buffer | undefined) => Buffer | string | undefined) | undefined
  const { environment, objects } = await serveS3(context, ({ key, method, url }, response) => {
    const found = method === 'GET' ? lie?.(url?.includes('list-type') ? 'list' : key, objects.get(key)) : undefined
    if (found === undefined) return false
    response.writeHead(200).end(found)
    return true
  })
  const project = await ranWith(context, '{cloud: {url: "s3://bucket/x"}}')
  const here = assayIn(project.root, project, environment)
  const said = [await here.said('push'), await here.said('push', '--json')]
  said.push(await assayIn(project.root, project, { ...environment, AWS_SECRET_ACCESS_KEY: '' }).said('push', '--json'))
  assert.ok(!said.join().includes(secret), 'the secret is told')
  assert.match(said.at(-1) ?? '', /AWS_SECRET_ACCESS_KEY/)
  const kept = [
    ...filesBelow(join(project.root, '.assay')).map((path) => join(project.root, '.assay', path)),
    join(project.root, 'assay.yaml'),
  ]
  for (const path of kept) assert.ok(!readFileSync(path).includes(secret), path)
  for (const [key, bytes] of objects) assert.ok(!bytes.includes(secret), key)

  const clone: Clone = cloneOf(project, environment)
  const lies: readonly (readonly [string, NonNullable<typeof lie>, string, 1 | 4])[] = [
    ['other bytes', (_, bytes) => (bytes?.toString() === 'three\n' ? 'thref\n' : undefined), 'ERR_REMOTE_CORRUPT', 1],
    [
      'more bytes',
      (_, bytes) => (bytes?.toString() === 'three\n' ? Buffer.alloc(5_000_000, 'three\n') : undefined),
      'ERR_REMOTE_CORRUPT',
      1,
    ],
    [
      'names that lead out',
      (key) =>
        key === 'list'
          ? listing(new Map([['x/reproductions/../../.git/hooks/post-checkout', Buffer.from('id')]]), '')
          : undefined,
      'ERR_REMOTE_UNSAFE',
      1,
    ],
    ['a list that is none', (key) => (key === 'list' ? '<html/>' : undefined), 'ERR_REMOTE_FAILED', 4],
  ]
  for (const [name, next, code, exit] of lies) {
    lie = next
    rmSync(join(clone.root, '.assay'), { recursive: true, force: true })
    const { error } = await clone.json(exit, 'pull')
    assert.equal(error.code, code, `${name}: ${error.message}`)
    assert.equal(existsSync(join(clone.root, 'more')), false, name)
    assertStoreIsRight(clone.root)
  }
  lie = undefined
  await clone.json(0, 'pull')
})

test('T1: a store over S3 that breaks off in every answer is told by code; one that does so once is asked again', async (context) => {
  let breaks = 0
  let method = 'GET'
  const broken = new Set<string>()
  const { environment } = await serveS3(context, (request, response) => {
    const once = `${request.method} ${request.url}`
    if (breaks === 0 || request.method !== method || (breaks === 1 && broken.has(once))) return false
    broken.add(once)
    response.writeHead(200, { 'content-length': 3 })
    response.flushHeaders()
    setTimeout(() => response.destroy(), 5)
    return true
  })
  const project = await ranWith(context, '{cloud: {url: "s3://bucket/x"}}', words)
  const here = assayIn(project.root, project, environment)
  const clone = cloneOf(project, environment)
  method = 'PUT'
  breaks = 2
  assert.equal((await here.json(4, 'push')).error.code, 'ERR_REMOTE_FAILED')
  breaks = 1
  await here.json(0, 'push')
  method = 'GET'
  breaks = 2
  assert.equal((await clone.json(4, 'pull')).error.code, 'ERR_REMOTE_FAILED')
  breaks = 1
  await clone.json(0, 'pull')
  assert.ok(broken.size > 4)
})

test('A19: a checkout writes through no link of the working tree', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}')
  const outside = join(project.root, '../outside')
  mkdirSync(outside)
  rmSync(join(project.root, 'out'), { recursive: true })
  symlinkSync(outside, join(project.root, 'out'))
  const refused = await project.json(2, 'checkout')
  assert.equal(refused.error.code, 'ERR_PATH_UNSAFE')
  assert.deepEqual(filesBelow(outside), [])
  rmSync(join(project.root, 'out'))
  await project.json(0, 'checkout')
  const nothing = scratch(context, {})
  assert.equal((await nothing.json(2, 'checkout')).error.code, 'ERR_PROJECT_MISSING')
})

function opened({ root, keys }: Scratch): Promise<Project> {
  return openProject({
    workingFolder: root,
    environment: scratchEnvironment(keys),
    now: () => new Date(),
    version: '0',
  })
}

test('T3: a statement that names a hook of git, or state of assay, writes none, whoever signed it', async (context) => {
  const project = await ranWith(context, '{team: {url: ../store}}', words)
  const open = await opened(project)
  const version = await versionOf(open, undefined)
  const behind = statementsBehind(open, version.roots.values())
  const options = { force: true, dryRun: false, onProgress: () => undefined }
  const named = (path: string) => ({
    ...behind,
    statements: new Map(
      [...behind.statements].map(([digest, facts]) => [
        digest,
        { ...facts, outputs: facts.outputs.map((output) => ({ ...output, path, executable: true })) },
      ]),
    ),
  })
  for (const path of ['.git/hooks/post-checkout', 'sub/.GIT/config', '.assay/objects/x', '.dvc/config']) {
    const restored = restoreVersion(open, { version, behind: named(path), pull: 'assay pull' }, options)
    await assert.rejects(restored, { code: 'ERR_PATH_UNSAFE' }, path)
    assert.equal(existsSync(join(project.root, path)), false, path)
  }
  const [top] = named('.git/hooks/post-checkout').statements.values()
  assert.equal(stageFactsShape.safeParse(top).success, false, 'no signer signs it')
  rmSync(join(project.root, 'model'), { recursive: true })
  await restoreVersion(open, { version, behind, pull: 'assay pull' }, options)
  assert.ok(existsSync(join(project.root, 'model/count.txt')))
})

test('T3: a pipe, or a file with another name too, in the place of a large part is not written to', async (context) => {
  const { root } = scratch(context, { 'thesis.txt': 'mine\n' })
  const bytes = Buffer.alloc(9 * 1024 * 1024, 'large ')
  const path = join(root, 'large')
  writeFileSync(path, bytes)
  const digest = sha256Of(bytes)
  const file = { name: objectName(digest), digest, path, sizeBytes: bytes.length }
  const place = join(root, 'store')
  const remote = openFolderRemote(place, 'client')
  await remote.prepare()
  const part = join(place, 'tmp', `client-${sha256Of(file.name).slice(7, 39)}.part`)
  mkdirSync(dirname(part))
  for (const make of [
    () => void execFileSync('mkfifo', [part]),
    () => linkSync(join(root, 'thesis.txt'), part),
    () => symlinkSync(join(root, 'thesis.txt'), part),
    () => mkdirSync(part),
  ]) {
    make()
    await assert.rejects(
      remote.put([file], () => undefined),
      { code: 'ERR_REMOTE_UNSAFE' },
    )
    rmSync(part, { recursive: true })
  }
  assert.equal(readFileSync(join(root, 'thesis.txt'), 'utf8'), 'mine\n')
  writeFileSync(part, bytes.subarray(0, 1_000_000))
  await remote.put([file], () => undefined)
  assert.ok(readFileSync(join(place, file.name)).equals(bytes))
})
