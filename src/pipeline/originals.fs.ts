/** The statements that a reproduction is about: of a run, behind an artifact, or from evidence that travelled. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type StageFacts,
  verifyDataVerdict,
  verifyReproduction,
  verifySourceBuild,
  verifyStage,
} from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { readStage } from './believe.ts'
import { bundlesAt } from './evidence-files.fs.ts'
import type { Project } from './project.ts'
import { reproductionKey } from './reproduction-key.ts'
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
  if (path !== undefined && isEvidence(path)) return importEvidence(project, path)
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

/** Keeps what is believed of it, as evidence of the project; approvals travel with the commit. @throws ERR_EVIDENCE_MISSING */
export function importEvidence({ evidence, trust }: Project, path: string): readonly Sha256[] {
  const stages: Sha256[] = []
  const repeats = new Set<Sha256>()
  for (const { bytes } of bundlesAt(path)) {
    const stage = verifyStage(bytes, trust)
    if (stage.trusted) {
      const { key, outputs } = stage.statement.facts
      stages.push(evidence.save(bytes, { key, subjects: outputs.map(({ digest }) => digest) }))
      continue
    }
    const verdict = verifyDataVerdict(bytes, trust)
    if (verdict.trusted) evidence.save(bytes, { key: verdict.statement.verdict.key, subjects: [] })
    const built = verifySourceBuild(bytes, trust)
    if (built.trusted) evidence.save(bytes, { key: sha256Of(bytes), subjects: [built.statement.build.wheel.digest] })
    for (const again of keepReproduction(bytes, trust, evidence)) repeats.add(again)
  }
  const first = stages.filter((attestation) => !repeats.has(attestation))
  if (first.length > 0) return first
  throw new DomainError('ERR_EVIDENCE_MISSING', `nothing in \`${path}\` is a statement of a stage that is believed`)
}

/** Found again by each stage that it is about. @returns the statements of the runs that it was made with */
function keepReproduction(
  bytes: Uint8Array,
  trust: Project['trust'],
  evidence: Project['evidence'],
): readonly Sha256[] {
  const verdict = verifyReproduction(bytes, trust)
  if (!verdict.trusted) return []
  const { stages } = verdict.statement.reproduction
  for (const { original } of stages) evidence.save(bytes, { key: reproductionKey(original), subjects: [] })
  return stages.flatMap(({ again }) => again ?? [])
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
