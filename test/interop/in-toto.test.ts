/**
 * in-toto-verify (Python, from PyPI) accepts the links and the layout that are made of a chain, and refuses another
 * artifact, a changed link and another key.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateKey } from '../../src/attestation/key.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { repository, run, virtualEnvironment } from './environments.ts'
import { flipAt, saysTheSame } from './flips.ts'

const version = '3.1.0'

test('in-toto-verify holds a model to the links of its chain', { timeout: 600_000 }, async (context) => {
  const program = join(virtualEnvironment(`in-toto-${version}`, `in-toto==${version}`), 'in-toto-verify')
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const { links, layout } = await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'links', '--in-toto')
  assert.equal(links.length, 2)
  await project.json(0, 'key', 'export', '--out', 'links/ada.pem')
  writeFileSync(join(project.root, 'links/other.pem'), generateKey(undefined).publicPem)

  const verify = (change?: (folder: string) => void, key = 'ada.pem') => {
    const folder = join(project.keys, `case-${Math.random().toString(36).slice(2)}`)
    cpSync(join(project.root, 'links'), folder, { recursive: true })
    mkdirSync(join(folder, 'model'))
    cpSync(join(project.root, 'model/count.txt'), join(folder, 'model/count.txt'))
    change?.(folder)
    const { status, stdout, stderr } = spawnSync(program, ['--layout', layout, '--verification-keys', key], {
      cwd: folder,
      encoding: 'utf8',
    })
    return { status, said: `${stdout}${stderr}` }
  }
  const honest = verify()
  assert.equal(honest.status, 0, honest.said)
  assert.notEqual(verify((folder) => writeFileSync(join(folder, 'model/count.txt'), 'forged')).status, 0)
  assert.notEqual(verify(undefined, 'other.pem').status, 0)
  const [link = ''] = links
  const forged = verify((folder) => {
    const envelope = JSON.parse(readFileSync(join(folder, link), 'utf8'))
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"link"', '"link" ')
    writeFileSync(join(folder, link), JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }))
  })
  assert.notEqual(forged.status, 0)

  const folder = join(project.keys, 'flips')
  cpSync(join(project.root, 'links'), folder, { recursive: true })
  mkdirSync(join(folder, 'model'))
  cpSync(join(project.root, 'model/count.txt'), join(folder, 'model/count.txt'))
  const python = join(program, '../python')
  const flips = join(repository, 'test/interop/flips.py')
  for (const file of [link, layout]) {
    const honest = readFileSync(join(folder, file))
    const told = run(python, [flips, 'in_toto', file, '13', 'ada.pem', layout, '.'], { cwd: folder })
    const { tried, accepted } = JSON.parse(told) as Readonly<{ tried: number; accepted: readonly number[] }>
    for (const place of accepted)
      assert.ok(saysTheSame(honest, flipAt(honest, place).bytes), `bit ${place} of ${file} is accepted`)
    assert.ok(tried > 500 && accepted.length < tried / 50, `${accepted.length} of ${tried} accepted`)
  }
})

test('in-toto-verify reads links and a layout that an Ed25519 key signed, and refuses another model', {
  timeout: 600_000,
}, async (context) => {
  const program = join(virtualEnvironment(`in-toto-${version}`, `in-toto==${version}`), 'in-toto-verify')
  const project = await adopted(context, words)
  await project.json(0, 'key', 'rotate', '--type', 'ed25519')
  project.commit('another key')
  await project.json(0, 'run')
  const { layout } = await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'links', '--in-toto')
  await project.json(0, 'key', 'export', '--out', 'links/ed.pem')
  const folder = join(project.root, 'links')
  mkdirSync(join(folder, 'model'))
  const verify = (text: Uint8Array | string) => {
    writeFileSync(join(folder, 'model/count.txt'), text)
    const args = ['--layout', layout, '--verification-keys', 'ed.pem']
    return spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
  }
  const honest = verify(readFileSync(join(project.root, 'model/count.txt')))
  assert.equal(honest.status, 0, `${honest.stdout}${honest.stderr}`)
  assert.notEqual(verify('forged').status, 0)
})
