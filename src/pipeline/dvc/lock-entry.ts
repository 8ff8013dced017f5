/**
 * What dvc.lock says of one stage. SOURCE: dvc/stage/serialize.py to_single_stage_lockfile: cmd, deps, params, outs; paths
 * as dvc.yaml spells them, in order of code points.
 */
import { comparePaths } from '../../core/index.ts'
import { isList, isMap, lockedParams, type ParamsTree, pathFrom, type Value, type ValueMap } from '../define/index.ts'
import type { StageDefinition } from '../definition.ts'

/** Content as DVC names it: `name` is 32 hex digits, with `.dir` behind those of a folder. */
export type DvcContent = Readonly<{ name: string; sizeBytes: number; files?: number; executable: boolean }>

export type StageContents = Readonly<{
  /** Of each declared dep and out, by project path. */
  contents: ReadonlyMap<string, DvcContent>
  /** Params files by project path. */
  trees: ReadonlyMap<string, ParamsTree>
}>

export function dvcEntry(stage: StageDefinition, { contents, trees }: StageContents): ValueMap {
  const written = (path: string): string => spellingOf(stage, path)
  const listed = (paths: readonly string[]): Value =>
    paths
      .flatMap((path) => {
        const content = contents.get(path)
        return content === undefined ? [] : [{ path: written(path), content }]
      })
      .toSorted((left, right) => comparePaths(left.path, right.path))
      .map(({ path, content }) => contentEntry(path, content))
  const params = Object.entries(stage.params)
    .map(([file, keys]) => ({ name: written(file), tree: trees.get(file), keys }))
    .toSorted((left, right) => paramsOrder(left.name, right.name))
    .flatMap(({ name, tree, keys }) => (tree === undefined ? [] : [[name, lockedParams(tree, keys)] as const]))
  const deps = listed(stage.deps)
  const outs = listed(stage.outs.map(({ path }) => path))
  return new Map<string, Value>([
    ['cmd', commandOf(stage)],
    ...(isList(deps) && deps.length > 0 ? [['deps', deps] as const] : []),
    ...(params.length > 0 ? [['params', new Map<string, Value>(params)] as const] : []),
    ...(isList(outs) && outs.length > 0 ? [['outs', outs] as const] : []),
  ])
}

/** A project path as dvc.yaml spells it. */
export function spellingOf(stage: StageDefinition, path: string): string {
  return stage.spelled?.get(path) ?? pathFrom(stage.workingDirectory, path)
}

function commandOf(stage: StageDefinition): Value {
  const commands = (stage.cmd ?? stage.commands).map(String)
  return stage.isCommandList === true ? commands : (commands[0] ?? '')
}

/** The default file first, whatever the others are called. */
function paramsOrder(left: string, right: string): number {
  if (left === 'params.yaml' || right === 'params.yaml') return left === right ? 0 : left === 'params.yaml' ? -1 : 1
  return comparePaths(left, right)
}

function contentEntry(path: string, { name, sizeBytes, files, executable }: DvcContent): ValueMap {
  return new Map<string, Value>([
    ['path', path],
    ['hash', 'md5'],
    ['md5', name],
    ['size', BigInt(sizeBytes)],
    ...(files === undefined ? [] : [['nfiles', BigInt(files)] as const]),
    ...(executable ? [['isexec', true] as const] : []),
  ])
}

/** Deps and outs of an entry that DVC 2 wrote, by the MD5 of its own kind: `path` as dvc.yaml spells it. */
export function legacyNames(entry: ValueMap): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const section of ['deps', 'outs']) {
    const items = entry.get(section) ?? null
    for (const item of isList(items) ? items : []) {
      if (!isMap(item) || item.has('hash')) continue
      const [path, md5] = [item.get('path'), item.get('md5')]
      if (typeof path === 'string' && typeof md5 === 'string') names.set(path, md5)
    }
  }
  return names
}

/** The content that an entry names for an out, or undefined: a hint, until its bytes were hashed. */
export function lockedOut(
  entry: ValueMap,
  path: string,
): Readonly<{ name: string; legacy: boolean; executable: boolean }> | undefined {
  const outs = entry.get('outs') ?? null
  const item = isList(outs) ? outs.find((one) => isMap(one) && one.get('path') === path) : undefined
  const md5 = isMap(item) ? item.get('md5') : undefined
  if (!isMap(item) || typeof md5 !== 'string' || !isDvcName(md5)) return undefined
  return { name: md5, legacy: !item.has('hash'), executable: item.get('isexec') === true }
}

export function isDvcName(text: string): boolean {
  return /^[0-9a-f]{32}(?:\.dir)?$/.test(text)
}
