/** `.dvc` files: data that came from elsewhere. SOURCE: dvc/stage/loader.py SingleStageLoader, dvc/output.py. */
import type { TrackedData } from '../definition.ts'
import { resolvePath } from './dvc-path.ts'
import { refuseShapeOf } from './dvc-shape.ts'
import { faultAt, type Place } from './fault.ts'
import type { ProjectSource } from './project-source.ts'
import { pathsFrom } from './stage.ts'
import { isList, isMap, type Value, type ValueMap } from './value.ts'
import { type Places, readYaml } from './yaml.ts'

/** A `.dvc` file as a node of the graph: its address is the file. */
export type DataFile = Readonly<{
  file: string
  outs: readonly Readonly<{ path: string; place: Place }>[]
  /** Paths of this project that it was made from; an import from a repository or database has none. */
  deps: readonly string[]
  tracked: readonly TrackedData[]
}>

export function readDataFile(bytes: Uint8Array, file: string, source: ProjectSource): DataFile {
  const { root, places } = readYaml(bytes, file, 'ERR_DEFINITION_INVALID')
  refuseShapeOf('.dvc', root, places.start, { places, code: 'ERR_DEFINITION_INVALID' })
  const map: ValueMap = isMap(root) ? root : new Map()
  const folder = workingDirectoryOf(map, file, source)
  const pathOf = pathsFrom(folder, source)
  const deps = entriesOf(map, 'deps', places)
  const outs = entriesOf(map, 'outs', places).map(({ entry, place }) => {
    const md5 = digestOf(entry.get('md5') ?? null, place)
    return { place, path: pathOf(entry.get('path') ?? null, 'an out', place), md5, entry }
  })
  const isImport = deps.length > 0
  return {
    file,
    outs: outs.map(({ path, place }) => ({ path, place })),
    deps: deps.flatMap(({ entry, place }) => {
      const isOwn = !entry.has('repo') && !entry.has('db')
      return isOwn ? [pathOf(entry.get('path') ?? null, 'a dep', place)] : []
    }),
    tracked: outs.map(({ path, md5, entry }) => ({
      file,
      path,
      ...(md5 === undefined ? {} : { md5 }),
      ...(md5 === undefined || entry.get('hash') === 'md5' ? {} : { isLegacy: true }),
      ...(entry.get('isexec') === true ? { executable: true } : {}),
      ...sizeOf(entry),
      isImport,
    })),
  }
}

function sizeOf(entry: ValueMap): Readonly<{ sizeBytes?: number }> {
  const size = entry.get('size')
  return typeof size === 'bigint' ? { sizeBytes: Number(size) } : {}
}

function workingDirectoryOf(map: ValueMap, file: string, source: ProjectSource): string {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '.'
  const wdir = map.get('wdir')
  if (typeof wdir !== 'string' || wdir === '') return folder
  const resolved = resolvePath(wdir.startsWith('/') ? wdir : `./${wdir}`, folder, source.root)
  return resolved.kind === 'project' ? resolved.path : folder
}

type Entry = Readonly<{ entry: ValueMap; place: Place }>

function entriesOf(map: ValueMap, key: string, places: Places): readonly Entry[] {
  const list = map.get(key) ?? null
  if (!isList(list)) return []
  return list.flatMap((entry, index) => (isMap(entry) ? [{ entry, place: places.ofValue(list, index) }] : []))
}

function digestOf(value: Value, place: Place): string | undefined {
  if (value === null || value === '') return undefined
  if (typeof value === 'string') return value.toLowerCase()
  throw faultAt('ERR_DEFINITION_INVALID', place, '`md5` is not text', 'quote it')
}
