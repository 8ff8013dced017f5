/** What an environment.yml may ask a resolver of conda for. Threat: pipeline tampering. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { type CondaWanted, isForConda, readCondaWanted } from './conda-wanted.ts'

const read = (text: string): CondaWanted =>
  readCondaWanted({ path: 'environment.yml', choice: { extras: [], groups: [] }, textOf: () => text })
const specs = (...lines: readonly string[]): readonly string[] =>
  read(JSON.stringify({ channels: ['c'], dependencies: lines })).specs
const channels = (...names: readonly string[]): readonly string[] =>
  read(JSON.stringify({ channels: names, dependencies: ['x'] })).channels

test('reads channels by name and address, and specifications as conda writes them', () => {
  assert.deepEqual(channels('conda-forge', 'nodefaults', 'pytorch/label/test', 'https://host/c/'), [
    'https://conda.anaconda.org/conda-forge',
    'https://conda.anaconda.org/pytorch/label/test',
    'https://host/c',
  ])
  const main = ['https://repo.anaconda.com/pkgs/main', 'https://repo.anaconda.com/pkgs/r']
  assert.deepEqual(channels('defaults'), main)
  assert.deepEqual(read('dependencies: [x]').channels, main)
  assert.match(read('dependencies: [x]').notes.join(), /names no channel/)
  assert.deepEqual(
    specs(
      'numpy',
      'numpy=1.26',
      'numpy=1.26=py312*',
      'a>=1,<2|>3',
      'b 1.2.*',
      'c 1.2',
      'd 1.2 h1_0',
      'conda-forge::e=1',
    ),
    [
      ...['numpy', 'numpy=1.26', 'numpy=1.26=py312*', 'a>=1,<2|>3', 'b 1.2.*', 'c ==1.2', 'd ==1.2 h1_0'],
      'https://conda.anaconda.org/conda-forge::e=1',
    ],
  )
})

test('a file that asks conda for its Python alone is for pip; any other is for conda', () => {
  const isConda = (dependencies: readonly unknown[]): boolean => isForConda(read(JSON.stringify({ dependencies })))
  assert.equal(isConda(['python=3.11', 'pip', { pip: ['six'] }]), false)
  assert.equal(isConda(['python=3.11', 'numpy', { pip: ['six'] }]), true)
  assert.equal(isConda(['python=3.11', 'pip-tools', { pip: ['six'] }]), true)
  assert.equal(isConda(['python=3.11', 'pip']), true)
  assert.deepEqual(read('dependencies: [numpy, {pip: [six, -e .]}]').pip, ['six', '-e .'])
})

const hostile: Readonly<Record<string, () => unknown>> = {
  'a package at an address': () => specs('https://host/linux-64/x-1-0.conda'),
  'an address in brackets': () => specs('x[url=https://host/x.conda]'),
  'a name at an address': () => specs('x @ file:///etc/passwd'),
  'a path': () => specs('../x'),
  'a line that would be read for hours': () => specs(`${'a'.repeat(1_000_000)}#`),
  'a line end': () => specs('x\n--option'),
  'a channel that is a path': () => channels('../channel'),
  'a channel of this machine': () => channels('file:///srv/channel'),
  'a channel with credentials': () => channels('https://u:p@host/c'),
  'a channel with a token': () => channels('https://host/t/secret/c'),
  'a channel that climbs': () => channels('a/../../b'),
  'no list': () => read('dependencies: numpy'),
}
for (const [what, asked] of Object.entries(hostile)) {
  test(`refuses ${what}`, () => {
    assert.throws(asked, (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID'))
  })
}
