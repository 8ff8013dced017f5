/** What a gate verdict says of metrics. Threat: evidence that leaks secret data. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gate } from '../attestation/index.ts'
import { parseStrictJson, sha256Of } from '../core/index.ts'
import { judge } from './attest-gates.ts'

const limits = { maxBytes: 4096, maxDepth: 8 }
function judged(metrics: string, isShort: boolean) {
  const gates: readonly Gate['text'][] = ['accuracy >= 0.9']
  const settings = { model: { name: 'm', path: 'model.bin', metrics: 'metrics.json', gates, evaluation: [] } }
  const bytes = Buffer.from(metrics)
  const contents = { readJson: async () => parseStrictJson(bytes, 'metrics.json', limits) }
  return judge({ settings, contents }, { path: 'metrics.json', digest: sha256Of(bytes), isShort })
}

test('of secret data a verdict quotes nothing of the metrics but the numbers that its gates name', async () => {
  const twice = '{"accuracy": 0.95, "patient Ada Lovelace": 1, "patient Ada Lovelace": 2}'
  const secret = await judged(twice, true)
  assert.deepEqual([secret.result, secret.fault], ['FAILED', 'the metrics could not be read'])
  assert.ok(!JSON.stringify(secret).includes('Lovelace'))
  assert.match((await judged(twice, false)).fault ?? '', /Lovelace/, 'the honest twin: of other data it is said why')
  const read = await judged('{"accuracy": 0.95, "loss": 1}', true)
  assert.deepEqual([read.result, read.fault, read.values], ['PASSED', undefined, [{ name: 'accuracy', value: 0.95 }]])
})
