import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import type { ProjectSettings } from '../definition.ts'
import { definePipeline, defineSettings } from './index.ts'
import { projectOf } from './project.memory.ts'

const pipeline = definePipeline(
  projectOf({
    'dvc.yaml': `stages:
  prepare: {cmd: a, deps: [data/raw.csv], outs: [data/train.parquet]}
  train: {cmd: b, deps: [data/train.parquet], outs: [models/digits.safetensors], metrics: [metrics.json]}
  sweep: {foreach: [a, b], do: {cmd: c}}
`,
    'sub/dvc.yaml': 'stages:\n  score: {cmd: d}\n',
  }),
)
const honest = `assay: 1
name: digits
data:
  data/raw.csv: {source: uci-digits, contract: contracts/raw.yaml}
environments:
  train: {python: {lock: requirements.lock}}
defaults: {environment: train, network: none, seed: 7, limits: {cpus: 2, memory: 4GiB, time: 30m, processes: 256}}
stages:
  prepare:
    outs: {data/train.parquet: {contract: contracts/train.yaml}}
  train:
    limits: {time: 2h, io: 1TiB, ioRate: 200MiB/s, network: 2GiB, sent: 3MiB, connections: 50}
    secrets: [label-service]
    env: {MODEL_SIZE: small, RATE: 1.0, HOME: null}
    reproducible: {tolerance: {metrics.json: {accuracy: 0.005}}, because: thread order in BLAS}
    harmless: {src/a.py: {wall-clock: only printed}}
    portable: true
  sweep: {env: [TOKEN], environment: host}
  sweep@b: {seed: 9, network: [example.org]}
  sub/dvc.yaml:score:
model: {name: digits, path: models/digits.safetensors, metrics: metrics.json, gates: ["accuracy >= 0.9"]}
serving: serving.yaml
protected: [notebooks/**]
require: [approved-sources]
clearance: internal
lock: [assay, dvc]
remotes: {team: {url: s3://bucket/a, region: eu-1, classification: public}, disk: {url: ../store, default: true}}
`
const read = (text: string): ProjectSettings => defineSettings(Buffer.from(text), 'assay.yaml', pipeline)
const fault = (right: string, wrong: string): string => {
  assert.ok(honest.includes(right), right)
  try {
    read(honest.replace(right, wrong))
  } catch (error) {
    if (isDomainError(error)) return `${error.code} ${error.message} | ${error.help}`
    throw error
  }
  return 'accepted'
}

test('reads all that the format has', () => {
  const { settingsOf, data, environments, ...rest } = read(honest)
  assert.deepEqual(rest, {
    name: 'digits',
    model: { name: 'digits', path: 'models/digits.safetensors', metrics: 'metrics.json', gates: ['accuracy >= 0.9'] },
    serving: 'serving.yaml',
    protected: ['notebooks/**'],
    require: ['approved-sources'],
    clearance: 'internal',
    lock: ['assay', 'dvc'],
    remotes: new Map([
      ['team', { url: 's3://bucket/a', region: 'eu-1', classification: 'public', isDefault: false }],
      ['disk', { url: '../store', classification: 'internal', isDefault: true }],
    ]),
  })
  assert.deepEqual([...data], [['data/raw.csv', { source: 'uci-digits', contract: 'contracts/raw.yaml' }]])
  assert.deepEqual(
    [...environments],
    [
      ['host', { kind: 'host' }],
      ['train', { kind: 'python', lock: 'requirements.lock' }],
    ],
  )
  assert.deepEqual(settingsOf('train'), {
    environment: 'train',
    network: 'none',
    seed: 7,
    limits: {
      ...{ cpus: 2, memoryBytes: 4 * 1024 ** 3, timeMs: 7_200_000, processes: 256 },
      ...{
        ioBytes: 1024 ** 4,
        ioBytesPerSecond: 200 * 1024 ** 2,
        networkBytes: 2 * 1024 ** 3,
        sentBytes: 3 * 1024 ** 2,
        connections: 50,
      },
    },
    env: { MODEL_SIZE: 'small', RATE: '1.0', HOME: null },
    secrets: ['label-service'],
    scratch: [],
    tolerances: ['tensor', 'metric', 'column'].map((part) => ({
      path: 'metrics.json',
      [part]: 'accuracy',
      abs: 0.005,
      because: 'thread order in BLAS',
    })),
    harmless: { 'src/a.py': { 'wall-clock': 'only printed' } },
    portable: true,
  })
})

test('gives a generated stage its own words over its group over the defaults', () => {
  const { settingsOf } = read(honest)
  const defaults = { cpus: 2, memoryBytes: 4 * 1024 ** 3, timeMs: 1_800_000, processes: 256 }
  const group = {
    environment: 'host',
    network: 'none',
    seed: 7,
    limits: defaults,
    env: { TOKEN: null },
    secrets: [],
    scratch: [],
  }
  assert.deepEqual(settingsOf('sweep@a'), group)
  assert.deepEqual(settingsOf('sweep@b'), { ...group, seed: 9, network: ['example.org'] })
})

