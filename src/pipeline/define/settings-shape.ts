/** What may stand in assay.yaml (design.md section 4). Unknown keys are refused at every level, with a suggestion. */
import { DomainError, engineNames, parseDurationMs, parseRateBytes, parseSizeBytes } from '../../core/index.ts'
import { parseRemoteAddress } from '../../data/index.ts'
import { ruleNames } from '../../reproducibility/index.ts'
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import { boundShapes, heldToBaseline, verifiedInLabel } from './settings-bounds.ts'
import {
  byKey,
  byPath,
  either,
  fitting,
  listOf,
  mapOf,
  nothing,
  parsedBy,
  projectPath as path,
  record,
  type Setting,
  type Shape,
  simple,
  text,
} from './shape.ts'
import { reproducibleShape } from './tolerances.ts'
import { isList, isMap, pythonText, type Value } from './value.ts'

export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const
export const requirements = ['approved-sources', 'passed-data', 'usual-resources'] as const
export const locks = ['assay', 'dvc'] as const
const systemWords = ['pinned', 'recorded'] as const
/** The environment that every machine has: its own interpreter and system packages. */
export const hostEnvironment = 'host'

function oneOf(words: readonly string[]): Shape {
  return {
    wants: 'text',
    check: (value, name, place, setting) => {
      if (typeof value === 'string' && words.includes(value)) return
      const word = pythonText(value)
      const help = suggestion(word, words) ?? `write one of ${words.join(', ')}`
      throw faultAt(setting.code, place, `${name} is ${quoted(word)}, it must be ${words.join(' or ')}`, help)
    },
  }
}

const size = parsedBy('a size such as 4GiB', parseSizeBytes)
const rate = parsedBy('a rate such as 100MiB/s', parseRateBytes)
const duration = parsedBy('a duration such as 30m', parseDurationMs)
const label = fitting('a plain name of letters, digits, `.`, `_` and `-`', (value) =>
  /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,127}$/u.test(value),
)
/** THREAT: a stage that is passed the passphrase, and evidence that records it, are a stolen key. */
const ofTheKey = /^(ASSAY_(KEY|SIGNING|SIGNER|CONFIG|IDENTITY)(_|$)|ACTIONS_ID_TOKEN_REQUEST_|SIGSTORE_ID_TOKEN$)/
const variable = fitting(
  'the name of a variable that a stage may have',
  (value) => /^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(value) && !ofTheKey.test(value),
)
/** As `compute/egress/destination.ts` reads it: names alone, `*.` in front of one for all below it. */
const host = fitting('a host name such as data.example.org:443 (no address, no `*` alone)', (value) =>
  /^(\*\.)?([A-Za-z0-9_-]{1,63}\.)*(?=[A-Za-z0-9_-]*[A-Za-z_])(?!0x)[A-Za-z0-9_-]{1,63}\.?(?::\d{1,5})?$/.test(value),
)
const positive = simple('a number above 0', (value) => {
  return (
    (typeof value === 'bigint' && value > 0n && value < 100_000n) ||
    (typeof value === 'number' && value > 0 && value < 100_000)
  )
})
const count = simple(
  'a whole number above 0',
  (value) => typeof value === 'bigint' && value > 0n && value < 10_000_000n,
)
/** LIMIT: 0 to 2^32 - 1, which is what numpy takes. */
const seed = simple(
  'a whole number from 0 to 4294967295',
  (value) => typeof value === 'bigint' && value >= 0n && value < 2n ** 32n,
)
const truth = simple('true or false', (value) => typeof value === 'boolean')
const variableValue = simple('text, a number, a boolean, or nothing', (value) => !isList(value) && !isMap(value))

const environment = record({
  python: record(
    {
      ...{ lock: path, interpreter: text, extras: listOf(label), groups: listOf(label) },
      ...{ sdists: listOf(label), buildLock: path },
    },
    ['lock'],
  ),
  node: record({ lock: path, interpreter: text, groups: listOf(label) }, ['lock']),
  conda: record({ lock: path, groups: listOf(label) }, ['lock']),
  image: text,
})
const limits = record({
  ...{ cpus: positive, memory: size, time: duration, processes: count, output: size, gpus: count },
  ...{ io: size, ioRate: rate, network: size, sent: size, connections: count },
})
const rangeOf = (name: string, parse: (text: string) => unknown): Shape =>
  parsedBy(`a range of ${name}, such as a..b, a.. or ..b`, (text) => {
    const [, least = '', most = ''] = /^([^.]*(?:\.\d[^.]*)?)\.\.(.*)$/.exec(text) ?? []
    if (least === '' && most === '')
      throw new DomainError('ERR_USAGE', `it is no range of ${name}, such as a..b, a.. or ..b`)
    for (const end of [least, most]) if (end !== '') parse(end)
  })
const expectation = record({
  time: rangeOf('durations', parseDurationMs),
  cpu: rangeOf('durations', parseDurationMs),
  memory: rangeOf('sizes', parseSizeBytes),
  programs: listOf(text),
})
const network = either(oneOf(['none']), listOf(host))
const env = either(byKey(variable, variableValue), listOf(variable))
/** File -> rule of `assay lint` -> why it does no harm. */
const harmless = byPath(byKey(oneOf(ruleNames), text))
/** Fingerprint of a credential, or an out -> why what is found does no harm. */
const harmlessCredentials = byPath(text)
const common = {
  environment: text,
  engine: oneOf(engineNames),
  network,
  harmlessAttempts: text,
  seed,
  limits,
  env,
  scratch: listOf(path),
  harmless,
  portable: truth,
}
const rules = { contract: path, baseline: path, label: text, golden: label, ...boundShapes }
const heldTo = (own: Readonly<Record<string, Shape>>): Shape =>
  either(verifiedInLabel(heldToBaseline(record({ ...own, ...rules }))), nothing)

export const stageShape = record({
  ...common,
  secrets: listOf(label),
  harmlessCredentials,
  expect: expectation,
  reproducible: reproducibleShape,
  outs: byPath(heldTo({})),
})

const remote = record(
  {
    url: parsedBy('an address', parseRemoteAddress),
    classification: oneOf(classifications),
    region: fitting('the name of a region such as eu-central-1', (value) => /^[a-z0-9-]{1,40}$/.test(value)),
    default: truth,
  },
  ['url'],
)

const file = record(
  {
    assay: simple('1, the version of this format', (value) => value === 1n),
    name: label,
    data: either(byPath(heldTo({ source: label })), nothing),
    environments: either(byKey(label, environment), nothing),
    defaults: either(record(common), nothing),
    stages: either(mapOf(either(stageShape, nothing)), nothing),
    model: record({ name: label, path, metrics: path, gates: listOf(text) }, ['name', 'path']),
    serving: path,
    protected: listOf(text),
    require: listOf(oneOf(requirements)),
    clearance: oneOf(classifications),
    lock: listOf(oneOf(locks)),
    remotes: either(byKey(label, remote), nothing),
    system: oneOf(systemWords),
  },
  ['assay'],
)

/** @throws ERR_SETTINGS_INVALID with the place, and a suggestion for an unknown key or word */
export function refuseSettingsShape(root: Value, start: Place, setting: Setting): void {
  file.check(root, 'assay.yaml', start, setting)
}
