import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { newTrustPolicy, parseTrustPolicy, policyFromKey } from '../attestation/index.ts'
import { asksForUsual } from './compare-runs.ts'
import { definePipeline, defineSettings } from './define/index.ts'
import { projectOf } from './define/project.memory.ts'

const publicKeyPem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  type: 'spki',
  format: 'pem',
})
const text = newTrustPolicy({
  project: '0192f0c1-7b1e-7cc4-8f2e-5f3a9d1c2b4a',
  keyName: 'ada',
  publicKeyPem: String(publicKeyPem),
  principal: 'Ada <ada@example.org>',
  expires: '2027-11-23',
})
const policy = (more = '') => parseTrustPolicy(Buffer.from(text + more), 'file')
const settings = (more = '') =>
  defineSettings(
    Buffer.from(`assay: 1\n${more}`),
    'assay.yaml',
    definePipeline(projectOf({ 'dvc.yaml': 'stages: {}\n' })),
  )

for (const [name, project, trust, expected] of [
  ['nobody', settings(), policy(), false],
  ['the policy', settings(), policy('require: [usual-resources]\n'), true],
  ['the policy, among others', settings(), policy('require: [review, usual-resources]\n'), true],
  ['a policy that demands something else', settings(), policy('require: [review, gates]\n'), false],
  ['a policy that demands nothing', settings(), policy('require: []\n'), false],
  ['a policy that demands a level alone', settings(), { ...policy(), minimumLevel: 3 as const }, false],
  ['a key in place of a policy', settings(), policyFromKey(String(publicKeyPem)), false],
  ['the project', settings('require: [usual-resources]\n'), policy(), true],
  [
    'the project, where the policy demands something else',
    settings('require: [usual-resources]\n'),
    policy('require: [review]\n'),
    true,
  ],
  [
    'the policy, where the project requires something else',
    settings('require: [passed-data]\n'),
    policy('require: [usual-resources]\n'),
    true,
  ],
  ['both', settings('require: [usual-resources]\n'), policy('require: [usual-resources]\n'), true],
  ['a project that requires something else', settings('require: [approved-sources, passed-data]\n'), policy(), false],
] as const)
  test(`a run that is unlike its earlier runs is ${expected ? 'refused' : 'told of alone'}: ${name}`, () => {
    assert.equal(asksForUsual({ settings: project, trust }), expected)
  })
