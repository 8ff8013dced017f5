/** An index that lies, breaks and redirects, on loopback. Threat: supply-chain compromise. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ErrorCode, isDomainError, sha256Of } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { openFetchClient } from './fetch.http.ts'
import { readNpmSettings } from './npm-settings.fs.ts'
import { prepareEnvironment } from './prepare.ts'
import { noNetwork, requestFor, scratchFolder, type WheelToWrite, wheelName, wheelOf } from './testing.exec.ts'

const wheel: WheelToWrite = { project: 'tool', files: [{ name: 'tool.py', content: 'x = 1\n' }] }
const bytes = wheelOf(wheel)
const digest = sha256Of(bytes)
const fileName = wheelName(wheel)
const lock = `tool==1.0 --hash=${digest}\n`

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's address has this shape
}

type Asked = Readonly<{ path: string; authorization: string | undefined }>
type Index = Readonly<{ address: string; asked: Asked[]; root: string }>

/** A right index, but for what is given: answers by path. */
async function indexOf(
  context: TestContext,
  answers: Readonly<Record<string, RequestListener>> = {},
  file: Readonly<Record<string, unknown>> = {},
): Promise<Index> {
  const asked: Asked[] = []
  const address = await serve(context, (request, response) => {
    const path = request.url ?? ''
    asked.push({ path, authorization: request.headers.authorization })
    const given = answers[path]
    if (given !== undefined) return given(request, response)
    if (path === '/simple/tool/') {
      response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json')
      const files = [{ filename: fileName, url: `/files/${fileName}`, hashes: { sha256: digest.slice(7) }, ...file }]
      return response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'tool', files }))
    }
    if (path === `/files/${fileName}`) return response.end(bytes)
    response.statusCode = 404
    return response.end()
  })
  return { address, asked, root: scratchFolder(context) }
}

function install(
  { address, root }: Index,
  given: Readonly<{ indexes?: readonly string[]; lock?: string }> = {},
): Promise<Environment> {
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(given.lock ?? lock) }
  const network = { ...noNetwork, indexes: given.indexes ?? [`${address}/simple`] }
  return prepareEnvironment(requestFor(root, definition, { network }))
}

/** What is said of an environment, without what it can do. */
function plain({ isUnchanged: _, ...said }: Environment): Omit<Environment, 'isUnchanged'> {
  return said
}

const pathOfFile = `/files/${fileName}`

test('fetches once: a second use of the lock asks nobody', async (context) => {
  const index = await indexOf(context)
  const first = await install(index)
  assert.deepEqual(first.materials[1], { name: fileName, digest, uri: `${index.address}${pathOfFile}` })
  assert.equal(index.asked.length, 2)
  const second = await install(index)
  assert.deepEqual(plain(second), plain(first))
  assert.equal(index.asked.length, 2)
})

