/**
 * Which class a file is of, by the folders that it lies in. Pure.
 *
 * Classes are the folders of the first level that has two names, whatever lies below: so read torchvision's `ImageFolder` and
 * Keras. A level of splits (two of `train`, `test`, `val`, ...) is passed over, unless no other has two names. THREAT: by the
 * innermost folder a file in `one/zero/` were a zero here, and a one to those who train on it.
 */
import { type DataCheck, maxListed } from '../validate/check.ts'

/** Which class a file is of, by its path; null for none. */
export type LabelOf = (path: string) => string | null

const split = /^(train|test|val|valid|validation)$/i

/** `level`: 0 for the topmost folders; where none has two names the deepest that all files lie in, -1 for none. */
type Found = Readonly<{ level: number; hasTwo: boolean }>

function classLevel(paths: readonly string[]): Found {
  const folders = paths.map(foldersOf)
  let [splits, common] = [-1, -1]
  for (let level = 0; ; level += 1) {
    const lying = folders.filter(({ length }) => length > level)
    const names = new Set(lying.map((parts) => parts[level] ?? ''))
    if (names.size === 0) return splits < 0 ? { level: common, hasTwo: false } : { level: splits, hasTwo: true }
    if (names.size === 1 && lying.length === folders.length && splits < 0) common = level
    if (names.size === 1) continue
    if ([...names].filter((name) => split.test(name)).length < 2) return { level, hasTwo: true }
    if (splits < 0) splits = level
  }
}

function foldersOf(path: string): readonly string[] {
  return path.split('/').slice(0, -1)
}

/** Whether the folders of some level have two names. */
export function hasTwoClasses(paths: readonly string[]): boolean {
  return classLevel(paths).hasTwo
}

type Looked = Readonly<{ path: string; look?: string }>

/** @param files where images are among them, those alone say which folders are classes */
export function classesByFolder(files: readonly Looked[]): LabelOf {
  const images = files.filter(({ look }) => look !== undefined)
  return classByFolder((images.length > 0 ? images : files).map(({ path }) => path))
}

export function classByFolder(paths: readonly string[]): LabelOf {
  const { level } = classLevel(paths)
  return level < 0 ? () => '' : (path) => foldersOf(path)[level] ?? null
}

/** What is ambiguous. @param approved the images of the anchor */
export function folderChecks(images: readonly string[], approved: readonly string[] | undefined): readonly DataCheck[] {
  const own = classLevel(images)
  if (!own.hasTwo) return []
  const before = classLevel(approved ?? [])
  const nested = nestedIn(images, own.level)
  return [
    ...(nested.length === 0
      ? []
      : [
          failed(
            nested,
            'they lie in a folder called as one class inside another class, and readers disagree on which they are of: move them, or name their class in a table of labels',
          ),
        ]),
    ...(before.hasTwo && before.level !== own.level
      ? [
          failed(
            [],
            `classes are folders of level ${own.level + 1} here and of level ${before.level + 1} in the approved files, so that a class means something else: arrange them as the approved ones are, or anchor anew`,
          ),
        ]
      : []),
  ]
}

function nestedIn(images: readonly string[], level: number): readonly string[] {
  const classOf = (path: string): string | undefined => foldersOf(path)[level]?.toLowerCase()
  const classes = new Set(images.map(classOf))
  return images.filter((path) =>
    foldersOf(path)
      .slice(level + 1)
      .map((name) => name.toLowerCase())
      .some((name) => classes.has(name) && name !== classOf(path)),
  )
}

function failed(paths: readonly string[], because: string): DataCheck {
  return {
    ...{ name: 'files/folders', column: null, verdict: 'fail', observed: paths.length },
    ...{ expected: 'one folder that says the class', rows: paths.slice(0, maxListed), count: paths.length },
    ...{ evaluated: true, because, code: 'ERR_DATA_UNREADABLE' },
  }
}
