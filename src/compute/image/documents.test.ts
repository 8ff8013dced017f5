import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError, type Sha256, sha256Of } from '../../core/index.ts'
import { chooseImage, parseImageConfig, parseImageDocument } from './documents.ts'

const digest: Sha256 = sha256Of('x')
const machine = { os: 'linux', architecture: 'arm64' }
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 3 }
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 }
const manifest = { schemaVersion: 2, config, layers: [layer] }
const image = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 5 }
const index = { schemaVersion: 2, manifests: [image] }

const parse = (document: unknown) => parseImageDocument(Buffer.from(JSON.stringify(document)), 'it')

test('reads a manifest of OCI and one of Docker', () => {
  const docker = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
    layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
  }
  const meaning = {
    kind: 'manifest',
    config: { digest, sizeBytes: 2 },
    layers: [{ digest, sizeBytes: 3, compression: 'gzip' }],
  }
  assert.deepEqual(parse(manifest), meaning)
  assert.deepEqual(parse(docker), meaning)
})

test('takes the first image of an index that is made for this machine', () => {
  const made = [undefined, { os: 'linux', architecture: 'amd64' }, { ...machine, variant: 'v8' }, machine]
  const document = parse({
    ...index,
    manifests: made.map((platform, at) => ({ ...image, size: at, ...(platform === undefined ? {} : { platform }) })),
  })
  assert.ok(document.kind === 'index')
  assert.deepEqual(chooseImage(document, machine, 'it'), { digest, sizeBytes: 2 })
  assert.throws(
    () => chooseImage(document, { os: 'linux', architecture: 's390x' }, 'it'),
    (error) => isDomainError(error, 'ERR_ENV_PLATFORM') && error.message.includes('linux/amd64, linux/arm64'),
  )
})

const hostile: Readonly<Record<string, unknown>> = {
  'an index and a manifest at once': { ...index, ...manifest },
  'neither of the two': { schemaVersion: 2 },
  'an index that says it is a manifest': { ...index, mediaType: image.mediaType },
  'an old manifest': { ...manifest, schemaVersion: 1 },
  'an artifact that is no image': {
    ...manifest,
    config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1' },
  },
  'a layer of an unknown type': { ...manifest, layers: [{ ...layer, mediaType: 'application/zip' }] },
  'a foreign layer': {
    ...manifest,
    layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
  },
  'a layer with an address of its own': { ...manifest, layers: [{ ...layer, urls: ['https://example.org/x'] }] },
  'a digest of another kind': { ...manifest, layers: [{ ...layer, digest: `sha512:${'0'.repeat(128)}` }] },
  'a size below nothing': { ...manifest, layers: [{ ...layer, size: -1 }] },
  'a layer of a petabyte': { ...manifest, layers: [{ ...layer, size: 2 ** 50 }] },
  'a configuration of a gigabyte': { ...manifest, config: { ...config, size: 2 ** 30 } },
  'no layer': { ...manifest, layers: [] },
  'a thousand layers': { ...manifest, layers: Array.from({ length: 1000 }, () => layer) },
  'a list': [],
}
for (const [what, document] of Object.entries(hostile))
  test(`refuses ${what}`, () =>
    assert.throws(
      () => parse(document),
      (error) => isDomainError(error, 'ERR_ENV_IMAGE_REFUSED'),
    ))

for (const [what, text] of Object.entries({
  'a key that stands twice': '{"schemaVersion":2,"manifests":[],"manifests":[]}',
  'a hundred levels': `${'['.repeat(100)}${']'.repeat(100)}`,
  'more than 4 MiB': `{"schemaVersion":2,"manifests":[],"x":"${'x'.repeat(5 * 1024 ** 2)}"}`,
}))
  test(`refuses ${what}`, () =>
    assert.throws(
      () => parseImageDocument(Buffer.from(text), 'it'),
      (error) => isDomainError(error, 'ERR_ENV_IMAGE_REFUSED'),
    ))

test('an index in an index is not looked into', () => {
  const nested = { ...image, mediaType: 'application/vnd.oci.image.index.v1+json', platform: machine }
  assert.deepEqual(parse({ ...index, manifests: [nested] }), { kind: 'index', images: [] })
})

test('a configuration is for this machine, and its variables have names of variables', () => {
  const settings = {
    ...machine,
    config: { Env: ['A=1=2', 'B=', 'no name=x', '=x'] },
    rootfs: { type: 'layers', diff_ids: [digest] },
  }
  const read = (given: unknown) => parseImageConfig(Buffer.from(JSON.stringify(given)), 'it', machine)
  assert.deepEqual(read(settings), {
    contents: [digest],
    variables: new Map([
      ['A', '1=2'],
      ['B', ''],
    ]),
  })
  assert.deepEqual(read({ ...settings, config: null }).variables, new Map())
  assert.throws(
    () => read({ ...settings, architecture: 'amd64' }),
    (error) => isDomainError(error, 'ERR_ENV_PLATFORM'),
  )
})
