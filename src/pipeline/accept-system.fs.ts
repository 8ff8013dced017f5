/** `assay env accept-system`: a person's word that stages may run on this system; written into `assay.lock`, to be committed. */
import type { SystemChange } from '../compute/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import { holdProject } from './busy.fs.ts'
import { definitionOf, type Telling } from './environment-request.ts'
import { inspectEnvironment } from './environments.fs.ts'
import { loadLock, saveLock } from './lock.fs.ts'
import type { Project } from './project.ts'
import { acceptedIn, mergedSystems } from './system-pin.ts'
import { movedSince, openSystems } from './systems.ts'

export type AcceptOptions = Telling &
  Readonly<{
    /** Forgets every other system of the environment. */
    only: boolean
    /** The system of another machine, as its refusal names it; this one when left out. */
    digest?: Sha256
  }>

export type AcceptedSystem = Readonly<{
  environment: string
  digest: Sha256
  text: string
  /** How it differs from the accepted one that is most like it; undefined where that is not known. */
  moved?: readonly SystemChange[]
  /** It was accepted before, and nothing was written. */
  known: boolean
  /** How many systems the lock accepts for the environment now. */
  accepted: number
}>

/**
 * Accepts a system for the named environments, else for all that stages use.
 *
 * @throws ERR_SETTINGS_INVALID, ERR_RUN_BUSY, ERR_LOCK_MALFORMED, ERR_ENV_INTERPRETER
 */
export async function acceptSystem(
  project: Project,
  names: readonly string[],
  { only, digest, ...telling }: AcceptOptions,
): Promise<readonly AcceptedSystem[]> {
  for (const name of names) {
    if (!bringsRoot(project, name)) continue
    throw new DomainError(
      'ERR_USAGE',
      `\`${name}\` is an image: assay.yaml names it by digest, and no system is under it`,
    )
  }
  using held = new DisposableStack()
  held.defer(holdProject(project.root))
  const lock = loadLock(project.root)
  const pins = { working: lock.systems, committed: project.systems.committed }
  const systems = mergedSystems(pins)
  const look = openSystems(project)
  const results: AcceptedSystem[] = []
  for (const name of names.length > 0 ? names : environmentsInUse(project)) {
    const before = acceptedIn(name, pins) ?? new Map<Sha256, string>()
    const seen =
      digest === undefined
        ? await look(await inspectEnvironment(project, name, { ...telling, rehash: false }))
        : { digest, text: before.get(digest) ?? 'a system of another machine, by its digest' }
    const moved = 'record' in seen ? await movedSince(project, before.keys(), seen.record) : undefined
    if ('record' in seen && !project.store.keep(seen.digest)) await project.store.putBytes(seen.bytes)
    const after = new Map([...(only ? [] : before), [seen.digest, seen.text] as const])
    systems.set(name, after)
    results.push({
      environment: name,
      digest: seen.digest,
      text: seen.text,
      ...(moved === undefined ? {} : { moved }),
      known: before.has(seen.digest) && after.size === before.size,
      accepted: after.size,
    })
  }
  if (results.some(({ known }) => !known)) saveLock(project.root, { stages: lock.stages, systems })
  return results
}

/** @throws ERR_SETTINGS_INVALID */
function bringsRoot(project: Project, name: string): boolean {
  return definitionOf(project, name).kind === 'image'
}

/** Those that stages name; a project without stages has none to accept. */
function environmentsInUse(project: Project): readonly string[] {
  const names = [...new Set(project.pipeline.stages.map(({ name }) => project.settings.settingsOf(name).environment))]
  const onSystem = names.filter((name) => !bringsRoot(project, name))
  if (onSystem.length > 0) return onSystem.toSorted()
  throw new DomainError('ERR_USAGE', 'no stage stands on the system of a machine yet', {
    help: 'name one: assay env accept-system host',
  })
}
