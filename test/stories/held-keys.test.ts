/** A project whose evidence is signed by a key that lies in HashiCorp Vault, by a server of its documented API. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { vaultTransit } from '../support/key-services.ts'
import { words } from '../support/projects.ts'
import { driven, listSigner } from '../support/signing.ts'

const look = 'sh -c "env > out/env.txt; cat /proc/*/environ >> out/env.txt 2>/dev/null; true"'
const looking = { ...words, 'dvc.yaml': `${words['dvc.yaml']}  look:\n    cmd: ${look}\n    outs: [out/env.txt]\n` }

test('a project signs with a key in Vault and is verified; nobody else signs in its place, and no stage sees its token', async (context) => {
  const project = await adopted(context, looking)
  const vault = await vaultTransit(context)
  const assay = driven(project, vault.environment)

  const used = await assay(0, 'key', 'use', 'hashivault://digits')
  assert.deepEqual([used.path, used.listed], ['hashivault://digits', false])
  assert.equal((await assay(1, 'run')).error.code, 'ERR_SIGNER_UNKNOWN')
  assert.deepEqual(vault.signed, [], 'nothing was signed that nobody would believe')

  listSigner(project, { key: (await assay(0, 'key', 'export')).publicKey })
  const run = await assay(0, 'run')
  assert.deepEqual([run.status, run.level], ['succeeded', 1])
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true, 'without Vault')
  await assay(0, 'tlog', 'verify')
  await assay(0, 'attest', 'vsa', 'model/count.txt', '--out', 'count.vsa.json')
  assert.doesNotMatch(project.read('out/env.txt'), /hvs\.|VAULT/)
  assert.deepEqual(vault.faults, [])

  const described = ['--owner', 'Eve <eve@example.org>', '--classification', 'public', '--licence', 'CC0-1.0']
  await assay(0, 'data', 'add', 'words', 'data/words.txt', ...described)
  await assay(0, 'data', 'approve', 'words')
  assert.equal((await project.json(0, 'data', 'show', 'words')).status, 'approved')

  const lies = {
    'signature of another key': [1, 'ERR_SIGNER_WRONG'],
    'another key now': [1, 'ERR_SIGNER_WRONG'],
    denied: [4, 'ERR_SIGNER_DENIED'],
  } as const
  for (const [lie, [exit, code]] of Object.entries(lies)) {
    vault.behave(lie as keyof typeof lies)
    assert.equal((await assay(exit, 'run', 'count', '--force')).error.code, code, lie)
  }
  vault.behave('honest')
  await assay(0, 'run', 'count', '--force')

  const settings = project.read('assay.yaml')
  await assay(0, 'secret', 'grant', 'vault', '--env', 'VAULT_TOKEN', '--stage', 'look')
  for (const way of ['env: [VAULT_TOKEN]', 'secrets: [vault]']) {
    project.write({ 'assay.yaml': `${settings}\nstages: {look: {${way}}}\n` })
    assert.equal((await assay(2, 'run', '--force')).error.code, 'ERR_KEY_EXPOSED', way)
  }
})
