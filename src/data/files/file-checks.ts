/**
 * Checks of a folder of files, from what was seen of each and from their digests: pure.
 *
 * Where files lie in folders of two or more names, those are taken for their classes (`cats/1.jpg`, `dogs/2.jpg`).
 */
import type { Sha256 } from '../../core/index.ts'
import type { DataCheck, FormatCode } from '../validate/check.ts'
import { alikeGroups } from './alike.ts'
import { imageTypes, isMisnamed, runningTypes } from './file-type.ts'
import type { LookedAt } from './look-at-files.fs.ts'

export type SeenFile = LookedAt & Readonly<{ path: string; digest: Sha256; sizeBytes: number }>

const maxListed = 100

type Found = Readonly<{
  verdict: DataCheck['verdict']
  observed: DataCheck['observed']
  expected: string
  because?: string
  code?: FormatCode
}>

export function fileChecks(files: readonly SeenFile[]): readonly DataCheck[] {
  const images = files.filter(({ type }) => imageTypes.has(type))
  const decoded = images.filter(({ fault }) => fault === undefined)
  return [
    told('files/types', [], {
      verdict: files.length === 0 ? 'fail' : 'pass',
      observed: typesOf(files),
      expected: 'files',
    }),
    told('files/sizes', [], {
      verdict: 'pass',
      observed: sizesOf(files),
      expected: 'bytes: smallest, median, largest',
    }),
    ...(decoded.length === 0
      ? []
      : [told('files/dimensions', [], { verdict: 'pass', observed: dimensionsOf(decoded), expected: 'pixels' })]),
    judged(
      'files/empty',
      files.filter(({ type }) => type === 'empty'),
      'fail',
      'no empty files',
      {
        code: 'ERR_DATA_UNREADABLE',
      },
    ),
    judged(
      'files/decode',
      images.filter(({ fault, isTooLarge }) => fault !== undefined && isTooLarge !== true),
      'fail',
      'images that decode',
      {
        because: images.find(({ fault, isTooLarge }) => fault !== undefined && isTooLarge !== true)?.fault ?? '',
        code: 'ERR_DATA_UNREADABLE',
      },
    ),
    judged(
      'files/pixels',
      images.filter(({ isTooLarge }) => isTooLarge === true),
      'fail',
      'images within the limit of pixels',
      {
        because: 'a small file that stands for a huge image',
        code: 'ERR_DATA_LIMIT',
      },
    ),
    judged(
      'files/packed',
      files.filter(({ isBomb }) => isBomb === true),
      'fail',
      'files that unpack to at most 200 times their size',
      {
        because: 'a small file that stands for a huge one',
        code: 'ERR_DATA_LIMIT',
      },
    ),
    judged(
      'files/name',
      files.filter(({ path, type }) => isMisnamed(path, type)),
      'fail',
      'names that say what the bytes are',
      {
        code: 'ERR_DATA_UNREADABLE',
      },
    ),
    judged(
      'files/running',
      files.filter(({ type }) => runningTypes.has(type)),
      'warn',
      'nothing that runs',
      {
        because: 'programs, pickles and scripts among data',
      },
    ),
    ...repeated(files, decoded),
  ]
}

function told(name: string, files: readonly SeenFile[], found: Found): DataCheck {
  return {
    name,
    column: null,
    rows: files.slice(0, maxListed).map(({ path }) => path),
    count: files.length,
    evaluated: true,
    ...found,
  }
}

function judged(
  name: string,
  files: readonly SeenFile[],
  verdict: 'warn' | 'fail',
  expected: string,
  rest: Pick<Found, 'because' | 'code'>,
): DataCheck {
  if (files.length === 0) return told(name, [], { verdict: 'pass', observed: 0, expected })
  return told(name, files, { verdict, observed: files.length, expected, ...rest })
}

/** `120 jpeg, 3 png`. */
function typesOf(files: readonly SeenFile[]): string {
  const counts = new Map<string, number>()
  for (const { type } of files) counts.set(type, (counts.get(type) ?? 0) + 1)
  const sorted = [...counts].toSorted(
    ([leftName, left], [rightName, right]) => right - left || (leftName < rightName ? -1 : 1),
  )
  return sorted.map(([type, count]) => `${count} ${type}`).join(', ')
}

function sizesOf(files: readonly SeenFile[]): string {
  return middle(files.map(({ sizeBytes }) => sizeBytes))
}

function dimensionsOf(files: readonly SeenFile[]): string {
  const side = (pick: (file: SeenFile) => number | undefined): string => middle(files.map((file) => pick(file) ?? 0))
  return `width ${side(({ width }) => width)}; height ${side(({ height }) => height)}`
}

function middle(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((left, right) => left - right)
  return `${sorted[0] ?? 0}, ${sorted[Math.floor(sorted.length / 2)] ?? 0}, ${sorted.at(-1) ?? 0}`
}

/** The same bytes or the same look more than once; under two classes it is a contradiction. */
function repeated(files: readonly SeenFile[], decoded: readonly SeenFile[]): readonly DataCheck[] {
  const hasClasses = hasTwoClasses(files.map(({ path }) => path))
  const same = groupsOf(files, ({ digest }) => digest)
  const alike = alikeGroups(decoded.map(({ look = '' }) => look)).map((group) =>
    group.flatMap((index) => decoded[index] ?? []),
  )
  const contradictions = [...same, ...alike].filter((group) => hasClasses && new Set(group.map(classOf)).size > 1)
  const twice = same.flatMap((group) => group.slice(1))
  const near = alike
    .filter((group) => new Set(group.map(({ digest }) => digest)).size > 1)
    .flatMap((group) => group.slice(1))
  return [
    judged('files/duplicates', twice, 'warn', 'every content once', { because: 'the same bytes as another file' }),
    judged('files/near-duplicates', near, 'warn', 'every image once', { because: 'they look like another one' }),
    judged('poison/contradiction', [...new Set(contradictions.flat())], 'warn', 'one class for what looks the same', {
      because: 'the same image lies in folders of two names',
    }),
  ]
}

/** The name of the folder that a file lies in. */
export function classOf({ path }: Pick<SeenFile, 'path'>): string {
  const end = path.lastIndexOf('/')
  return end < 0 ? '' : path.slice(path.lastIndexOf('/', end - 1) + 1, end)
}

/** Whether files lie in folders of two names. */
export function hasTwoClasses(paths: readonly string[]): boolean {
  const first = classOf({ path: paths[0] ?? '' })
  return paths.some((path) => classOf({ path }) !== first)
}

function groupsOf(files: readonly SeenFile[], keyOf: (file: SeenFile) => string | undefined): readonly SeenFile[][] {
  if (new Set(files.map(keyOf)).size === files.length) return []
  const first = new Map<string, SeenFile>()
  const groups = new Map<string, SeenFile[]>()
  for (const file of files) {
    const key = keyOf(file)
    if (key === undefined) continue
    const one = first.get(key)
    if (one === undefined) first.set(key, file)
    else if (groups.get(key)?.push(file) === undefined) groups.set(key, [one, file])
  }
  return [...groups.values()]
}
