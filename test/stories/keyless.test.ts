/** A project whose evidence is signed for an identity, by a Sigstore instance on loopback, and verified by who it was. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { driven, listSigner } from '../support/signing.ts'
import { sigstoreInstance } from '../support/sigstore-instance.ts'

const identity = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'

test('a run is signed for an identity and verified by it, offline; another identity or instance is refused', async (context) => {
  const project = await adopted(context, words)
  const instance = await sigstoreInstance(context)
  const { issuer, trustedRoot } = instance
  const variables = { ASSAY_SIGNER: instance.address, ASSAY_IDENTITY_TOKEN: instance.token({ sub: identity }) }
  const assay = driven(project, variables)
  const shown = await assay(0, 'key', 'show')
  assert.deepEqual([shown.identity, shown.listed], [{ identity, issuer, claims: {} }, false])
  assert.equal((await assay(1, 'run')).error.code, 'ERR_SIGNER_UNKNOWN')

  listSigner(project, { identity, issuer, principal: 'Ada Test <ada@example.org>', trustedRoots: [trustedRoot] })
  const run = await assay(0, 'run')
  assert.deepEqual([run.status, run.level], ['succeeded', 1])
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.deepEqual([verdict.trusted, verdict.level], [true, 1])
  assert.ok(verdict.findings.some(({ because }: { because: string }) => because.includes(identity)))

  instance.lie('another time')
  assert.equal((await assay(1, 'run', 'count', '--force')).error.code, 'ERR_SIGNER_WRONG')
  instance.lie('none')

  const own = project.read('trust.yaml')
  const codesUnder = async (policy: string, ...more: readonly string[]): Promise<readonly string[]> => {
    project.write({ '../other.yaml': policy })
    const { trusted, findings } = await project.json(
      1,
      'verify',
      'model/count.txt',
      '--policy',
      '../other.yaml',
      ...more,
    )
    assert.equal(trusted, false)
    return findings.flatMap((finding: Record<string, unknown>) => (finding['passed'] === true ? [] : [finding['code']]))
  }
  assert.ok(
    (await codesUnder(own.replace(identity, identity.replace('main', 'other')))).includes('ERR_IDENTITY_MISMATCH'),
  )
  const other = await sigstoreInstance(context)
  const bare = parseDocument(own)
  bare.delete('trustedRoots')
  project.write({ '../root.json': JSON.stringify(trustedRoot), '../foreign.json': JSON.stringify(other.trustedRoot) })
  const untrusted = await codesUnder(bare.toString(), '--trusted-root', '../foreign.json')
  assert.ok(untrusted.includes('ERR_BUNDLE_TIMESTAMP'), untrusted.join())
  await project.json(0, 'verify', 'model/count.txt', '--policy', '../other.yaml', '--trusted-root', '../root.json')

  const sign = ['sign', 'src', '--output', 'src.sig', '--fulcio-url', instance.url, '--rekor-url', instance.url]
  assert.equal((await assay(1, ...sign, '--trusted-root', '../foreign.json')).error.code, 'ERR_SIGNER_WRONG')
  assert.equal(existsSync(join(project.root, 'src.sig')), false, 'what nobody would believe is not kept')
  assert.equal((await assay(2, ...sign, '--certificate', 'x.pem')).error.code, 'ERR_USAGE')
  assert.equal((await assay(0, ...sign)).proven, false)
  assert.equal((await assay(0, ...sign, '--trusted-root', '../root.json')).proven, true)
  const token = instance.token({ sub: identity })
  project.write({ '../token.jwt': `${token}\n` })
  const keyless = ['sign', 'src', '--output', 'src.sig', '--trusted-root', '../root.json', '--keyless']
  const unnamed = await project.json(2, ...keyless, '--identity-token', token)
  assert.match(unnamed.error.message, /asks services that are named/)
  const services = driven(project, { ASSAY_SIGNER: instance.address })
  assert.equal((await services(2, ...keyless, '--key', 'x.pem')).error.code, 'ERR_USAGE')
  assert.equal((await services(2, ...keyless)).error.code, 'ERR_IDENTITY_TOKEN', 'nobody said who signs')
  assert.equal((await services(2, ...keyless, '--identity-token', 'no.file')).error.code, 'ERR_IDENTITY_TOKEN')
  const forged = instance.forgedToken({ sub: identity })
  assert.equal((await services(4, ...keyless, '--identity-token', forged)).error.code, 'ERR_SIGNER_DENIED')
  for (const given of [token, '../token.jwt'])
    assert.equal((await services(0, ...keyless, '--identity-token', given)).proven, true)
  const by = ['--identity', identity, '--issuer', issuer, '--trusted-root', '../root.json']
  await project.json(0, 'verify', 'src', '--bundle', 'src.sig', ...by)
  assert.equal((await assay(1, 'attest', 'vsa', 'model/count.txt', '--out', 'x.json')).error.code, 'ERR_SIGN_REFUSED')
})

test('what a CI says of its run is kept in the evidence, earns level 2 with a person who answers for it, and must be true', async (context) => {
  const project = await adopted(context, words)
  const instance = await sigstoreInstance(context)
  const { issuer, trustedRoot } = instance
  listSigner(
    project,
    { identity, issuer, trustedRoots: [trustedRoot] },
    { builder: 'ci/issuer.example.org', maxLevel: 2 },
  )
  const sha = project.git('rev-parse', 'HEAD').trim()
  const claims = { sub: identity, repository: 'o/r', ref: 'refs/heads/main', sha, run_id: '7', run_attempt: '1' }
  const inJob = (more: object) =>
    driven(project, { ASSAY_SIGNER: instance.address, ASSAY_IDENTITY_TOKEN: instance.token({ ...claims, ...more }) })
  await inJob({})(0, 'run')

  const services = { issuer, subject: identity, responsible: 'Ada Test <ada@example.org>' }
  const policy = parseDocument(project.read('trust.yaml'))
  policy.set('services', [services])
  policy.set('minimumLevel', 2)
  project.write({ '../release.yaml': policy.toString() })
  const verdict = await project.json(0, 'verify', 'model/count.txt', '--policy', '../release.yaml')
  assert.deepEqual([verdict.trusted, verdict.level], [true, 2])
  const said = verdict.findings.map(({ because }: { because: string }) => because).join('\n')
  assert.match(said, /the CI vouches for, in https:\/\/github.com\/o\/r\/actions\/runs\/7\/attempts\/1/)

  project.write({ 'data/words.txt': 'plum 1\n' })
  project.commit('what the CI did not fetch')
  await inJob({})(0, 'run')
  const refused = await project.json(1, 'verify', 'model/count.txt', '--policy', '../release.yaml')
  const codes = refused.findings.flatMap(({ passed, code }: Record<string, unknown>) => (passed === true ? [] : [code]))
  assert.ok(codes.includes('ERR_IDENTITY_MISMATCH'), codes.join())
})
