import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../compute/index.ts'
import { isDomainError } from '../core/index.ts'
import { portableKernels } from '../reproducibility/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'
import { limitsOf, refuseUnportable, variablesOf } from './stage-task.ts'

const stage: StageDefinition = {
  ...{ name: 'train', file: 'dvc.yaml', commands: ['x'], workingDirectory: '.', deps: [], params: {}, outs: [] },
  ...{ frozen: false, alwaysChanged: false },
}
const settings: StageSettings = {
  ...{ environment: 'host', network: 'none', seed: 42, limits: {}, env: {}, secrets: [], scratch: [] },
}
const environment: Environment = {
  ...{ name: 'host', kind: 'host', digest: `sha256:${'0'.repeat(64)}`, locked: false, mounts: [], path: [] },
  ...{ variables: {}, packages: [], facts: [], materials: [], warnings: [] },
}

/** What a stage is given on a machine of so many cores. */
function given(own: Partial<StageSettings>, cpus: number): Readonly<Record<string, string>> {
  const all = { ...settings, ...own }
  return variablesOf(stage, all, limitsOf(all, { cpus, memoryBytes: 2 ** 33 }), environment, {})
}

test('a portable stage is given the same on a machine of one core and of many; another one its share of threads', () => {
  assert.deepEqual(given({ portable: true }, 1), given({ portable: true }, 64))
  assert.deepEqual([given({}, 1)['OMP_NUM_THREADS'], given({}, 64)['OMP_NUM_THREADS']], ['1', '2'])
  assert.equal(given({ portable: true }, 1)['OMP_NUM_THREADS'], '2')
  for (const [name, value] of Object.entries(portableKernels(process.arch)?.variables ?? {})) {
    assert.equal(given({ portable: true }, 1)[name], value)
    assert.equal(given({}, 1)[name], undefined)
  }
  assert.equal(given({ portable: true, env: { OPENBLAS_CORETYPE: 'Zen' } }, 1)['OPENBLAS_CORETYPE'], 'Zen')
})

test('a processor without the vector units that are asked for is refused before the stage starts', () => {
  const needs = portableKernels(process.arch)?.needs ?? []
  refuseUnportable('train', { cpuFeatures: `${needs.join(' ')} avx512f` })
  assert.throws(
    () => refuseUnportable('train', { cpuFeatures: 'sse2' }),
    (error) => isDomainError(error, 'ERR_ENV_UNSUPPORTED') && /lacks/.test(error.message),
  )
})
