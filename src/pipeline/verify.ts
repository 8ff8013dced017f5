/**
 * The other direction: is this artifact what the project's evidence says, all the way back to its sources?
 *
 * Order of what is judged by: `--policy`, `--key`, the pinned policy, the repository's own trust.yaml. Order of where
 * evidence is looked for: `--evidence`, `<file>.assay.jsonl`, the enclosing project. Source: trust.md section 1.
 */
import {
  type ChainEvidence,
  type ChainVerdict,
  type Finding,
  passed,
  refused,
  verifyChain,
} from '../attestation/index.ts'
import { type Digest, isInside, isSha256, type Sha256 } from '../core/index.ts'
import { believedStage } from './believe.ts'
import { chainEvidenceOf, surroundingsOf } from './chain-facts.ts'
import { decideGate, parseGate } from './gates.ts'
import type { Project } from './project.ts'
import type { RunReport } from './report.ts'

/** The shape of `assay verify --json`. */
export type ArtifactVerdict = Readonly<{
  trusted: boolean
  level: number
  whyNotHigher: readonly string[]
  subject: Readonly<{ path: string; digest: Digest | null }>
  findings: readonly Finding[]
  properties: ChainVerdict['properties']
  commits: readonly string[]
  /** Every row of the level table, those of higher levels too. */
  requirements: ChainVerdict['requirements']
}>

export const nothingEarned: ChainVerdict['properties'] = {
  isolated: false,
  hermetic: false,
  inputsApproved: false,
  locked: false,
  validated: false,
  reproduced: false,
}

/** An artifact that is not there, or that no evidence can be looked up for. */
export function untrusted(path: string, finding: Finding): ArtifactVerdict {
  return {
    trusted: false,
    level: 0,
    whyNotHigher: [finding.because],
    subject: { path, digest: null },
    findings: [finding],
    properties: nothingEarned,
    commits: [],
    requirements: [],
  }
}

export function verdictOf(chain: ChainVerdict, more: readonly Finding[] = []): ArtifactVerdict {
  const { level, whyNotHigher, subject, findings, properties, commits, requirements } = chain
  const held = more.every((finding) => finding.passed)
  return {
    trusted: chain.trusted && held,
    level: held ? level : 0,
    whyNotHigher: [...more.filter((finding) => !finding.passed).map(({ because }) => because), ...whyNotHigher],
    subject,
    findings: [...findings, ...more],
    properties,
    commits,
    requirements,
  }
}

/** What `verify` without an argument is about: the project's model, else the outs that no stage needs. */
export function finalOuts(project: Project): readonly string[] {
  const { model } = project.settings
  if (model !== undefined) return [model.path]
  const needed = project.pipeline.stages.flatMap((stage) => stage.deps)
  const outs = project.pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  return outs.filter((out) => !needed.some((dep) => isInside(dep, out) || isInside(out, dep)))
}

/**
 * The chain behind content of the project; for the project's model with its judges and gates.
 *
 * @param path project path of the out
 */
export async function verifyContent(
  project: Project,
  path: string,
  digest: Digest,
  evidence: ChainEvidence = chainEvidenceOf(project),
): Promise<ArtifactVerdict> {
  const isModel = project.settings.model?.path === path
  const chain = chainOf(project, path, digest, evidence, isModel ? judgesOf(project, path) : [])
  return verdictOf(chain, isModel ? await gateFindings(project, digest) : [])
}

export function chainOf(
  project: Project,
  path: string,
  digest: Digest,
  evidence: ChainEvidence,
  extraRoots: readonly Sha256[],
): ChainVerdict {
  return verifyChain({
    subject: { path, digest },
    entries: entriesOf(project, path),
    extraRoots,
    evidence,
    policy: project.trust,
    surroundings: surroundingsOf(project),
  })
}

/** The attestation that the lock pins for an out: a hint, tried first. */
function entriesOf(project: Project, path: string): readonly Sha256[] {
  return [...project.lock.values()].flatMap((entry) => (Object.hasOwn(entry.outs, path) ? [entry.attestation] : []))
}

/** Stages that need the model: evaluation. */
export function judgesOf(project: Project, path: string): readonly Sha256[] {
  return project.pipeline.stages
    .filter((stage) => stage.deps.some((dep) => isInside(dep, path) || isInside(path, dep)))
    .flatMap((stage) => project.lock.get(stage.name)?.attestation ?? [])
}

/** Fails closed: gates without metrics that evidence proves do not pass. */
async function gateFindings(project: Project, digest: Digest): Promise<readonly Finding[]> {
  const { model } = project.settings
  if (model === undefined || model.gates.length === 0) return []
  const metrics = model.metrics === undefined ? undefined : await provenMetrics(project, model.metrics, digest)
  if (metrics === undefined) {
    return [refused('gates', 'ERR_GATE_FAILED', 'the model has gates, and no evidence proves metrics of these bytes')]
  }
  return model.gates.map((text) => {
    const verdict = decideGate(parseGate(text), metrics)
    const because = `${verdict.gate}: ${verdict.because}`
    return verdict.passed ? passed('gates', because) : refused('gates', 'ERR_GATE_FAILED', because)
  })
}

/**
 * The metrics as the judging stage wrote them, whatever lies in the working tree.
 *
 * THREAT: good metrics of an earlier model stand for a later one that was never evaluated.
 */
async function provenMetrics(
  project: Project,
  path: string,
  model: Digest,
): Promise<Parameters<typeof decideGate>[1] | undefined> {
  const entry = [...project.lock.values()].find(({ outs }) => Object.hasOwn(outs, path))
  if (entry === undefined || !isAbout(project, entry.attestation, model)) return undefined
  const output = believedStage(project, entry.attestation)?.outputs.find((out) => out.path === path)
  if (output === undefined || !(isSha256(output.digest) && project.store.has(output.digest))) return undefined
  return project.contents.readJson(output.digest, path)
}

/** Whether the model of these bytes is among what a statement is about or builds on. */
function isAbout(project: Project, attestation: Sha256, model: Digest): boolean {
  const open = new Set([attestation])
  for (const next of open) {
    const facts = believedStage(project, next)
    if (facts?.outputs.some(({ path, digest }) => path === project.settings.model?.path && digest === model) === true)
      return true
    for (const { origin } of facts?.dependencies ?? []) if (origin.kind === 'stage') open.add(origin.attestation)
  }
  return false
}

/** The lowest level over what a run left behind, and why it is not higher. */
export function levelOfRun(project: Project, report: RunReport): Pick<RunReport, 'level' | 'whyNotHigher'> {
  const made = new Map(report.stages.flatMap(({ outputs }) => outputs.map((out) => [out.path, out.digest] as const)))
  const finals = finalOuts(project).filter((path) => made.has(path))
  const paths = finals.length > 0 ? finals : [...made.keys()]
  let lowest: Pick<RunReport, 'level' | 'whyNotHigher'> | undefined
  for (const path of paths) {
    const digest = made.get(path)
    if (digest === undefined) continue
    const reached = chainOf(project, path, digest, chainEvidenceOf(project), [])
    if (lowest === undefined || reached.level < lowest.level) lowest = reached
  }
  return { level: lowest?.level ?? 0, whyNotHigher: lowest?.whyNotHigher ?? ['nothing was made that could be proven'] }
}
