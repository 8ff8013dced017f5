/** What differs between two runs, stage by stage, from their statements; and what may be the cause, likeliest first. */
import type { StageFacts } from '../attestation/index.ts'
import type { Difference } from '../reproducibility/index.ts'
import { lookAtStage } from './believe.ts'
import { causesOf, type StageCause } from './causes.fs.ts'
import { differencesOf } from './differences.ts'
import type { Project } from './project.ts'
import type { RunRecord } from './runs.fs.ts'

export type RunDifference = Readonly<{
  /** Nothing that is recorded differs, the outs included. */
  identical: boolean
  left: string
  right: string
  stages: readonly Readonly<{ name: string; changes: readonly Difference[] }>[]
  /** Of outs that differ. Those of a stage whose inputs differ by a stage before come last. */
  causes: readonly StageCause[]
  /** Stages whose statements no builder of the policy signed, such as those of a draft: as they say of themselves. */
  unbelieved: readonly string[]
}>

/** @throws ERR_RUN_UNKNOWN, ERR_EVIDENCE_MISSING */
export async function diffRuns(project: Project, left: string, right: string): Promise<RunDifference> {
  const [then, now] = [project.runs.load(left), project.runs.load(right)]
  const [leftStages, rightStages] = [stagesOf(project, then), stagesOf(project, now)]
  const names = [...new Set([...leftStages.keys(), ...rightStages.keys()])]
  const pairs = names.flatMap((name) => {
    const [before, after] = [leftStages.get(name), rightStages.get(name)]
    return before === undefined || after === undefined ? [] : [{ left: before.facts, right: after.facts }]
  })
  const stages: RunDifference['stages'][number][] = []
  for (const name of names) {
    const [before, after] = [leftStages.get(name)?.facts, rightStages.get(name)?.facts]
    const changes =
      before === undefined || after === undefined
        ? [{ what: 'evidence', before: before ? 'there' : 'none', after: after ? 'there' : 'none' }]
        : await differencesOf(project, before, after)
    if (changes.length > 0) stages.push({ name, changes })
  }
  const isBelieved = (name: string): boolean =>
    [leftStages, rightStages].every((side) => side.get(name)?.believed !== false)
  return {
    identical: stages.length === 0,
    left: then.report.runId,
    right: now.report.runId,
    stages,
    causes: await causesOf(project, pairs),
    unbelieved: names.filter((name) => !isBelieved(name)),
  }
}

function stagesOf(
  project: Project,
  { report }: RunRecord,
): ReadonlyMap<string, Readonly<{ facts: StageFacts; believed: boolean }>> {
  return new Map(
    report.stages.flatMap(({ name, attestation }) =>
      attestation === undefined ? [] : [[name, lookAtStage(project, attestation)] as const],
    ),
  )
}
