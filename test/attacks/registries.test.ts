/**
 * T3, T6: a registry that lies about a model's evidence, sends us elsewhere, or never ends. Each is refused by code; the
 * honest twin passes, with a referrers API and without.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { reachableFrom } from '../../src/compute/egress/index.ts'
import { registrySessionFor } from '../../src/compute/index.ts'
import { isDomainError, sha256Of } from '../../src/core/index.ts'
import type { NetworkRoute } from '../../src/data/index.ts'
import { parseOciAddress } from '../../src/pipeline/oci/address.ts'
import { descriptorOf, emptyBlob, mediaTypes, modelDocuments } from '../../src/pipeline/oci/documents.ts'
import { putBytes, putEvidence } from '../../src/pipeline/oci/put-evidence.ts'
import { type OciRepository, openOciRepository } from '../../src/pipeline/oci/repository.http.ts'
import { contentsOf, findArtifact, takeEvidence } from '../../src/pipeline/oci/take-evidence.ts'
import { indexOf, type OciRegistryServer, serveRegistry } from '../support/oci-registry.ts'

const settings: NetworkRoute = { httpProxy: '', httpsProxy: '', noProxy: '', authorities: [], retryDelaysMs: [] }
const tag = 'acme/model:1'
const model = Buffer.from('a model')
const bundle = Buffer.from('{"a":"bundle"}')
type Lie = (request: IncomingMessage, response: ServerResponse, server: OciRegistryServer) => boolean

async function repositoryAt(context: TestContext, host: string): Promise<OciRepository> {
  const asker = { settings, caller: {}, home: '/nowhere', signal: new AbortController().signal }
  const errand = { rights: 'pull,push', failed: 'ERR_REMOTE_FAILED' } as const
  const repository = openOciRepository(
    `oci://${host}/${tag}`,
    await registrySessionFor(parseOciAddress(`oci://${host}/${tag}`), asker, errand),
  )
  context.after(() => repository.close())
  return repository
}

/** A registry that is honest until it is told to lie, with a model and one bundle in it. */
async function filled(context: TestContext, hasReferrers = true, file = 'a.bin') {
  let lie: Lie = () => false
  const server = await serveRegistry(context, { hasReferrers, lie: (...asked) => lie(...asked) })
  const repository = await repositoryAt(context, server.host)
  const files = [{ path: file, digest: sha256Of(model), sizeBytes: model.length }]
  const { manifest, config } = modelDocuments('model', files)
  for (const bytes of [model, config.bytes]) await putBytes(repository, bytes)
  await repository.putDocument('1', manifest)
  const proofs = { inclusions: new Map(), growths: [Buffer.from('old 1\n\n')] }
  await putEvidence(repository, manifest.descriptor, { bundles: [{ name: 'one', bytes: bundle }], proofs })
  return {
    server,
    repository,
    subject: manifest.descriptor.digest,
    setLie: (next: Lie): void => {
      lie = next
    },
  }
}

const take = async ({ repository, subject }: Awaited<ReturnType<typeof filled>>) => {
  await findArtifact(repository, parseOciAddress(`oci://127.0.0.1:1/${tag}`))
  return await takeEvidence(repository, subject)
}
const end = (response: ServerResponse, bytes: string | Buffer, headers = {}): true => {
  response.writeHead(200, headers).end(bytes)
  return true
}
const say = (response: ServerResponse, status: number, headers = {}): true => {
  response.writeHead(status, headers).end()
  return true
}
const isGet = ({ method, url }: IncomingMessage, part: string): boolean =>
  method === 'GET' && url?.includes(part) === true

