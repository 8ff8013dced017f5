/**
 * assay.yaml: what DVC has no word for. Everything in it is checked against the pipeline, so that a misspelt stage,
 * path or environment is an error and never a setting without effect.
 */
import { engineNames, parseDurationMs, parseProjectPath, parseRateBytes, parseSizeBytes } from '../../core/index.ts'
import type { PipelineDefinition, ProjectSettings, StageSettings } from '../definition.ts'
import type { Expectation, Range } from '../expected.ts'
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import { environmentsOf } from './settings-environments.ts'
import { dataRulesOf, harmlessCredentialsOf, modelOf, outRulesOf, refuseMadeData } from './settings-paths.ts'
import { remotesOf } from './settings-remotes.ts'
import { classifications, hostEnvironment, locks, refuseSettingsShape, requirements } from './settings-shape.ts'
import { tolerancesIn } from './tolerances.ts'
import { isList, isMap, pythonText, templateText, type Value, type ValueMap } from './value.ts'
import { type Document, type Places, readYaml } from './yaml.ts'

const defaultName = 'project'
const defaultSeed = 42

/** What a stage, or `defaults`, says; what it leaves out comes from the layer below. */
type Layer = Partial<StageSettings>

/**
 * Trust: `bytes` are attacker-controlled.
 *
 * @param bytes undefined when there is no assay.yaml: environment `host`, no network, no data, nothing required
 * @throws ERR_SETTINGS_INVALID with place and suggestion; ERR_ENV_UNSUPPORTED for an environment of a later version
 */
export function defineSettings(
  bytes: Uint8Array | undefined,
  file: string,
  pipeline: PipelineDefinition,
): ProjectSettings {
  const document = readYaml(bytes ?? Buffer.from('assay: 1\n'), file, 'ERR_SETTINGS_INVALID')
  const { root, places } = document
  refuseSettingsShape(root, places.start, { places, code: 'ERR_SETTINGS_INVALID' })
  const top: ValueMap = isMap(root) ? root : new Map()
  const environments = environmentsOf(mapAt(top, 'environments'), places)
  const layers = layersOf(document, top, pipeline, [...environments.keys()])
  const model = modelOf(mapAt(top, 'model'), places, pipeline)
  refuseMadeData(mapAt(top, 'data'), places, pipeline)
  const serving = textAt(top, 'serving')
  return {
    name: textAt(top, 'name') ?? defaultName,
    data: dataOf(mapAt(top, 'data')),
    environments,
    settingsOf: (stage) => settled(layers, stage),
    ...(model === undefined ? {} : { model }),
    ...(serving === undefined ? {} : { serving: parseProjectPath(serving) }),
    protected: textsAt(top, 'protected'),
    require: known(requirements, textsAt(top, 'require')),
    clearance: known(classifications, [textAt(top, 'clearance') ?? 'restricted'])[0] ?? 'restricted',
    ...(textAt(top, 'system') === 'recorded' ? { system: 'recorded' as const } : {}),
    remotes: remotesOf(mapAt(top, 'remotes'), places),
    ...lockOf(top, places),
  }
}

function lockOf(top: ValueMap, places: Places): Pick<ProjectSettings, 'lock'> {
  if (!top.has('lock')) return {}
  const written = known(locks, textsAt(top, 'lock'))
  if (written.includes('assay')) return { lock: written }
  throw faultAt('ERR_SETTINGS_INVALID', places.ofValue(top, 'lock'), '`lock` must name assay', 'write [assay, dvc]')
}

function dataOf(data: ValueMap): ProjectSettings['data'] {
  return new Map(
    [...data].map(([path, entry]) => {
      const source = isMap(entry) ? textAt(entry, 'source') : undefined
      const fields = { ...(source === undefined ? {} : { source }), ...dataRulesOf(entry) }
      return [parseProjectPath(pythonText(path)), fields]
    }),
  )
}

