/**
 * Which stages a run is about, and in which order: pure.
 *
 * Whether a stage is up to date depends on what the stages before it make, so that question is asked by `run` (and by
 * `status`, with what is there now), stage by stage, in this order.
 */
import { DomainError, nearest } from '../core/index.ts'
import type { PipelineDefinition, StageDefinition } from './definition.ts'

export type Plan = Readonly<{
  /** Every stage before those that need it. */
  order: readonly StageDefinition[]
  /** Stage -> stages of this plan that it waits for. */
  after: ReadonlyMap<string, readonly string[]>
}>

/**
 * The plan for `targets` and all that they need; without targets the whole project.
 *
 * A target is a stage's name, the stem of a `foreach` or `matrix` group, or a path that a stage makes.
 *
 * @throws ERR_STAGE_UNKNOWN when a target names nothing
 * @throws ERR_DEFINITION_CYCLE when stages wait for each other
 */
export function planRun(pipeline: PipelineDefinition, targets: readonly string[]): Plan {
  const byName = new Map(pipeline.stages.map((stage) => [stage.name, stage]))
  const wanted =
    targets.length === 0 ? [...byName.keys()] : targets.flatMap((target) => stagesNamed(target, pipeline.stages))
  const order: StageDefinition[] = []
  const state = new Map<string, 'open' | 'done'>()

  const visit = (name: string, trail: readonly string[]): void => {
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open') throw cycle([...trail.slice(trail.indexOf(name)), name])
    const stage = byName.get(name)
    if (stage === undefined) return
    state.set(name, 'open')
    for (const upstream of pipeline.after.get(name) ?? []) visit(upstream, [...trail, name])
    state.set(name, 'done')
    order.push(stage)
  }
  for (const name of wanted) visit(name, [])

  const planned = new Set(order.map((stage) => stage.name))
  const after = new Map(
    order.map(({ name }) => [name, (pipeline.after.get(name) ?? []).filter((upstream) => planned.has(upstream))]),
  )
  return { order, after }
}

/** @throws ERR_STAGE_UNKNOWN when the target names nothing */
export function stagesNamed(target: string, stages: readonly StageDefinition[]): readonly string[] {
  const path = target.replace(/\/+$/, '')
  const named = stages.filter(
    ({ name, outs }) => name === target || name.startsWith(`${target}@`) || outs.some((out) => out.path === path),
  )
  if (named.length > 0) return named.map(({ name }) => name)
  const suggestion = nearest(
    target,
    stages.map(({ name }) => name),
  )
  throw new DomainError('ERR_STAGE_UNKNOWN', `no stage is called \`${target}\` and none makes it`, {
    ...(suggestion === undefined ? {} : { help: `did you mean \`${suggestion}\`?` }),
  })
}

function cycle(names: readonly string[]): DomainError {
  return new DomainError('ERR_DEFINITION_CYCLE', `these stages wait for each other: ${names.join(' -> ')}`)
}
