/** `environments:` of assay.yaml. What a later version will build is named and refused, never half-supported. */
import { parseImageReference } from '../../compute/index.ts'
import { isDomainError, parseProjectPath } from '../../core/index.ts'
import type { EnvironmentDefinition, PythonEnvironment } from '../definition.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { hostEnvironment } from './settings-shape.ts'
import { isList, isMap, pythonText, type Value, type ValueMap } from './value.ts'
import type { Places } from './yaml.ts'

const supported =
  'supported now: python with a hash-locked requirements file, pylock.toml, uv.lock, poetry.lock or Pipfile.lock; node with package-lock.json; conda with conda-lock.yml or an explicit list; image with a digest; and host'

/** @throws ERR_ENV_UNSUPPORTED for kinds and locks of a later version; ERR_SETTINGS_INVALID for `host` */
export function environmentsOf(map: ValueMap, places: Places): ReadonlyMap<string, EnvironmentDefinition> {
  const environments = new Map<string, EnvironmentDefinition>([[hostEnvironment, { kind: 'host' }]])
  for (const [key, value] of map) {
    const name = pythonText(key)
    const place = places.ofKey(map, key)
    if (name === hostEnvironment) {
      throw faultAt('ERR_SETTINGS_INVALID', place, '`host` is built in and cannot be defined', 'choose another name')
    }
    environments.set(name, environmentOf(name, isMap(value) ? value : new Map(), place, places))
  }
  return environments
}

function environmentOf(name: string, map: ValueMap, place: Place, places: Places): EnvironmentDefinition {
  if (map.has('image')) return imageOf(name, map, places)
  const node = map.get('node')
  if (isMap(node)) return nodeOf(node, places)
  const conda = map.get('conda')
  if (isMap(conda)) return condaOf(conda)
  const python = map.get('python')
  if (!isMap(python))
    throw faultAt('ERR_SETTINGS_INVALID', place, `the environment ${quoted(name)} says nothing`, supported)
  const lock = lockNamed(python, 'lock', places)
  const interpreter = python.get('interpreter')
  const extras = namesIn(python.get('extras'))
  const groups = namesIn(python.get('groups'))
  return {
    kind: 'python',
    lock,
    ...(typeof interpreter === 'string' ? { interpreter } : {}),
    ...(extras.length === 0 ? {} : { extras }),
    ...(groups.length === 0 ? {} : { groups }),
    ...sourcesOf(python, lock, places),
  }
}

function nodeOf(node: ValueMap, places: Places): EnvironmentDefinition {
  const lock = pythonText(node.get('lock') ?? '')
  if (!/(^|\/)(package-lock|npm-shrinkwrap)\.json$/.test(lock)) {
    const what = `the lock ${quoted(lock)} is of a format that cannot be built`
    throw faultAt('ERR_ENV_UNSUPPORTED', places.ofValue(node, 'lock'), what, 'name a package-lock.json (npm)')
  }
  const interpreter = node.get('interpreter')
  const groups = namesIn(node.get('groups'))
  return {
    ...{ kind: 'node', lock: parseProjectPath(lock) },
    ...(typeof interpreter === 'string' ? { interpreter } : {}),
    ...(groups.length === 0 ? {} : { groups }),
  }
}

/** A lock of conda is known by what is in it: its name may be any. */
function condaOf(conda: ValueMap): EnvironmentDefinition {
  const groups = namesIn(conda.get('groups'))
  const lock = parseProjectPath(pythonText(conda.get('lock') ?? ''))
  return { kind: 'conda', lock, ...(groups.length === 0 ? {} : { groups }) }
}

function lockNamed(python: ValueMap, key: 'lock' | 'buildLock', places: Places): string {
  const lock = pythonText(python.get(key) ?? '')
  if (isKnownLock(lock)) return parseProjectPath(lock)
  const what = `the lock ${quoted(lock)} is of a format that cannot be built`
  throw faultAt('ERR_ENV_UNSUPPORTED', places.ofValue(python, key), what, supported)
}

/** What may be built from source, and the lock of what builds it: the environment's own where none is named. */
function sourcesOf(python: ValueMap, lock: string, places: Places): Pick<PythonEnvironment, 'sources'> {
  const projects = [...new Set(namesIn(python.get('sdists')).map(normaliseProject))].toSorted()
  const isNamed = python.has('buildLock')
  if (projects.length > 0)
    return { sources: { projects, lock: isNamed ? lockNamed(python, 'buildLock', places) : lock } }
  if (!isNamed) return {}
  const what = '`buildLock` is for what is built from source, and `sdists` names nothing'
  throw faultAt('ERR_SETTINGS_INVALID', places.ofKey(python, 'buildLock'), what, 'name the packages: sdists: [NAME]')
}

/** PEP 503. */
function normaliseProject(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

function imageOf(name: string, map: ValueMap, places: Places): EnvironmentDefinition {
  const place = places.ofValue(map, 'image')
  if (map.size > 1) {
    const what = `the environment ${quoted(name)} is an image and something else`
    throw faultAt('ERR_ENV_UNSUPPORTED', place, what, 'put the packages into the image, or name one of the two')
  }
  try {
    return { kind: 'image', image: parseImageReference(pythonText(map.get('image') ?? '')) }
  } catch (error) {
    if (!isDomainError(error)) throw error
    throw faultAt(error.code, place, error.message, error.help)
  }
}

/** By name: those of other tools, and anything that may be a requirements file. */
function isKnownLock(lock: string): boolean {
  const name = lock.split('/').at(-1) ?? ''
  return (
    /^(pylock(\.[^.]+)?\.toml|Pipfile\.lock)$/.test(name) ||
    (/\.(?:txt|lock)$/.test(name) && !['pdm.lock', 'yarn.lock', 'conda-lock.lock'].includes(name))
  )
}

function namesIn(value: Value | undefined): readonly string[] {
  return isList(value) ? value.map(pythonText) : []
}
