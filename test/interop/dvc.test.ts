/**
 * DVC, installed by pip at a pinned version, runs the digits example unchanged, and makes the same bytes as assay does.
 *
 * The first run needs Python with venv and a package index; both environments are kept below .cache/interop.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeScratchProject, type ScratchProject } from '../../scripts/scratch-project.ts'
import { sha256Of } from '../../src/core/index.ts'
import { dvcPrograms, repository, run, virtualEnvironment } from './environments.ts'

const outs = [
  'data/raw/digits.csv',
  'data/prepared/train.csv',
  'models/digits.safetensors',
  'metrics.json',
  'reports/confusion.json',
  'reports/confusion.png',
]

function digestsIn({ root }: ScratchProject): readonly (readonly [string, string])[] {
  return outs.map((path) => [path, sha256Of(readFileSync(join(root, path)))])
}

test('dvc repro runs the example unchanged, agrees that nothing is left to do, and assay run makes the same bytes', () => {
  const packages = virtualEnvironment(
    'digits',
    '--require-hashes',
    '-r',
    join(repository, 'examples/digits/requirements.lock'),
  )
  const dvc = join(dvcPrograms(), 'dvc')

  const project = makeScratchProject('interop-dvc')
  const withPackages = { ...project.environment, PATH: `${packages}:${project.environment['PATH']}` }
  run(dvc, ['repro'], { cwd: project.root, env: withPackages })
  assert.match(run(dvc, ['status'], { cwd: project.root, env: withPackages }), /up to date/)
  assert.equal(run('git', ['status', '--porcelain'], { cwd: project.root, env: withPackages }), '?? dvc.lock\n')
  const byDvc = digestsIn(project)

  const again = makeScratchProject('interop-dvc')
  run('assay', ['init', '--yes', '--commit'], { cwd: again.root, env: again.environment })
  run('assay', ['data', 'approve', 'uci-digits-holdout'], { cwd: again.root, env: again.environment })
  run('assay', ['run'], { cwd: again.root, env: again.environment })
  assert.deepEqual(digestsIn(again), byDvc)
})
