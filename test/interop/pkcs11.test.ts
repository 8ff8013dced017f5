/**
 * A project whose evidence is signed by a key in a PKCS#11 token: SoftHSM, by its own library and tools.
 *
 * Needs Debian's `softhsm2`, and the optional package pkcs11js, which `npm ci` compiles where there is a compiler.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'
import { driven, listSigner } from '../support/signing.ts'

const module = '/usr/lib/softhsm/libsofthsm2.so'
const pin = '648219'
const address = `pkcs11:token=assay%20test;object=digits?module-path=${module}`

async function withToken(context: TestContext): Promise<Scratch & { environment: Record<string, string> }> {
  const project = await adopted(context, words)
  const folder = join(project.keys, 'softhsm')
  mkdirSync(join(folder, 'tokens'), { recursive: true, mode: 0o700 })
  const SOFTHSM2_CONF = join(folder, 'softhsm2.conf')
  writeFileSync(SOFTHSM2_CONF, `directories.tokendir = ${folder}/tokens\nlog.level = ERROR\n`)
  const initial = ['--init-token', '--free', '--label', 'assay test', '--so-pin', '11223344', '--pin', pin]
  execFileSync('softhsm2-util', initial, { env: { ...process.env, SOFTHSM2_CONF } })
  return { ...project, environment: { SOFTHSM2_CONF, ASSAY_KEY_PASSPHRASE: pin } }
}

test('a key is made in a token and signs a run there; the token is asked once for a PIN that is wrong', async (context) => {
  const project = await withToken(context)
  const assay = driven(project, project.environment)
  const made = await assay(0, 'key', 'new', '--in', address)
  assert.equal((await assay(2, 'key', 'new', '--in', address)).error.code, 'ERR_KEY_EXISTS')
  assert.match(made.publicPem, /^-----BEGIN PUBLIC KEY-----/)
  listSigner(project, { key: made.publicPem })
  const run = await assay(0, 'run')
  assert.deepEqual([run.status, run.level], ['succeeded', 1])
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true, 'without the token')
  const shown = await assay(0, 'key', 'show')
  assert.deepEqual([shown.path, shown.listed], [address, true])

  const without = driven(project, { ...project.environment, ASSAY_KEY_PASSPHRASE: '' })
  assert.equal((await without(2, 'run', '--force')).error.code, 'ERR_KEY_LOCKED')
  const wrong = driven(project, { ...project.environment, ASSAY_KEY_PASSPHRASE: '000000' })
  assert.equal((await wrong(2, 'run', '--force')).error.code, 'ERR_KEY_PIN')

  const file = join(project.keys, 'pin')
  writeFileSync(file, `${pin}\n`, { mode: 0o600 })
  const byFile = `${address}&pin-source=file:${file}`
  await without(0, 'key', 'use', byFile)
  await without(0, 'run', '--force')
  chmodSync(file, 0o644)
  assert.equal((await without(2, 'run', '--force')).error.code, 'ERR_KEY_EXPOSED')
})

test('a model is signed in a token, and verifies by its public key', async (context) => {
  const project = await withToken(context)
  const assay = driven(project, project.environment)
  const { publicPem } = await assay(0, 'key', 'new', '--in', address)
  project.write({ 'signer.pub': publicPem })
  await assay(0, 'sign', 'src', '--output', 'src.sig', '--key', address)
  await project.json(0, 'verify', 'src', '--bundle', 'src.sig', '--key', 'signer.pub')
  project.write({ 'src/more.sh': 'true\n' })
  await project.json(1, 'verify', 'src', '--bundle', 'src.sig', '--key', 'signer.pub')
  assert.ok(readFileSync(join(project.root, 'src.sig'), 'utf8').includes('dsseEnvelope'))
})