test('T3: evidence of a registry is taken as it is, or refused by code', async (context) => {
  for (const hasReferrers of [true, false]) {
    const found = await filled(context, hasReferrers)
    const { bundles, proofs } = await take(found)
    assert.deepEqual([bundles.map(({ bytes }) => String(bytes)), proofs.growths.length], [[String(bundle)], 1])
    // others write the list too: nothing of theirs is lost
    await putEvidence(
      found.repository,
      (await findArtifact(found.repository, parseOciAddress(`oci://127.0.0.1:1/${tag}`))).descriptor,
      {
        bundles: [{ name: 'two', bytes: Buffer.from('{}') }],
        proofs: { inclusions: new Map(), growths: [] },
      },
    )
    assert.equal((await take(found)).bundles.length, 2)
  }

  const other = sha256Of('another model')
  const lies: readonly (readonly [string, string, Lie])[] = [
    [
      'other bytes of a bundle',
      'ERR_REMOTE_CORRUPT',
      (asked, response) => isGet(asked, `blobs/${sha256Of(bundle)}`) && end(response, '{"a":"bundla"}'),
    ],
    [
      'fewer bytes',
      'ERR_REMOTE_CORRUPT',
      (asked, response) => isGet(asked, `blobs/${sha256Of(bundle)}`) && end(response, '{}'),
    ],
    [
      'more bytes',
      'ERR_REMOTE_UNSAFE',
      (asked, response) => isGet(asked, `blobs/${sha256Of(bundle)}`) && end(response, `${bundle} `),
    ],
    [
      'a bundle that is not there',
      'ERR_REMOTE_MISSING',
      (asked, response) => isGet(asked, `blobs/${sha256Of(bundle)}`) && say(response, 404),
    ],
    [
      'other bytes of a manifest',
      'ERR_REMOTE_CORRUPT',
      (asked, response, { manifests }) =>
        isGet(asked, 'manifests/sha256:') && end(response, manifests.get('acme/model/1') ?? ''),
    ],
    [
      'a huge manifest',
      'ERR_REMOTE_UNSAFE',
      (asked, response) => isGet(asked, 'manifests/1') && end(response, Buffer.alloc(5 * 1024 * 1024, 0x20)),
    ],
    [
      'a manifest that is an index too',
      'ERR_REMOTE_UNSAFE',
      (asked, response, { manifests }) =>
        isGet(asked, 'manifests/1') &&
        end(response, String(manifests.get('acme/model/1')).replace('"layers"', '"manifests":[],"layers"')),
    ],
    [
      'a key twice',
      'ERR_REMOTE_UNSAFE',
      (asked, response, { manifests }) =>
        isGet(asked, 'manifests/1') &&
        end(response, String(manifests.get('acme/model/1')).replace('"layers"', '"schemaVersion":2,"layers"')),
    ],
    ['no tag any more', 'ERR_REMOTE_MISSING', (asked, response) => isGet(asked, 'manifests/1') && say(response, 404)],
    [
      'pages without end',
      'ERR_REMOTE_UNSAFE',
      (asked, response) => isGet(asked, 'referrers/') && end(response, indexOf([]), { link: '<?again>; rel="next"' }),
    ],
    [
      'a next page elsewhere',
      'ERR_REMOTE_UNSAFE',
      (asked, response) =>
        isGet(asked, 'referrers/') &&
        end(response, indexOf([]), { link: '<http://127.0.0.1:1/v2/acme/model/referrers/x>; rel="next"' }),
    ],
    [
      'a next page of another repository',
      'ERR_REMOTE_UNSAFE',
      (asked, response) =>
        isGet(asked, 'referrers/') && end(response, indexOf([]), { link: '</v2/acme/secret/referrers/x>; rel="next"' }),
    ],
    [
      'a redirect to the metadata of a cloud',
      'ERR_REMOTE_FAILED',
      (asked, response) => isGet(asked, 'blobs/') && say(response, 307, { location: 'http://169.254.169.254/latest' }),
    ],
    [
      'a redirect to a private network',
      'ERR_REMOTE_FAILED',
      (asked, response) => isGet(asked, 'blobs/') && say(response, 307, { location: 'http://10.0.0.1/x' }),
    ],
    [
      'a redirect by another spelling',
      'ERR_REMOTE_FAILED',
      (asked, response) =>
        isGet(asked, 'blobs/') && say(response, 307, { location: 'http://[::ffff:169.254.169.254]/x' }),
    ],
    [
      'a token from a place that is not safe',
      'ERR_REMOTE_FAILED',
      (asked, response) =>
        isGet(asked, 'manifests/1') && say(response, 401, { 'www-authenticate': 'Bearer realm="ftp://x/"' }),
    ],
  ]
  const found = await filled(context)
  for (const [name, code, lie] of lies) {
    found.setLie(lie)
    const isMeant = (error: unknown): boolean =>
      isDomainError(error) &&
      error.code === code &&
      (!name.startsWith('a redirect') || /where assay does not go/.test(error.message))
    await assert.rejects(take(found), isMeant, name)
  }
  found.setLie(() => false)
  assert.equal((await take(found)).bundles.length, 1)

  // evidence of another model, listed under this one
  const stranger = modelDocuments('model', [{ path: 'b.bin', digest: other, sizeBytes: 1 }]).manifest.descriptor
  await putEvidence(found.repository, stranger, {
    bundles: [{ name: 'stranger', bytes: bundle }],
    proofs: { inclusions: new Map(), growths: [] },
  })
  const listed = await found.repository.referrers(stranger.digest)
  assert.equal(listed.length, 1)
  found.setLie((asked, response) => isGet(asked, `referrers/${found.subject}`) && end(response, indexOf(listed)))
  await assert.rejects(
    take(found),
    (error) => isDomainError(error, 'ERR_REMOTE_CORRUPT') && /it is of sha256:/.test(error.message),
  )
})

