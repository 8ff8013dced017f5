/** Goal: a model in an OCI registry with its evidence beside it; whoever takes it from there verifies it by its digest. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { serveRegistry } from '../support/oci-registry.ts'
import { words } from '../support/projects.ts'
import { assayIn } from '../support/remotes.ts'

test('a model is pushed with its evidence, verified by digest, and its evidence comes back with the proofs of the log', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const { key } = await project.json(0, 'tlog', 'append')
  for (const [hasReferrers, listed] of [
    [true, 'referrers'],
    [false, 'tag'],
  ] as const) {
    const registry = await serveRegistry(context, { hasReferrers, pageSize: 2, login: 'ada:a password' })
    const name = `oci://${registry.host}/acme/words`
    const { auth } = { auth: Buffer.from('ada:a password').toString('base64') }
    mkdirSync(join(project.keys, '.docker'), { recursive: true })
    writeFileSync(join(project.keys, '.docker/config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }))

    const out = ['attest', 'export', 'model/count.txt', '--out']
    const sent = await project.json(0, ...out, `${name}:1`)
    assert.deepEqual([sent.listed, sent.pushed, sent.stages, sent.verdicts], [listed, true, 2, 1])
    assert.ok(sent.logProofs >= 3)
    const bytes = registry.manifests.size + registry.blobs.size
    assert.equal((await project.json(0, ...out, `${name}:1`)).manifest, sent.manifest)
    assert.equal(registry.manifests.size + registry.blobs.size, bytes, 'a second export adds nothing')
    assert.equal((await project.json(0, ...out, `${name}@${sent.manifest}`)).pushed, false, 'beside what is there')
    assert.equal(
      (await project.json(1, ...out.with(2, 'out/sorted.txt'), `${name}@${sent.manifest}`)).error.code,
      'ERR_SUBJECT_MISMATCH',
    )

    // another machine, without the project
    const elsewhere = join(project.keys, `elsewhere-${listed}`)
    mkdirSync(elsewhere)
    const policy = `${readFileSync(join(project.root, 'trust.yaml'), 'utf8')}logs: [{key: '${key}'}]\n`
    writeFileSync(join(elsewhere, 'policy.yaml'), policy)
    const other = assayIn(elsewhere, project)
    for (const artifact of [`${name}:1`, `${name}@${sent.manifest}`]) {
      const verdict = await other.json(0, 'verify', artifact, '--policy', 'policy.yaml')
      assert.deepEqual([verdict.trusted, verdict.subject.path], [true, 'model/count.txt'])
      assert.ok(verdict.findings.some(({ check, passed }: Record<string, unknown>) => check === 'logged' && passed))
      const which = verdict.findings.find(({ check }: Record<string, unknown>) => check === 'manifest')
      assert.ok(which.because.includes(sent.manifest), 'what to load, whatever the tag comes to stand for')
    }
    writeFileSync(join(elsewhere, 'count.txt'), readFileSync(join(project.root, 'model/count.txt')))
    const local = await other.json(0, 'verify', 'count.txt', '--evidence', `${name}:1`, '--policy', 'policy.yaml')
    assert.equal(local.trusted, true)

    // the project that has lost its evidence
    for (const lost of ['attestations', 'index', 'log'])
      rmSync(join(project.root, '.assay', lost), { recursive: true, force: true })
    await project.json(1, 'verify', 'model/count.txt')
    const imported = await project.json(0, 'attest', 'import', `${name}:1`)
    assert.deepEqual([imported.stages.length, imported.logProofs >= 3], [2, true])
    assert.equal(
      (await project.json(0, 'verify', 'model/count.txt', '--policy', join(elsewhere, 'policy.yaml'))).trusted,
      true,
    )
  }
})