test('refuses two default remotes, and a key that a remote does not have', () => {
  assert.match(fault('region: eu-1,', 'default: true,'), /two remotes are the default: team and disk/)
  assert.match(fault('region: eu-1,', 'endpoint: evil.example.org,'), /ERR_SETTINGS_INVALID/)
  assert.match(fault('s3://bucket/a', 's3://a:b@bucket/a'), /ERR_SETTINGS_INVALID .*no address of a remote/)
})

test('has sensible defaults without a file', () => {
  const { settingsOf, data, environments, ...rest } = defineSettings(undefined, 'assay.yaml', pipeline)
  assert.deepEqual(rest, { name: 'project', protected: [], require: [], clearance: 'restricted', remotes: new Map() })
  assert.deepEqual([data.size, [...environments.keys()]], [0, ['host']])
  assert.deepEqual(settingsOf('train'), {
    environment: 'host',
    network: 'none',
    seed: 42,
    limits: {},
    env: {},
    secrets: [],
    scratch: [],
  })
})

const slips: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a stage that is not there',
    '  train:\n',
    '  trian:\n',
    /line 11, column 3: no stage of the pipeline is named `trian` \| did you mean `train`\?/,
  ],
  [
    'a stage of another file by its bare name',
    'sub/dvc.yaml:score',
    'score',
    /no stage .* named `score` \| did you mean `sub\/dvc\.yaml:score`\?/,
  ],
  [
    'an environment that is not there',
    'environment: train',
    'environment: trian',
    /line 7, column 25: the environment `trian` is not defined \| did you mean `train`\?/,
  ],
  ['an unknown key', 'protected:', 'protect:', /line 23, column 1: `protect` is not a key of assay\.yaml/],
  [
    'an unknown key of a stage',
    'secrets:',
    'secret:',
    /line 13, column 5: `secret` is not a key of `train` \| did you mean `secrets`\?/,
  ],
  ['an unknown limit', 'cpus: 2', 'cpu: 2', /`cpu` is not a key of `limits` \| did you mean `cpus`\?/],
  ['a size without a unit', '4GiB', '4096', /`memory` is an integer, it must be a size such as 4GiB/],
  ['a rate without its second', 'cpus: 2', 'ioRate: 100MiB', /`ioRate`: `100MiB` is not a rate such as 100MiB\/s/],
  ['connections that are none', 'cpus: 2', 'connections: 0', /connections/],
  ['a size in no unit', '4GiB', '4 lumps', /`memory`: `4 lumps` is not a size/],
  ['an expected size in no unit', 'portable: true', 'expect: {memory: ..lots}', /`memory`: `lots` is not a size/],
  ['an expected time of a size', 'portable: true', 'expect: {time: 1GiB..}', /`time`: .*1GiB/],
  ['an expectation without an end', 'portable: true', 'expect: {cpu: ..}', /`cpu`: it is no range of durations/],
  ['an expectation that is no range', 'portable: true', 'expect: {time: 2h}', /`time`: it is no range of durations/],
  ['an unknown expectation', 'portable: true', 'expect: {disk: ..1GiB}', /`disk` is not a key of `expect`/],
  ['a negative seed', 'seed: 7', 'seed: -7', /`seed` is an integer, it must be a whole number from 0/],
  ['half a GPU', 'cpus: 2', 'gpus: 0.5', /gpus/],
  ['no GPUs by their number', 'cpus: 2', 'gpus: 0', /gpus/],
  ['another version', 'assay: 1', 'assay: 2', /line 1, column 8/],
  ['a network word', 'network: none', 'network: all', /`network` is `all`, it must be none/],
  ['a word of clearance', 'internal', 'secret', /`clearance` is `secret`/],
  ['a requirement', 'approved-sources', 'approved-source', /did you mean `approved-sources`\?/],
  ['a lock without ours', '[assay, dvc]', '[dvc]', /`lock` must name assay/],
  [
    'data that a stage makes',
    'data/raw.csv: {source',
    'data/train.parquet: {source',
    /line 4, column 3: `data\/train\.parquet` is made by `prepare`/,
  ],
  [
    'an out that the stage does not make',
    'outs: {data/train.parquet',
    'outs: {data/trian.parquet',
    /line 10, column 12: .* \| did you mean `data\/train\.parquet`\?/,
  ],
  ['a model that no stage makes', 'path: models/digits.', 'path: models/digit.', /no stage makes .* \| did you mean/],
  [
    'a path that leaves the project',
    'serving: serving.yaml',
    'serving: ../s.yaml',
    /`serving`: the path `\.\.\/s\.yaml` leaves the project/,
  ],
  [
    'a variable that opens the key',
    '[TOKEN]',
    '[ASSAY_KEY_PASSPHRASE]',
    /must be the name of a variable that a stage may/,
  ],
  ['a variable that is none', 'MODEL_SIZE', 'MODEL-SIZE', /the key is `MODEL-SIZE`, it must be the name of a variable/],
  [
    'a tolerance that is none',
    'accuracy: 0.005',
    'accuracy: -1',
    /line 15, column 57: `accuracy`.*a number of 0 or more/,
  ],
  [
    'what can be no tolerance',
    '{tolerance: {metrics.json: {accuracy: 0.005}}, because: thread order in BLAS}',
    'true',
    /`reproducible` is a boolean, it must be a map/,
  ],
  ['an unreasoned waiver of reproduction', ', because: thread order in BLAS', '', /`reproducible` has no `because`/],
  [
    'a rule that is none',
    'harmless: {src/a.py: {wall-clock',
    'harmless: {src/a.py: {wallclock',
    /the key is `wallclock`.* \| did you mean/,
  ],
  ['what is harmless for no reason', ': only printed}', ': {}}', /`wall-clock`/],
  ['host as a name', '  train: {python', '  host: {python', /`host` is built in/],
  [
    'an equal key',
    'name: digits\ndata',
    'name: digits\nname: x\ndata',
    /line 3, column 1: the key `name` stands twice/,
  ],
]
for (const [name, right, wrong, message] of slips) {
  test(`refuses ${name}`, () => {
    const text = fault(right, wrong)
    assert.match(text, /^ERR_SETTINGS_INVALID `assay\.yaml` line/)
    assert.match(text, message)
  })
}