/** `defaults` under '', and each named stage or group. */
function layersOf(
  { places }: Document,
  top: ValueMap,
  pipeline: PipelineDefinition,
  environments: readonly string[],
): ReadonlyMap<string, Layer> {
  const layer = (map: ValueMap): Layer => {
    refuseUnknownEnvironment(map, places, environments)
    return layerOf(map)
  }
  const stages = mapAt(top, 'stages')
  const names = namesOf(pipeline)
  const named = [...stages].map(([key, value]): [string, Layer] => {
    const name = pythonText(key)
    const place = places.ofKey(stages, key)
    if (!names.has(name)) throw unknownStage(name, names, place)
    const own: ValueMap = isMap(value) ? value : new Map()
    const outs = outRulesOf(mapAt(own, 'outs'), places, membersOf(name, pipeline))
    const harmless = harmlessCredentialsOf(mapAt(own, 'harmlessCredentials'), places, membersOf(name, pipeline))
    return [
      name,
      {
        ...layer(own),
        ...(outs === undefined ? {} : { outs }),
        ...(harmless === undefined ? {} : { harmlessCredentials: harmless }),
      },
    ]
  })
  return new Map([['', layer(mapAt(top, 'defaults'))], ...named])
}

/** Every name that `stages` may use: addresses, and the stems of generated stages. */
function namesOf(pipeline: PipelineDefinition): ReadonlySet<string> {
  return new Set(pipeline.stages.flatMap((stage) => [stage.name, stemOf(stage.name)]))
}

function membersOf(name: string, pipeline: PipelineDefinition): PipelineDefinition['stages'] {
  return pipeline.stages.filter((stage) => stage.name === name || stemOf(stage.name) === name)
}

/** `train` of `train@0.1`; a stage that is not generated is its own stem. */
function stemOf(name: string): string {
  const at = name.lastIndexOf('@')
  return at < 0 ? name : name.slice(0, at)
}

function unknownStage(name: string, names: ReadonlySet<string>, place: Place): Error {
  const addresses = [...names].filter((known) => known.endsWith(`:${name}`))
  const near = addresses.length === 1 ? `did you mean ${quoted(addresses[0] ?? '')}?` : suggestion(name, names)
  return faultAt('ERR_SETTINGS_INVALID', place, `no stage of the pipeline is named ${quoted(name)}`, near)
}

function refuseUnknownEnvironment(map: ValueMap, places: Places, environments: readonly string[]): void {
  const name = textAt(map, 'environment')
  if (name === undefined || environments.includes(name)) return
  const help = suggestion(name, environments) ?? `defined are ${environments.join(', ')}`
  const what = `the environment ${quoted(name)} is not defined`
  throw faultAt('ERR_SETTINGS_INVALID', places.ofValue(map, 'environment'), what, help)
}

