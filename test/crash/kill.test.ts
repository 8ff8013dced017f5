/** Goal: kill -9, Ctrl-C and SIGTERM at 200 random moments; the same command again gives the same, verified result. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { interruptAndFinish, interruptible } from '../support/interrupted-rounds.ts'

const seed = Number(process.env['ASSAY_TEST_SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['ASSAY_TEST_ROUNDS'] ?? 200)

test(`${rounds} random moments, seed ${seed}: nothing is lost and nothing is left`, async (context) => {
  const nap = `37${seed}`
  const project = await adopted(context, interruptible(nap))
  const hit = await interruptAndFinish(project, {
    rounds,
    seed,
    signals: ['SIGKILL', 'SIGKILL', 'SIGINT', 'SIGTERM'],
    nap,
  })
  console.log(`seed ${seed}: ${hit} of ${rounds} runs were hit while they ran`)
  assert.ok(hit > rounds / 2, 'most signals met a run')
})
