/** The long form of `test/attacks/hostile-bytes.test.ts`: 10,000 inputs for each reader of hostile bytes. */
import { test } from 'node:test'
import { fuzzReaders } from '../support/hostile-bytes.ts'

const seed = Number(process.env['ASSAY_TEST_SEED'] ?? Date.now() % 1_000_000)
const runs = Number(process.env['ASSAY_TEST_INPUTS'] ?? 10_000)

test(`${runs} inputs for each reader, seed ${seed}`, () => {
  fuzzReaders(runs, seed)
})
