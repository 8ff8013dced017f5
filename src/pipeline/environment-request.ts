/** What a project's environments are made from: the definition, the lock's bytes, and where things are kept. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  type EnvironmentPurpose,
  type EnvironmentRequest,
  maxPackageLockBytes,
  progressText,
  readNetworkSettings,
  runInBox,
} from '../compute/index.ts'
import { DomainError, nearest } from '../core/index.ts'
import type { CondaEnvironment, EnvironmentDefinition, NodeEnvironment, PythonEnvironment } from './definition.ts'
import type { Project } from './project.ts'

export type WantedEnvironment = Readonly<{
  name: string
  purpose: EnvironmentPurpose
  definition: EnvironmentDefinition
}>
export type Telling = Readonly<{ onProgress(text: string): void; signal: AbortSignal }>

/** Folder for the boxes of a project. */
export function boxesOf({ root }: Pick<Project, 'root'>): string {
  return join(root, '.assay', 'boxes')
}

/** @throws ERR_SETTINGS_INVALID */
export function definitionOf(project: Project, name: string): EnvironmentDefinition {
  const definition = project.settings.environments.get(name)
  if (definition !== undefined) return definition
  if (name === 'host') return { kind: 'host' }
  const near = nearest(name, [...project.settings.environments.keys()])
  throw new DomainError('ERR_SETTINGS_INVALID', `no environment is called \`${name}\``, {
    ...(near === undefined ? {} : { help: `did you mean \`${near}\`?` }),
  })
}

/** Everything but the definition: where an environment of the project is kept, and who is asked for its bytes. */
export function environmentPlace(
  project: Project,
  { onProgress, signal }: Telling,
): Omit<EnvironmentRequest, 'name' | 'purpose' | 'definition'> {
  return {
    store: project.store,
    ...(project.statCache === undefined ? {} : { memory: project.statCache }),
    sealedTrees: project.sealedFacts,
    cacheFolder: project.environmentsFolder,
    ...(project.apart ? { rehash: true } : {}),
    workFolder: boxesOf(project),
    caller: { environment: project.environment, workingFolder: project.root },
    network: readNetworkSettings(project.environment, project.environment['HOME'] ?? homedir()),
    runInBox,
    onProgress: (event) => onProgress(progressText(event)),
    signal,
  }
}

export async function environmentRequest(
  project: Project,
  { name, purpose, definition }: WantedEnvironment,
  telling: Telling,
): Promise<EnvironmentRequest> {
  return {
    ...environmentPlace(project, telling),
    name,
    purpose,
    definition: 'lock' in definition ? await withLocks(project, definition) : definition,
  }
}

async function withLocks(
  project: Project,
  definition: PythonEnvironment | NodeEnvironment | CondaEnvironment,
): Promise<EnvironmentRequest['definition']> {
  if (definition.kind !== 'python') return { ...definition, lockBytes: await lockBytes(project, definition.lock) }
  const { sources, ...python } = definition
  const read = { ...python, lockBytes: await lockBytes(project, python.lock) }
  if (sources === undefined) return read
  return { ...read, sources: { ...sources, lockBytes: await lockBytes(project, sources.lock) } }
}

/**
 * The lock as the stage's evidence speaks of it: the commit's blob, or the working file when it is dirty.
 *
 * THREAT: a lock that changes between review and use; it is read once, by content, and its digest is in the
 * environment's identity.
 */
async function lockBytes(project: Project, path: string): Promise<Uint8Array> {
  const [content] = (await project.code.contents([path])).values()
  const found = content ?? (await project.contents.ingest(path))
  if (found?.kind !== 'file')
    throw new DomainError('ERR_DATA_MISSING', `the lock \`${path}\` is not there`, {
      help: 'make it (assay env lock), or name the right file in assay.yaml',
    })
  return project.store.read(found.digest, maxPackageLockBytes)
}
