/** A registry and images that lie, break and redirect, on loopback. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type ErrorCode, isDomainError, type Sha256, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import {
  type Entry,
  type ImageLies,
  imageOf,
  indexOf,
  type MadeImage,
  serveRegistry,
  type TestRegistry,
  tarOf,
} from '../image/testing.exec.ts'
import { prepareEnvironment } from './prepare.ts'
import { inspectImage } from './prepare-image.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { noNetwork, requestFor, scratchFolder } from './testing.exec.ts'

/** Enough for a shell to be there; nothing of it is run. */
const shell: Entry = { name: 'bin/sh', content: '#!', mode: 0o4755 }
const plain = (more: readonly Entry[] = [], lies: ImageLies = {}): MadeImage => imageOf([tarOf([shell, ...more])], lies)

function requestOf(root: string, registry: TestRegistry, digest: Sha256, given: Partial<EnvironmentRequest> = {}) {
  const definition = { kind: 'image' as const, image: { registry: registry.host, repository: 'team/root', digest } }
  return { ...requestFor(root, definition, given), definition }
}

type Pulled = Readonly<{ environment: Environment; tree: string; root: string; registry: TestRegistry }>

async function pull(
  context: TestContext,
  { blobs, manifest }: Pick<MadeImage, 'blobs' | 'manifest'>,
  answers: Readonly<Record<string, RequestListener>> = {},
): Promise<Pulled> {
  const registry = await serveRegistry(context, blobs, answers)
  const root = scratchFolder(context)
  const environment = await prepareEnvironment(requestOf(root, registry, manifest))
  return { environment, tree: environment.root?.folder ?? '', root, registry }
}

test('pulls once; the tree is the same for gzip, zstd and none, for OCI and Docker, and asks nobody a second time', async (context) => {
  const entries = [
    { name: 'a/', type: '5', mode: 0o700 },
    { name: 'a/x', content: 'x', mode: 0o600 },
    { name: 'a/y', type: '1', link: 'a/x' },
    { name: 'a/z', type: '2', link: '../../..' },
    { name: `long/${'n'.repeat(120)}`, content: 'long' },
  ]
  const kinds: readonly ImageLies[] = [{}, { compression: 'zstd' }, { compression: 'none' }, { docker: true }]
  const roots = await Promise.all(kinds.map((lies) => pull(context, plain(entries, lies))))
  assert.equal(new Set(roots.map(({ environment }) => environment.root?.digest)).size, 1)
  const [{ environment, tree, root, registry } = assert.fail()] = roots
  assert.equal(lstatSync(join(tree, 'bin/sh')).mode & 0o7777, 0o555, 'no set-uid bit is left')
  assert.equal(lstatSync(join(tree, 'a')).mode & 0o7777, 0o755)
  assert.equal(readFileSync(join(tree, 'a/y'), 'utf8'), 'x')
  assert.deepEqual([environment.kind, environment.locked, environment.mounts], ['image', true, []])
  const asked = registry.asked.length
  const manifest = environment.materials[0]?.digest as Sha256
  const again = await prepareEnvironment(requestOf(root, registry, manifest))
  assert.deepEqual([again.digest, registry.asked.length], [environment.digest, asked])
  assert.equal((await inspectImage(requestOf(root, registry, manifest))).state, 'right')
})

test('an index and the image that it names for this machine are one environment', async (context) => {
  const image = plain()
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
  const { blobs, digest } = indexOf([{ image, platform }])
  const whole = await pull(context, { blobs, manifest: digest })
  const alone = await pull(context, image)
  assert.equal(whole.environment.digest, alone.environment.digest)
  assert.deepEqual(
    whole.environment.materials.map((one) => one.digest),
    [digest, image.manifest, image.config, ...image.layers],
  )
})

test('a tree that was altered is built anew, whatever was altered; one that somebody else built too', async (context) => {
  const { environment, tree, root, registry } = await pull(context, plain([{ name: 'a/x', content: 'x' }]))
  const request = requestOf(root, registry, environment.materials[0]?.digest as Sha256)
  const changes: readonly (() => void)[] = [
    () => {
      chmodSync(join(tree, 'a/x'), 0o644)
      writeFileSync(join(tree, 'a/x'), 'y')
    },
    () => mkdirSync(join(tree, 'b')),
    () => writeFileSync(join(tree, 'bin/extra'), ''),
  ]
  for (const change of changes) {
    assert.equal((await inspectImage(request)).state, 'right')
    change()
    assert.equal((await inspectImage(request)).state, 'changed')
    assert.equal((await prepareEnvironment(request)).root?.digest, environment.root?.digest)
  }
  const sealedTrees = { fact: () => undefined, recordFact: () => undefined }
  assert.equal((await inspectImage({ ...request, sealedTrees })).state, 'changed')
})

