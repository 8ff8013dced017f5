import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fetchSecret } from './broker.http.ts'

const token = 'the-value-of-it'
const ofHub = { data: { token } }

/** Address -> what the documented API answers there. */
const answers: Readonly<Record<string, unknown>> = {
  '/v1/kv/hub': { lease_id: '', lease_duration: 2764800, ...ofHub },
  '/v1/kv/nested': { data: { token, data: { token: 'another' } } },
  '/v1/kv/number': { data: { token: 12345678 } },
  '/v1/kv/list': { data: [token] },
  '/v1/kv/wrapped': { data: null, wrap_info: { token } },
  '/v1/secret/data/hub': { data: { data: { token }, metadata: { version: 3 } } },
  '/v1/secret/data/deleted': { data: { data: null, metadata: { version: 3 }, token } },
  '/v1/database/creds/hub': { lease_id: 'database/creds/hub/1', lease_duration: 3600, ...ofHub },
}

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('Vault: what is a text of a KV engine is taken; what is leased, deleted, wrapped or no text is refused', async (context) => {
  const seenElsewhere: (string | undefined)[] = []
  const elsewhere = await serve(context, ({ headers }, response) => {
    seenElsewhere.push(headers.authorization)
    response.writeHead(403).end()
  })
  const redirects: Readonly<Record<string, string>> = {
    '/v1/kv/near': '/v1/kv/hub',
    '/v1/kv/far': `${elsewhere}/v1/kv/hub`,
    '/v1/kv/above': '/other',
  }
  const vault = await serve(context, ({ url = '', headers }, response) => {
    const target = redirects[url]
    const isHis = headers.authorization === 'Bearer hvs.right' && headers['x-vault-namespace'] === 'team'
    if (target !== undefined) response.writeHead(307, { location: target }).end()
    else if (!isHis) response.writeHead(403).end('{"errors":["permission denied"]}')
    else if (answers[url] === undefined) response.writeHead(404).end('{"errors":[]}')
    else response.end(JSON.stringify(answers[url]))
  })
  const environment = { VAULT_ADDR: vault, VAULT_TOKEN: 'hvs.right', VAULT_NAMESPACE: 'team' }
  const get = async (path: string, changed: Readonly<Record<string, string>> = {}): Promise<string> => {
    const route = { httpProxy: '', httpsProxy: '', noProxy: '', authorities: [], retryDelaysMs: [] }
    const options = { environment: { ...environment, ...changed }, route, signal: new AbortController().signal }
    return String(await fetchSecret('hub', { kind: 'vault', path, field: 'token' }, options))
  }
  for (const path of ['kv/hub', 'kv/nested', 'secret/data/hub', 'kv/near']) assert.equal(await get(path), token, path)

  const refusedWith = async (path: string, words: RegExp, changed = {}): Promise<void> => {
    await assert.rejects(get(path, changed), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_SECRET_UNAVAILABLE', path)
      assert.match(error.message, words, path)
      assert.ok(!error.message.includes('hvs.') && !error.message.includes(token), path)
      return true
    })
  }
  for (const path of ['kv/number', 'kv/list', 'kv/wrapped', 'secret/data/deleted'])
    await refusedWith(path, /no such field with a text/)
  await refusedWith('database/creds/hub', /Vault leases it/)
  await refusedWith('secret/hub', /404: .* MOUNT\/data\/NAME/)
  await refusedWith('kv/hub', /403: .*VAULT_NAMESPACE/, { VAULT_NAMESPACE: 'other' })
  await refusedWith('kv/hub', /403/, { VAULT_TOKEN: 'hvs.wrong' })
  await refusedWith('kv/hub', /cannot be/, { VAULT_TOKEN: 'hvs.two\nlines' })
  await refusedWith('kv/above', /403/)
  await refusedWith('kv/far', /403/)
  assert.deepEqual(seenElsewhere, [undefined], 'the token goes nowhere else')
})
