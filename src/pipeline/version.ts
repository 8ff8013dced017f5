/** What a commit, a run or the working tree names: the statements at its top, and the sources on record. */
import type { StageFacts } from '../attestation/index.ts'
import { DomainError, isDomainError, type Sha256 } from '../core/index.ts'
import { openRepository, parseSources, type Source } from '../data/index.ts'
import { believedStage } from './believe.ts'
import { lockFile } from './lock.fs.ts'
import { parseLock } from './lock.ts'
import type { Project } from './project.ts'

export type Version = Readonly<{
  /** Of a commit that was named, or that a run was made at. */
  commit?: string
  runId?: string
  /** Stage -> digest of the bundle of its statement. */
  roots: ReadonlyMap<string, Sha256>
  /** Revoked ones are left out. */
  sources: readonly Source[]
}>

/**
 * @param target a run, or a commit by any name that git has for it; the working tree when left out
 * @throws ERR_COMMIT_UNKNOWN, ERR_LOCK_MALFORMED, ERR_SOURCES_INVALID
 */
export async function versionOf(project: Project, target: string | undefined): Promise<Version> {
  if (target === undefined) {
    return {
      roots: new Map([...project.lock].map(([stage, { attestation }]) => [stage, attestation])),
      sources: unrevoked([...project.sources.values()].map(({ source }) => source)),
    }
  }
  const version = versionOfRun(project, target) ?? (await versionOfCommit(project, target))
  if (version !== undefined) return version
  throw new DomainError('ERR_COMMIT_UNKNOWN', `\`${target.slice(0, 200)}\` is neither a commit that is here nor a run`)
}

/** A run is named as it is on record; the beginning of a commit's hash never looks like one. */
function versionOfRun({ runs }: Project, target: string): Version | undefined {
  if (!/^\d{8}T/.test(target)) return undefined
  try {
    const { report, commit } = runs.load(target)
    const made = report.stages.flatMap(({ name, attestation }) =>
      attestation === undefined ? [] : [[name, attestation] as const],
    )
    return { ...(commit === undefined ? {} : { commit }), runId: report.runId, roots: new Map(made), sources: [] }
  } catch (error) {
    if (isDomainError(error, 'ERR_RUN_UNKNOWN')) return undefined
    throw error
  }
}

async function versionOfCommit(project: Project, target: string): Promise<Version | undefined> {
  const repository = await openRepository(project.root, { environment: project.environment })
  const found = await repository?.filesAt(target, [lockFile, 'sources.yaml'])
  if (found === undefined) return undefined
  const lock = found.files.get(lockFile)
  const sources = found.files.get('sources.yaml')
  const stages = lock === undefined ? [] : [...parseLock(lock).stages]
  return {
    commit: found.commit,
    roots: new Map(stages.map(([stage, { attestation }]) => [stage, attestation])),
    sources: sources === undefined ? [] : unrevoked(parseSources(sources)),
  }
}

function unrevoked(sources: readonly Source[]): readonly Source[] {
  return sources.filter(({ revoked }) => revoked === undefined)
}

export type Behind = Readonly<{
  /** Believed statements, those at the top first. */
  statements: ReadonlyMap<Sha256, StageFacts>
  /** Named, and not here or not believed. */
  absent: ReadonlySet<Sha256>
}>

/** The statements at the top of a version and all that they build on, as far as they are here. */
export function statementsBehind(project: Project, roots: Iterable<Sha256>): Behind {
  const statements = new Map<Sha256, StageFacts>()
  const absent = new Set<Sha256>()
  let level = [...roots]
  while (level.length > 0) {
    const next: Sha256[] = []
    for (const attestation of level) {
      if (statements.has(attestation) || absent.has(attestation)) continue
      const facts = believedStage(project, attestation)
      if (facts === undefined) {
        absent.add(attestation)
        continue
      }
      statements.set(attestation, facts)
      for (const { origin } of facts.dependencies) if (origin.kind === 'stage') next.push(origin.attestation)
    }
    level = next
  }
  return { statements, absent }
}
