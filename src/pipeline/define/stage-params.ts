/** `params` of a stage: which keys of which files. SOURCE: dvc/dependency/__init__.py `_merge_params`. */
import { faultAt, quoted } from './fault.ts'
import type { PathOf, Section } from './stage.ts'
import { isList, isMap, isTruthy, type Key, kindOf, pythonText, type Value } from './value.ts'

const defaultFile = 'params.yaml'

/** @returns project path of the file -> keys in order, once each; an empty list stands for the whole file */
export function stageParams(section: Section, pathOf: PathOf): Readonly<Record<string, readonly string[]>> {
  const entries = isList(section.value) ? section.value : []
  const whole = wholeFiles(entries)
  const files = new Map<Key, string[]>()
  const add = (file: Key, keys: readonly string[]): void => {
    files.set(file, whole.has(file) ? [] : [...(files.get(file) ?? []), ...keys])
  }
  for (const [index, entry] of entries.entries()) {
    if (isMap(entry)) {
      for (const [file, keys] of entry) add(file, whole.has(file) ? [] : keysOf(file, keys, section, index))
    } else if (typeof entry === 'string') {
      if (!whole.has(defaultFile)) add(defaultFile, [entry])
    } else {
      const what = `a parameter is ${kindOf(entry)}, it must be the name of one`
      throw faultAt('ERR_DEFINITION_INVALID', section.placeOf(index), what, 'quote it')
    }
  }
  return byProjectPath(files, pathOf, section)
}

/** A file that stands somewhere without keys is taken whole, wherever else it stands. */
function wholeFiles(entries: readonly Value[]): ReadonlySet<Key> {
  const maps = entries.filter(isMap)
  return new Set(maps.flatMap((map) => [...map].filter(([, keys]) => !isTruthy(keys)).map(([file]) => file)))
}

function keysOf(file: Key, keys: Value, section: Section, index: number): readonly string[] {
  const composite = isList(keys) ? keys.find((key) => isList(key) || isMap(key)) : keys
  if (isList(keys) && composite === undefined) return keys.map(pythonText)
  const what = isList(keys)
    ? `a key of ${quoted(pythonText(file))} is ${kindOf(composite ?? null)}, it must be text`
    : `the keys of ${quoted(pythonText(file))} are ${kindOf(keys)}, they must be a list`
  throw faultAt('ERR_DEFINITION_INVALID', section.placeOf(index), what)
}

/** Two spellings of one file become one; whole when one of them is. */
function byProjectPath(
  files: ReadonlyMap<Key, readonly string[]>,
  pathOf: PathOf,
  section: Section,
): Readonly<Record<string, readonly string[]>> {
  const paths = new Map<string, readonly string[]>()
  for (const [file, keys] of files) {
    const path = pathOf(file as Value, 'a params file', section.place)
    const before = paths.get(path)
    const isWhole = keys.length === 0 || before?.length === 0
    paths.set(path, isWhole ? [] : [...new Set([...(before ?? []), ...keys])])
  }
  return Object.fromEntries(paths)
}
