/** `outs`, `metrics` and `plots` of a stage. SOURCE: dvc/output.py `load_from_pipeline`. */
import type { OutDefinition } from '../definition.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import type { PathOf, Section } from './stage.ts'
import { isList, isMap, type Key, kindOf, pythonText, type Value, type ValueMap } from './value.ts'

type Entry = { flags: Map<Key, Value>; place: Place }

/** Entries of equal spelling are one out, with the flags of all. */
export function stageOuts(section: Section, role: OutDefinition['role'], pathOf: PathOf): readonly OutDefinition[] {
  const entries = new Map<Key, Entry>()
  for (const [index, item] of (isList(section.value) ? section.value : []).entries()) {
    const place = section.placeOf(index)
    if (isMap(item)) for (const [path, flags] of item) add(entries, path, flagsOf(path, flags, place), place)
    else if (typeof item === 'string') add(entries, item, new Map(), place)
    else throw faultAt('ERR_DEFINITION_INVALID', place, `an out is ${kindOf(item)}, it must be text`, 'quote it')
  }
  return [...entries].map(([path, { flags, place }]) => outOf(pathOf(path as Value, 'an out', place), flags, role))
}

function add(entries: Map<Key, Entry>, path: Key, flags: ValueMap, place: Place): void {
  const entry = entries.get(path) ?? { flags: new Map(), place }
  for (const [key, value] of flags) entry.flags.set(key, value)
  entries.set(path, entry)
}

function flagsOf(path: Key, flags: Value, place: Place): ValueMap {
  if (isMap(flags)) return flags
  const what = `the properties of ${quoted(pythonText(path))} are ${kindOf(flags)}, they must be a map`
  throw faultAt('ERR_DEFINITION_INVALID', place, what)
}

function outOf(path: string, flags: ValueMap, role: OutDefinition['role']): OutDefinition {
  const remote = flags.get('remote') ?? null
  return {
    path,
    cache: flags.get('cache') !== false,
    persist: flags.get('persist') === true,
    ...(flags.get('push') === false ? { push: false } : {}),
    ...(remote === null ? {} : { remote: pythonText(remote) }),
    role,
  }
}
