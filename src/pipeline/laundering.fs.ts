/**
 * Outs that are nothing new: a tracked file, a file of an input, or the tensors of one, under another name.
 *
 * Said in the statement, so that whoever verifies it elsewhere is told (finding `output-equals-input`, level 3). Equal
 * digests of whole deps and outs the chain sees by itself. Files of folder outs are not held against inputs one by one:
 * splitting data copies them, and that is honest.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type Content, isInside, launderingFact, type Sha256 } from '../core/index.ts'
import {
  hasNoTensorOfItsOwn,
  looksLikeTensors,
  type RecordedFact,
  readTensors,
  type TensorFile,
} from '../reproducibility/index.ts'
import type { Project } from './project.ts'
import type { ResolvedInput } from './view.ts'

export type Laundry = Readonly<{
  outs: ReadonlyMap<string, Content>
  inputs: readonly ResolvedInput[]
  tracked: TrackedFiles
}>

/** Tracked files of a size, with their digests: asked once a run. */
export type TrackedFiles = (sizeBytes: number) => Promise<ReadonlyMap<string, Sha256>>

export async function launderingFacts(
  project: Project,
  { outs, inputs, tracked }: Laundry,
): Promise<readonly RecordedFact[]> {
  const facts: RecordedFact[] = []
  const given = filesOf(
    new Map(inputs.flatMap(({ ref, content }) => (ref.role === 'dep' ? [[ref.path, content]] : []))),
  )
  let origins: readonly Named[] | undefined
  const originsOf = (): readonly Named[] => {
    origins ??= tensorFilesOf(project, given)
    return origins
  }
  for (const [path, content] of outs) {
    const equal = content.kind === 'file' ? await equalFile(content, path, given, tracked) : undefined
    const origin = equal ?? tensorsOf(project, filesOf(new Map([[path, content]])), originsOf)
    if (origin !== undefined) facts.push({ name: `${launderingFact}${path}`, value: origin, tier: 'observed' })
  }
  return facts
}

type NamedFile = Readonly<{ path: string; digest: Sha256; sizeBytes: number }>

function filesOf(contents: ReadonlyMap<string, Content>): readonly NamedFile[] {
  return [...contents].flatMap(([path, content]) =>
    content.kind === 'file'
      ? [{ path, digest: content.digest, sizeBytes: content.sizeBytes }]
      : content.files.map((file) => ({ ...file, path: `${path}/${file.path}` })),
  )
}

async function equalFile(
  { digest, sizeBytes }: Extract<Content, { kind: 'file' }>,
  out: string,
  given: readonly NamedFile[],
  tracked: TrackedFiles,
): Promise<string | undefined> {
  if (sizeBytes === 0) return undefined
  const input = given.find((file) => file.digest === digest)
  if (input !== undefined) return `equals \`${input.path}\`, which the stage was given`
  const file = [...(await tracked(sizeBytes))].find(([path, each]) => each === digest && path !== out)?.[0]
  return file === undefined ? undefined : `equals the tracked file \`${file}\``
}

/** LIMIT: the first 64 files of each that look like tensors; a header of 32 MiB. Each header is read once. */
const maxModels = 64

type Named = TensorFile & Readonly<{ name: string }>

function tensorsOf(project: Project, own: readonly NamedFile[], origins: () => readonly Named[]): string | undefined {
  const models = own.filter(({ path }) => path.endsWith('.safetensors'))
  for (const model of models.length === 0 ? [] : tensorFilesOf(project, models)) {
    const origin = origins().find((each) => hasNoTensorOfItsOwn(model, each))
    if (origin !== undefined) return `\`${model.name}\` holds no tensor that \`${origin.name}\` does not hold`
  }
  return undefined
}

/** THREAT: the one file that matters stands behind many that are something else. */
function tensorFilesOf({ store }: Project, files: readonly NamedFile[]): readonly Named[] {
  const chosen: NamedFile[] = []
  for (const file of files) {
    if (chosen.length === maxModels) break
    const { digest, sizeBytes } = file
    if (sizeBytes > 9 && store.has(digest) && looksLikeTensors(store.pathOf(digest))) chosen.push(file)
  }
  return chosen.flatMap(({ path, digest }) => {
    const found = readTensors(store.pathOf(digest))
    return found === undefined ? [] : [{ ...found, name: path }]
  })
}

/** Outs may be tracked themselves (`cache: false`): what a stage makes is no origin. */
export function openTrackedFiles({ root, code, pipeline }: Project): TrackedFiles {
  const outs = pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  let bySize: Map<number, string[]> | undefined
  return async (sizeBytes) => {
    bySize ??= sizesOf(
      root,
      code.paths.filter((path) => !outs.some((out) => isInside(path, out))),
    )
    return code.digests(bySize.get(sizeBytes) ?? [])
  }
}

function sizesOf(root: string, paths: readonly string[]): Map<number, string[]> {
  const found = new Map<number, string[]>()
  for (const path of paths) {
    const size = lstatSync(join(root, path), { throwIfNoEntry: false })?.size
    if (size !== undefined && size > 0) found.set(size, [...(found.get(size) ?? []), path])
  }
  return found
}
