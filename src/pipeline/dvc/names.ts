/**
 * How DVC calls content that lies in our store: its MD5, or that of a folder's list.
 *
 * The name of a folder follows from its digest, so that it is remembered by it: a folder of a hundred thousand files
 * costs one look-up when nothing changed.
 */
import { type Content, comparePaths, type FileEntry, isMd5, type Md5, sha256Of } from '../../core/index.ts'
import { type DvcListEntry, legacyMd5s, md5OfText, type ObjectStore, printDvcList } from '../../data/index.ts'
import type { DvcContent } from './lock-entry.ts'

/** Facts that follow from their keys and may be lost. */
export type Hints = Readonly<{ fact(key: string): string | undefined; recordFact(key: string, value: string): void }>

export type Namer = Readonly<{
  store: ObjectStore
  hints: Hints
  /** True for project paths that `.dvcignore` keeps from DVC. */
  isIgnored(path: string): boolean
}>

export type ListedContent = DvcContent & Readonly<{ list?: readonly DvcListEntry[] }>

/** @param path the project path where the content lies: what `.dvcignore` hides there has no part in the name */
export async function dvcContent(namer: Namer, path: string, content: Content): Promise<DvcContent> {
  if (content.kind === 'file') {
    const md5 = (await namer.store.md5s([content.digest])).get(content.digest)
    return { name: hexOfMd5(md5), sizeBytes: content.sizeBytes, executable: content.executable }
  }
  const files = seenByDvc(namer, path, content.files)
  const key = `dvc-folder:${files.length === content.files.length ? content.digest : digestOfFiles(files)}`
  const known = namer.hints.fact(key)
  const name = known !== undefined && isMd5(known) ? `${known.slice(4)}.dir` : await folderName(namer, files, key)
  return {
    name,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files: files.length,
    executable: false,
  }
}

/** As `dvcContent`, by the MD5s of DVC 2. */
export async function legacyName({ store, isIgnored }: Namer, path: string, content: Content): Promise<string> {
  const files = content.kind === 'file' ? [{ ...content, path }] : seenByDvc({ isIgnored }, path, content.files)
  const md5s = await legacyMd5s(
    store,
    files.map(({ digest }) => digest),
  )
  if (content.kind === 'file') return hexOfMd5(md5s.get(content.digest))
  const list = files.map(({ path: inner, digest }) => ({ path: inner, md5: md5s.get(digest) ?? 'md5:' }) as const)
  return `${md5OfText(printDvcList(list)).slice(4)}.dir`
}

/** The objects that DVC's cache must hold for this content, and its list when it is a folder. */
export async function dvcObjects(
  namer: Namer,
  path: string,
  content: Content,
): Promise<Readonly<{ objects: ReadonlyMap<Md5, FileEntry['digest']>; list?: readonly DvcListEntry[] }>> {
  const files = content.kind === 'file' ? [{ ...content, path: '.' }] : seenByDvc(namer, path, content.files)
  const list = await listOf(namer, files)
  const objects = new Map(list.map(({ md5 }, index) => [md5, files[index]?.digest ?? 'sha256:'] as const))
  return content.kind === 'file' ? { objects } : { objects, list }
}

async function folderName(namer: Namer, files: readonly FileEntry[], key: string): Promise<string> {
  const md5 = md5OfText(printDvcList(await listOf(namer, files)))
  namer.hints.recordFact(key, md5)
  return `${md5.slice(4)}.dir`
}

async function listOf({ store }: Namer, files: readonly FileEntry[]): Promise<readonly DvcListEntry[]> {
  const md5s = await store.md5s(files.map(({ digest }) => digest))
  return files.map(({ path, digest }) => ({ path, md5: md5s.get(digest) ?? 'md5:' }))
}

/** SOURCE: dvc/ignore.py, DvcIgnoreFilter: these folders are never data. */
const neverData: ReadonlySet<string> = new Set(['.dvc', '.git', '.hg'])

function seenByDvc(
  { isIgnored }: Pick<Namer, 'isIgnored'>,
  path: string,
  files: readonly FileEntry[],
): readonly FileEntry[] {
  return files.filter((file) => {
    const isOfTool = file.path
      .split('/')
      .slice(0, -1)
      .some((name) => neverData.has(name))
    return !isOfTool && !isIgnored(`${path}/${file.path}`)
  })
}

function digestOfFiles(files: readonly FileEntry[]): string {
  const sorted = files.toSorted((left, right) => comparePaths(left.path, right.path))
  return sha256Of(sorted.map(({ path, digest }) => `${digest} ${path}\n`).join(''))
}

function hexOfMd5(md5: Md5 | undefined): string {
  return (md5 ?? 'md5:').slice(4)
}
