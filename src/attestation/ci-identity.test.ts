/** What a statement may say that is signed for a CI's identity: what its certificate bears out, by an instance on loopback. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { issuer, sigstoreInstance } from '../../test/support/sigstore-instance.ts'
import { builderIds } from '../core/index.ts'
import { judgeStages } from './chain-stage.ts'
import { type CertifiedIdentity, certifiedBuilder, triggerFactsOf } from './ci-identity.ts'
import { statementPayloadType } from './dsse.ts'
import { environmentBuild, newPerson, policyOf, sourceBuild, stageFacts } from './fixtures/chain.ts'
import { identityJudge } from './foreign/certified-bundle.ts'
import { parseHeldAddress, type SigstoreAddress } from './held-signer/address.ts'
import { openKeyless } from './held-signer/keyless.http.ts'
import { responsibleFor } from './responsible.ts'
import { type StatementRequest, statementOf } from './signer/sign.ts'
import type { StageFacts } from './stage-facts.ts'
import { printStatement } from './statement.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { verifyEnvironmentBuild, verifySourceBuild, verifyStage } from './verify.ts'

const workflow = 'https://github.com/o/r/.github/workflows/train.yml@refs/heads/main'
const sha = 'a'.repeat(40)
const claims = { sub: workflow, sha, repository: 'o/r', ref: 'refs/heads/main', run_id: '7', run_attempt: '1' }

type Signing = Readonly<{
  identity: CertifiedIdentity
  /** Lists the identity for the CI's builder and for the local one. */
  policy: TrustPolicy
  seal(request: StatementRequest): Promise<Uint8Array>
}>

async function signingFor(context: TestContext, said: Readonly<Record<string, string>>): Promise<Signing> {
  const instance = await sigstoreInstance(context)
  // as: the address is one of an instance
  const address = parseHeldAddress(instance.address) as SigstoreAddress
  const settings = { ASSAY_IDENTITY_TOKEN: instance.token(said) }
  const { identity, seal } = await openKeyless(address, settings, { timeoutMs: 5000, retryDelaysMs: [] })
  const signer = { name: 'train', identity: workflow, issuer }
  const builders = [`${builderIds.sandboxed.replace('local/sandboxed', 'ci/issuer.example.org')}`, builderIds.sandboxed]
  const identities = new Map([['train', signer]])
  const policy = policyOf(newPerson(), {
    identities,
    judgeCertified: identityJudge({ identities }, [instance.trustedRoot]),
    builders: builders.map((builder) => ({ key: 'train', builder, maxLevel: 2 })),
  })
  return { identity, policy, seal: (request) => seal(printStatement(statementOf(request)), statementPayloadType) }
}

function ranInCi(identity: CertifiedIdentity): StageFacts {
  const { facts, source, ...rest } = stageFacts()
  return {
    ...rest,
    builderId: certifiedBuilder(identity),
    source: { ...source, commit: sha, uri: 'ssh://github.com/O/r.git' },
    facts: [...facts, ...triggerFactsOf(identity)],
  }
}

test('a CI says of a run what its certificate bears out, and neither another repository nor a person of its own', async (context) => {
  const { identity, policy, seal } = await signingFor(context, claims)
  const honest = ranInCi(identity)
  const refusals = async (more: Partial<StageFacts>): Promise<readonly string[]> =>
    verifyStage(await seal({ kind: 'stage', facts: { ...honest, ...more } }), policy).findings.flatMap((finding) =>
      finding.passed ? [] : [`${finding.check} ${finding.code}`],
    )
  const without = (name: string) => honest.facts.filter((fact) => fact.name !== name)
  const eve = { name: 'Eve', email: 'eve@example.org', tier: 'verified' } as const

  assert.deepEqual(await refusals({}), [])
  assert.deepEqual(await refusals({ source: { ...honest.source, uri: 'https://github.com/o/r' } }), [])
  const mismatch = ['certified ERR_IDENTITY_MISMATCH']
  const lies: Readonly<Record<string, Partial<StageFacts>>> = {
    'the repository of another': { source: { ...honest.source, uri: 'https://github.com/o/other' } },
    'the same path on another host': { source: { ...honest.source, uri: 'https://github.com.example.org/o/r' } },
    'another commit': { source: { ...honest.source, commit: 'b'.repeat(40) } },
    'nothing of who issued its identity': { facts: without('trigger/issuer') },
    'nothing of whose identity it is': { facts: without('trigger/subject') },
    'a person that nobody verified': { principal: eve },
    'a person, and no CI': {
      principal: eve,
      facts: honest.facts.filter(({ name }) => !name.startsWith('trigger/')),
    },
    'that it ran at home': { builderId: builderIds.sandboxed },
  }
  for (const [name, lie] of Object.entries(lies)) assert.deepEqual(await refusals(lie), mismatch, name)
  assert.ok(responsibleFor({ ...honest, ...lies['a person, and no CI'] }).person, 'believed, Eve would answer for it')
})

test('builds that are signed for an identity are of the builder that its certificate names', async (context) => {
  const [ci, home] = [await signingFor(context, claims), await signingFor(context, { sub: workflow })]
  const codesOf = ({ findings }: ReturnType<typeof verifySourceBuild | typeof verifyEnvironmentBuild>) =>
    findings.flatMap(({ passed, code }) => (passed ? [] : [code]))
  for (const [signing, other] of [
    [ci, home],
    [home, ci],
  ] as const) {
    const judge = async (builderId: string) => {
      const wheel = await signing.seal({ kind: 'source-build', build: { ...sourceBuild(), builderId } })
      const environment = await signing.seal({
        kind: 'environment-build',
        build: { ...environmentBuild(), builderId },
      })
      return [verifySourceBuild(wheel, signing.policy), verifyEnvironmentBuild(environment, signing.policy)].map(
        codesOf,
      )
    }
    assert.deepEqual(await judge(certifiedBuilder(signing.identity)), [[], []])
    assert.deepEqual(await judge(certifiedBuilder(other.identity)), [
      ['ERR_IDENTITY_MISMATCH'],
      ['ERR_IDENTITY_MISMATCH'],
    ])
  }
})

test('a run that says that it ended after it was signed is refused, however late it is asked about', async (context) => {
  const { identity, policy, seal } = await signingFor(context, claims)
  const inAYear = new Date(Date.now() + 365 * 86_400_000)
  const codes = async (finishedAt: Date): Promise<readonly string[]> => {
    const facts = { ...ranInCi(identity), finishedAt: finishedAt.toISOString() }
    const verdict = verifyStage(await seal({ kind: 'stage', facts }), policy)
    assert.ok(verdict.trusted)
    const visited = [{ attestation: verdict.statement.attestation, stage: verdict.statement }]
    return judgeStages({ policy, surroundings: { now: inAYear } }, visited).findings.flatMap(({ passed, code }) =>
      passed ? [] : [code],
    )
  }
  assert.deepEqual(await codes(new Date()), [])
  assert.deepEqual(await codes(new Date(inAYear.getTime() - 86_400_000)), ['ERR_EVIDENCE_FUTURE'])
})
