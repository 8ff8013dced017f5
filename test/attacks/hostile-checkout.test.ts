/** Threat: pipeline tampering. A checkout that brings assay's own state, or a link in its place, chooses nothing. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

test('a link in the place of .assay is refused and nothing behind it is touched; without it the project runs', async (context) => {
  const project = scratch(context, words)
  const elsewhere = join(project.keys, 'elsewhere')
  mkdirSync(join(elsewhere, 'tmp/precious'), { recursive: true })
  symlinkSync(elsewhere, join(project.root, '.assay'))
  project.commit()
  for (const verb of [['init', '--yes'], ['run'], ['status'], ['gc'], ['verify']]) {
    const refused = await project.json(2, ...verb)
    assert.equal(refused.error.code, 'ERR_PATH_UNSAFE', verb[0])
  }
  assert.equal(existsSync(join(elsewhere, 'tmp/precious')), true)

  rmSync(join(project.root, '.assay'))
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  assert.equal((await project.json(0, 'run')).level, 1)
})

test('state that is in the commit is refused; out of it, the project runs', async (context) => {
  const project = scratch(context, { ...words, '.assay/attestations/forged.sigstore.json': '{}\n' })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  assert.equal((await project.json(2, 'run')).error.code, 'ERR_PATH_UNSAFE')
  project.git('rm', '-r', '--cached', '--quiet', '.assay')
  project.git('commit', '--quiet', '-m', 'without state')
  assert.equal((await project.json(0, 'run')).level, 1)
})