function layerOf(map: ValueMap): Layer {
  const environment = textAt(map, 'environment')
  const engine = known(engineNames, [textAt(map, 'engine') ?? ''])[0]
  const network = map.get('network')
  const harmless = textAt(map, 'harmlessAttempts')
  const seed = map.get('seed')
  const env = map.get('env')
  const portable = map.get('portable')
  return {
    ...(environment === undefined ? {} : { environment }),
    ...(engine === undefined ? {} : { engine }),
    ...(network === undefined ? {} : { network: isList(network) ? network.map(pythonText) : ('none' as const) }),
    ...(harmless === undefined ? {} : { harmlessAttempts: harmless }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(typeof portable === 'boolean' ? { portable } : {}),
    scratch: textsAt(map, 'scratch').map((path) => parseProjectPath(path)),
    limits: limitsOf(mapAt(map, 'limits')),
    env: env === undefined ? {} : envOf(env),
    ...(map.has('expect') ? { expect: expectationOf(mapAt(map, 'expect')) } : {}),
    ...(map.has('harmless') ? { harmless: harmlessOf(mapAt(map, 'harmless')) } : {}),
    ...(map.has('secrets') ? { secrets: textsAt(map, 'secrets') } : {}),
    ...(map.has('reproducible') ? { tolerances: tolerancesIn(mapAt(map, 'reproducible')) } : {}),
  }
}

function harmlessOf(map: ValueMap): NonNullable<StageSettings['harmless']> {
  return Object.fromEntries(
    [...map].map(([file, rules]) => {
      const reasons = isMap(rules) ? [...rules].map(([rule, why]) => [pythonText(rule), pythonText(why)]) : []
      return [parseProjectPath(pythonText(file)), Object.fromEntries(reasons)]
    }),
  )
}

function expectationOf(map: ValueMap): Expectation {
  const range = (name: string, parse: (text: string) => number): Range | undefined => {
    const text = textAt(map, name)
    if (text === undefined) return undefined
    const at = text.indexOf('..')
    const [least, most] = [text.slice(0, at), text.slice(at + 2)]
    return { ...(least === '' ? {} : { least: parse(least) }), ...(most === '' ? {} : { most: parse(most) }) }
  }
  const [timeMs, cpuMs] = [range('time', parseDurationMs), range('cpu', parseDurationMs)]
  const memoryBytes = range('memory', parseSizeBytes)
  return {
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(map.has('programs') ? { programs: textsAt(map, 'programs') } : {}),
  }
}

function limitsOf(map: ValueMap): StageSettings['limits'] {
  const limits: { -readonly [Name in keyof StageSettings['limits']]: StageSettings['limits'][Name] } = {}
  const [cpus, processes] = [map.get('cpus'), map.get('processes')]
  const [memory, time, output] = [textAt(map, 'memory'), textAt(map, 'time'), textAt(map, 'output')]
  if (cpus !== undefined) limits.cpus = Number(cpus)
  if (processes !== undefined) limits.processes = Number(processes)
  if (memory !== undefined) limits.memoryBytes = parseSizeBytes(memory)
  if (output !== undefined) limits.outputBytes = parseSizeBytes(output)
  const [io, ioRate] = [textAt(map, 'io'), textAt(map, 'ioRate')]
  if (io !== undefined) limits.ioBytes = parseSizeBytes(io)
  if (ioRate !== undefined) limits.ioBytesPerSecond = parseRateBytes(ioRate)
  const [network, sent, connections] = [textAt(map, 'network'), textAt(map, 'sent'), map.get('connections')]
  if (network !== undefined) limits.networkBytes = parseSizeBytes(network)
  if (sent !== undefined) limits.sentBytes = parseSizeBytes(sent)
  if (connections !== undefined) limits.connections = Number(connections)
  const gpus = map.get('gpus')
  if (gpus !== undefined) limits.gpus = Number(gpus)
  if (time !== undefined) limits.timeMs = parseDurationMs(time)
  return limits
}

/** A list passes the caller's values through; a map gives values, and nothing passes through. */
function envOf(env: Value): StageSettings['env'] {
  if (isList(env)) return Object.fromEntries(env.map((name) => [pythonText(name), null]))
  if (!isMap(env)) return {}
  return Object.fromEntries(
    [...env].map(([name, value]) => [pythonText(name), value === null ? null : templateText(value)]),
  )
}

/** A stage's own words over its group's, over the defaults; `limits`, `env`, `scratch` and `harmless` are joined. */
function settled(layers: ReadonlyMap<string, Layer>, stage: string): StageSettings {
  const found = [layers.get(''), layers.get(stemOf(stage)), stemOf(stage) === stage ? undefined : layers.get(stage)]
  const base: StageSettings = {
    environment: hostEnvironment,
    network: 'none',
    seed: defaultSeed,
    limits: {},
    env: {},
    secrets: [],
    scratch: [],
  }
  return found.filter((layer) => layer !== undefined).reduce(over, base)
}

function over(below: StageSettings, layer: Layer): StageSettings {
  return {
    ...below,
    ...layer,
    limits: { ...below.limits, ...layer.limits },
    env: { ...below.env, ...layer.env },
    ...(layer.harmless === undefined ? {} : { harmless: joined(below.harmless ?? {}, layer.harmless) }),
    scratch: [...new Set([...below.scratch, ...(layer.scratch ?? [])])],
  }
}

type Harmless = NonNullable<StageSettings['harmless']>

function joined(below: Harmless, above: Harmless): Harmless {
  const files = new Set([...Object.keys(below), ...Object.keys(above)])
  return Object.fromEntries([...files].map((file) => [file, { ...below[file], ...above[file] }]))
}

function mapAt(map: ValueMap, key: string): ValueMap {
  const value = map.get(key)
  return isMap(value) ? value : new Map()
}

function textAt(map: ValueMap, key: string): string | undefined {
  const value = map.get(key)
  return typeof value === 'string' ? value : undefined
}

function textsAt(map: ValueMap, key: string): readonly string[] {
  const value = map.get(key)
  return isList(value) ? value.filter((item) => typeof item === 'string') : []
}

function known<Word extends string>(words: readonly Word[], written: readonly string[]): readonly Word[] {
  return words.filter((word) => written.includes(word))
}
