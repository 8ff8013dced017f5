import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../compute/index.ts'
import { isDomainError } from '../core/index.ts'
import { portableKernels } from '../reproducibility/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'
import { limitsOf, refuseTelling, refuseUnportable, variablesOf } from './stage-task.ts'

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

test('a reason that holds a credential is refused, since reasons are signed; one in words is not', () => {
  const token = `ghp_${'aB3dE5gH7jK9mN1pQ2rS'.repeat(2)}`
  const reasons = (why: string): readonly Partial<StageSettings>[] => [
    { harmlessAttempts: why },
    { harmless: { 'a.py': { 'wall-clock': why } } },
    { harmlessCredentials: { out: why } },
    { tolerances: [{ path: 'm.json', abs: 1, because: why }] },
  ]
  for (const own of reasons(`the test's own ${token}`))
    assert.throws(
      () => refuseTelling(stage, { ...settings, ...own }),
      (error) =>
        isDomainError(error, 'ERR_SECRET_LEAKED') &&
        error.message.includes('a GitHub token') &&
        !error.message.includes(token),
    )
  for (const own of reasons("the token of GitHub's documentation, ghp_ and letters"))
    refuseTelling(stage, { ...settings, ...own })
})
