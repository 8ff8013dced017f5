/** Every reader of a YAML file of ours, and every way in which YAML is used against its readers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTrustPolicy } from '../attestation/index.ts'
import { type ErrorCode, isDomainError } from '../core/index.ts'
import { parseSources } from '../data/index.ts'
import { definePipeline, defineSettings, readParams } from './define/index.ts'
import { projectOf } from './define/project.memory.ts'
import { parseLock } from './lock.ts'

const pipelineOf = (files: Readonly<Record<string, Uint8Array>>) =>
  definePipeline(projectOf(files), { root: '/p', overrides: new Map() })

const policy = `trust: 1
project: 7d0c3f0e-6a1d-4f0f-9d3b-0a4b8f3f6a11
keys: {}
roles: {builder: []}
minimumLevel: 1
expires: 2027-11-23
`
const digest = `sha256:${'a'.repeat(64)}`

type Reader = Readonly<{
  good: string
  code: ErrorCode
  read(bytes: Uint8Array): unknown
  anyKey?: true
  many?: string
}>
const readers: Readonly<Record<string, Reader>> = {
  'dvc.yaml': {
    good: 'stages:\n  a: {cmd: a, outs: [a]}\n',
    code: 'ERR_DEFINITION_INVALID',
    read: (bytes) => pipelineOf({ 'dvc.yaml': bytes }),
  },
  'params.yaml': {
    good: 'a: 1\n',
    code: 'ERR_PARAMS_INVALID',
    read: (bytes) => readParams(bytes, 'params.yaml'),
    anyKey: true,
  },
  'data.dvc': {
    good: 'outs:\n- path: data\n',
    code: 'ERR_DEFINITION_INVALID',
    read: (bytes) => pipelineOf({ 'data.dvc': bytes }),
  },
  'assay.yaml': {
    good: 'assay: 1\nname: x\n',
    code: 'ERR_SETTINGS_INVALID',
    read: (bytes) => defineSettings(bytes, 'assay.yaml', pipelineOf({})),
  },
  'trust.yaml': {
    good: policy,
    code: 'ERR_POLICY_MALFORMED',
    read: (bytes) => parseTrustPolicy(bytes, 'repository'),
  },
  'sources.yaml': {
    good: 'inventory: 1\nsources: {}\n',
    code: 'ERR_SOURCES_INVALID',
    read: (bytes) => parseSources(bytes),
  },
  'assay.lock': {
    good: `assay: 1\nstages:\n  a: {attestation: "${digest}", key: "${digest}"}\n`,
    code: 'ERR_LOCK_MALFORMED',
    read: parseLock,
  },
}

const text = (suffix: string) => (good: string) => Buffer.from(`${good}${suffix}`)
const bomb = ['[x,x,x,x,x,x,x,x,x]', ...'abcdefgh'].map((each, level) =>
  level === 0
    ? `a: &a ${each}\n`
    : `${'bcdefghi'[level - 1]}: &${'bcdefghi'[level - 1]} [${Array(9).fill(`*${each}`)}]\n`,
)
const attacks: Readonly<Record<string, (good: string) => Uint8Array>> = {
  'an alias bomb': text(bomb.join('')),
  'an alias inside its own anchor': text('zz: &x\n  b: *x\n'),
  'an alias to nothing': text('zz: *nobody\n'),
  'lists 20,000 deep': text(`zz: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`),
  'lists 900 deep': text(`zz: ${'['.repeat(900)}${']'.repeat(900)}\n`),
  'maps 3,000 deep': text(`zz: ${'{a: '.repeat(3000)}1${'}'.repeat(3000)}\n`),
  'a key twice': text('zz: 1\nzz: 2\n'),
  'a key twice, spelt differently': text('zz: 1\n"\\x7a\\x7a": 2\n'),
  'two documents': text('---\nzz: 1\n'),
  'a tag that makes an object elsewhere': text('zz: !!python/object/apply:os.system ["true"]\n'),
  'UTF-16': (good) => Buffer.from(`\ufeff${good}`, 'utf16le'),
  'Latin-1': (good) => Buffer.concat([Buffer.from(`${good}zz: "caf`), Buffer.from([0xe9]), Buffer.from('"\n')]),
  'conflict markers': (good) => Buffer.from(`<<<<<<< ours\n${good}=======\n${good}>>>>>>> theirs\n`),
  'a list where a map belongs': () => Buffer.from('- 1\n- 2\n'),
  'bytes of a program': () => Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 1, 2, 3]),
}

for (const [file, { good, code, read, anyKey }] of Object.entries(readers)) {
  test(`${file}: the honest file is read; each hostile one is refused, by its code`, () => {
    read(Buffer.from(good))
    for (const [what, made] of Object.entries(attacks)) {
      if (anyKey === true && what === 'a list where a map belongs') continue // a params file may be one
      assert.throws(
        () => read(made(good)),
        (error) => isDomainError(error, code) && error.message.length < 1500,
        what,
      )
    }
    const proto = Buffer.from(`${good}__proto__: {polluted: 1}\n`)
    if (anyKey === true) read(proto)
    else
      assert.throws(
        () => read(proto),
        (error) => isDomainError(error, code),
        '__proto__',
      )
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
}

test('many keys cost time by their number, not by its square, and their refusal stays a sentence', () => {
  const cpuMsOf = (read: Reader['read'], count: number): number => {
    const keys = Buffer.from(Array.from({ length: count }, (_, index) => `k${index}: {a: 1}\n`).join(''))
    const before = process.cpuUsage()
    try {
      read(keys)
    } catch (error) {
      assert.ok(isDomainError(error) && error.message.length < 1500)
    }
    return process.cpuUsage(before).user / 1000
  }
  for (const file of ['trust.yaml', 'sources.yaml', 'assay.lock']) {
    const { read } = readers[file] ?? assert.fail(file)
    cpuMsOf(read, 5000)
    const [few, many] = [cpuMsOf(read, 8000), cpuMsOf(read, 32_000)]
    assert.ok(many < Math.max(10 * few, 1000), `${file}: ${few} ms of CPU for 8,000 keys, ${many} ms for 32,000`)
  }
})
