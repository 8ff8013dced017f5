/** A project whose evidence is signed for an identity, by a Sigstore instance on loopback, and verified by who it was. */
import assert from 'node:assert/strict'
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
  assert.deepEqual([shown.identity, shown.listed], [{ identity, issuer }, false])
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

  await assay(0, 'sign', 'src', '--output', 'src.sig', '--key', instance.address)
  const by = ['--identity', identity, '--issuer', issuer, '--trusted-root', '../root.json']
  await project.json(0, 'verify', 'src', '--bundle', 'src.sig', ...by)
  assert.equal((await assay(1, 'attest', 'vsa', 'model/count.txt', '--out', 'x.json')).error.code, 'ERR_SIGN_REFUSED')
})
