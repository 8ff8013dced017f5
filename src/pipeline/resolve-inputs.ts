/**
 * The inputs of one stage, by content: from the stages before it, from the inventory, from the commit.
 *
 * Fails closed: an input that is missing, not approved for these bytes, or that its stage did not make is a refusal.
 */
import {
  type Content,
  type Digest,
  DomainError,
  digestOfJson,
  isInside,
  type Json,
  type Sha256,
} from '../core/index.ts'
import { believedStage } from './believe.ts'
import { updateOfSubmodule } from './code.ts'
import { type ParamsTree, paramValues, readParams } from './define/index.ts'
import type { StageDefinition } from './definition.ts'
import { refuseGolden } from './golden.ts'
import { type InputRef, inputsOf } from './inputs.ts'
import type { Project } from './project.ts'
import { refuseInput, refuseRevoked } from './refuse-input.ts'
import type { StageResult } from './run-stage.ts'
import { missingPart, partOf, type ResolvedInput } from './view.ts'

export type StageInputs = Readonly<{
  resolved: readonly ResolvedInput[]
  /** Params file -> key -> value, as the stage's definition selects them. */
  params: Readonly<Record<string, Readonly<Record<string, Json>>>>
  paramDigests: Readonly<Record<string, Sha256>>
  /** The params files themselves, with the user's changes in them. */
  paramTrees: ReadonlyMap<string, ParamsTree>
  /** Tracked files that the stage may see beside its inputs. */
  visible: readonly string[]
  /**
   * Those of them that count when it opens them. A params file counts by the values that are declared, as with DVC.
   * LIMIT: a stage that reads other values of it is not run again when those change.
   */
  code: readonly string[]
  /** Previous bytes of `persist` outs: inputs too. */
  before: ReadonlyMap<string, Content>
}>

/**
 * @param done results of the stages before this one
 * @throws ERR_DATA_MISSING, ERR_SOURCE_*, ERR_PARAMS_INVALID
 */
export async function resolveInputs(
  project: Project,
  stage: StageDefinition,
  done: ReadonlyMap<string, StageResult>,
): Promise<StageInputs> {
  refuseAbsentSubmodules(stage, project)
  const refs = inputsOf(stage, project.surroundings)
  const code = await project.code.contents(refs.filter(({ origin }) => origin.kind === 'code').map(({ path }) => path))
  const resolved: ResolvedInput[] = []
  for (const ref of refs) resolved.push(await resolve(project, stage, ref, code, done))
  const missing = missingPart(resolved)
  if (missing !== undefined) throw missingData(stage, missing, project)

  const params: Record<string, Readonly<Record<string, Json>>> = {}
  const paramTrees = new Map<string, ParamsTree>()
  for (const [file, keys] of Object.entries(stage.params)) {
    const tree = readParams(await bytesOf(project, resolved, file), file, project.parsedOverrides)
    paramTrees.set(file, tree)
    params[file] = paramValues(tree, keys)
  }
  return {
    resolved,
    params,
    paramDigests: Object.fromEntries(Object.entries(params).map(([file, values]) => [file, digestOfJson(values)])),
    paramTrees,
    visible: project.visible,
    code: withoutParams(project.visible, stage),
    before: await previousOf(project, stage),
  }
}

async function resolve(
  project: Project,
  stage: StageDefinition,
  ref: InputRef,
  code: ReadonlyMap<string, Content>,
  done: ReadonlyMap<string, StageResult>,
): Promise<ResolvedInput> {
  const { origin, path } = ref
  switch (origin.kind) {
    case 'code': {
      const content = code.get(path)
      if (content === undefined) throw missingData(stage, path, project)
      refuseRevoked(project, path, content.digest)
      refuseGolden(project, path, content)
      return { ref, content }
    }
    case 'external': {
      const content = await project.contents.ingest(path)
      if (content === undefined) throw missingData(stage, path, project, origin.file)
      await keepFindable(project, content)
      refuseGolden(project, path, content)
      refuseInput(project, path, origin.source, content.digest)
      return { ref, content }
    }
    case 'out': {
      const upstream = done.get(origin.stage)
      const content = upstream?.outs.get(path) ?? (origin.frozen ? await project.contents.ingest(path) : undefined)
      if (content === undefined) throw missingData(stage, path, project)
      refuseGolden(project, path, content)
      const attestation = upstream?.report.attestation ?? evidenceOfFrozen(project, origin.stage, path, content.digest)
      if (attestation !== undefined) return { ref, content, attestation }
      await keepFindable(project, content)
      refuseInput(project, path, undefined, content.digest)
      return { ref, content }
    }
  }
}

