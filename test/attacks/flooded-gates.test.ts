/**
 * Threat: gate verdicts, and reproductions, without number hide the one that failed: one that passed before it in 65 spellings, 65 of a
 * branch, of 65 branches, of a builder who may do little; from a file, from a remote.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
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
import {
  type GateVerdict,
  growTree,
  leafHashOf,
  logOrigin,
  noteKeyOf,
  printLogProof,
  printNoteKey,
  type Reproduction,
  type TrustPolicy,
  verifyChain,
} from '../../src/attestation/index.ts'
import { signCheckpoint } from '../../src/attestation/signer/log-key.ts'
import { stampBundle } from '../../src/attestation/stamp-bundle.ts'
import { rawPublic } from '../../src/attestation/tlog/note.ts'
import { hexOf, isDomainError, type Sha256, sha256Of } from '../../src/core/index.ts'
import { bundleName, openFolderRemote, proofName, reproductionName } from '../../src/data/index.ts'
import { bothOf } from '../../src/pipeline/both-evidence.ts'
import { chainEvidenceOf } from '../../src/pipeline/chain-facts.ts'
import { openEvidence } from '../../src/pipeline/evidence.fs.ts'
import { exportedEvidence } from '../../src/pipeline/exported-evidence.ts'
import { gatesAtHandOf, gatesKey } from '../../src/pipeline/gates-key.ts'
import { importEvidence } from '../../src/pipeline/import-evidence.ts'
import { namedProofs, noProofs } from '../../src/pipeline/kept-proofs.fs.ts'
import { entryOf, type LogProofs } from '../../src/pipeline/log-trust.ts'
import type { Project } from '../../src/pipeline/project.ts'
import { reproductionsAtHand } from '../../src/pipeline/reproduction-key.ts'
import { payloadOf } from '../../src/pipeline/spellings.ts'
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

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const log = printNoteKey(noteKeyOf(logOrigin('gates'), 'log', rawPublic(publicKey)))

/** That a log whose only entry is this one holds it. */
function loggedAlone(attestation: Sha256): LogProofs {
  const { root } = growTree(0, [leafHashOf(entryOf(attestation))], []).head
  const head = { id: 'gates', size: 1, root: `sha256:${Buffer.from(root).toString('hex')}` } as const
  const proof = printLogProof({ index: 0, path: [], checkpoint: signCheckpoint(head, privateKey) })
  return { inclusions: new Map([[attestation, [Buffer.from(proof)]]]), growths: [] }
}

