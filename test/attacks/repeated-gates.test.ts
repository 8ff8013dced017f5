/** Threats: a verdict on the gates with each run, which fills what is read of them; one that would count for nothing. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  commit,
  digestNamed,
  newPerson,
  policyOf,
  signNow,
  project as stated,
  trustedKey,
} from '../../src/attestation/fixtures/chain.ts'
import { gatedChain, gateVerdict } from '../../src/attestation/fixtures/gated-chain.ts'
import type { Signer } from '../../src/attestation/index.ts'
import { sha256Of } from '../../src/core/index.ts'
import { attestGates } from '../../src/pipeline/attest-gates.ts'
import { openEvidence } from '../../src/pipeline/evidence.fs.ts'
import { gatesKey, gatesOwn } from '../../src/pipeline/gates-key.ts'
import type { Project } from '../../src/pipeline/project.ts'

const [ada, mallory] = [newPerson(), newPerson()]
const minute = 60_000

/** Runs whose evidence is that of a chain whose gates passed; the signer is mallory, and a minute passes with each. */
function runsBy(context: TestContext, maxLevel: 0 | 1, startsAt: string) {
  const chain = gatedChain(ada, { beside: [(one) => ({ ...one, at: '2026-11-22T00:03:00.000Z' })] })
  const [before = assert.fail(), made = assert.fail()] = chain.attestations
  const root = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  const evidence = openEvidence(root)
  for (const bytes of chain.evidence.bundles.values()) {
    const key = chain.gates.includes(sha256Of(bytes)) ? gatesKey(made) : sha256Of(bytes)
    evidence.save(bytes, { key, subjects: [] })
  }
  const base = policyOf(ada)
  const trust = {
    ...base,
    keys: new Map([...base.keys, trustedKey('mallory', mallory)]),
    builders: [...base.builders, ...base.builders.map((one) => ({ ...one, key: 'mallory', maxLevel }))],
  }
  let clock = Date.parse(startsAt)
  const model = { name: 'digits', path: 'out/1.csv', metrics: 'metrics.json', gates: ['accuracy >= 0.95'] }
  const stages = Object.entries({ 'stage-0': 'out/0.csv', 'stage-1': 'out/1.csv', evaluate: 'metrics.json' })
  const known = {
    ...{ id: stated.id, root, evidence, trust, verdicts: new Map(), settings: { model, data: new Map() } },
    pipeline: { stages: stages.map(([name, path]) => ({ name, outs: [{ path }] })) },
    definition: [{ path: 'assay.yaml', digest: digestNamed('assay.yaml') }],
    code: { commit, isCommitted: () => true },
    principal: async () => gateVerdict.principal,
    now: () => new Date(clock),
    version: '0.1.0',
    ...{ sources: new Map(), listedSources: new Map(), verifiedVerdicts: new Map() },
    contents: { readJson: async () => ({ accuracy: 0.93 }) },
  }
  const project = known as unknown as Project // what is read of it
  const lock = new Map(Object.entries({ 'stage-0': before, 'stage-1': made, evaluate: chain.measured }))
  let signatures = 0
  const sign = async (request: Parameters<typeof signNow>[0]) => {
    signatures += 1
    return { bytes: signNow(request, mallory) }
  }
  const signer = async () => ({ hint: mallory.hint, sign }) as unknown as Signer // what is asked of it
  const told: string[] = []
  return {
    ...{ told, signatures: () => signatures, newest: () => gatesOwn(project, made)[0]?.verdict.result },
    run: async () => {
      clock += minute
      return await attestGates(project, signer, lock, (text) => told.push(text))
    },
  }
}

test('a builder whose verdict on the gates would count for nothing signs none, and is told so', async (context) => {
  const lesser = runsBy(context, 0, '2026-11-23T00:00:00.000Z')
  for (let index = 0; index < 2; index += 1) {
    const [report] = await lesser.run()
    assert.deepEqual([report?.result, report?.attestation], ['FAILED', undefined])
  }
  assert.deepEqual([lesser.signatures(), lesser.told.length], [0, 2])
  assert.match(lesser.told[0] ?? '', /is not signed: .* less than who ran `stage-1`/)
  const equal = runsBy(context, 1, '2026-11-23T00:00:00.000Z')
  const reports = [await equal.run(), await equal.run()].flat()
  assert.deepEqual([equal.signatures(), equal.told, equal.newest()], [1, [], 'FAILED'], 'the honest twin')
  assert.equal(reports[0]?.attestation, reports[1]?.attestation)
})

test('while the newest verdict is dated ahead of our clock ours is signed once, and once more when its time has come', async (context) => {
  const behind = runsBy(context, 1, '2026-11-21T23:58:00.000Z')
  for (let index = 0; index < 4; index += 1) await behind.run()
  assert.equal(behind.signatures(), 1)
  for (let index = 0; index < 4; index += 1) await behind.run()
  assert.deepEqual([behind.signatures(), behind.newest()], [2, 'FAILED'])
})