test('T3: a path that leads out of the folder, and an upload that is sent elsewhere, are refused', async (context) => {
  const honest = await filled(context)
  const address = parseOciAddress(`oci://127.0.0.1:1/${tag}`)
  assert.deepEqual(
    contentsOf(await findArtifact(honest.repository, address), 'x').files.map(({ path }) => path),
    ['a.bin'],
  )
  for (const path of ['../x', '/x', 'a//b', 'a/./b', 'a\u202eb']) {
    const { repository } = await filled(context, true, path)
    const found = await findArtifact(repository, address)
    assert.throws(
      () => contentsOf(found, 'x'),
      (error) => isDomainError(error, 'ERR_REMOTE_UNSAFE'),
      path,
    )
  }
  for (const location of [
    'http://127.0.0.1:1/v2/acme/model/blobs/uploads/1',
    'https://example.org/x',
    '/v2/acme/other/blobs/uploads/1',
    '/artifacts-uploads/../v2/acme/other/blobs/uploads/1',
    '//x',
  ]) {
    honest.setLie(({ method }, response) => method === 'POST' && say(response, 202, { location }))
    await assert.rejects(
      putBytes(honest.repository, Buffer.from('new')),
      (error) => isDomainError(error, 'ERR_REMOTE_UNSAFE'),
      location,
    )
  }
  // as Google's: at the registry itself, and in no repository's own place
  const place = '/artifacts-uploads/namespaces/acme/repositories/model/uploads/1'
  honest.setLie(({ method, url }, response) => {
    if (method === 'POST') return say(response, 202, { location: place })
    return method === 'PUT' && url?.startsWith(place) === true && say(response, 201)
  })
  await putBytes(honest.repository, Buffer.from('new'))
})

test('a list under a tag is looked at again when a write of another that began before ours has ended', async (context) => {
  const found = await filled(context, false)
  const { server, repository, subject } = found
  const descriptor = (await findArtifact(repository, parseOciAddress(`oci://127.0.0.1:1/${tag}`))).descriptor
  const list = `acme/model/sha256-${subject.slice('sha256:'.length)}`
  const [known] = await repository.referrers(subject)
  const theirs = Buffer.from(indexOf([known ?? {}]))
  let writes = 0
  let reads = 0
  found.setLie(({ method, url }) => {
    if (url?.includes('manifests/sha256-') !== true) return false
    if (method === 'PUT') writes += 1
    // after we have seen our own write, that of somebody who read the list before it arrives
    else if (writes > 0 && ++reads === 2) server.manifests.set(list, theirs)
    return false
  })
  await putEvidence(repository, descriptor, {
    bundles: [{ name: 'two', bytes: Buffer.from('{}') }],
    proofs: { inclusions: new Map(), growths: [] },
  })
  assert.equal(writes, 2)
  assert.equal((await take(found)).bundles.length, 2)
})

