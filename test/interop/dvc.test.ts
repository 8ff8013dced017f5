/**
 * DVC, installed by pip at a pinned version, runs the digits example unchanged, and makes the same bytes as assay does.
 *
 * The first run needs Python with venv and a package index; both environments are kept below .cache/interop.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeScratchProject, type ScratchProject } from '../../scripts/scratch-project.ts'
import { sha256Of } from '../../src/core/index.ts'

const repository = join(import.meta.dirname, '../..')
const dvcVersion = '3.67.1'
const outs = [
  'data/raw/digits.csv',
  'data/prepared/train.csv',
  'models/digits.safetensors',
  'metrics.json',
  'reports/confusion.json',
  'reports/confusion.png',
]

/** A virtual environment below the cache, made once; its folder of programs. */
function virtualEnvironment(name: string, ...install: readonly string[]): string {
  const folder = join(repository, '.cache/interop', name)
  if (!existsSync(join(folder, 'ready'))) {
    rmSync(folder, { recursive: true, force: true })
    run('python3', ['-m', 'venv', folder])
    run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...install])
    run('touch', [join(folder, 'ready')])
  }
  return join(folder, 'bin')
}

function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const outcome = spawnSync(program, args, { encoding: 'utf8', ...options })
  assert.equal(outcome.status, 0, `${program} ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}`)
  return outcome.stdout
}

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
  const dvc = join(virtualEnvironment(`dvc-${dvcVersion}`, `dvc==${dvcVersion}`), 'dvc')

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
