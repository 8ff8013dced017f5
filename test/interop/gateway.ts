/** versitygw, an S3 store that checks what it is sent, built once from its source at a pinned version. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const version = 'v1.8.0'
const cache = join(import.meta.dirname, '../../.cache/interop', `versitygw-${version}`)
const program = process.env['VERSITYGW'] ?? join(cache, 'versitygw')

export const gatewayKeys = { accessKeyId: 'test', secretAccessKey: 'testsecret' }

export type Gateway = Readonly<{ endpoint: string; stop(): void }>

export async function startGateway(): Promise<Gateway> {
  buildGateway()
  const folder = mkdtempSync(join(tmpdir(), 'assay-s3-'))
  mkdirSync(join(folder, 'data'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', 'posix', join(folder, 'data')]
  const { accessKeyId, secretAccessKey } = gatewayKeys
  const env = { PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }
  const gateway = spawn(program, args, { env, stdio: 'ignore' })
  const isUp = (): Promise<boolean> =>
    fetch(`${endpoint}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let tries = 0; !(await isUp()); tries += 1) {
    assert.ok(tries < 100, 'the store does not start')
    await sleep(100)
  }
  return {
    endpoint,
    stop: () => {
      gateway.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function buildGateway(): void {
  if (existsSync(program)) return
  mkdirSync(cache, { recursive: true })
  const nice = ['-n', '19', 'go', 'install', `github.com/versity/versitygw/cmd/versitygw@${version}`]
  execFileSync('nice', nice, { env: { ...process.env, GOBIN: cache }, stdio: 'inherit' })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}