const listed = (entries: string): string =>
  honest.replace(/reproducible: .*/, `reproducible:\n      tolerance:\n        - ${entries}`)

test('a list of tolerances gives each its bounds and its reason', () => {
  const { settingsOf } = read(
    listed(`{path: models/*.safetensors, tensor: layer.*.weight, abs: 1e-9, rel: 1e-6, ulp: 4, because: BLAS}
        - {path: metrics.json, metric: "folds[*].auc", abs: 1, because: "it's the clock"}
        - {path: out/**, column: p, rel: 0.01, because: threads}`),
  )
  assert.deepEqual(settingsOf('train').tolerances, [
    { path: 'models/*.safetensors', tensor: 'layer.*.weight', because: 'BLAS', abs: 1e-9, rel: 1e-6, ulp: 4 },
    { path: 'metrics.json', metric: 'folds[*].auc', because: "it's the clock", abs: 1 },
    { path: 'out/**', column: 'p', because: 'threads', rel: 0.01 },
  ])
})

for (const [name, entry, message] of [
  ['no reason', '{path: a, abs: 1}', /line 17, column 11: entry 1 of `tolerance` has no `because`/],
  ['an empty reason', '{path: a, abs: 1, because: " "}', /line 17, column 38: `because` .* a reason in words/],
  ['no path', '{abs: 1, because: b}', /entry 1 of `tolerance` has no `path`/],
  ['no bound', '{path: a, because: b}', /line 17, column 11: entry 1 of `tolerance` has none of abs, rel and ulp/],
  ['two names', '{path: a, tensor: b, metric: c, abs: 1, because: b}', /more than one of tensor, metric and column/],
  ['an unknown bound', '{path: a, absolute: 1, because: b}', /line 17, column 21: `absolute` is not a key of entry 1/],
  ['all of a number', '{path: a, rel: 1, because: b}', /line 17, column 26: `rel` .* a part from 0 to below 1/],
  ['half a step', '{path: a, ulp: 0.5, because: b}', /`ulp` .* a whole number of 0 or more/],
  ['no end', '{path: a, abs: .inf, because: b}', /`abs` .* a number of 0 or more/],
  ['not a number', '{path: a, abs: .nan, because: b}', /`abs` .* a number of 0 or more/],
  ['a number in words', '{path: a, abs: "1", because: b}', /`abs` is text/],
  ['a path outside', '{path: ../a, abs: 1, because: b}', /leaves the project/],
  [
    'another reason beside',
    '{path: a, abs: 1, because: b}\n      because: c',
    /`because` is not a key of `reproducible`/,
  ],
] as const) {
  test(`refuses a tolerance with ${name}`, () => {
    assert.throws(
      () => read(listed(entry)),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID') && message.test(error.message),
    )
  })
}

for (const [name, wrong] of [
  ['yarn', '{node: {lock: yarn.lock}}'],
  ['pdm', '{python: {lock: pdm.lock}}'],
  ['conda', '{python: {lock: conda-lock.yml}}'],
] as const) {
  test(`says that an environment of ${name} is of a later version, and what is supported now`, () => {
    assert.match(
      fault('{python: {lock: requirements.lock}}', wrong),
      /^ERR_ENV_UNSUPPORTED .*\| (supported now: python|name a package-lock)/,
    )
  })
}

test('an image is named by its digest: a tag alone is refused with the command that gives it', () => {
  const asked = '{python: {lock: requirements.lock}}'
  assert.match(
    fault(asked, '{image: "python:3.12"}'),
    /^ERR_ENV_UNPINNED `assay\.yaml` line 6, column 18: .* no digest.* \| .*assay env lock --image python:3\.12$/,
  )
  const digest = `sha256:${'a'.repeat(64)}`
  assert.match(fault(asked, `{image: "Python@${digest}"}`), /^ERR_SETTINGS_INVALID .*no name of an image/)
  assert.match(fault(asked, `{image: "x@${digest}", python: {lock: x.lock}}`), /^ERR_ENV_UNSUPPORTED .*something else/)
})
