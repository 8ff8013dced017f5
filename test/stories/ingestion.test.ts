/** Data comes from elsewhere: a real server on loopback that breaks off, redirects, changes its mind and lies. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const bytes = Buffer.alloc(3_000_000, 'pear 1\napple 2\npear 3\n')

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's address has this shape
}

/** An honest server of one file, ranges included. */
function honest(file: Buffer, etag = '"one"'): RequestListener {
  return (request, response) => {
    const start = rangeOf(request, etag)
    response.setHeader('etag', etag)
    response.setHeader('last-modified', 'Tue, 24 Nov 2026 10:00:00 GMT')
    if (start > 0) {
      response.statusCode = 206
      response.setHeader('content-range', `bytes ${start}-${file.length - 1}/${file.length}`)
    }
    response.setHeader('content-length', file.length - start)
    response.end(file.subarray(start))
  }
}

function rangeOf({ headers }: IncomingMessage, etag: string): number {
  const [, start] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
  return start !== undefined && headers['if-range'] === etag ? Number(start) : 0
}

function breakOff(response: ServerResponse, file: Buffer, after: number, etag = '"one"'): void {
  response.setHeader('etag', etag)
  response.setHeader('content-length', file.length)
  response.write(file.subarray(0, after), () => setTimeout(() => response.destroy(), 50))
}

function nothingLeft(project: Scratch, path: string): void {
  assert.equal(existsSync(join(project.root, path)), false, `${path} is there`)
}

test('fetches a file, records where it came from, and approves and runs it like any other', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  const added = await project.json(0, 'data', 'add', 'more-words', `${address}/more.txt?key=1`, '--licence', 'CC0-1.0')
  assert.equal(added.source.origin, `${address}/more.txt?key=1`)
  assert.equal(added.source.path, 'data/more.txt')
  assert.deepEqual(added.source.fetched.headers, { etag: '"one"', 'last-modified': 'Tue, 24 Nov 2026 10:00:00 GMT' })
  assert.equal(project.read('data/more.txt'), bytes.toString())
  project.commit()
  const approved = await project.json(0, 'data', 'approve', 'more-words')
  assert.equal(approved.digest, added.source.digest)
  const shown = await project.json(0, 'data', 'show', 'more-words')
  assert.equal(shown.status, 'approved')
})

test('takes a broken download up where it broke off, and asks again while something arrives', async (context) => {
  const project = await adopted(context, words)
  const asked: string[] = []
  const address = await serve(context, (request, response) => {
    asked.push(request.headers.range ?? 'all')
    if (asked.length === 1) return breakOff(response, bytes, 1_000_000)
    return honest(bytes)(request, response)
  })
  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(project.read('data/more.txt'), bytes.toString())
  assert.equal(asked.length, 2)
  assert.match(asked[1] ?? '', /^bytes=[1-9]\d*-$/)
})

test('a fetch that was killed goes on in the next one', async (context) => {
  const project = await adopted(context, words)
  const asked: string[] = []
  let stall = true
  const address = await serve(context, (request, response) => {
    asked.push(request.headers.range ?? 'all')
    if (!stall) return honest(bytes)(request, response)
    response.setHeader('etag', '"one"')
    response.setHeader('content-length', bytes.length)
    response.write(bytes.subarray(0, 1_500_000))
  })
  const binary = join(import.meta.dirname, '../../bin/assay')
  const child = spawn(binary, ['data', 'add', 'more', `${address}/more.txt`], {
    cwd: project.root,
    env: scratchEnvironment(project.keys),
    stdio: 'ignore',
  })
  const part = (): number => sizesIn(join(project.root, '.assay/fetch')).reduce((sum, size) => sum + size, 0)
  for (let tries = 0; part() < 1_500_000 && tries < 400; tries += 1) await new Promise((next) => setTimeout(next, 25))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  nothingLeft(project, 'data/more.txt')
  stall = false
  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(project.read('data/more.txt'), bytes.toString())
  assert.match(asked.at(-1) ?? '', /^bytes=1500000-$/)
  assert.deepEqual(sizesIn(join(project.root, '.assay/fetch')), [])
})

function sizesIn(folder: string): readonly number[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
}

test('begins anew when the file changed between two tries, and never splices two files', async (context) => {
  const project = await adopted(context, words)
  const other = Buffer.alloc(2_000_000, 'x')
  let asked = 0
  const address = await serve(context, (request, response) => {
    asked += 1
    if (asked === 1) return breakOff(response, bytes, 1_000_000)
    return honest(other, '"two"')(request, response)
  })
  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(project.read('data/more.txt'), other.toString())
})

