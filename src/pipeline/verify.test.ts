/** What a project takes for its metrics. Threat: gates that are judged on metrics of the training. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChainVerdict } from '../attestation/index.ts'
import { sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'
import { otherMetrics } from './verify.ts'

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
