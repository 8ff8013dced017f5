/** Paths in assay.yaml that must mean something in the pipeline: data that no stage makes, outs, the model. */
import { isInside, isSha256, parseProjectPath } from '../../core/index.ts'
import type { DataRules, PipelineDefinition, ProjectSettings, StageDefinition, StageSettings } from '../definition.ts'
import { faultAt, type Place, quoted, suggestion } from './fault.ts'
import { boundsOf } from './settings-bounds.ts'
import { isList, isMap, pythonText, type Value, type ValueMap } from './value.ts'
import type { Places } from './yaml.ts'

/** `data:` is what no stage makes. @throws ERR_SETTINGS_INVALID for a path that is an out */
export function refuseMadeData(data: ValueMap, places: Places, pipeline: PipelineDefinition): void {
  const makers = new Map(
    pipeline.stages
      .filter((stage) => !stage.frozen)
      .flatMap((stage) => stage.outs.map((out) => [out.path, stage.name])),
  )
  for (const key of data.keys()) {
    const path = parseProjectPath(pythonText(key))
    const maker = makers.get(path)
    if (maker === undefined) continue
    const help = `put its contract under stages: ${maker}: outs:`
    throw faultAt('ERR_SETTINGS_INVALID', places.ofKey(data, key), `${quoted(path)} is made by ${quoted(maker)}`, help)
  }
}

/** What one entry is held to, under `data` or `outs`. */
export function dataRulesOf(entry: Value): DataRules {
  const given = (key: string): string | undefined => {
    const value = isMap(entry) ? entry.get(key) : undefined
    return typeof value === 'string' ? value : undefined
  }
  const [contract, baseline, label] = [given('contract'), given('baseline'), given('label')]
  const golden = given('golden')
  const bounds = isMap(entry) ? boundsOf(entry) : []
  return {
    ...(contract === undefined ? {} : { contract: parseProjectPath(contract) }),
    ...(baseline === undefined ? {} : { baseline: parseProjectPath(baseline) }),
    ...(label === undefined ? {} : { label }),
    ...(golden === undefined ? {} : { golden }),
    ...(bounds.length === 0 ? {} : { bounds }),
  }
}

/** What a stage's outs are held to, by project path. @throws ERR_SETTINGS_INVALID for a path that the stage does not make */
export function outRulesOf(outs: ValueMap, places: Places, stages: readonly StageDefinition[]): StageSettings['outs'] {
  const made = new Set(stages.flatMap((stage) => stage.outs.map((out) => out.path)))
  const rules = new Map<string, DataRules>()
  for (const [key, value] of outs) {
    const path = parseProjectPath(pythonText(key))
    if (!made.has(path)) {
      const what = `${quoted(path)} is no out of this stage`
      throw faultAt('ERR_SETTINGS_INVALID', places.ofKey(outs, key), what, suggestion(path, made))
    }
    rules.set(path, dataRulesOf(value))
  }
  return rules.size === 0 ? undefined : Object.fromEntries(rules)
}

/**
 * Which credentials do no harm where, and why: by fingerprint, or by the out that may hold any.
 *
 * @throws ERR_SETTINGS_INVALID for a path that the stage does not make
 */
export function harmlessCredentialsOf(
  declared: ValueMap,
  places: Places,
  stages: readonly StageDefinition[],
): StageSettings['harmlessCredentials'] {
  const made = new Set(stages.flatMap((stage) => stage.outs.map((out) => out.path)))
  const reasons = [...declared].map(([key, why]) => {
    const word = pythonText(key)
    const name = isSha256(word) ? word : parseProjectPath(word)
    if (isSha256(name) || made.has(name)) return [name, pythonText(why)] as const
    const what = `${quoted(name)} is no out of this stage, nor a fingerprint`
    throw faultAt('ERR_SETTINGS_INVALID', places.ofKey(declared, key), what, suggestion(name, made))
  })
  return reasons.length === 0 ? undefined : Object.fromEntries(reasons)
}

/** @throws ERR_SETTINGS_INVALID when no stage makes the model or its metrics */
export function modelOf(model: ValueMap, places: Places, pipeline: PipelineDefinition): ProjectSettings['model'] {
  if (model.size === 0) return undefined
  const path = madePath(model, 'path', places, pipeline)
  const metrics = model.has('metrics') ? madePath(model, 'metrics', places, pipeline) : undefined
  const gates = model.get('gates')
  return {
    name: pythonText(model.get('name') ?? ''),
    path,
    ...(metrics === undefined ? {} : { metrics }),
    gates: isList(gates) ? gates.map(pythonText) : [],
  }
}

function madePath(model: ValueMap, key: string, places: Places, pipeline: PipelineDefinition): string {
  const path = parseProjectPath(pythonText(model.get(key) ?? ''))
  const outs = pipeline.stages.flatMap((stage) => stage.outs.map((out) => out.path))
  if (outs.some((out) => isInside(path, out) || isInside(out, path))) return path
  const place: Place = places.ofValue(model, key)
  throw faultAt('ERR_SETTINGS_INVALID', place, `no stage makes ${quoted(path)}`, suggestion(path, outs))
}
