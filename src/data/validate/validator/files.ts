/** Files of a folder, looked at; and its images, decoded, before the checks of tables. Runs in the sandboxed process. */
import { join, posix } from 'node:path'
import { classByFolder, folderChecks, type LabelOf } from '../../files/folders.ts'
import { judgedFiles, maxLabel } from '../../files/judged-files.ts'
import { lookAtFiles, type Seen } from '../../files/look-at-files.fs.ts'
import { sampledImages } from '../../files/sample.ts'
import { findPoisonInImages, type Grey, type PoisonCheck, tableOfImages, unsearched } from '../../poison/index.ts'
import type { Columns } from '../../table/columns.ts'
import { type Engine, firstLine } from '../../table/engine.duckdb.ts'
import { tableFileOf } from '../../table/format.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { textOf } from '../../table/relation.ts'
import { type DataCheck, formatFault } from '../check.ts'
import type { FileGroup, FilesAnswer, FilesRequest } from '../request.ts'
import { boundedBy, checkOfMeasure, checkOfPoison, pointedAt, unanchored, unmeasured } from './compare.ts'

const noClasses =
  'poison in images (wrong classes, patches, outliers): nothing says which class an image is of, by two folders or a table of labels'

type Group = FileGroup & Readonly<{ seen: readonly Seen[] }>
type Found = Omit<FilesAnswer, 'files' | 'anchor'>

export async function validateFiles(
  openEngine: () => Promise<Engine>,
  request: FilesRequest,
  folder: string,
): Promise<FilesAnswer> {
  const own = await lookedAt(request, request)
  const anchor = request.anchor === undefined ? undefined : await lookedAt(request.anchor, request)
  const found = await patternsIn(own, anchor, { openEngine, request, folder })
  const told = (group: Group | undefined): FilesAnswer['files'] =>
    group?.seen.map(({ grey, ...looked }) =>
      grey === undefined || !group.keep ? looked : { ...looked, grey: Buffer.from(grey).toString('base64') },
    ) ?? []
  return { files: told(own), anchor: told(anchor), ...found }
}

/** Of many images the greys of those that are searched are kept. */
async function lookedAt(group: FileGroup, { pixels, limits, seed }: FilesRequest): Promise<Group> {
  const seen = await lookAtFiles(group.files, {
    pixels,
    parallel: 2 * limits.threads,
    unpackedBytes: limits.unpackedBytes,
  })
  const images = group.files.flatMap(({ inner }, index) => (seen[index]?.grey === undefined ? [] : [inner]))
  const sample = sampledImages([...images, ...group.known.map(({ inner }) => inner)], seed)
  const without = ({ grey: _, ...looked }: Seen): Seen => looked
  return {
    files: group.files,
    keep: group.keep,
    known: group.known.map(({ inner, grey }) =>
      grey === undefined || !sample.has(inner) ? { inner } : { inner, grey },
    ),
    seen: seen.map((looked, index) => (sample.has(group.files[index]?.inner ?? '') ? looked : without(looked))),
  }
}

type Opening = Readonly<{ openEngine: () => Promise<Engine>; request: FilesRequest; folder: string }>

/** THREAT: labels of the approved images are the approved ones. By the candidate's, a relabelled image were nothing new. */
async function patternsIn(own: Group, anchor: Group | undefined, open: Opening): Promise<Found> {
  const labels = await labelsOf(own, open, 'files')
  if ('because' in labels) return { checks: [formatFault('label', labels.because)], unseen: [] }
  const told = labelsTold(open.request, labels.of)
  const images = imagesOf(own, labels.of)
  if (images === undefined) return { checks: [], unseen: imagePaths(own).length > 0 ? [noClasses] : [], ...told }
  const approved = anchor === undefined ? undefined : await labelsOf(anchor, open, 'anchor')
  if (approved !== undefined && 'because' in approved)
    return { checks: [formatFault('baseline', `of the approved files: ${approved.because}`)], unseen: [] }
  const known = anchor === undefined || approved === undefined ? undefined : imagesOf(anchor, approved.of)
  const folders = open.request.label === undefined ? folderChecks(imagePaths(own), anchor && imagePaths(anchor)) : []
  const { checks, drift } = findPoisonInImages({
    candidate: images.table,
    seed: open.request.seed,
    good: goodAmong(images, open.request, labels.of),
    ...boundedBy(open.request.bounds),
    ...(known === undefined ? {} : { anchor: known.table }),
  })
  return {
    checks: [
      ...folders,
      ...drift.map(checkOfMeasure),
      ...(known === undefined ? [] : unmeasured(open.request.bounds, drift)),
      ...checks.map((check) => named(check, images.names)),
      ...(known === undefined ? [unanchored] : []),
    ],
    unseen: [
      'a pattern that is faint, or smaller than a thirty-second of the picture',
      ...(known === undefined
        ? [
            'a patch on pictures of the class that it is tied to, where classes look different around it too',
            'a patch of several places on more than half of a class, or many patches of a few pictures each',
          ]
        : []),
      ...(images.of > images.names.length
        ? [`pixels are looked at in ${images.names.length} of ${images.of} images`]
        : []),
      ...unseenBy(checks),
      ...unsearched(
        checks,
        { candidate: images.table, ...(known === undefined ? {} : { anchor: known.table }) },
        'images',
      ),
      'wrong labels of what a grey picture of 8 x 8 fields does not tell apart',
    ],
    ...told,
    ...(open.request.pointed === undefined ? {} : { pointed: pointedFiles(checks, images) }),
  }
}

function imagePaths({ files, seen, known }: Group): readonly string[] {
  const looked = files.filter((_, index) => seen[index]?.look !== undefined)
  return [...known, ...looked].map(({ inner }) => inner)
}