test('gate verdicts: the spelling that a log holds, or with a time, is kept beside a poorer one that came first, and read', async (context) => {
  const project = projectWith(context, [passed, failed])
  const of = (made: Project, ...logs: readonly string[]): Project => ({
    ...made,
    trust: {
      ...trust,
      logs: logs.map((key) => ({ key, witnesses: [], threshold: 0 })),
      times: { now: made.now(), timestamp: () => ({ at: new Date('2026-11-23T00:00:00Z'), by: 'an authority' }) },
    },
  })
  const [poor = assert.fail(), logged = assert.fail(), another = assert.fail()] = spellings
  const came = (to: Project, bytes: Uint8Array, proofs: LogProofs = noProofs): readonly Sha256[] => {
    const bundles = [bytesOf(made), bytes].map((each, index) => ({ name: `${index}`, bytes: each }))
    importEvidence(to, { bundles, proofs }, 'elsewhere.jsonl')
    return gatesAtHandOf(to, made)
  }
  const held = of(project, log)
  assert.deepEqual(came(held, poor), [failed, passed], 'the honest twin: no poorer one is kept')
  assert.deepEqual(came(held, logged, loggedAlone(sha256Of(logged))), [failed, sha256Of(logged)])
  assert.deepEqual(came(held, another), [failed, sha256Of(logged)])
  assert.equal(project.evidence.byKey(gatesKey(made)).length, 3)
  const remote = openFolderRemote(join(project.root, 'remote'), 'client')
  await remote.prepare()
  const files = [
    [bundleName(sha256Of(logged)), logged] as const,
    [reproductionName(made, sha256Of(logged)), new Uint8Array()] as const,
    ...[...namedProofs(loggedAlone(sha256Of(logged)))].map(([name, bytes]) => [proofName(name), bytes] as const),
  ].map(([name, bytes]) => ({ name, bytes, digest: sha256Of(bytes), sizeBytes: bytes.length }))
  await remote.put(files, () => undefined)
  const pulling = of(projectWith(context, [passed, failed]), log)
  assert.equal((await fetchEvidence(pulling, remote, [made], { jobs: 2 })).fetched, 1)
  assert.deepEqual(gatesAtHandOf(pulling, made), [failed, sha256Of(logged)])
  const noLog = of(projectWith(context, [passed, failed]))
  assert.deepEqual(came(noLog, logged, loggedAlone(sha256Of(logged))), [failed, passed], 'a log that nobody named')
  const stamped = stampBundle(bytesOf(passed), Buffer.of(0x30, 0))
  assert.deepEqual(came(noLog, stamped), [failed, sha256Of(stamped)])
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

const reproductionOf = (finishedAt: string, result: 'diverged' | 'unavailable' = 'unavailable'): Reproduction => ({
  project: stated.id,
  outs: [{ path: 'out/1.csv', digest: digestNamed('out/1.csv') }],
  ...(result === 'unavailable'
    ? { because: 'its code is gone', comparisons: [] }
    : {
        comparisons: [{ stage: 'stage-1', path: 'out/1.csv', verdict: 'diverged', detail: 'other bytes' }],
        firstDivergence: { stage: 'stage-1', path: 'out/1.csv', because: 'other bytes' },
      }),
  stages: [{ stage: 'stage-1', original: made }],
  result,
  differences: [],
  version: '0.1.0',
  principal: gateVerdict.principal,
  startedAt: '2026-11-22T00:00:00.000Z',
  finishedAt,
})

test('reproductions: other spellings of one that matched are neither imported nor pulled; another one is', async (context) => {
  const project = projectWith(context, [])
  const said = (finishedAt: string): Uint8Array => signReproduction(ada, reproductionOf(finishedAt))
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

test('reproductions: over 1,000 copies that were kept before refuse nothing; of over 1,000 the newest are read, and each that diverged', (context) => {
  const held = new Map<Sha256, Uint8Array>()
  const said = (index: number, result: 'diverged' | 'unavailable' = 'unavailable'): Uint8Array =>
    signReproduction(ada, reproductionOf(new Date(Date.UTC(2026, 10, 22, 0, index)).toISOString(), result))
  const put = (...all: readonly Uint8Array[]): void => {
    for (const bytes of all) held.set(sha256Of(bytes), bytes)
  }
  const evidence = { byKey: () => [...held.keys()].toReversed(), bundle: (digest: Sha256) => held.get(digest) }
  const project = { ...projectWith(context, []), evidence } as unknown as Project // what is read of it
  const [diverged, old, newest] = [said(0, 'diverged'), said(1), said(5000)]
  put(
    newest,
    diverged,
    ...Array.from({ length: 1_000 }, (_, index) => Buffer.concat([old, Buffer.from(' '.repeat(index))])),
  )
  const [first, second, ...others] = reproductionsAtHand(project, made)
  assert.deepEqual(
    [first, payloadOf(held.get(second ?? first ?? failed) ?? old), others],
    [sha256Of(newest), payloadOf(old), [sha256Of(diverged)]],
  )
  held.clear()
  put(diverged, ...Array.from({ length: 1_000 }, (_, index) => said(index + 1)))
  const read = reproductionsAtHand(project, made)
  assert.deepEqual(
    [read.length, read[0], read.at(-1)],
    [901, sha256Of([...held.values()].at(-1) ?? old), sha256Of(diverged)],
  )
})
