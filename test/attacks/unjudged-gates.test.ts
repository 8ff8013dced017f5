/** Threat: model substitution. Metrics of another model, or of somebody who is not believed, judge no gates, and the run says why. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestNamed, newPerson, policyOf, project as stated } from '../../src/attestation/fixtures/chain.ts'
import { gatedChain } from '../../src/attestation/fixtures/gated-chain.ts'
import { judgedParts } from '../../src/pipeline/attest-gates.ts'

type Judging = Parameters<typeof judgedParts>[0]
const ada = newPerson()
const { evidence, attestations, measured } = gatedChain(ada)
const [before, made] = attestations
const lock = new Map(Object.entries({ 'stage-0': before ?? measured, 'stage-1': made ?? measured, evaluate: measured }))
const stages = Object.entries({ 'stage-0': 'out/0.csv', 'stage-1': 'out/1.csv', evaluate: 'metrics.json' })
const judging = {
  id: stated.id,
  pipeline: { stages: stages.map(([name, path]) => ({ name, outs: [{ path }] })) },
  definition: [{ path: 'assay.yaml', digest: digestNamed('assay.yaml') }],
  code: { commit: 'c', isCommitted: () => true },
  evidence,
  trust: policyOf(ada),
} as unknown as Judging // what is read of them
const model = { path: 'out/1.csv', metrics: 'metrics.json' }
const without = (name: string) => new Map([...lock].filter(([stage]) => stage !== name))

const told: Readonly<Record<string, readonly [string | undefined, Partial<Judging>?, object?, typeof lock?]>> = {
  'the honest twin': [undefined],
  'no metrics': ['assay.yaml names no metrics of it', {}, { metrics: undefined }],
  'an evaluation that did not run': [
    'no evidence of who makes `metrics.json` is believed here: run it',
    {},
    {},
    without('evaluate'),
  ],
  'evidence of a stranger': [
    'no evidence of who makes `metrics.json` is believed here: run it',
    { trust: policyOf(newPerson()) },
  ],
  'evidence of another project': ['no evidence of who makes `metrics.json` is believed here: run it', { id: 'other' }],
  'metrics that the stage that ran did not make': [
    '`metrics.json` is no file that `stage-1` made',
    {},
    {},
    new Map([...lock, ['evaluate', made ?? measured]]),
  ],
  'no commit': ['assay.yaml is not committed', { code: { isCommitted: () => true } }],
  'a file that is not committed': ['assay.yaml is not committed', { code: { commit: 'c', isCommitted: () => false } }],
  'no definition': ['assay.yaml is not committed', { definition: [] }],
  'a model that was not made': [
    'no evidence of who makes `out/1.csv` is believed here: run it',
    {},
    {},
    without('stage-1'),
  ],
  'metrics of a stage before it': ['`stage-0` did not read this `out/1.csv`', {}, { metrics: 'out/0.csv' }],
}
for (const [name, [reason, more = {}, asked = {}, locked = lock]] of Object.entries(told))
  test(`gates: ${name}: ${reason ?? 'are judged'}`, () => {
    const parts = judgedParts({ ...judging, verdicts: new Map(), ...more }, locked, { ...model, ...asked })
    assert.deepEqual(
      parts.map((part) => (typeof part === 'string' ? part : undefined)),
      [reason],
    )
  })
