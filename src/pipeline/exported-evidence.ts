/** The evidence that travels with an artifact: its statements back to the sources, and all that speaks of them. */
import { type NamedBundle, type StageFacts, statedReproduction } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { readStage } from './believe.ts'
import { gatesAtHandOf } from './gates-key.ts'
import { attestationsIn, proofsToShow } from './log-proofs.fs.ts'
import type { LogProofs } from './log-trust.ts'
import type { Project } from './project.ts'
import { reproductionsAtHand } from './reproduction-key.ts'
import { approvalsToJudge } from './sources.ts'

export type ExportedEvidence = Readonly<{
  /** Each by the name that its file gets. */
  bundles: readonly NamedBundle[]
  proofs: LogProofs
  counted: Readonly<Record<'stages' | 'verdicts' | 'gates' | 'builds' | 'reproductions' | 'approvals', number>>
}>

/**
 * @param chain attestations of stages, the artifact's own first
 * @param places folders of logs whose proofs go along; the project's own when left out
 */
export function exportedEvidence(
  project: Project,
  chain: readonly Sha256[],
  places?: readonly string[],
): ExportedEvidence {
  const approvals = approvalsToJudge(project).map(({ name, bytes }) => ({
    name: name.replace(/^.*\/|\.sigstore\.json$/g, ''),
    bytes,
  }))
  const statements = chain.map((attestation) => ({ attestation, facts: readStage(project, attestation) }))
  const verdicts = verdictsOf(statements.map(({ facts }) => facts))
  const builds = buildsOf(statements.map(({ facts }) => facts))
  const reproductions = reproductionsOf(project, statements)
  const gates = gatesOf(project, statements)
  const stages = named(
    [
      ...statements.map(({ attestation, facts }) => ({ attestation, stage: facts.stage })),
      ...verdicts,
      ...builds,
      ...reproductions,
      ...gates,
    ],
    approvals.map(({ name }) => name),
  ).map(({ attestation, name }) => ({ name, bytes: project.evidence.bundle(attestation) ?? new Uint8Array() }))
  const bundles = [...stages, ...approvals]
  return {
    bundles,
    proofs: proofsToShow(project.root, attestationsIn(bundles), places),
    counted: {
      stages: statements.length,
      verdicts: verdicts.length,
      gates: gates.length,
      builds: builds.length,
      reproductions: reproductions.length,
      approvals: approvals.length,
    },
  }
}

/** What running the stages again came to, newest first, with the statements of those runs. */
function reproductionsOf(
  project: Project,
  statements: readonly Readonly<{ attestation: Sha256; facts: StageFacts }>[],
): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { attestation, facts } of statements) {
    for (const reproduction of reproductionsAtHand(project, attestation)) {
      found.set(reproduction, `${facts.stage}.reproduction`)
      const bytes = project.evidence.bundle(reproduction)
      for (const { stage, again } of (bytes === undefined ? undefined : statedReproduction(bytes))?.stages ?? [])
        if (again !== undefined && project.evidence.bundle(again) !== undefined) found.set(again, `${stage}.again`)
    }
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

/** What the gates of what they made came to: all that the project itself counts, newest first. */
function gatesOf(
  project: Project,
  statements: readonly Readonly<{ attestation: Sha256; facts: StageFacts }>[],
): readonly Statement[] {
  return statements.flatMap(({ attestation: made, facts }) =>
    gatesAtHandOf(project, made).map((attestation) => ({ attestation, stage: `${facts.stage}.gates` })),
  )
}

/** The data verdicts that the stages were started on, each once, named by their data. */
function verdictsOf(stages: readonly StageFacts[]): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { dependencies } of stages) {
    for (const { path, verdict } of dependencies) if (verdict !== undefined) found.set(verdict, `${path}.verdict`)
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

/** The builds of wheels that the stages ran with, each once, named by the wheel. */
function buildsOf(stages: readonly StageFacts[]): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { environment } of stages) {
    if (environment.build !== undefined) found.set(environment.build, `${environment.name}.environment`)
    for (const { name, build } of environment.materials) if (build !== undefined) found.set(build, `${name}.build`)
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

type Statement = Readonly<{ attestation: Sha256; stage: string }>

/** One file a stage, by its name: `sub/dvc.yaml:train@0.1` -> `sub-dvc.yaml-train@0.1`; with its digest where two meet. */
function named(
  statements: readonly Statement[],
  taken: readonly string[],
): readonly Readonly<{ attestation: Sha256; name: string }>[] {
  const plain = statements.map(({ attestation, stage }) => ({
    attestation,
    name: stage.replace(/[^\p{L}\p{N}@._-]+/gu, '-'),
  }))
  const all = [...plain.map(({ name }) => name), ...taken]
  return plain.map(({ attestation, name }) =>
    all.filter((other) => other === name).length === 1
      ? { attestation, name }
      : { attestation, name: `${name}-${attestation.slice(7, 19)}` },
  )
}