const lies: readonly (readonly [string, RequestListener, string])[] = [
  [
    'sends another part than was asked for',
    (request, response) => {
      if (request.headers.range === undefined) return breakOff(response, bytes, 1_000_000)
      response.statusCode = 206
      response.setHeader('etag', '"one"')
      response.setHeader('content-range', `bytes 5-${bytes.length - 1}/${bytes.length}`)
      response.end(bytes.subarray(5))
    },
    'ERR_DATA_FETCH',
  ],
  ['redirects for ever', (_, response) => response.writeHead(302, { location: '/again' }).end(), 'ERR_DATA_FETCH'],
  [
    'redirects to a file',
    (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    'ERR_DATA_FETCH',
  ],
  ['has no such file', (_, response) => response.writeHead(404).end(), 'ERR_DATA_FETCH'],
  ['wants a password', (_, response) => response.writeHead(401).end(), 'ERR_DATA_FETCH'],
]
for (const [name, listener, code] of lies) {
  test(`refuses a server that ${name}, and leaves no half file`, async (context) => {
    const project = await adopted(context, words)
    const address = await serve(context, listener)
    const { error } = await project.json(4, 'data', 'add', 'more', `${address}/more.txt`)
    assert.equal(error.code, code)
    nothingLeft(project, 'data/more.txt')
    assert.doesNotMatch(project.read('assay.yaml'), /more/)
  })
}

test('follows a redirect, and sends a password to no other server than the one it is for', async (context) => {
  const project = await adopted(context, words)
  const seen: (string | undefined)[] = []
  const target = await serve(context, (request, response) => {
    seen.push(request.headers.authorization)
    return honest(bytes)(request, response)
  })
  const address = await serve(context, (request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(302, { location: `${target}/elsewhere` }).end()
  })
  const withPassword = address.replace('http://', 'http://ada:secret@')
  await project.json(0, 'data', 'add', 'more', `${withPassword}/more.txt`)
  assert.deepEqual(seen, [`Basic ${Buffer.from('ada:secret').toString('base64')}`, undefined])
  for (const file of ['sources.yaml', 'assay.yaml']) assert.doesNotMatch(project.read(file), /secret/)
})

test('split view: bytes that changed behind the address are refused; the same bytes are taken', async (context) => {
  const project = await adopted(context, words)
  let now = bytes
  const address = await serve(context, (request, response) => honest(now)(request, response))
  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal((await project.json(0, 'data', 'fetch', 'more')).sources[0].status, 'here')

  // The honest twin: another checkout gets the same bytes from the same address.
  project.commit()
  project.git('clean', '-fdx', '--quiet', '--exclude=.assay')
  project.git('rm', '--quiet', '--cached', 'data/more.txt')
  const gone = join(project.root, 'data/more.txt')
  rmSync(gone)
  await project.json(0, 'data', 'fetch', 'more')
  assert.equal(project.read('data/more.txt'), bytes.toString())

  rmSync(gone)
  now = Buffer.concat([bytes.subarray(0, -2), Buffer.from('4\n')])
  const refused = await project.json(1, 'data', 'fetch')
  assert.equal(refused.error.code, 'ERR_DATA_SPLIT_VIEW')
  nothingLeft(project, 'data/more.txt')
  const again = await project.json(1, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(again.error.code, 'ERR_DATA_SPLIT_VIEW')
  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`, '--replace')
  assert.equal(project.read('data/more.txt'), now.toString())
})

test('data that is registered anew stays what it was said to be, until something else is said', async (context) => {
  const project = await adopted(context, { ...words, 'data/patients.csv': 'id\n1\n', 'c.yaml': 'id: patients\n' })
  const said = ['--classification', 'restricted', '--licence', 'CC0-1.0', '--kind', 'model', '--owner', 'Ada <a@b.org>']
  const held = ['--contract', 'c.yaml', '--review-by', '2027-01-31']
  await project.json(0, 'data', 'add', 'patients', 'data/patients.csv', ...said, ...held)
  const facts = async (): Promise<unknown> => {
    const { classification, licence, kind, owner, contract, reviewBy, pipelines, status } = await project.json(
      ...([0, 'data', 'show', 'patients'] as const),
    )
    return [classification, licence, kind, owner.name, contract, reviewBy, pipelines, status]
  }
  const limited = project.read('sources.yaml').replace(/^( +)reviewBy: .*$/m, '$&\n$1pipelines: [words]')
  project.write({ 'data/patients.csv': 'id\n1\n2\n', 'sources.yaml': limited })
  const again = ['data', 'add', 'patients', 'data/patients.csv', '--replace'] as const
  await project.json(0, ...again)
  const rest = ['CC0-1.0', 'model', 'Ada', 'c.yaml', '2027-01-31', ['words'], 'proposed']
  assert.deepEqual(await facts(), ['restricted', ...rest])
  await project.json(0, ...again, '--classification', 'internal')
  assert.deepEqual(await facts(), ['internal', ...rest])
})

test('what is fetched again lies as closed as it is on record', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  const add = ['data', 'add', 'more', `${address}/more.txt`] as const
  const { path } = (await project.json(0, ...add, '--classification', 'restricted')).source
  for (const more of [[], ['--classification', 'restricted'], ['--replace']]) {
    rmSync(join(project.root, path))
    const { source } = await project.json(0, ...add, ...more)
    assert.deepEqual([source.classification, modeOf(project, path) & 0o077], ['restricted', 0], more.join(' '))
  }
  assert.equal((await project.json(2, ...add, '--classification', 'public')).error.code, 'ERR_SOURCE_EXISTS')
  assert.equal(modeOf(project, path) & 0o077, 0)
})

test('what is said of an address on record is on record already, or refused; nothing of it is dropped', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  const add = ['data', 'add', 'more', `${address}/more.txt`] as const
  await project.json(0, ...add, '--licence', 'CC0-1.0')
  const before = project.read('sources.yaml')
  const others = {
    classification: 'restricted',
    licence: 'MIT',
    origin: 'https://example.org/more',
    'review-by': '2027-01-31',
  }
  for (const [name, word] of Object.entries(others)) {
    const { error } = await project.json(2, ...add, `--${name}`, word)
    assert.equal(error.code, 'ERR_SOURCE_EXISTS')
    assert.match(error.message, new RegExp(`than .${word}.: `))
  }
  assert.equal((await project.json(2, ...add, '--to', 'data/other.txt')).error.code, 'ERR_SOURCE_EXISTS')
  nothingLeft(project, 'data/other.txt')
  assert.equal(project.read('sources.yaml'), before)
  await project.json(0, ...add, '--licence', 'CC0-1.0', '--origin', `${address}/more.txt`, '--to', 'data/more.txt')

  project.write({ 'data/more.txt': 'mine' })
  assert.equal((await project.json(2, ...add)).error.code, 'ERR_USAGE')
  assert.equal(project.read('data/more.txt'), 'mine')
  const stricter = await project.json(0, ...add, '--classification', 'restricted', '--replace')
  assert.deepEqual([stricter.source.classification, stricter.source.status], ['restricted', 'proposed'])
})

test('what cannot be registered is not fetched', async (context) => {
  const project = await adopted(context, words)
  let asked = 0
  const address = await serve(context, (request, response) => {
    asked += 1
    honest(bytes)(request, response)
  })
  const refused = [
    [['Bad_Id', `${address}/more.txt`], 'ERR_SOURCES_INVALID'],
    [['more', `${address}/more.txt`, '--licence', 'not a licence'], 'ERR_SOURCES_INVALID'],
    [['more', 'ftp://127.0.0.1/more.txt'], 'ERR_USAGE'],
  ] as const
  for (const [args, code] of refused) {
    const { error } = await project.json(2, 'data', 'add', ...args)
    assert.equal(error.code, code)
    nothingLeft(project, 'data/more.txt')
  }
  assert.equal(asked, 0)
})

test('where data is said to be from stays on record; what was fetched is from there no longer once it is changed here', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  project.write({ 'data/own.csv': 'a\n1\n' })
  await project.json(0, 'data', 'add', 'own', 'data/own.csv', '--origin', 'https://example.org/own')
  project.write({ 'data/own.csv': 'a\n1\n2\n' })
  const own = await project.json(0, 'data', 'add', 'own', 'data/own.csv', '--replace')
  assert.equal(own.source.origin, 'https://example.org/own')

  await project.json(0, 'data', 'add', 'more', `${address}/more.txt`)
  project.write({ 'data/more.txt': 'mine' })
  const more = await project.json(0, 'data', 'add', 'more', 'data/more.txt', '--replace')
  assert.deepEqual([more.source.origin, more.source.fetched], ['data/more.txt', undefined])
})

function modeOf({ root }: Scratch, path: string): number {
  return statSync(join(root, path)).mode
}

test('does not write over a file that is there with other bytes', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  project.write({ 'data/more.txt': 'mine' })
  const { error } = await project.json(2, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(error.code, 'ERR_USAGE')
  assert.equal(project.read('data/more.txt'), 'mine')
})

test('secret data goes into a folder of its own that only its owner may enter', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  const added = await project.json(
    0,
    'data',
    'add',
    'people',
    `${address}/people.csv`,
    '--classification',
    'restricted',
  )
  assert.equal(added.source.path, 'data/restricted/people.csv')
  const modeOf = (path: string): string => (statSync(join(project.root, path)).mode & 0o777).toString(8)
  assert.deepEqual([modeOf('data/restricted'), modeOf('data/restricted/people.csv')], ['700', '600'])
  assert.equal(modeOf('.assay/objects'), '700')

  project.write({ 'data/own.csv': 'a\n1\n' })
  await project.json(0, 'data', 'add', 'own', 'data/own.csv', '--classification', 'confidential')
  assert.equal(modeOf('data/own.csv'), '600')
})

/** An S3 store in memory: path style, lists in pages, refuses what is not signed. */
function bucketOf(objects: ReadonlyMap<string, Buffer>, pageSize: number): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://store')
    const authorization = request.headers.authorization ?? ''
    if (!/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/us-east-1\/s3\/aws4_request/.test(authorization)) {
      return response.writeHead(403).end()
    }
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''))
    if (key === '') return response.end(pageOf(objects, url.searchParams, pageSize))
    const object = objects.get(key)
    return object === undefined ? response.writeHead(404).end() : honest(object, `"${key.length}"`)(request, response)
  }
}

function pageOf(objects: ReadonlyMap<string, Buffer>, query: URLSearchParams, pageSize: number): string {
  const prefix = query.get('prefix') ?? ''
  const all = [...objects].filter(([key]) => key.startsWith(prefix)).toSorted()
  const start = Number(query.get('continuation-token') ?? 0)
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const entries = all.slice(start, start + pageSize).map(([key, { length }]) => {
    return `<Contents><Key>${escaped(key)}</Key><Size>${length}</Size><ETag>"${key.length}"</ETag></Contents>`
  })
  const next = start + pageSize < all.length ? `<NextContinuationToken>${start + pageSize}</NextContinuationToken>` : ''
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`
}

async function fromStore(
  project: Scratch,
  endpoint: string,
  ...args: readonly string[]
): Promise<[number | null, string]> {
  const environment = {
    ...scratchEnvironment(project.keys),
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'very secret',
    AWS_ENDPOINT_URL: endpoint,
  }
  const { code, stdout } = await runAssay([...args, '--json'], project.root, environment)
  return [code, stdout]
}

test('fetches a folder and a single object from an S3 store, page by page', async (context) => {
  const project = await adopted(context, words)
  const objects = new Map<string, Buffer>(
    Array.from({ length: 7 }, (_, index) => [`set/a & b/${index} é.txt`, Buffer.from(`file ${index}`)] as const),
  )
  objects.set('set/', Buffer.alloc(0))
  const endpoint = await serve(context, bucketOf(objects, 3))
  const [code, text] = await fromStore(project, endpoint, 'data', 'add', 'set', 's3://bucket/set/', '--to', 'data/set')
  assert.equal(code, 0, text)
  assert.equal(project.read('data/set/a & b/6 é.txt'), 'file 6')
  assert.deepEqual(readdirSync(join(project.root, 'data/set/a & b')).length, 7)
  assert.match(JSON.parse(text).source.digest, /^dirHash1:/)

  const [one] = await fromStore(
    project,
    endpoint,
    'data',
    'add',
    'one',
    's3://bucket/set/a & b/0 é.txt',
    '--to',
    'data/one.txt',
  )
  assert.equal(one, 0)
  assert.equal(project.read('data/one.txt'), 'file 0')
})

test('refuses objects whose names leave the folder, and a store without credentials', async (context) => {
  const project = await adopted(context, words)
  const endpoint = await serve(context, bucketOf(new Map([['set/../../.git/hooks/post-commit', Buffer.from('x')]]), 3))
  const [code, text] = await fromStore(project, endpoint, 'data', 'add', 'set', 's3://bucket/set/', '--to', 'data/set')
  assert.equal(code, 2)
  assert.equal(JSON.parse(text).error.code, 'ERR_PATH_UNSAFE')
  const { error } = await project.json(4, 'data', 'add', 'set', 's3://bucket/set/', '--to', 'data/set')
  assert.equal(error.code, 'ERR_DATA_FETCH')
  assert.match(error.help, /AWS_ACCESS_KEY_ID/)
})

test('a place that cannot be written is said, and nothing is registered', async (context) => {
  const project = await adopted(context, words)
  const address = await serve(context, honest(bytes))
  // A file where the folder of part files belongs.
  writeFileSync(join(project.root, '.assay/fetch'), '')
  const { error } = await project.json(4, 'data', 'add', 'more', `${address}/more.txt`)
  assert.equal(error.code, 'ERR_IO')
  nothingLeft(project, 'data/more.txt')
})
