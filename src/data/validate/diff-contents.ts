/** Which files differ between two folders, by their bytes. Pure. */
import type { Content } from '../../core/index.ts'
import type { DatasetDiff } from './diff-datasets.fs.ts'

/** Where classes are folders, a file that moved carries another label. */
export type Move = Readonly<{ from: string; to: string }>

export function diffContents(
  before: Content,
  after: Content,
): Required<Pick<DatasetDiff, 'added' | 'removed' | 'changed' | 'moved'>> {
  const [old, now] = [filesOf(before), filesOf(after)]
  const added = [...now.keys()].filter((path) => !old.has(path))
  const removed = [...old.keys()].filter((path) => !now.has(path))
  return {
    added,
    removed,
    moved: movesOf(removed, added, (path) => old.get(path) ?? now.get(path)),
    changed: [...now].flatMap(([path, digest]) => {
      const was = old.get(path)
      if (was === undefined || was === digest) return []
      return [{ row: path, key: path, columns: [{ name: 'content', before: was, after: digest }] }]
    }),
  }
}

function filesOf(content: Content): ReadonlyMap<string, string> {
  return new Map(
    content.kind === 'file' ? [['.', content.digest]] : content.files.map(({ path, digest }) => [path, digest]),
  )
}

/** Each removed file beside an added one of the same bytes, each once, in their order. */
function movesOf(
  removed: readonly string[],
  added: readonly string[],
  digestOf: (path: string) => string | undefined,
): readonly Move[] {
  const places = Map.groupBy(added.toReversed(), digestOf)
  return removed.flatMap((from) => {
    const to = places.get(digestOf(from))?.pop()
    return to === undefined ? [] : [{ from, to }]
  })
}