const lies: Readonly<Record<string, readonly [answers: Record<string, RequestListener>, code: ErrorCode]>> = {
  'other bytes than it names': [
    { [pathOfFile]: (_, response) => response.end('other bytes') },
    'ERR_ENV_HASH_MISMATCH',
  ],
  'half of the bytes': [
    { [pathOfFile]: (_, response) => response.end(bytes.subarray(0, 200)) },
    'ERR_ENV_HASH_MISMATCH',
  ],
  'an endless redirect': [
    { [pathOfFile]: (_, response) => response.writeHead(302, { location: pathOfFile }).end() },
    'ERR_ENV_FETCH',
  ],
  'a redirect to a file of this machine': [
    { [pathOfFile]: (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end() },
    'ERR_ENV_FETCH',
  ],
  'a page that is HTML': [
    { '/simple/tool/': (_, response) => response.setHeader('content-type', 'text/html').end('<a href="x">x</a>') },
    'ERR_ENV_FETCH',
  ],
  'a page with a key twice': [
    { '/simple/tool/': (_, response) => response.end('{"meta":{"api-version":"1.0"},"files":[],"files":[]}') },
    'ERR_ENV_FETCH',
  ],
  'that the file is gone': [{ [pathOfFile]: (_, response) => response.writeHead(410).end() }, 'ERR_ENV_GONE'],
  'that access is denied': [{ '/simple/tool/': (_, response) => response.writeHead(403).end() }, 'ERR_ENV_FETCH'],
}
for (const [what, [answers, code]] of Object.entries(lies)) {
  test(`an index that answers with ${what} is refused with ${code}, and nothing is kept`, async (context) => {
    const index = await indexOf(context, answers)
    await assert.rejects(
      () => install(index),
      (error) => isDomainError(error, code),
    )
    const kept = readdirSync(join(index.root, 'objects'), { recursive: true, encoding: 'utf8', withFileTypes: true })
    assert.deepEqual(
      kept.filter((item) => item.isFile() && item.name !== 'hold').map(({ name }) => name),
      [],
    )
  })
}

test('an index that names the locked hash for a better name is found out by the wheel itself', async (context) => {
  const index = await indexOf(context, {}, { filename: 'tool-1.0-cp27-none-any.whl' })
  await assert.rejects(
    () => install(index),
    (error) => isDomainError(error, 'ERR_ENV_NO_WHEEL'),
  )
})

test('an index that states no hash is tried, and its bytes must be those of the lock', async (context) => {
  const honest = await indexOf(context, {}, { hashes: {} })
  assert.equal((await install(honest)).packages.length, 1)
  const liar = await indexOf(context, { [pathOfFile]: (_, response) => response.end('x') }, { hashes: {} })
  await assert.rejects(
    () => install(liar),
    (error) => isDomainError(error, 'ERR_ENV_HASH_MISMATCH') && error.message.startsWith('requirements.lock:1: '),
  )
})

test('tries again when a server stumbles or a connection breaks', async (context) => {
  let tries = 0
  const index = await indexOf(context, {
    [pathOfFile]: (_, response) => {
      tries += 1
      if (tries === 1) return response.writeHead(503).end()
      if (tries > 2) return response.end(bytes)
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100))
      return setTimeout(() => response.destroy(), 20)
    },
  })
  assert.equal((await install(index)).packages.length, 1)
  assert.equal(tries, 3)
})

test('an index that is down is ERR_ENV_FETCH; beside one that has the wheel it does not matter', async (context) => {
  const index = await indexOf(context)
  const down = 'http://127.0.0.1:9/simple'
  await assert.rejects(
    () => install(index, { indexes: [down] }),
    (error) => isDomainError(error, 'ERR_ENV_FETCH') && error.message.includes('ECONNREFUSED'),
  )
  assert.equal((await install(index, { indexes: [down, `${index.address}/simple`] })).packages.length, 1)
  const emptied = await indexOf(context, { [pathOfFile]: (_, response) => response.writeHead(404).end() })
  await assert.rejects(
    () => install(emptied, { indexes: [down, `${emptied.address}/simple`] }),
    (error) => isDomainError(error, 'ERR_ENV_FETCH') && error.message.includes('ECONNREFUSED'),
    'what is down may have it: nothing is gone before everybody answered',
  )
})

test('sends credentials to the origin they were given for and to no other, and records none', async (context) => {
  const elsewhere = await indexOf(context)
  const index = await indexOf(context, {
    [pathOfFile]: (_, response) =>
      response
        .writeHead(302, { location: `${elsewhere.address.replace('127.0.0.1', 'localhost')}${pathOfFile}` })
        .end(),
  })
  const withSecret = `${index.address.replace('http://', 'http://ada:hunter2@')}/simple`
  const environment = await install(index, { indexes: [withSecret] })
  const expected = `Basic ${Buffer.from('ada:hunter2').toString('base64')}`
  assert.deepEqual(
    index.asked.map(({ authorization }) => authorization),
    [expected, expected],
  )
  assert.deepEqual(
    elsewhere.asked.map(({ authorization }) => authorization),
    [undefined],
  )
  assert.ok(!JSON.stringify(environment).includes('hunter2'))
})

test('a token of npm is for the address that it stands at', (context) => {
  const file = join(scratchFolder(context), '.npmrc')
  writeFileSync(file, '//npm.example/team-a/:_authToken=one\n//npm.example:8443/:_auth=dHdv\n')
  assert.deepEqual(
    [...readNpmSettings({ NPM_CONFIG_USERCONFIG: file }).credentials],
    [
      ['https://npm.example/team-a/', 'Bearer one'],
      ['https://npm.example:8443/', 'Basic dHdv'],
    ],
  )
})

