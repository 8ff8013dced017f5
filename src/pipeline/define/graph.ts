/**
 * Which stage comes after which, and what cannot be: two makers of one path, an out in an out, a circle.
 *
 * SOURCE: dvc/repo/trie.py build_outs_trie, dvc/repo/graph.py build_graph. Paths are compared name by name: `dat` is
 * not in `data`; a dep that is a folder comes after every out below it.
 */
import { isStoreAddress, normalized } from './dvc-path.ts'
import { faultAt, type Place, quoted } from './fault.ts'
import { maxEdges } from './limits.ts'

/** A stage or a `.dvc` file. */
export type GraphNode = Readonly<{
  name: string
  file: string
  deps: readonly string[]
  outs: readonly Readonly<{ path: string; place: Place }>[]
}>

type Made = Readonly<{ path: string; key: string; by: GraphNode; place: Place }>

/**
 * @param root absolute path of the project: paths that lead out of it meet those inside at the top
 * @returns node -> nodes that come before it (direct edges, sorted)
 * @throws ERR_OUT_OVERLAP, ERR_DEFINITION_INVALID (a definition inside an out), ERR_DEFINITION_CYCLE
 */
export function edgesOf(nodes: readonly GraphNode[], root = '/project'): ReadonlyMap<string, readonly string[]> {
  const keyOf = (path: string): string => keyFrom(path, root)
  const outs = outsOf(nodes, keyOf)
  const sorted = [...outs.keys()].sort()
  for (const node of nodes) refuseInsideOut(node, keyOf(node.file), outs)
  const edges = new Map<string, readonly string[]>()
  let count = 0
  for (const node of nodes) {
    const makers = new Set<string>()
    for (const dep of node.deps) {
      for (const maker of makersOf(keyOf(dep), outs, sorted)) makers.add(maker)
      if (count + makers.size > maxEdges) throw tooMany(node)
    }
    count += makers.size
    edges.set(node.name, [...makers].sort())
  }
  refuseCircles(edges, nodes)
  return edges
}

/** An absolute path, as DVC compares them; an address of a store is itself. */
function keyFrom(path: string, root: string): string {
  return isStoreAddress(path) ? path : normalized(path.startsWith('/') ? path : `${root}/${path}`)
}

/** @returns key -> who makes it */
function outsOf(nodes: readonly GraphNode[], keyOf: (path: string) => string): ReadonlyMap<string, Made> {
  const outs = new Map<string, Made>()
  for (const by of nodes) {
    for (const { path, place } of by.outs) {
      const key = keyOf(path)
      const other = outs.get(key)
      if (other !== undefined) {
        const what = `the out ${quoted(path)} of ${quoted(by.name)} is an out of ${quoted(other.by.name)} too`
        throw faultAt('ERR_OUT_OVERLAP', place, what)
      }
      outs.set(key, { path, key, by, place })
    }
  }
  for (const made of outs.values()) {
    const outer = foldersOf(made.key)
      .map((folder) => outs.get(folder))
      .find((folder) => folder !== undefined)
    if (outer === undefined) continue
    const what = `the out ${quoted(made.path)} of ${quoted(made.by.name)} lies in the out ${quoted(outer.path)} of ${quoted(outer.by.name)}`
    throw faultAt('ERR_OUT_OVERLAP', made.place, what)
  }
  return outs
}

/** The folders above an absolute path, nearest first. */
function foldersOf(path: string): readonly string[] {
  const folders: string[] = []
  let rest = path
  while (rest.includes('/')) {
    rest = rest.slice(0, rest.lastIndexOf('/'))
    if (rest !== '') folders.push(rest)
  }
  return path.startsWith('/') && path !== '/' ? [...folders, '/'] : folders
}

function refuseInsideOut(node: GraphNode, key: string, outs: ReadonlyMap<string, Made>): void {
  const folder = [key, ...foldersOf(key)].map((path) => outs.get(path)).find((made) => made !== undefined)
  if (folder === undefined) return
  const what = `${quoted(node.file)} lies inside the out ${quoted(folder.path)} of ${quoted(folder.by.name)}`
  throw faultAt('ERR_DEFINITION_INVALID', folder.place, what)
}

function makersOf(dep: string, outs: ReadonlyMap<string, Made>, sorted: readonly string[]): readonly string[] {
  const above = [dep, ...foldersOf(dep)].flatMap((path) => outs.get(path)?.by.name ?? [])
  return [...above, ...below(dep, sorted).flatMap((path) => outs.get(path)?.by.name ?? [])]
}

/** The outs below a folder. */
function below(folder: string, sorted: readonly string[]): readonly string[] {
  const prefix = folder === '/' ? folder : `${folder}/`
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  let end = low
  while (sorted[end]?.startsWith(prefix)) end += 1
  return sorted.slice(low, end)
}

function tooMany(node: GraphNode): Error {
  return faultAt(
    'ERR_INPUT_TOO_LARGE',
    { file: node.file, line: 0, column: 0 },
    `more than ${maxEdges} edges between stages`,
  )
}

/** Takes away, again and again, what waits for nothing; what is left at the end waits for itself. */
function refuseCircles(edges: ReadonlyMap<string, readonly string[]>, nodes: readonly GraphNode[]): void {
  const waiting = new Map([...edges].map(([name, before]) => [name, before.length]))
  const followers = new Map<string, string[]>()
  for (const [name, before] of edges) {
    for (const earlier of before) {
      const known = followers.get(earlier)
      if (known === undefined) followers.set(earlier, [name])
      else known.push(name)
    }
  }
  const ready = [...waiting].filter(([, count]) => count === 0).map(([name]) => name)
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    waiting.delete(name)
    for (const follower of followers.get(name) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1
      waiting.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  const circle = circleIn(edges, waiting)
  if (circle.length === 0) return
  const first = nodes.find((node) => node.name === circle[0])
  const shown = [...circle.slice(0, 8), circle.length > 8 ? '...' : circle[0]]
    .map((name) => quoted(name ?? ''))
    .join(' after ')
  const place = { file: first?.file ?? 'dvc.yaml', line: 0, column: 0 }
  throw faultAt('ERR_DEFINITION_CYCLE', place, `stages depend on each other in a circle: ${shown}`)
}

/** One circle among the nodes that wait: following what they wait for must come back. */
function circleIn(
  edges: ReadonlyMap<string, readonly string[]>,
  waiting: ReadonlyMap<string, number>,
): readonly string[] {
  const [start] = waiting.keys()
  const path: string[] = []
  const seen = new Map<string, number>()
  for (let name = start; name !== undefined; ) {
    const before = seen.get(name)
    if (before !== undefined) return path.slice(before)
    seen.set(name, path.length)
    path.push(name)
    name = edges.get(name)?.find((earlier) => waiting.has(earlier))
  }
  return []
}
