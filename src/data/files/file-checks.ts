/**
 * Checks of a folder of files, from what was seen of each and from their digests: pure.
 *
 * Where files lie in folders of two or more names, those are taken for their classes: see folders.ts.
 */
import type { Sha256 } from '../../core/index.ts'
import type { DataCheck, FormatCode } from '../validate/check.ts'
import { alikeGroups } from './alike.ts'
import { imageTypes, isMisnamed, runningTypes } from './file-type.ts'
import { classesByFolder, type LabelOf } from './folders.ts'
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

export type AskedOfFiles = Readonly<{
  /** By the folders that it lies in when left out. */
  labelOf?: LabelOf
  /** Paths of files that a reviewer found good. */
  good?: ReadonlySet<string>
  /** `repeatsOf` the same files, where that is known already. */
  repeats?: Repeats
}>

export function fileChecks(files: readonly SeenFile[], asked: AskedOfFiles = {}): readonly DataCheck[] {
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
      : [
          told('files/dimensions', [], { verdict: 'pass', observed: dimensionsOf(decoded), expected: 'pixels' }),
          told('files/classes', [], {
            verdict: 'pass',
            observed: classesOf(decoded, asked.labelOf ?? classesByFolder(files)),
            expected: 'images of each class',
          }),
        ]),
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
      'files/claims',
      files.filter(({ isLying }) => isLying === true),
      'fail',
      'archives that hold what they say',
      {
        because: 'an archive that holds more than it says, or that readers read differently',
        code: 'ERR_DATA_LIMIT',
      },
    ),
    ...unread(files.filter(({ isUnread }) => isUnread === true)),
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
    ...repeated(asked.repeats ?? repeatsOf(files, asked.labelOf), asked.good ?? new Set()),
  ]
}

/** THREAT: files before it that use up what may be unpacked, so that nobody looks into it. */
function unread(files: readonly SeenFile[]): readonly DataCheck[] {
  const because = 'what may be unpacked of one dataset was used up before them'
  return files.length === 0 ? [] : [judged('files/unpacked', files, 'warn', 'packed files looked into', { because })]
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

/** LIMIT: so many classes are told. */
const maxClasses = 12

/** `cats 80, dogs 75`; the largest first. */
function classesOf(images: readonly SeenFile[], labelOf: LabelOf): string {
  const counts = new Map<string, number>()
  for (const { path } of images) {
    const label = labelOf(path)
    if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  if (counts.size < 2) return 'none'
  const sorted = [...counts].toSorted(([, left], [, right]) => right - left)
  const shown = sorted.slice(0, maxClasses).map(([name, count]) => `${name === '' ? '.' : name.slice(0, 100)} ${count}`)
  return [...shown, ...(sorted.length > maxClasses ? [`${sorted.length - maxClasses} more classes`] : [])].join(', ')
}

function sizesOf(files: readonly SeenFile[]): string {
  return middle(files.map(({ sizeBytes }) => sizeBytes))
}

function dimensionsOf(files: readonly SeenFile[]): string {
  const side = (pick: (file: SeenFile) => number | undefined): string => middle(files.map((file) => pick(file) ?? 0))
  return `width ${side(({ width }) => width)}; height ${side(({ height }) => height)}`
}

function middle(numbers: readonly number[]): string {
  const sorted = Float64Array.from(numbers).sort()
  return `${sorted[0] ?? 0}, ${sorted[Math.floor(sorted.length / 2)] ?? 0}, ${sorted.at(-1) ?? 0}`
}

/** Files that are there more than once. */
export type Repeats = Readonly<{
  /** The same bytes as a file before. */
  twice: readonly SeenFile[]
  /** Images that look like one before. */
  near: readonly SeenFile[]
  /** The same bytes or look under two classes: all files of each group. */
  contradictions: readonly (readonly SeenFile[])[]
}>

export function repeatsOf(files: readonly SeenFile[], labelOf: LabelOf = classesByFolder(files)): Repeats {
  const decoded = files.filter(({ type, fault }) => imageTypes.has(type) && fault === undefined)
  const same = groupsOf(files, ({ digest }) => digest)
  const alike = alikeGroups(decoded.map(({ look = '' }) => look)).map((group) =>
    group.flatMap((index) => decoded[index] ?? []),
  )
  const isContradiction = (group: readonly SeenFile[]): boolean =>
    new Set(group.flatMap(({ path }) => labelOf(path) ?? [])).size > 1
  return {
    twice: same.flatMap((group) => group.slice(1)),
    near: alike
      .filter((group) => new Set(group.map(({ digest }) => digest)).size > 1)
      .flatMap((group) => group.slice(1)),
    contradictions: [...same, ...alike].filter(isContradiction),
  }
}

function repeated(
  { twice, near, contradictions }: Repeats,
  good: NonNullable<AskedOfFiles['good']>,
): readonly DataCheck[] {
  const contradicting = [...new Set(contradictions.flat())].filter(({ path }) => !good.has(path))
  return [
    judged('files/duplicates', twice, 'warn', 'every content once', { because: 'the same bytes as another file' }),
    judged('files/near-duplicates', near, 'warn', 'every image once', { because: 'they look like another one' }),
    judged('poison/contradiction', contradicting, 'warn', 'one class for what looks the same', {
      because: 'the same image is of two classes',
    }),
  ]
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