test('what one path of a host is given is sent to no other path of it; the longest that holds is sent', async (context) => {
  const index = await indexOf(context)
  const places = { '/team/': 'Bearer team', '/team/own/': 'Bearer own' }
  const credentials = new Map(Object.entries(places).map(([path, value]) => [`${index.address}${path}`, value]))
  const client = openFetchClient(noNetwork, new AbortController().signal, credentials)
  context.after(() => client.close())
  for (const path of ['team/own', 'team', 'teams', 'team/../other']) await client.page(`${index.address}/${path}`, 'x')
  assert.deepEqual(
    index.asked.map(({ path, authorization }) => [path, authorization]),
    [
      ['/team/own/x/', 'Bearer own'],
      ['/team/x/', 'Bearer team'],
      ['/teams/x/', undefined],
      ['/other/x/', undefined],
    ],
  )
})

test('asks the index that the lock names too, unless the caller wants none asked', async (context) => {
  const index = await indexOf(context)
  const given = { lock: `--index-url ${index.address}/simple\n${lock}` }
  const named = await install(index, { ...given, indexes: [`${index.address}/none`] })
  assert.equal(named.packages.length, 1)
  const asked = index.asked.length
  await assert.rejects(
    () => install({ ...index, root: scratchFolder(context) }, { ...given, indexes: [] }),
    (error) => isDomainError(error, 'ERR_ENV_NO_WHEEL'),
  )
  assert.equal(index.asked.length, asked, 'with PIP_NO_INDEX nobody is asked')
})

test('asks for a source at the address of the lock, unless the caller wants nobody asked', async (context) => {
  const ask = async (indexes: readonly string[]): Promise<Readonly<{ code: unknown; asked: readonly string[] }>> => {
    const { address, asked, root } = await indexOf(context)
    const sdist = `{url = "${address}/tool-1.0.tar.gz", hashes = {sha256 = "${'0'.repeat(64)}"}}`
    const packages = `[[packages]]\nname = "tool"\nversion = "1.0"\nsdist = ${sdist}\n`
    const definition = {
      ...{
        kind: 'python' as const,
        lock: 'pylock.toml',
        lockBytes: Buffer.from(`lock-version = "1.0"\ncreated-by = "x"\n${packages}`),
      },
      sources: { projects: ['tool'], lock: 'requirements-build.lock', lockBytes: Buffer.from('# nothing\n') },
    }
    const network = { ...noNetwork, indexes: indexes.map((index) => `${address}${index}`) }
    const fault: unknown = await prepareEnvironment(requestFor(root, definition, { network })).catch(
      (error: unknown) => error,
    )
    return { code: isDomainError(fault) ? fault.code : fault, asked: asked.map(({ path }) => path) }
  }
  assert.deepEqual(await ask([]), { code: 'ERR_ENV_SOURCE_DIST', asked: [] })
  const { code, asked } = await ask(['/none'])
  assert.equal(code, 'ERR_ENV_GONE')
  assert.ok(asked.includes('/tool-1.0.tar.gz'))
})

test('goes through the proxy of the caller, and around it where the caller says so', async (context) => {
  const index = await indexOf(context)
  const seen: string[] = []
  const proxy = await serve(context, (request, response) => {
    seen.push(request.url ?? '')
    response.writeHead(502).end()
  })
  const run = (noProxy: string): Promise<Environment> => {
    const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(lock) }
    const network = { ...noNetwork, indexes: [`${index.address}/simple`], httpProxy: proxy, noProxy }
    return prepareEnvironment(requestFor(index.root, definition, { network }))
  }
  await assert.rejects(
    () => run(''),
    (error) => isDomainError(error, 'ERR_ENV_FETCH'),
  )
  assert.ok(seen.length > 0)
  assert.equal((await run('127.0.0.1')).packages.length, 1)
})

test('ends at once when the caller gives up', async (context) => {
  const index = await indexOf(context, { [pathOfFile]: (_, response) => response.writeHead(200).write('x') })
  const abort = new AbortController()
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(lock) }
  const network = { ...noNetwork, indexes: [`${index.address}/simple`] }
  const prepared = prepareEnvironment(requestFor(index.root, definition, { network, signal: abort.signal }))
  setTimeout(() => abort.abort(new Error('given up')), 100)
  await assert.rejects(prepared, (error) => isDomainError(error, 'ERR_RUN_CANCELLED'))
})