test('T3: evidence without end is refused before it is asked for; a file that is called an archive is no model', async (context) => {
  const found = await filled(context)
  const { repository, server, subject } = found
  const [known] = await repository.referrers(subject)
  assert.ok(known)
  const referrerWith = async (layers: readonly object[]): Promise<void> => {
    const { artifactType } = known
    const { digest: config } = descriptorOf('', emptyBlob)
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: { mediaType: mediaTypes.empty, digest: config, size: emptyBlob.length },
      layers,
      subject: { mediaType: mediaTypes.manifest, digest: subject, size: 1 },
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    const descriptor = descriptorOf(mediaTypes.manifest, bytes)
    await repository.putDocument(descriptor.digest, { bytes, descriptor })
  }

  // lines that say nothing are passed over, in their thousands too
  const lines = Buffer.from('{}\n'.repeat(200_000))
  await putBytes(repository, lines)
  await referrerWith([descriptorOf(mediaTypes.logProofs, lines)])
  assert.equal((await take(found)).bundles.length, 1)
  const more = Buffer.from('{}\n'.repeat(250_001))
  await putBytes(repository, more)
  await referrerWith([descriptorOf(mediaTypes.logProofs, more)])
  await assert.rejects(take(found), (error) => isDomainError(error, 'ERR_INPUT_TOO_LARGE'))

  for (const half of ['left', 'right'])
    await referrerWith(
      Array.from({ length: 5001 }, (_, at) => ({
        mediaType: mediaTypes.bundle,
        digest: sha256Of(`${half} ${at}`),
        size: 1,
      })),
    )
  server.asked.length = 0
  await assert.rejects(take(found), (error) => isDomainError(error, 'ERR_REMOTE_UNSAFE'))
  assert.deepEqual(
    server.asked.filter((asked) => asked.includes('/blobs/')),
    [],
  )

  const address = parseOciAddress(`oci://127.0.0.1:1/${tag}`)
  const contents = async () => contentsOf(await findArtifact(repository, address), 'x')
  assert.equal((await contents()).files.length, 1)
  for (const [said, instead] of [
    ['model.weight.v1.raw', 'model.weight.v1.tar'],
    ['model.weight.v1.raw', 'model.dataset.v1.tar+gzip'],
    ['"annotations":{', '"annotations":{"io.deis.oras.content.unpack":"true",'],
  ] as const) {
    found.setLie(
      (asked, response) =>
        isGet(asked, 'manifests/1') &&
        end(response, String(server.manifests.get('acme/model/1')).replace(said, instead)),
    )
    await assert.rejects(contents(), (error) => isDomainError(error, 'ERR_REMOTE_UNSAFE'), instead)
  }
})

test('a registry that keeps its bytes elsewhere is not sent again what it has', async (context) => {
  const { server, repository, setLie } = await filled(context)
  const uploads = (): number => server.asked.filter((asked) => asked.startsWith('POST')).length
  const before = uploads()
  setLie(({ method }, response) => method === 'HEAD' && say(response, 307, { location: 'https://cdn.example.org/x' }))
  await putBytes(repository, model)
  assert.equal(uploads(), before)
  setLie(() => false)
  await putBytes(repository, Buffer.from('new'))
  assert.equal(uploads(), before + 1)
})

test('T6: from a host on the internet no redirect leads inside; from a private network only into the same', () => {
  const outside = reachableFrom(['140.82.121.34'])
  const inside = reachableFrom(['10.1.2.3'])
  const cases: readonly (readonly [string, boolean, boolean])[] = [
    ['151.101.0.1', true, true],
    ['10.9.9.9', false, true],
    ['192.168.0.1', false, false],
    ['127.0.0.1', false, false],
    ['::1', false, false],
    ['169.254.169.254', false, false],
    ['::ffff:10.0.0.1', false, true],
    ['fd00::1', false, false],
    ['not an address', false, false],
  ]
  for (const [address, fromOutside, fromInside] of cases)
    assert.deepEqual([outside(address), inside(address)], [fromOutside, fromInside], address)
})
