/**
 * Goal: what real frameworks train is the same again, bit by bit, with nothing set but the seed of the stage.
 *
 * Needs a package index once; packages and the built environment are kept in .cache/frameworks. PyTorch is in
 * `test/interop/pytorch.test.ts`, since its wheels are 2.9 GB.
 */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeScratchProject } from '../../scripts/scratch-project.ts'
import { statuses } from '../support/adopted.ts'
import { type Document, runAssay } from '../support/scratch.ts'

test('scikit-learn and LightGBM are identical when they are trained again; what has no seed diverges, and lint says why', async () => {
  const { root, environment } = makeScratchProject('frameworks', join(import.meta.dirname, 'frameworks'))
  const json = async (exit: number, ...args: readonly string[]): Promise<Document> => {
    const { code, stdout, stderr } = await runAssay([...args, '--json'], root, environment)
    assert.equal(code, exit, `${stdout}\n${stderr}`)
    return JSON.parse(stdout)
  }
  appendFileSync(join(root, '.gitignore'), '/out\n')
  await json(0, 'init', '--yes', '--commit')
  assert.deepEqual(statuses(await json(0, 'run')), { sklearn: 'ran', lightgbm: 'ran', unseeded: 'ran' })
  const { verdict, firstDivergence, comparisons } = await json(1, 'reproduce')
  assert.deepEqual(
    comparisons.map(({ path, verdict: found }: Document) => [path, found]),
    [
      ['out/sklearn', 'identical'],
      ['out/lightgbm', 'identical'],
      ['out/unseeded', 'diverged'],
      ['out/unseeded/coef.npy', 'diverged'],
    ],
  )
  assert.deepEqual([verdict, firstDivergence.stage], ['diverged', 'unseeded'])
  assert.match(comparisons[3].detail, /^`array` differs: 30 of 30 elements, by at most /)
  const { stages } = await json(0, 'show', '--environment')
  const recorded = stages[0].items.filter(({ group, name }: Document) => group === 'environment' && name === 'blas')
  assert.match(recorded[0]?.value ?? '', /openblas/)
  const { findings } = await json(1, 'lint')
  assert.deepEqual(
    findings.map(({ rule, file, line }: Document) => [rule, file, line]),
    [['missing-seed', 'src/unseeded.py', 10]],
  )
})
