/**
 * Adopts a repository: writes what is missing, never over what is there.
 *
 * Written: `assay.yaml` from the pipeline, `trust.yaml` with the user's public key, `.assay/.gitignore`. The private key
 * goes into the user's own folder. Source: design section 5 (`init`), trust.md section 1.
 */
import { randomUUID } from 'node:crypto'
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { newTrustPolicy, parseTrustPolicy } from '../attestation/index.ts'
import type { ChosenLock } from './choose-lock.fs.ts'
import { definePipeline, defineSettings } from './define/index.ts'
import type { PipelineDefinition, ProjectSettings } from './definition.ts'
import { draftSettings, externalInputs, type Surroundings, throwAwayFolders, throwAwayNames } from './draft-settings.ts'
import { writeDurably } from './evidence.fs.ts'
import { readProjectFile } from './project-file.fs.ts'
import { makeState, openReader } from './workspace.fs.ts'

export type Adoption = Readonly<{
  root: string
  /** Files written, project paths; empty when everything was there. */
  written: readonly string[]
  projectId: string
  pipeline: PipelineDefinition
  settings: ProjectSettings
  /** The lock that the draft names, and those that it could not; empty where assay.yaml was there. */
  locks: ChosenLock
  /** External inputs without a source; the size is missing where nothing is there. */
  unlisted: readonly Readonly<{ path: string; sizeBytes?: number }>[]
}>

export type AdoptionInput = Readonly<{
  root: string
  isGitIgnored(paths: readonly string[]): Promise<ReadonlySet<string>>
  /** Makes or finds the user's key for a project. */
  keyFor(projectId: string): Promise<Readonly<{ name: string; publicKeyPem: string; principal: string }>>
  /** Asked only where there is no assay.yaml. */
  chooseLock(): Promise<ChosenLock>
  now: Date
}>

/** A new policy holds for a year: whoever relies on it looks at it again. */
const policyDays = 365

export async function adoptProject({ root, isGitIgnored, keyFor, chooseLock, now }: AdoptionInput): Promise<Adoption> {
  const written: string[] = []
  const write = (path: string, text: string): void => {
    writeDurably(join(root, path), Buffer.from(text))
    written.push(path)
  }
  const pipeline = definePipeline(await openReader(root, isGitIgnored), { root })
  const ignored = await isGitIgnored(throwAwayNames.map((name) => `${name}/x`))
  const isThere = (name: string): boolean => ignored.has(`${name}/x`) || isFolder(join(root, name))
  const known = readProjectFile(root, 'assay.yaml')
  const locks = known === undefined ? await chooseLock() : { passedOver: [] }
  const surroundings = { ...surroundingsOf(root), ...locks, scratch: throwAwayFolders(pipeline, isThere) }
  if (known === undefined) write('assay.yaml', draftSettings(externalInputs(pipeline, surroundings), surroundings))
  const settings = defineSettings(readProjectFile(root, 'assay.yaml'), 'assay.yaml', pipeline)

  const policy = readProjectFile(root, 'trust.yaml')
  const projectId = (policy === undefined ? undefined : parseTrustPolicy(policy, 'repository').project) ?? randomUUID()
  const { name, publicKeyPem, principal } = await keyFor(projectId)
  if (policy === undefined) {
    const expires = new Date(now.getTime() + policyDays * 86_400_000).toISOString().slice(0, 10)
    write('trust.yaml', newTrustPolicy({ project: projectId, keyName: name, publicKeyPem, principal, expires }))
  }
  makeState(root)
  const unlisted = [...settings.data].flatMap(([path, { source }]) => {
    const sizeBytes = surroundings.sizeOf(path)
    return source === undefined ? [{ path, ...(sizeBytes === undefined ? {} : { sizeBytes }) }] : []
  })
  return { root, written, projectId, pipeline, settings, locks, unlisted }
}

function surroundingsOf(root: string): Surroundings {
  return {
    folder: basename(root),
    sizeOf: (path) => sizeOf(join(root, path)),
    filesIn: (path) => filesIn(join(root, path)),
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** LIMIT: a folder is counted up to 1,000 entries; more than that is large anyway. */
const maxEntries = 1000

function filesIn(path: string): readonly string[] {
  if (!isFolder(path)) return []
  return entriesIn(path).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]))
}

function entriesIn(path: string): readonly Dirent[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).slice(0, maxEntries)
}

function sizeOf(path: string): number | undefined {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return undefined
  if (!status.isDirectory()) return status.size
  return entriesIn(path).reduce(
    (sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
