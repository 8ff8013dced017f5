/** What a project takes for its metrics. Threat: gates that are judged on metrics of the training. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChainVerdict, Metric } from '../attestation/index.ts'
import { sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'
import { otherMetrics, signedFinding } from './verify.ts'

test('gates that were signed for another file than the metrics of the project, or another run of its judge, are none', () => {
  const judge = sha256Of('evaluate')
  const project = {
    settings: { model: { metrics: 'metrics.json' } },
    pipeline: { stages: [{ name: 'evaluate', outs: [{ path: 'metrics.json' }] }] },
    lock: new Map([['evaluate', { attestation: judge }]]),
  } as unknown as Pick<Project, 'settings' | 'lock' | 'pipeline'> // what it reads of them
  const told = (path: string, attestation = judge): string | undefined => {
    const verdict = { metrics: { path }, measured: { stage: 'evaluate', attestation } }
    return otherMetrics(project, { gates: { verdict } } as Pick<ChainVerdict, 'gates'>)?.because
  }
  const because = 'its gates were signed for `train.json` of `evaluate`, and not for the metrics of the project'
  assert.equal(told('train.json'), because)
  assert.match(told('metrics.json', sha256Of('another run')) ?? '', /and not for the metrics of the project/)
  assert.equal(told('metrics.json'), undefined, 'the honest twin')
  assert.equal(otherMetrics(project, {}), undefined, 'nobody signed any')
})

const signed = (...values: readonly Metric[]) => ({ gates: { verdict: { values } } }) as unknown as Gated // as above
type Gated = Pick<ChainVerdict, 'gates'>
const [good, bad] = [0.95, 0.5].map((value) => ({ name: 'accuracy', value }))
assert.ok(good !== undefined && bad !== undefined)
const loss = { name: 'loss', value: 0.1 }
const findings: Readonly<Record<string, readonly [Gated, readonly Metric[] | undefined, string, RegExp]>> = {
  'what was signed and what is here are the same': [signed(good), [good], 'OK', /is what they hold$/],
  'more is here than was signed': [signed(good), [loss, good], 'OK', /is what they hold$/],
  'another number was signed': [signed(good), [bad], 'ERR_GATE_FAILED', /is not what they hold: `accuracy`$/],
  'one was signed that is not here': [signed(good, loss), [good], 'ERR_GATE_FAILED', /not what they hold: `loss`$/],
  'nothing is here': [signed(good), undefined, 'CAVEAT', /not at hand/],
  'nothing is here, nor signed': [{}, undefined, 'CAVEAT', /not at hand/],
  'nothing was signed': [{}, [good], 'CAVEAT', /nobody signed that: run again$/],
}
for (const [name, [chain, here, code, because]] of Object.entries(findings))
  test(`of the metrics ${name}: ${code}`, () => {
    const finding = signedFinding(chain, here)
    assert.deepEqual([finding.check, finding.code, finding.passed], ['gate-verdict', code, code !== 'ERR_GATE_FAILED'])
    assert.match(finding.because, because)
  })