/** THREAT: of every file, a remembered one that is no image among them: one that was judged bad is known by its class. */
function labelsTold({ names }: FilesRequest, labelOf: LabelOf): Pick<FilesAnswer, 'labels'> {
  return names === undefined ? {} : { labels: names.map((inner) => [inner, labelOf(inner)]) }
}

/** Rows of the table of images that a reviewer found good. */
function goodAmong({ names }: Images, { judged }: FilesRequest, labelOf: LabelOf): ReadonlySet<number> {
  if (judged === undefined) return new Set()
  const files = judged.digests.map(([inner, digest]) => ({ inner, digest, label: labelOf(inner) }))
  const words = judgedFiles(judged.words, files)
  return new Set(names.flatMap((inner, index) => (words.get(inner) === 'good' ? [index + 1] : [])))
}

function pointedFiles(checks: readonly PoisonCheck[], { names }: Images): FilesAnswer['pointed'] {
  return pointedAt(checks).flatMap(({ row, check, because }) => {
    const inner = names[row - 1]
    return inner === undefined ? [] : [{ inner, check, because }]
  })
}

/** Two checks of one name see different things. */
function unseenBy(checks: readonly PoisonCheck[]): readonly string[] {
  const said = checks.map(
    ({ name, minimumDetectable }) => `${name}: fewer than ${Math.ceil(minimumDetectable)} images may have gone unseen`,
  )
  return [...new Set(said)]
}

/** Rows of the table of images are told by the names of their files. */
function named(check: PoisonCheck, names: readonly string[]): DataCheck {
  const told = checkOfPoison(check)
  return { ...told, rows: told.rows.flatMap((row) => names[Number(row) - 1] ?? []) }
}

type Images = Readonly<{ table: Columns; names: readonly string[]; of: number }>
/** In the order of their names. Undefined when there are no two classes. */
function imagesOf({ files, seen, known }: Group, labelOf: LabelOf): Images | undefined {
  const all = new Map<string, Grey | undefined>(
    known.map(({ inner, grey }) => [inner, grey === undefined ? undefined : Buffer.from(grey, 'base64')]),
  )
  for (const [index, { inner }] of files.entries()) {
    const looked = seen[index]
    if (looked?.look !== undefined) all.set(inner, looked.grey)
  }
  const some = [...all]
    .flatMap(([inner, grey]) => (grey === undefined ? [] : [{ inner, grey, label: labelOf(inner) }]))
    .sort((left, right) => (left.inner < right.inner ? -1 : 1))
  const labels = some.map(({ label }) => label)
  if (new Set(labels).size < 2) return undefined
  const table = tableOfImages(
    some.map(({ grey }) => grey),
    labels,
  )
  return { table, names: some.map(({ inner }) => inner), of: all.size }
}

type Refused = Readonly<{ because: string }>

/**
 * The folders that an image lies in, or what a table among the files says: its first column names them, `label` or else
 * the next one their class.
 */
async function labelsOf(
  group: Group,
  { openEngine, request, folder }: Opening,
  whose: 'files' | 'anchor',
): Promise<Readonly<{ of: LabelOf }> | Refused> {
  const { label, limits } = request
  if (label === undefined) return { of: classByFolder(imagePaths(group)) }
  const file = group.files.find(({ inner }) => inner === label)
  if (file === undefined || tableFileOf(label) === undefined)
    return { because: `there is no table \`${label.slice(0, 200)}\` of labels among its files` }
  const engine = await openEngine()
  try {
    const opened = await openTable(engine, [file], join(folder, 'tables', `labels-${whose}`), limits)
    if (opened.kind === 'refused') return { because: opened.faults[0]?.because ?? 'the labels cannot be read' }
    const [name, next] = opened.relation.columns
    const column = opened.relation.columns.find((one) => one.name === 'label') ?? next
    if (name === undefined || column === undefined || name === column)
      return { because: 'the table of labels needs a column of files and one of labels' }
    const rows = await engine.query(`SELECT ${textOf(name)}, ${textOf(column)} FROM ${opened.relation.from}`)
    const labels = rows.map(([inner, value]): LabelRow => {
      const text = value === null ? null : String(value).slice(0, maxLabel)
      return [posix.normalize(String(inner)), text]
    })
    const fault =
      whose === 'files' ? unreadIn(labels, request.names ?? group.files.map(({ inner }) => inner)) : undefined
    const known = new Map(labels)
    return fault ?? { of: (inner) => known.get(inner) ?? known.get(posix.basename(inner)) ?? null }
  } catch (error) {
    return { because: firstLine(error) }
  } finally {
    engine.close()
  }
}

type LabelRow = readonly [inner: string, label: string | null]

/**
 * THREAT: trainers go through the rows, and one class of each file is all that is looked at: a row that gives a file another
 * class, under another spelling of its name, or that is of no file. Where no row names a file, nothing is claimed.
 */
function unreadIn(labels: readonly LabelRow[], names: readonly string[]): Refused | undefined {
  const files = new Set(names)
  const byName = Map.groupBy(names, (inner) => posix.basename(inner))
  const known = new Map<string, string | null>()
  const unknown: number[] = []
  for (const [index, [inner, label]] of labels.entries()) {
    const named = files.has(inner) ? [inner] : (byName.get(inner) ?? [])
    if (named.length === 0) unknown.push(index + 1)
    for (const file of named) {
      if ((known.get(file) ?? label) !== label)
        return {
          because: `row ${index + 1} of the labels says another class of \`${file.slice(0, 200)}\`: leave one of its rows`,
        }
      known.set(file, label)
    }
  }
  if (unknown.length === 0 || known.size === 0) return undefined
  return {
    because: `row ${unknown[0]} of the labels and ${unknown.length - 1} more name no file of the data: take them out`,
  }
}
