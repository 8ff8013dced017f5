/** The JSON of `status --json --plan`: the resolved plan as DVC resolves it. */
import { comparePaths, type Json } from '../../core/index.ts'
import type { OutDefinition, PipelineDefinition, StageDefinition } from '../definition.ts'

export type PlanDocument = Readonly<{ stages: readonly PlannedStage[] }>

export type PlannedStage = Readonly<{
  /** DVC's address: `train`, `train@0.1`, `sub/dvc.yaml:train`. */
  name: string
  /** As DVC has it: a text of several lines is one entry. An entry that is no text is one that DVC cannot run. */
  cmd: readonly Json[]
  wdir: string
  deps: readonly string[]
  params: Readonly<Record<string, readonly string[]>>
  /** All outs; metrics and plots are named again below. */
  outs: readonly Readonly<{ path: string; cache: boolean; persist: boolean; push?: boolean; remote?: string }>[]
  metrics: readonly string[]
  plots: readonly string[]
  /** Direct edges, sorted: stages, and `.dvc` files by their path. */
  after: readonly string[]
  frozen?: true
  always_changed?: true
}>

/** design.md section 5. Paths are relative to the project; fields may be added, never renamed. */
export function planDocument(pipeline: PipelineDefinition): PlanDocument {
  return { stages: pipeline.stages.map((stage) => plannedStage(stage, pipeline)) }
}

function plannedStage(stage: StageDefinition, pipeline: PipelineDefinition): PlannedStage {
  const before = [...(pipeline.after.get(stage.name) ?? []), ...(pipeline.afterData?.get(stage.name) ?? [])]
  const pathsOf = (role: OutDefinition['role']): string[] =>
    stage.outs.filter((out) => out.role === role).map((out) => out.path)
  return {
    name: stage.name,
    cmd: stage.cmd ?? stage.commands,
    wdir: stage.workingDirectory,
    deps: stage.deps,
    params: stage.params,
    outs: stage.outs.map(({ role: _, ...out }) => out),
    metrics: pathsOf('metric'),
    plots: pathsOf('plot'),
    after: before.toSorted(comparePaths),
    ...(stage.frozen ? { frozen: true } : {}),
    ...(stage.alwaysChanged ? { always_changed: true } : {}),
  }
}
