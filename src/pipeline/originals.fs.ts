/** The statements that a reproduction is about: of a run, behind an artifact, or from evidence that travelled. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { StageFacts } from '../attestation/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import { readStage } from './believe.ts'
import { bundlesAt, evidenceAt } from './evidence-files.fs.ts'
import { importEvidence } from './import-evidence.ts'
import type { Project } from './project.ts'
import { chainOfArtifact } from './verify-artifact.fs.ts'

/** A believed statement of then. */
export type Original = Readonly<{ attestation: Sha256; facts: StageFacts }>

/**
 * Each stage after those that it builds on, back to the sources.
 *
 * @param target a run, an artifact, or exported evidence (`.jsonl`, a bundle, a folder of bundles); the latest run when
 *   left out, or what `assay.lock` names where there was none; several artifacts of the project, by project path
 * @throws ERR_RUN_UNKNOWN, ERR_EVIDENCE_MISSING
 */
export async function originalsOf(
  project: Project,
  target: string | readonly string[] | undefined,
  workingFolder: string,
): Promise<readonly Original[]> {
  if (typeof target === 'string' || target === undefined) {
    return inOrder(project, await rootsOf(project, target, workingFolder))
  }
  const roots: Sha256[] = []
  for (const path of target) roots.push(...(await chainOfArtifact(project, path, project.root)))
  return inOrder(project, roots)
}

async function rootsOf(
  project: Project,
  target: string | undefined,
  workingFolder: string,
): Promise<readonly Sha256[]> {
  const path = target === undefined ? undefined : resolve(workingFolder, target)
  if (path !== undefined && isEvidence(path)) return importEvidence(project, evidenceAt(path), path).stages
  if (path !== undefined && existsSync(path)) return chainOfArtifact(project, target, workingFolder)
  const locked = [...project.lock.values()].map(({ attestation }) => attestation)
  // a clone that pulled has no run of its own
  if (target === undefined && project.runs.list().length === 0 && locked.length > 0) return locked
  const { report } = project.runs.load(target)
  const made = report.stages.flatMap(({ attestation }) => attestation ?? [])
  if (made.length > 0) return made
  throw new DomainError('ERR_EVIDENCE_MISSING', `the run ${report.runId} has left no evidence that could be reproduced`)
}

function isEvidence(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return false
  return status.isFile() ? /\.(jsonl|sigstore\.json)$/.test(path) : existsSync(path) && bundlesAt(path).length > 0
}

/** Iterative, so that a long chain costs no stack. */
function inOrder(project: Project, roots: readonly Sha256[]): readonly Original[] {
  const placed = new Map<Sha256, Original>()
  const open = roots.toReversed().map((attestation) => ({ attestation, entered: false }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { attestation, entered } = next
    if (placed.has(attestation)) continue
    const facts = readStage(project, attestation)
    if (entered) {
      placed.set(attestation, { attestation, facts })
      continue
    }
    open.push({ attestation, entered: true })
    for (const { origin } of facts.dependencies) {
      if (origin.kind === 'stage') open.push({ attestation: origin.attestation, entered: false })
    }
  }
  return [...placed.values()]
}
