/** Goal: when two runs came to something else, the cause that I am told first is the true one. The table: `npm run test:long`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { firstCauses, mixed, swapped } from '../support/causes.ts'

test('a changed seed, line of code and byte of data are each named first, before the stage that builds on it', async (context) => {
  const project = await adopted(context, mixed)
  const told = await firstCauses(project, [
    { name: 'another seed', change: swapped(project, 'assay.yaml', 'seed: 1', 'seed: 2'), first: 'seed' },
    { name: 'a line of code', change: swapped(project, 'src/lib.sh', 'echo', 'echo .'), first: 'code src/lib.sh' },
    { name: 'a byte of data', change: { 'data/rows.txt': 'pear 1\naqple 2\n' }, first: 'input data/rows.txt' },
  ])
  assert.deepEqual(
    told.map(({ told: said }) => said),
    told.map(({ first }) => first),
  )
})
