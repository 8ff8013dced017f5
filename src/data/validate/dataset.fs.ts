/** A dataset as the validator's sandbox gets it: what is mounted where, and how its files are called. */
import { chmodSync, constants, copyFileSync, linkSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Sha256 } from '../../core/index.ts'
import { errnoOf } from '../io-fault.ts'
import { filesOfTable } from '../table/job-marks.ts'
import type { FileList } from './request.ts'
import type { ProgramMount } from './validator-program.fs.ts'

export type Dataset =
  /** `name` says what the file is. */
  | Readonly<{ kind: 'file'; path: string; name: string }>
  | Readonly<{ kind: 'folder'; path: string; files: readonly string[] }>
  /** Contents of a store: `object` is the file that holds the bytes, readable by all. */
  | Readonly<{ kind: 'objects'; files: readonly Readonly<{ inner: string; object: string; digest: Sha256 }>[] }>

export type Placed = Readonly<{ mount: ProgramMount; files: FileList }>

/** Paths of the files in the dataset. */
export function namesOf(dataset: Dataset): readonly string[] {
  if (dataset.kind === 'file') return [dataset.name]
  return dataset.kind === 'folder' ? dataset.files : dataset.files.map(({ inner }) => inner)
}

/** The files at these places of `namesOf`. */
export function partOfDataset(dataset: Exclude<Dataset, { kind: 'file' }>, places: readonly number[]): Dataset {
  return dataset.kind === 'folder'
    ? { ...dataset, files: places.flatMap((place) => dataset.files[place] ?? []) }
    : { ...dataset, files: places.flatMap((place) => dataset.files[place] ?? []) }
}

/**
 * A table in one file or several, without what a job left beside them; undefined for anything else. What is left out here is
 * not read, and stays part of what the dataset is by content.
 */
export function tableIn(dataset: Dataset): Readonly<{ table: Dataset; marks: readonly string[] }> | undefined {
  const names = namesOf(dataset)
  const places = new Map(names.map((name, place) => [name, place]))
  const found = filesOfTable(names, (name) => statSync(fileAt(dataset, places.get(name) ?? 0)).size)
  if (found === undefined) return undefined
  const { tables, marks } = found
  if (dataset.kind === 'file' || marks.length === 0) return { table: dataset, marks }
  return {
    table: partOfDataset(
      dataset,
      tables.map((name) => places.get(name) ?? 0),
    ),
    marks,
  }
}

/** Of what is compared with a table: the table in it, else all of it, which is refused as one. */
export function tableOf(dataset: Dataset): Dataset {
  return tableIn(dataset)?.table ?? dataset
}

function fileAt(dataset: Dataset, place: number): string {
  if (dataset.kind === 'file') return dataset.path
  if (dataset.kind === 'folder') return join(dataset.path, dataset.files[place] ?? '')
  return dataset.files[place]?.object ?? ''
}

/** @param scratch does not exist; made when copies or links are needed @param target where it is mounted */
export function placeDataset(dataset: Dataset, scratch: string, target: string): Placed {
  if (dataset.kind === 'objects') return placeObjects(dataset.files, scratch, target)
  const { path } = withReadableFiles(dataset, scratch)
  const mount = { source: path, target }
  if (dataset.kind === 'file') return { mount, files: [{ path: target, inner: dataset.name }] }
  return { mount, files: dataset.files.map((inner) => ({ path: `${target}/${inner}`, inner })) }
}

/** INVARIANT: the folder is mounted read-only, since a writable mount of a link would rewrite the object. */
function placeObjects(files: Extract<Dataset, { kind: 'objects' }>['files'], scratch: string, target: string): Placed {
  mkdirSync(scratch, { mode: 0o755 })
  chmodSync(scratch, 0o755)
  const placed = files.map(({ inner, object }, index) => {
    linkOrCopy(object, join(scratch, `${index}`))
    return { path: `${target}/${index}`, inner }
  })
  return { mount: { source: scratch, target }, files: placed }
}

function linkOrCopy(object: string, target: string): void {
  try {
    linkSync(object, target)
  } catch (error) {
    // another file system, too many links, or an object of another user: a copy does as well
    if (!['EXDEV', 'EMLINK', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw error
    copyReadable(object, target)
  }
}

/** As root the sandbox is another user, who may not read what only its owner may: such a dataset is copied. */
function withReadableFiles(dataset: Exclude<Dataset, { kind: 'objects' }>, copy: string): Readonly<{ path: string }> {
  if (process.getuid?.() !== 0 || isReadableByAll(dataset)) return dataset
  if (dataset.kind === 'file') {
    copyReadable(dataset.path, copy)
    return { path: copy }
  }
  for (const inner of dataset.files) {
    mkdirSync(dirname(join(copy, inner)), { recursive: true })
    copyReadable(join(dataset.path, inner), join(copy, inner))
  }
  for (const folder of ['', ...foldersOf(dataset.files)]) chmodSync(join(copy, folder), 0o755)
  return { path: copy }
}

function isReadableByAll(dataset: Exclude<Dataset, { kind: 'objects' }>): boolean {
  const has = (file: string, bits: number): boolean => (statSync(file).mode & bits) === bits
  const { path } = dataset
  if (dataset.kind === 'file') return has(path, 0o004)
  return (
    ['', ...foldersOf(dataset.files)].every((folder) => has(join(path, folder), 0o005)) &&
    dataset.files.every((inner) => has(join(path, inner), 0o004))
  )
}

function foldersOf(files: readonly string[]): readonly string[] {
  const folders = new Set<string>()
  for (const inner of files) {
    const names = inner.split('/').slice(0, -1)
    for (const index of names.keys()) folders.add(names.slice(0, index + 1).join('/'))
  }
  return [...folders]
}

function copyReadable(source: string, target: string): void {
  copyFileSync(source, target, constants.COPYFILE_FICLONE)
  chmodSync(target, 0o444) // the mode of the source came along
}
