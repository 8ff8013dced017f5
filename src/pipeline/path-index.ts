/** Things that have a project path, found by the paths around them: pure. A question costs the depth and the answer. */

export type PathIndex<Item> = Readonly<{
  /** At the path or in a folder above it, in the order given. */
  around(path: string): readonly Item[]
  /** At the path or below it, in the order given. */
  within(path: string): readonly Item[]
}>

/** @param pathOf a project path, `.` for the whole project */
export function indexByPath<Item>(items: readonly Item[], pathOf: (item: Item) => string): PathIndex<Item> {
  const places = items.map((item, order) => ({ path: pathOf(item), order, item }))
  const byPath = Map.groupBy(places, ({ path }) => path)
  const sorted = places.toSorted((left, right) => (left.path < right.path ? -1 : 1))
  const inOrder = (found: readonly (typeof places)[number][]): readonly Item[] =>
    found.toSorted((left, right) => left.order - right.order).map(({ item }) => item)
  return {
    around: (path) => inOrder(foldersOf(path).flatMap((folder) => byPath.get(folder) ?? [])),
    within: (path) => {
      if (path === '.') return items
      const start = firstFrom(sorted, `${path}/`)
      return inOrder([...(byPath.get(path) ?? []), ...sorted.slice(start, firstFrom(sorted, `${path}0`))]) // 0 is next to /
    },
  }
}

/** The path itself, the folders above it, and the project. */
function foldersOf(path: string): readonly string[] {
  const folders = ['.']
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) folders.push(path.slice(0, end))
  return path === '.' ? folders : [...folders, path]
}

/** The first place whose path is not before the given one, by binary search. */
function firstFrom(sorted: readonly Readonly<{ path: string }>[], path: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.path ?? '') < path) low = middle + 1
    else high = middle
  }
  return low
}
