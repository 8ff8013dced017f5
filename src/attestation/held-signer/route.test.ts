/** How the signer's process reaches a holder: by the caller's proxy, over TLS that the caller's authorities vouch for. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { vaultTransit } from '../../../test/support/key-services.ts'
import { isDomainError } from '../../core/index.ts'
import type { HeldKeySource } from '../key.ts'
import { pemOf } from '../public-key.ts'
import { startSigner } from '../signer.exec.ts'

async function portOf(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return (server.address() as AddressInfo).port // as: it listens on TCP
}

function certificate(context: TestContext): Readonly<{ key: Buffer; cert: Buffer }> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-tls-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

test('a holder is reached over TLS by the proxy and the authorities that are given, and not without them', async (context) => {
  const vault = await vaultTransit(context)
  const { key, cert } = certificate(context)
  const behind = Number(new URL(vault.url).port)
  const secure = await portOf(
    context,
    createTlsServer(
      { key, cert },
      (socket) =>
        void socket
          .on('error', () => undefined)
          .pipe(connect(behind, '127.0.0.1'))
          .pipe(socket),
    ),
  )
  const tunnels: string[] = []
  const proxy = createServer().on('connect', ({ url = '' }, socket) => {
    tunnels.push(url)
    const onward = connect(secure, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    for (const each of [socket, onward]) each.on('error', () => undefined)
  })
  const proxies = { HTTPS_PROXY: `http://127.0.0.1:${await portOf(context, proxy)}`, HTTP_PROXY: '', NO_PROXY: '' }
  const settings = { ...vault.environment, VAULT_ADDR: `https://localhost:${secure}` }
  const source: HeldKeySource = { kind: 'held', address: 'hashivault://digits', settings, proxies, authorities: [] }
  const open = async (more: Partial<HeldKeySource>): Promise<string> => {
    await using signer = await startSigner({ key: { ...source, ...more }, objectStoreRoot: '/nonexistent' })
    return signer.publicPem
  }
  const authorities = [cert.toString()]
  assert.equal(await open({ authorities }), pemOf(vault.publicKey))
  assert.deepEqual(tunnels, [`localhost:${secure}`])
  assert.equal(await open({ authorities, proxies: { ...proxies, NO_PROXY: 'localhost' } }), pemOf(vault.publicKey))
  assert.equal(tunnels.length, 1, 'directly')
  await assert.rejects(open({ proxies: {} }), (error) => isDomainError(error, 'ERR_SIGNER_UNREACHABLE'))
})

test('plain HTTP goes to this machine itself, whatever proxy there is: nobody in between reads the token', async (context) => {
  const vault = await vaultTransit(context)
  const read: string[] = []
  const proxy = createServer(({ headers, url = '' }, response) => {
    read.push(`${url} ${headers.authorization}`)
    response.writeHead(403).end()
  }).on('connect', ({ url = '' }, socket) => {
    read.push(url)
    socket.end()
  })
  const url = `http://127.0.0.1:${await portOf(context, proxy)}`
  const key: HeldKeySource = {
    kind: 'held',
    address: 'hashivault://digits',
    settings: vault.environment,
    proxies: { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: '' },
    authorities: [],
  }
  await using signer = await startSigner({ key, objectStoreRoot: '/nonexistent' })
  assert.deepEqual([signer.publicPem, read], [pemOf(vault.publicKey), []])
})
