/**
 * Threat: gate verdicts, and reproductions, without number hide the one that failed: one that passed before it in 65 spellings, 65 of a
 * branch, of 65 branches, of a builder who may do little; from a file, from a remote.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  digestNamed,
  newPerson,
  policyOf,
  signNow,
  signReproduction,
  project as stated,
  trustedKey,
} from '../../src/attestation/fixtures/chain.ts'
import { gatedChain, gateVerdict } from '../../src/attestation/fixtures/gated-chain.ts'
import { type GateVerdict, type TrustPolicy, verifyChain } from '../../src/attestation/index.ts'
import { hexOf, isDomainError, type Sha256, sha256Of } from '../../src/core/index.ts'
import { bundleName, openFolderRemote, reproductionName } from '../../src/data/index.ts'
import { bothOf } from '../../src/pipeline/both-evidence.ts'
import { chainEvidenceOf } from '../../src/pipeline/chain-facts.ts'
import { openEvidence } from '../../src/pipeline/evidence.fs.ts'
import { exportedEvidence } from '../../src/pipeline/exported-evidence.ts'
import { gatesAtHandOf, gatesKey } from '../../src/pipeline/gates-key.ts'
import { importEvidence } from '../../src/pipeline/import-evidence.ts'
import type { Project } from '../../src/pipeline/project.ts'
import { reproductionsAtHand } from '../../src/pipeline/reproduction-key.ts'
import { fetchEvidence } from '../../src/pipeline/travelling-evidence.ts'

const [ada, mallory] = [newPerson(), newPerson()]
const failing = (one: GateVerdict): GateVerdict => ({
  ...one,
  at: '2026-11-21T02:00:00.000Z',
  gates: [{ gate: 'accuracy >= 0.95', value: 0.93, passed: false }],
  result: 'FAILED',
})
const chain = gatedChain(ada, { beside: [failing] })
const [before = assert.fail(), made = assert.fail(), measured = assert.fail()] = chain.attestations
const [passed = assert.fail(), failed = assert.fail()] = chain.gates
const own = policyOf(ada)
const trust: TrustPolicy = {
  ...own,
  keys: new Map([...own.keys, trustedKey('mallory', mallory)]),
  builders: [...own.builders, ...own.builders.map((one) => ({ ...one, key: 'mallory', maxLevel: 0 as const }))],
}
const bytesOf = (attestation: Sha256): Uint8Array => chain.evidence.bundle(attestation) ?? assert.fail()
const spellings = Array.from({ length: 65 }, (_, index) =>
  Buffer.concat([bytesOf(passed), Buffer.from(' '.repeat(index + 1))]),
)
const later = (index: number): string => new Date(Date.parse('2026-11-22T00:00:00.000Z') + index * 1000).toISOString()
const verdict = {
  made: { stage: 'stage-1', attestation: made },
  measured: { stage: 'evaluate', attestation: measured },
}
const newer = (signer: typeof ada, more: (index: number) => Partial<GateVerdict> = () => ({})): readonly Uint8Array[] =>
  spellings.map((_, index) =>
    signNow(
      { kind: 'gate-verdict', verdict: { ...gateVerdict, ...verdict, ...more(index), at: later(index) } },
      signer,
    ),
  )
const ofBranch = (name: string): Partial<GateVerdict> => ({
  definition: { ...gateVerdict.definition, digest: digestNamed(name), commit: 'b'.repeat(40) },
})

function projectWith(context: TestContext, gates: readonly Sha256[]): Project {
  const root = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  const evidence = openEvidence(root)
  for (const [index, attestation] of [before, made, measured].entries()) {
    evidence.save(bytesOf(attestation), { key: digestNamed(`key ${index}`), subjects: [] })
  }
  for (const attestation of gates) evidence.save(bytesOf(attestation), { key: gatesKey(made), subjects: [] })
  const { surroundings } = chain.question
  const code = { isCommitted: () => true }
  const known = { id: stated.id, root, evidence, trust, code, verdicts: new Map(), now: () => surroundings.now }
  return known as unknown as Project // what is read of it
}

function resultIn(project: Project): GateVerdict['result'] | undefined {
  const { gatesOf, bundle } = chainEvidenceOf(project)
  const evidence = { ...chain.question.evidence, bundle, ...(gatesOf === undefined ? {} : { gatesOf }) }
  const surroundings = { now: chain.question.surroundings.now }
  return verifyChain({ ...chain.question, surroundings, evidence, policy: trust }).gates?.verdict.result
}

function bring(project: Project, verdicts: readonly Uint8Array[]): void {
  const bundles = [bytesOf(made), ...verdicts].map((bytes, index) => ({ name: `${index}`, bytes }))
  importEvidence(project, { bundles, proofs: { inclusions: new Map(), growths: [] } }, 'stranger.jsonl')
}

function exportedGates(project: Project): readonly Sha256[] {
  const { bundles } = exportedEvidence(project, [made])
  return bundles.map(({ bytes }) => sha256Of(bytes)).filter((attestation) => attestation !== made)
}

const floods = {
  'one that passed, in 65 spellings': [spellings, 2, 'PASSED'],
  '65 of a branch': [newer(ada, () => ofBranch('b')), 3, 'PASSED'],
  'those of 65 branches': [newer(ada, (index) => ofBranch(`b ${index}`)), 64, undefined],
  '65 of a builder who may do little': [newer(mallory), 2, 'PASSED'],
} as const
for (const [name, [flood, counting, otherwise]] of Object.entries(floods)) {
  test(`gate verdicts: ${name} do not hide by import the one that failed, nor from an export`, (context) => {
    const project = projectWith(context, [passed, failed])
    bring(project, flood)
    assert.equal(resultIn(project), 'FAILED')
    assert.equal(gatesAtHandOf(project, made).length, counting)
    assert.ok(exportedGates(project).includes(failed))
    assert.equal(exportedGates(project).length, counting)
    rmSync(join(project.root, '.assay', 'attestations', `${hexOf(failed)}.sigstore.json`))
    assert.equal(resultIn(project), otherwise, 'the honest twin; what demands gates is refused where none is left')
  })
}

test('gate verdicts: other spellings are not imported, and those that an older version kept count once', (context) => {
  const project = projectWith(context, [passed, failed])
  bring(project, spellings)
  assert.equal(project.evidence.byKey(gatesKey(made)).length, 2)
  for (const bytes of spellings) project.evidence.save(bytes, { key: gatesKey(made), subjects: [] })
  assert.equal(gatesAtHandOf(project, made).length, 2)
  assert.deepEqual([gatesAtHandOf(project, made)[0], resultIn(project)], [failed, 'FAILED'])
  bring(project, [bytesOf(passed)])
  assert.equal(resultIn(project), 'FAILED', 'one that comes last is not the newest')
})

test('gate verdicts: another spelling of what the project has counts once; one beside it that nobody verified takes the place of none', () => {
  const evidence = { ...chain.evidence, gatesOf: () => [passed] }
  const spelt = new Map(spellings.slice(0, 2).map((bytes) => [sha256Of(bytes), bytes]))
  const beside = { ...evidence, gatesOf: () => [...spelt.keys()], bundle: (digest: Sha256) => spelt.get(digest) }
  const both = (counting: readonly Sha256[]) => bothOf(evidence, beside, () => counting).gatesOf?.(made)
  assert.deepEqual(both([passed]), [passed])
  assert.deepEqual(both([]), [...spelt.keys()], 'nor does one of the project that does not count')
  assert.deepEqual(
    bothOf(evidence, { ...beside, gatesOf: () => [] }, () => []).gatesOf?.(made),
    [passed],
    'to tell why',
  )
})

test('gate verdicts: what a remote names beside it hides the one that failed from no pull; too much is refused', async (context) => {
  const project = projectWith(context, [])
  const folder = join(project.root, 'remote')
  const remote = openFolderRemote(folder, 'client')
  const put = async (name: string, bytes: Uint8Array): Promise<void> =>
    await remote.put([{ name, bytes, digest: sha256Of(bytes), sizeBytes: bytes.length }], () => undefined)
  const speak = async (bytes: Uint8Array): Promise<void> => {
    const attestation = sha256Of(bytes)
    await put(bundleName(attestation), bytes)
    await put(reproductionName(made, attestation), new Uint8Array())
  }
  await remote.prepare()
  for (const bytes of [...spellings, bytesOf(failed)]) await speak(bytes)
  const { missing } = await fetchEvidence(project, remote, [made], { jobs: 2 })
  assert.deepEqual([missing, gatesAtHandOf(project, made).length, resultIn(project)], [[], 2, 'FAILED'])
  const names = Array.from({ length: 1_000 }, (_, index) => reproductionName(made, digestNamed(`${index}`)))
  const crowded = { ...remote, list: async () => names.map((name) => name.slice('reproductions/'.length)) }
  await fetchEvidence(project, crowded, [made], { jobs: 2 })
  names.push(reproductionName(made, failed))
  await assert.rejects(fetchEvidence(project, crowded, [made], { jobs: 2 }), (error) =>
    isDomainError(error, 'ERR_REMOTE_UNSAFE'),
  )
})

test('reproductions: other spellings of one that matched are neither imported nor pulled; another one is', async (context) => {
  const project = projectWith(context, [])
  const said = (finishedAt: string): Uint8Array =>
    signReproduction(ada, {
      ...{
        project: stated.id,
        outs: [{ path: 'out/1.csv', digest: digestNamed('out/1.csv') }],
        result: 'unavailable',
        comparisons: [],
        differences: [],
        version: '0.1.0',
      },
      ...{ because: 'its code is gone', stages: [{ stage: 'stage-1', original: made }] },
      principal: gateVerdict.principal,
      startedAt: '2026-11-22T00:00:00.000Z',
      finishedAt,
    })
  const [old, newest] = [said('2026-11-22T00:01:00.000Z'), said('2026-11-22T02:00:00.000Z')]
  const spelt = spellings.map((_, index) => Buffer.concat([old, Buffer.from(' '.repeat(index + 1))]))
  bring(project, [newest, ...spelt])
  assert.equal(reproductionsAtHand(project, made).length, 2)
  assert.ok(reproductionsAtHand(project, made).includes(sha256Of(newest)))
  const remote = openFolderRemote(join(project.root, 'remote'), 'client')
  await remote.prepare()
  for (const bytes of spelt) {
    const digest = sha256Of(bytes)
    const files = [
      { name: bundleName(digest), bytes },
      { name: reproductionName(made, digest), bytes: new Uint8Array() },
    ].map((file) => ({ ...file, digest: sha256Of(file.bytes), sizeBytes: file.bytes.length }))
    await remote.put(files, () => undefined)
  }
  await fetchEvidence(project, remote, [made], { jobs: 2 })
  assert.equal(reproductionsAtHand(project, made).length, 2)
})