test('a stored layer that was changed on disk is fetched again', async (context) => {
  const image = plain()
  const { environment, root, registry } = await pull(context, image)
  const { store, cacheFolder } = requestOf(root, registry, image.manifest)
  const object = store.pathOf(image.layers[0] as Sha256)
  chmodSync(object, 0o644)
  writeFileSync(object, gzipSync('other'))
  const request = requestOf(root, registry, image.manifest, { cacheFolder: `${cacheFolder}-2` })
  assert.equal((await prepareEnvironment(request)).digest, environment.digest)
})

const bad = (...entries: readonly Entry[]): MadeImage => plain(entries)
const other: RequestListener = (_, response) => response.end('other bytes')
const half =
  (bytes: Buffer | undefined): RequestListener =>
  (_, response) =>
    response.end(bytes?.subarray(0, 20))
const right = plain()
const layer = right.layers[0] as Sha256
const bytes = right.blobs.get(layer)
const bomb = gzipSync(Buffer.alloc(300 * 1024 ** 2))

type Lie = readonly [
  image: Pick<MadeImage, 'blobs' | 'manifest'>,
  code: ErrorCode,
  answers?: Record<string, RequestListener>,
]
const lies: Readonly<Record<string, Lie>> = {
  'another manifest': [right, 'ERR_ENV_HASH_MISMATCH', { [right.manifest]: other }],
  'another configuration': [right, 'ERR_ENV_HASH_MISMATCH', { [right.config]: other }],
  'another layer': [right, 'ERR_ENV_HASH_MISMATCH', { [layer]: other }],
  'half of a layer': [right, 'ERR_ENV_HASH_MISMATCH', { [layer]: half(bytes) }],
  'a layer without end': [
    right,
    'ERR_ENV_HASH_MISMATCH',
    { [layer]: (_, response) => void response.writeHead(200).end(Buffer.concat([bytes ?? Buffer.of(), bomb])) },
  ],
  'a redirect to a file of this machine': [
    right,
    'ERR_ENV_FETCH',
    { [layer]: (_, response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end() },
  ],
  'a circle of redirects': [
    right,
    'ERR_ENV_FETCH',
    { [layer]: (request, response) => response.writeHead(307, { location: request.url ?? '' }).end() },
  ],
  'that nothing is there': [right, 'ERR_ENV_GONE', { [layer]: (_, response) => response.writeHead(404).end() }],
  'that nobody may read': [right, 'ERR_ENV_FETCH', { [layer]: (_, response) => response.writeHead(403).end() }],
  'a login that nobody has': [
    right,
    'ERR_ENV_FETCH',
    { [layer]: (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end() },
  ],
  'a manifest of four gigabytes': [
    right,
    'ERR_ENV_FETCH',
    { [right.manifest]: (_, response) => void response.end(Buffer.alloc(5 * 1024 ** 2)) },
  ],
  'an image for another machine': [plain([], { platform: { os: 'linux', architecture: 's390x' } }), 'ERR_ENV_PLATFORM'],
  'a layer that unpacks to other bytes than are configured': [
    plain([], { config: (config) => ({ ...config, rootfs: { type: 'layers', diff_ids: [sha256Of('x')] } }) }),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'a configuration of another number of layers': [
    plain([], { config: (config) => ({ ...config, rootfs: { type: 'layers', diff_ids: [] } }) }),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'a size that is not the layer’s': [
    plain([], {
      manifest: (manifest) => ({ ...manifest, layers: [{ ...(manifest['layers'] as object[])[0], size: 3 }] }),
    }),
    'ERR_ENV_HASH_MISMATCH',
  ],
  'a layer that is no archive': [imageOf([Buffer.from('x'.repeat(2000))]), 'ERR_ENV_IMAGE_REFUSED'],
  'an archive that ends in the middle': [
    imageOf([tarOf([shell, { name: 'x', content: 'x', size: 9999 }])]),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'a bomb': [imageOf([Buffer.concat([tarOf([shell]), Buffer.alloc(300 * 1024 ** 2)])]), 'ERR_ENV_IMAGE_REFUSED'],
  'a path that climbs out': [bad({ name: '../../escaped', content: 'x' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a hard link to a file of this machine': [
    bad({ name: 'x', type: '1', link: '../../../../etc/passwd' }),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'a whiteout of the folder above the image': [bad({ name: '.wh...' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a device': [bad({ name: 'sda', type: '4' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a fifo': [bad({ name: 'fifo', type: '6' }), 'ERR_ENV_IMAGE_REFUSED'],
  'an entry of an unknown type': [bad({ name: 'x', type: 'Z' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a sparse file': [bad({ name: 'x', content: 'x', pax: { 'GNU.sparse.major': '1' } }), 'ERR_ENV_IMAGE_REFUSED'],
  'an entry behind the end of the archive': [
    imageOf([Buffer.concat([tarOf([shell]), tarOf([{ name: 'x', content: 'x' }])])]),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'a link that has bytes': [bad({ name: 'x', type: '2', link: 'y', content: 'x' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a folder that has bytes': [bad({ name: 'x/', type: '5', content: 'x' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a header for all entries': [bad({ name: 'x', type: 'g', content: '12 path=/y\n' }), 'ERR_ENV_IMAGE_REFUSED'],
  'a size in two places': [bad({ name: 'x', content: 'x', pax: { size: '0' } }), 'ERR_ENV_IMAGE_REFUSED'],
  // Docker and Python read the file `hides`, of two blocks; one that skips the link's block reads a program in it.
  'an entry that others read as bytes': [
    bad(
      {
        ...{ name: 'link', type: '2', link: 'shell', size: 0, pax: { size: '512' } },
        content: tarOf([{ name: 'hides', size: 1024 }]).subarray(0, 512),
      },
      { name: 'usr/bin/python', content: 'x', mode: 0o755 },
    ),
    'ERR_ENV_IMAGE_REFUSED',
  ],
  'no shell': [imageOf([tarOf([{ name: 'x', content: 'x' }])]), 'ERR_ENV_UNSUPPORTED'],
}
for (const [what, [image, code, answers = {}]] of Object.entries(lies)) {
  test(`a registry that gives ${what} is refused with ${code}, and nothing of it is used`, async (context) => {
    const registry = await serveRegistry(context, image.blobs, answers)
    const root = scratchFolder(context)
    await assert.rejects(
      () => prepareEnvironment(requestOf(root, registry, image.manifest)),
      (error) => isDomainError(error, code),
    )
    const kept = readdirSync(join(root, 'environments')).filter((name) => name !== 'documents')
    assert.deepEqual(kept, [])
    assert.ok(!existsSync(join(root, '../escaped')))
  })
}

test('a link out of the tree leads to nothing of this machine: what is written through it stays in the tree', async (context) => {
  const place = `/srv/assay-escape-${process.pid}`
  const layers = [
    tarOf([shell, { name: 'out', type: '2', link: place }, { name: 'up', type: '2', link: '../../../../..' }]),
    tarOf([
      { name: 'out/x', content: 'x' },
      { name: `up${place}/y`, content: 'y' },
    ]),
  ]
  const { tree } = await pull(context, imageOf(layers))
  assert.ok(!existsSync(place))
  assert.deepEqual(readdirSync(join(tree, place)), ['x', 'y'])
})

/** A registry that wants a token of its own server, and gives layers from another host. */
async function guarded(context: TestContext, image: MadeImage, realm?: string) {
  const tokens: (string | undefined)[] = []
  const server = await serveRegistry(context, new Map(), {
    '/token?service=it&scope=repository%3Ateam%2Froot%3Apull': (request, response) => {
      tokens.push(request.headers.authorization)
      response.end(JSON.stringify({ token: 'tok' }))
    },
  })
  const storage = await serveRegistry(context, image.blobs)
  const guard: RequestListener = (request, response) => {
    if (request.headers.authorization !== 'Bearer tok') {
      const challenge = `Bearer realm="${realm ?? `http://${server.host}/token`}",service="it",scope="repository:other:push"`
      return response.writeHead(401, { 'www-authenticate': challenge }).end()
    }
    return response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end()
  }
  const names = [...image.blobs.keys()]
  const registry = await serveRegistry(context, new Map(), Object.fromEntries(names.map((name) => [name, guard])))
  return { registry, tokens, storage, server }
}

test('a registry may ask for a token: the login goes to its token server alone, the token to the registry alone', async (context) => {
  const image = plain()
  const { registry, tokens, storage, server } = await guarded(context, image)
  const root = scratchFolder(context)
  const login = Buffer.from('ada:hunter2').toString('base64')
  const file = join(root, 'auth.json')
  const logins = (...hosts: readonly string[]): void =>
    writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth: login }])) }))
  const caller = { environment: { REGISTRY_AUTH_FILE: file, HOME: root }, workingFolder: root }
  logins(registry.host)
  await assert.rejects(prepareEnvironment(requestOf(root, registry, image.manifest, { caller })), /wants your login/)
  assert.deepEqual(tokens, [], 'another port of the host is a stranger')
  logins(registry.host, server.host)
  const environment = await prepareEnvironment(requestOf(root, registry, image.manifest, { caller }))
  assert.equal(tokens[0], `Basic ${login}`)
  assert.deepEqual([...new Set(storage.asked.map(({ authorization }) => authorization))], [undefined])
  assert.ok(registry.asked.every(({ authorization }) => authorization === undefined || authorization === 'Bearer tok'))
  assert.ok(!JSON.stringify(environment).includes('hunter2') && !JSON.stringify(environment).includes(login))
})

test('a login goes to no other host, nor in the open, unless its user has a login there too', async (context) => {
  const root = scratchFolder(context)
  const file = join(root, 'auth.json')
  const auth = Buffer.from('ada:hunter2').toString('base64')
  const asked = async (realm: string, ...alsoAt: readonly string[]): Promise<string> => {
    const image = plain()
    const { registry } = await guarded(context, image, realm)
    const logins = [registry.host, ...alsoAt].map((host) => [host, { auth }] as const)
    writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(logins) }))
    const caller = { environment: { REGISTRY_AUTH_FILE: file, HOME: root }, workingFolder: root }
    try {
      await prepareEnvironment(requestOf(root, registry, image.manifest, { caller }))
      return 'prepared'
    } catch (error) {
      return isDomainError(error, 'ERR_ENV_FETCH') ? error.message : String(error)
    }
  }
  assert.match(await asked('https://login.example/token'), /wants your login to be sent to `login.example`/)
  assert.match(await asked('http://login.example/token', 'login.example'), /at no safe address/)
  // that it is then asked is all that can be seen here: nobody answers at that address
  assert.doesNotMatch(
    await asked('https://127.0.0.2:9/token', '127.0.0.2:9'),
    /wants your login|no safe address|prepared/,
  )
  assert.match(await asked('https://127.0.0.2:9/token'), /wants your login/)
})

test('a token server that has no address of the web is not asked', async (context) => {
  const image = plain()
  const { registry } = await guarded(context, image, 'file:///etc/passwd')
  await assert.rejects(
    () => prepareEnvironment(requestOf(scratchFolder(context), registry, image.manifest)),
    (error) => isDomainError(error, 'ERR_ENV_FETCH') && /no safe address/.test(error.message),
  )
})

test('a registry on loopback is asked directly, whatever proxy the caller has', async (context) => {
  const image = plain()
  const registry = await serveRegistry(context, image.blobs)
  const network = { ...noNetwork, httpProxy: 'http://127.0.0.1:9' }
  const prepared = await prepareEnvironment(requestOf(scratchFolder(context), registry, image.manifest, { network }))
  assert.equal(prepared.kind, 'image')
})

test('the variables of an image are given but for its PATH, its home and what is a credential', async (context) => {
  const token = `ghp_${'a'.repeat(36)}`
  const variables = ['PATH=/opt/bin:relative:/bin', 'HOME=/root', 'ASSAY_SEED=1', 'WORD=a b', `LEAK=${token}`]
  const { environment } = await pull(context, plain([], { variables }))
  assert.deepEqual(environment.path, ['/opt/bin', '/bin'])
  assert.deepEqual(environment.variables, { WORD: 'a b' })
  assert.deepEqual(environment.warnings, ['the image sets `LEAK` to a GitHub token: stages do not get it'])
})

test('names the packages that the image lists, Debian’s, Alpine’s and Python’s', async (context) => {
  const status =
    'Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nDescription: x\n Version: 9\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n'
  const { environment } = await pull(
    context,
    plain([
      { name: 'var/lib/dpkg/status', content: status },
      { name: 'lib/apk/db/installed', content: 'C:x\nP:busybox\nV:1.36-r2\n\n' },
      { name: 'opt/lib/python3.12/site-packages/scikit_learn-1.4.2.dist-info/METADATA', content: 'x' },
      { name: 'usr/lib/python3/dist-packages/six-1.16.0.egg-info', content: 'x' },
      { name: 'usr/lib/os-release', content: 'NAME=x\nPRETTY_NAME="Some System 1"\n' },
      { name: 'etc/os-release', type: '2', link: '../usr/lib/os-release' },
    ]),
  )
  assert.deepEqual(environment.packages, [
    { name: 'busybox', version: '1.36-r2' },
    { name: 'libc6', version: '2.36-9' },
    { name: 'scikit-learn', version: '1.4.2' },
    { name: 'six', version: '1.16.0' },
  ])
  const said = Object.fromEntries(environment.facts.map(({ name, value }) => [name, value]))
  assert.deepEqual([said['system'], said['libc']], ['Some System 1', 'libc6 2.36-9'])
})
