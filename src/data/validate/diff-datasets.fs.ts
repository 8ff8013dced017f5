/** What differs between two datasets: rows of tables, files of folders, bytes of anything. */
import { basename } from 'node:path'
import type { Content } from '../../core/index.ts'
import { digestPath } from '../digest-tree.fs.ts'
import { walkPlain } from '../walk-plain.fs.ts'
import { type Dataset, tableIn } from './dataset.fs.ts'
import { diffContents, type Move } from './diff-contents.ts'
import { type DiffAnswer, type DiffRequest, diffAnswerShape } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'

export type DiffOptions = Readonly<{ key?: readonly string[]; label?: string; source?: string }>

/** Rows are 1-based numbers for tables and paths for folders. */
export type DatasetDiff = Readonly<{
  identical: boolean
  left: Content
  right: Content
  added: readonly (number | string)[]
  removed: readonly (number | string)[]
  changed: readonly Readonly<{
    row: number | string
    key: number | string
    columns: readonly Readonly<{ name: string; before: string | null; after: string | null }>[]
  }>[]
  /** Of what is added and removed: the same bytes under another path. Of folders that are no tables. */
  moved?: readonly Move[]
  /** Of tables only. */
  table?: Omit<DiffAnswer, 'added' | 'removed' | 'changed'>
}>

/** @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN, ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED */
export async function diffDatasets(
  left: string,
  right: string,
  wanted: DiffOptions,
  options: ValidatorOptions,
): Promise<DatasetDiff> {
  const [before, after] = await Promise.all([digestPath(left), digestPath(right)])
  const head = { identical: before.digest === after.digest, left: before, right: after }
  if (head.identical) return { ...head, added: [], removed: [], changed: [] }
  const sides = [datasetAt(left), datasetAt(right)] as const
  const [old, now] = [tableIn(sides[0])?.table, tableIn(sides[1])?.table]
  if (old !== undefined && now !== undefined) {
    const { added, removed, changed, ...table } = await diffTables(old, now, wanted, options)
    return { ...head, added, removed, changed, table }
  }
  return { ...head, ...diffContents(before, after) }
}

function datasetAt(path: string): Dataset {
  const { kind, files } = walkPlain(path, { name: path })
  if (kind === 'file') return { kind, path, name: basename(path) }
  return { kind, path, files: files.map(({ inner }) => inner).toSorted() }
}

function diffTables(
  left: Dataset,
  right: Dataset,
  wanted: DiffOptions,
  options: ValidatorOptions,
): Promise<DiffAnswer> {
  return runValidator(
    [left, right],
    ([leftFiles = [], rightFiles = []]): DiffRequest => ({
      task: 'diff',
      left: leftFiles,
      right: rightFiles,
      ...wanted,
      limits: options.limits,
    }),
    diffAnswerShape,
    options,
  )
}