/** A statement names a folder by one digest: its list is kept, so that a collector knows which objects it speaks of. */
export async function keepFindable({ store, evidence }: Project, content: Content): Promise<void> {
  if (content.kind === 'file') return
  const known = evidence.folderList(content.digest)
  if (known !== undefined && store.keep(known)) return
  evidence.saveFolder(content.digest, await store.putFolder(content.files))
}

/** Our statement about an out of a frozen stage that the working tree still holds, or undefined. */
function evidenceOfFrozen(project: Project, stage: string, path: string, digest: Digest): Sha256 | undefined {
  const attestation = project.lock.get(stage)?.attestation
  const facts = attestation === undefined ? undefined : believedStage(project, attestation)
  const made = facts?.outputs.some((output) => output.path === path && output.digest === digest) === true
  return made ? attestation : undefined
}

async function bytesOf(project: Project, resolved: readonly ResolvedInput[], file: string): Promise<Uint8Array> {
  for (const { ref, content } of resolved) {
    if (!isInside(file, ref.path)) continue
    const part = partOf(content, ref.path, file)
    if (part?.kind === 'file') return project.store.read(part.digest, maxParamsBytes)
  }
  throw new DomainError('ERR_DATA_MISSING', `the params file \`${file}\` is not there`)
}

/** The same list where there is nothing to leave out: what is known of it is known by the list. */
function withoutParams(visible: readonly string[], { params }: StageDefinition): readonly string[] {
  const files = new Set(Object.keys(params))
  return visible.some((path) => files.has(path)) ? visible.filter((path) => !files.has(path)) : visible
}

/** LIMIT: a params file is at most 16 MiB. */
const maxParamsBytes = 16 * 1024 * 1024

async function previousOf(project: Project, stage: StageDefinition): Promise<ReadonlyMap<string, Content>> {
  const before = new Map<string, Content>()
  for (const { path, persist } of stage.outs) {
    if (!persist) continue
    const content = await project.contents.ingest(path)
    if (content === undefined) continue
    await keepFindable(project, content)
    refuseRevoked(project, path, content.digest)
    refuseGolden(project, path, content)
    before.set(path, content)
  }
  return before
}

/** THREAT: the empty folder of a submodule that is not checked out would pass for the data. @throws ERR_DATA_MISSING */
function refuseAbsentSubmodules(stage: StageDefinition, { code }: Project): void {
  for (const path of [...stage.deps, ...Object.keys(stage.params)]) {
    const submodule = code.absentSubmodules.find((each) => isInside(path, each) || isInside(each, path))
    if (submodule === undefined) continue
    throw new DomainError(
      'ERR_DATA_MISSING',
      `the stage \`${stage.name}\` needs \`${path}\`, and the submodule \`${submodule}\` is not checked out at the commit that is pinned`,
      { help: updateOfSubmodule(submodule) },
    )
  }
}

function missingData(stage: StageDefinition, path: string, project: Project, file?: string): DomainError {
  const tracked = file ?? project.pipeline.tracked.find((data) => isInside(path, data.path))?.file
  return new DomainError('ERR_DATA_MISSING', `the stage \`${stage.name}\` needs \`${path}\`, which is not there`, {
    help:
      tracked === undefined ? 'put it there, or declare the stage that makes it' : `get it first: dvc pull ${tracked}`,
  })
}
