/**
 * The contents that a version names: outs and data for the working tree, and what reproducing it needs beside them; each
 * with how secret it is. Which objects they are made of, as far as that is known here.
 */
import type { StageFacts, StatedDependency } from '../attestation/index.ts'
import { type Content, type Digest, isDirHash, isSha256, type Sha256 } from '../core/index.ts'
import type { Classification } from '../data/index.ts'
import { classificationOfDependency as classificationOf, classificationsNow, mostSecretOf } from './data-question.ts'
import type { Project } from './project.ts'
import type { Behind, Version } from './version.ts'

export type NamedContent = Readonly<{
  /** Project path, or what it is in words where it has no place in the working tree. */
  path: string
  digest: Digest
  sizeBytes?: number
  /** Folders: the stored object that lists the files. */
  list?: Sha256
  executable?: boolean
  classification: Classification
  /** `none`: for the store alone. */
  place: 'out' | 'data' | 'none'
  /** Nothing is proven without it: it is taken where it is at hand. */
  isOptional: boolean
}>

export type ContentsOptions = Readonly<{
  /** The packages of environments too. */
  environments: boolean
}>

/** Each content once a path; a source on record before what a statement says of its path. */
export function contentsOfVersion(
  project: Project,
  version: Version,
  { statements }: Behind,
  { environments }: ContentsOptions,
): readonly NamedContent[] {
  const secrecy = secrecyOf(project, statements)
  const found = new Map<string, NamedContent>()
  const add = (content: NamedContent): void => {
    const key = content.place === 'none' ? `none ${content.digest}` : content.path
    const known = found.get(key)
    if (known === undefined) found.set(key, content)
    else if (known.digest !== content.digest) add({ ...content, place: 'none' })
    else {
      // THREAT: what one of two says is restricted leaves as what the other says
      const classification = mostSecretOf([known.classification, content.classification])
      found.set(key, { ...known, classification, isOptional: known.isOptional && content.isOptional })
    }
  }
  for (const { id, path, digest, classification: then } of version.sources) {
    const classification = mostSecretOf([then, ...classificationsNow(project, path, id)])
    add({ path, digest, classification, place: 'data', isOptional: true })
  }
  const roots = new Set(version.roots.values())
  for (const [attestation, facts] of statements) {
    const classification = secrecy(attestation)
    for (const output of facts.outputs)
      add({ ...output, classification, place: roots.has(attestation) ? 'out' : 'none', isOptional: false })
    for (const dependency of facts.dependencies) {
      const own = classificationOf(project, dependency)
      const { path, digest, role, origin } = dependency
      if (role === 'persist') add({ path, digest, classification, place: 'none', isOptional: false })
      else if (isExternal(origin)) add({ path, digest, classification: own, place: 'data', isOptional: false })
    }
    for (const extra of extrasOf(facts, environments)) add({ ...extra, classification, place: 'none' })
  }
  return [...found.values()]
}

function isExternal({ kind }: StatedDependency['origin']): boolean {
  return kind === 'source' || kind === 'unlisted' || kind === 'not-made-here'
}

type Extra = Readonly<{ path: string; digest: Sha256; sizeBytes?: number; isOptional: boolean }>

function extrasOf({ stage, log, facts, environment }: StageFacts, environments: boolean): readonly Extra[] {
  const system = facts.find(({ name }) => name === 'system/digest')?.value
  return [
    { path: `log of ${stage}`, ...log, isOptional: true },
    ...(isSha256(system) ? [{ path: `system of ${stage}`, digest: system, isOptional: true }] : []),
    ...(environments ? environment.materials : []).map(({ name, digest }) => ({
      path: `package ${name}`,
      digest,
      isOptional: true,
    })),
  ]
}

/**
 * What a stage made is as secret as the most secret that it was made of. THREAT: of a statement that is not here nobody
 * knows what it was made of: it may be any source of the project.
 */
function secrecyOf(
  project: Project,
  statements: ReadonlyMap<Sha256, StageFacts>,
): (attestation: Sha256) => Classification {
  const known = new Map<Sha256, Classification>()
  const anySource = mostSecretOf([...project.sources.values()].map(({ source }) => source.classification))
  const settle = (root: Sha256): void => {
    const open = [{ attestation: root, isEntered: false }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { attestation, isEntered } = next
      if (known.has(attestation)) continue
      const facts = statements.get(attestation)
      if (facts === undefined) known.set(attestation, anySource)
      else if (isEntered) known.set(attestation, ofDependencies(project, facts, known))
      else {
        open.push({ attestation, isEntered: true })
        for (const { origin } of facts.dependencies)
          if (origin.kind === 'stage') open.push({ attestation: origin.attestation, isEntered: false })
      }
    }
  }
  return (attestation) => {
    settle(attestation)
    return known.get(attestation) ?? anySource
  }
}

function ofDependencies(
  project: Project,
  { dependencies }: StageFacts,
  known: ReadonlyMap<Sha256, Classification>,
): Classification {
  const found = dependencies.flatMap((dependency): readonly Classification[] => {
    const { origin } = dependency
    if (origin.kind === 'code') return []
    return [
      origin.kind === 'stage' ? (known.get(origin.attestation) ?? 'restricted') : classificationOf(project, dependency),
    ]
  })
  return found.length === 0 ? 'public' : mostSecretOf(found)
}

/** An object that a content is made of; the size where it is known. */
export type NamedObject = Readonly<{ digest: Sha256; sizeBytes?: number }>

/**
 * @returns undefined for a folder whose list is not in the store, or is another folder's
 * @throws ERR_STORE_CORRUPT for a list that is not what its name says
 */
export async function objectsOf(project: Project, content: NamedContent): Promise<readonly NamedObject[] | undefined> {
  const { digest, sizeBytes } = content
  if (isSha256(digest)) return [{ digest, ...(sizeBytes === undefined ? {} : { sizeBytes }) }]
  return (await folderOfContent(project, content))?.files
}

export async function folderOfContent(
  { store, evidence }: Pick<Project, 'store' | 'evidence'>,
  { digest, list }: Pick<NamedContent, 'digest' | 'list'>,
): Promise<Extract<Content, { kind: 'folder' }> | undefined> {
  const found = list ?? (isDirHash(digest) ? evidence.folderList(digest) : undefined)
  if (found === undefined || !store.has(found)) return undefined
  const folder = await store.readFolder(found)
  return folder.digest === digest ? folder : undefined
}

/** The whole content, when the store has an object for each name in it; they are re-hashed when they are copied. */
export async function contentInStore(
  project: Pick<Project, 'store' | 'evidence'>,
  content: NamedContent,
): Promise<Content | undefined> {
  const { digest, executable } = content
  if (isSha256(digest)) {
    if (!project.store.has(digest)) return undefined
    return { kind: 'file', digest, sizeBytes: project.store.sizeOf(digest), executable: executable === true }
  }
  const folder = await folderOfContent(project, content)
  return folder?.files.every((file) => project.store.has(file.digest)) === true ? folder : undefined
}

/** Takes what the working tree has of it, where that is just these bytes. */
export async function takeFromWorkTree(project: Project, { path, digest, place }: NamedContent): Promise<void> {
  if (place === 'none' || (await project.contents.digest(path)) !== digest) return
  const content = await project.contents.ingest(path)
  if (content?.kind === 'folder' && content.digest === digest)
    project.evidence.saveFolder(content.digest, await project.store.putFolder(content.files))
}
