/** Files of a folder, looked at; and its images, decoded, before the checks of tables. Runs in the sandboxed process. */
import { join } from 'node:path'
import { classOf } from '../../files/file-checks.ts'
import { lookAtFiles, type Seen } from '../../files/look-at-files.fs.ts'
import { findTriggers, type PoisonCheck, tableOfImages } from '../../poison/index.ts'
import type { Columns } from '../../table/columns.ts'
import { type Engine, firstLine } from '../../table/engine.duckdb.ts'
import { tableFileOf } from '../../table/format.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { textOf } from '../../table/relation.ts'
import { type DataCheck, formatFault } from '../check.ts'
import type { FileList, FilesAnswer, FilesRequest } from '../request.ts'
import { checkOfPoison, unanchored } from './compare.ts'

const noClasses = 'patches or patterns inside images: nothing says which class an image is of'

/** LIMIT: images whose pixels are searched for patterns; evenly chosen when there are more. */
const maxImages = 20_000

export async function validateFiles(
  openEngine: () => Promise<Engine>,
  request: FilesRequest,
  folder: string,
): Promise<FilesAnswer> {
  const seen = await look(request.files, request)
  const files = seen.map(({ grey: _, ...looked }) => looked)
  const open = { openEngine, request, folder }
  const labels = await labelsOf(open, 'files')
  if ('because' in labels) return { files, checks: [formatFault('label', labels.because)], unseen: [] }
  const images = imagesOf(request.files, seen, labels.of)
  if (images === undefined) return { files, checks: [], unseen: [noClasses] }
  const approved = request.anchor === undefined ? undefined : await approvedImages(open, request.anchor)
  if (approved !== undefined && 'because' in approved)
    return { files, checks: [formatFault('baseline', approved.because)], unseen: [] }
  const found = findTriggers({
    candidate: images.table,
    seed: request.seed,
    ...(approved === undefined ? {} : { anchor: approved.table }),
  })
  if (found === undefined) return { files, checks: [], unseen: [noClasses] }
  const { check } = found
  return {
    files,
    checks: [named(check, images.names), ...(approved === undefined ? [unanchored] : [])],
    unseen: [
      'a pattern that is faint, or smaller than a thirty-second of the picture',
      ...(images.of > images.names.length
        ? [`pixels are looked at in ${images.names.length} of ${images.of} images`]
        : []),
      `${check.name}: fewer than ${Math.ceil(check.minimumDetectable)} images may have gone unseen`,
      'labels that are wrong, and patterns of whole pictures',
    ],
  }
}

function look(files: FileList, { pixels, limits }: FilesRequest): Promise<readonly Seen[]> {
  return lookAtFiles(files, { pixels, parallel: 2 * limits.threads })
}

/** Rows of the table of images are told by the names of their files. */
function named(check: PoisonCheck, names: readonly string[]): DataCheck {
  const told = checkOfPoison(check)
  return { ...told, rows: told.rows.flatMap((row) => names[Number(row) - 1] ?? []) }
}

type Images = Readonly<{ table: Columns; names: readonly string[]; of: number }>
type LabelOf = (inner: string) => string | null

/** Undefined when there are no two classes. */
function imagesOf(files: FileList, seen: readonly Seen[], labelOf: LabelOf): Images | undefined {
  const all = files.flatMap(({ inner }, index) => {
    const grey = seen[index]?.grey
    return grey === undefined ? [] : [{ inner, grey, label: labelOf(inner) }]
  })
  const stride = Math.max(1, all.length / maxImages)
  const some = all.filter((_, index) => Math.floor(index / stride) !== Math.floor((index - 1) / stride))
  const labels = some.map(({ label }) => label)
  if (new Set(labels).size < 2) return undefined
  const table = tableOfImages(
    some.map(({ grey }) => grey),
    labels,
  )
  return { table, names: some.map(({ inner }) => inner), of: all.length }
}

type Refused = Readonly<{ because: string }>
type Opening = Readonly<{ openEngine: () => Promise<Engine>; request: FilesRequest; folder: string }>

/**
 * THREAT: labels of the approved images are the approved ones. By the candidate's, an image that was given another label
 * would be nothing new.
 */
async function approvedImages(open: Opening, anchor: FileList): Promise<Images | Refused | undefined> {
  const labels = await labelsOf(open, 'anchor')
  if ('because' in labels) return { because: `of the approved files: ${labels.because}` }
  return imagesOf(anchor, await look(anchor, open.request), labels.of)
}

/**
 * The folder that an image lies in, or what a table among the files says: its first column names them, `label` or else
 * the next one their class.
 */
async function labelsOf(
  { openEngine, request, folder }: Opening,
  whose: 'files' | 'anchor',
): Promise<Readonly<{ of: LabelOf }> | Refused> {
  const { label, limits } = request
  if (label === undefined) return { of: (inner) => classOf({ path: inner }) }
  const file = request[whose]?.find(({ inner }) => inner === label)
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
    const known = new Map(rows.map(([inner, value]) => [String(inner), value === null ? null : String(value)]))
    return { of: (inner) => known.get(inner) ?? known.get(inner.split('/').at(-1) ?? '') ?? null }
  } catch (error) {
    return { because: firstLine(error) }
  } finally {
    engine.close()
  }
}
