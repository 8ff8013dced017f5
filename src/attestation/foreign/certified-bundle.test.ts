/** Who may vouch for an identity of a policy, and what its certificate must say, with instances on loopback. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { issuer, type SigstoreInstance, sigstoreInstance } from '../../../test/support/sigstore-instance.ts'
import { isDomainError } from '../../core/index.ts'
import { statementPayloadType } from '../dsse.ts'
import { newPerson, policyOf } from '../fixtures/chain.ts'
import { parseHeldAddress, type SigstoreAddress } from '../held-signer/address.ts'
import { openKeyless } from '../held-signer/keyless.http.ts'
import { withIdentities } from '../identities.ts'
import { openSigned } from '../open-signed.ts'
import type { TrustedIdentity, TrustPolicy } from '../trust-policy.ts'
import publicGood from './public-good-root.json' with { type: 'json' }

const workflow = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
const github = 'https://token.actions.githubusercontent.com'

async function bundleBy(instance: SigstoreInstance): Promise<Uint8Array> {
  // as: the address is one of an instance
  const address = parseHeldAddress(instance.address) as SigstoreAddress
  const token = instance.token({ sub: workflow, sha: 'a'.repeat(40), repository: 'o/r', ref: 'refs/heads/main' })
  const signer = await openKeyless(address, { ASSAY_IDENTITY_TOKEN: token }, { timeoutMs: 5000, retryDelaysMs: [] })
  return signer.seal(Buffer.from('{"a":"statement"}'), statementPayloadType)
}

type Bound = Partial<Pick<TrustedIdentity, 'issuer' | 'trustedRoots' | 'claims'>>

function policyWith(roots: Readonly<Record<string, object>>, bound: Bound): Promise<TrustPolicy> {
  const train = { name: 'train', identity: workflow, issuer, ...bound }
  const builders = [{ key: 'train', builder: 'https://example.org/b', maxLevel: 2 as const }]
  const trustedRoots = new Map(Object.entries(roots))
  return withIdentities(policyOf(newPerson(), { identities: new Map([['train', train]]), trustedRoots, builders }))
}

/** Codes of what refuses. */
function refusals(bundle: Uint8Array, policy: TrustPolicy): readonly string[] {
  return openSigned(bundle, policy, 'builder').findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
}

async function refusalsBy(
  instance: SigstoreInstance,
  roots: Readonly<Record<string, object>>,
  bound: Bound = {},
): Promise<readonly string[]> {
  return refusals(await bundleBy(instance), await policyWith(roots, bound))
}

async function twoInstances(context: TestContext): Promise<readonly [SigstoreInstance, object]> {
  const [ours, theirs] = [await sigstoreInstance(context), await sigstoreInstance(context)]
  return [theirs, { ours: ours.trustedRoot, theirs: theirs.trustedRoot }]
}

test('an identity is vouched for by the trusted roots that its policy names for it, and by no other', async (context) => {
  const [theirs, roots] = await twoInstances(context)
  const refused = (bound: Bound): Promise<readonly string[]> => refusalsBy(theirs, { ...roots }, bound)
  assert.deepEqual(await refused({ trustedRoots: ['theirs'] }), [])
  assert.deepEqual(await refused({ trustedRoots: ['ours', 'theirs'] }), [])
  assert.deepEqual(await refused({ trustedRoots: ['ours'] }), ['ERR_BUNDLE_TIMESTAMP'])
})

const whoever = [github, `${github}/acme`, 'https://oidc.circleci.com/org/1234', 'https://issuer.example']
for (const issuedBy of whoever) {
  test(`with roots of two instances an identity of ${issuedBy} that names none is malformed`, async (context) => {
    const theirs = await sigstoreInstance(context, issuedBy)
    const own = { theirs: theirs.trustedRoot }
    const both = { ...own, public: publicGood }
    await assert.rejects(refusalsBy(theirs, both, { issuer: issuedBy }), (error) => {
      assert.ok(isDomainError(error, 'ERR_POLICY_MALFORMED'), String(error))
      return /^`identities\.train` does not say which of the trusted roots/.test(error.message)
    })
    const named = (...trustedRoots: readonly string[]) => ({ issuer: issuedBy, trustedRoots })
    assert.deepEqual(await refusalsBy(theirs, both, named('public')), ['ERR_BUNDLE_TIMESTAMP'])
    assert.deepEqual(await refusalsBy(theirs, both, named('theirs')), [])
    assert.deepEqual(await refusalsBy(theirs, own, { issuer: issuedBy }), [], 'it is the only one that is believed')
  })
}

type Listed = Readonly<{ certificateAuthorities: readonly unknown[] }>

test('an old and a new root of one instance vouch together where none is named', async (context) => {
  const [ours, other] = [await sigstoreInstance(context), await sigstoreInstance(context)]
  const [old, next] = [ours.trustedRoot, other.trustedRoot]
  // as: the fixture's own texts
  const [{ certificateAuthorities: first }, { certificateAuthorities: second }] = [old, next] as readonly [
    Listed,
    Listed,
  ]
  const rotated = { ...next, certificateAuthorities: [...first, ...second] }
  assert.deepEqual(await refusalsBy(ours, { old, rotated }), [])
})

test('what a policy asks a CI to have said of the run must stand in the certificate, letter by letter', async (context) => {
  const instance = await sigstoreInstance(context)
  const bundle = await bundleBy(instance)
  const refused = async (claims: TrustedIdentity['claims'] & object): Promise<readonly string[]> =>
    refusals(bundle, await policyWith({ ours: instance.trustedRoot }, { claims }))
  const repository = { 'source-repository': 'https://github.com/o/r' }
  assert.deepEqual(await refused({ ...repository, 'source-ref': 'refs/heads/main' }), [])
  const mismatch = ['ERR_IDENTITY_MISMATCH']
  assert.deepEqual(await refused({ ...repository, 'source-ref': 'refs/heads/fix' }), mismatch)
  assert.deepEqual(await refused({ 'source-ref': 'refs/heads/mai' }), mismatch)
  assert.deepEqual(await refused({ 'build-trigger': 'push' }), mismatch, 'of which it says nothing')
  await assert.rejects(refused({ 'source-reff': 'refs/heads/main' }), (error) => {
    assert.ok(isDomainError(error, 'ERR_POLICY_MALFORMED'), String(error))
    assert.equal(error.help, 'did you mean `source-ref`?')
    return true
  })
})
