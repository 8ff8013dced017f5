/**
 * What differs between two runs, stage by stage, from their statements: causes before effects.
 *
 * Order of a stage's changes: code, command, parameters, inputs, environment, system, machine, then outputs.
 */
import type { StageFacts } from '../attestation/index.ts'
import { diffSystems } from '../compute/index.ts'
import type { Sha256 } from '../core/index.ts'
import { believedStage } from './believe.ts'
import type { Project } from './project.ts'
import { recordedSystem, systemMaterial } from './systems.ts'

export type Change = Readonly<{ what: string; before: string; after: string }>
export type RunDifference = Readonly<{
  identical: boolean
  left: string
  right: string
  stages: readonly Readonly<{ name: string; changes: readonly Change[] }>[]
}>

/** @throws ERR_RUN_UNKNOWN */
export async function diffRuns(project: Project, left: string, right: string): Promise<RunDifference> {
  const [then, now] = [project.runs.load(left), project.runs.load(right)]
  const factsOf = (run: typeof then): ReadonlyMap<string, StageFacts> =>
    new Map(
      run.report.stages.flatMap(({ name, attestation }) => {
        const facts = attestation === undefined ? undefined : believedStage(project, attestation)
        return facts === undefined ? [] : [[name, facts] as const]
      }),
    )
  const [leftFacts, rightFacts] = [factsOf(then), factsOf(now)]
  const names = new Set([...leftFacts.keys(), ...rightFacts.keys()])
  const stages: RunDifference['stages'][number][] = []
  for (const name of names) {
    const changes = await changesOf(project, leftFacts.get(name), rightFacts.get(name))
    if (changes.length > 0) stages.push({ name, changes })
  }
  return { identical: stages.length === 0, left: then.report.runId, right: now.report.runId, stages }
}

export type Cause = Change & Readonly<{ stage: string }>

/**
 * What may have made stages come to something else, over all of them: likeliest cause first, and last what only came of a
 * stage before.
 *
 * @param stages each with what it was and what it is, in the order of the pipeline
 */
export async function causesOf(
  project: Project,
  stages: readonly Readonly<{ left: StageFacts; right: StageFacts }>[],
): Promise<readonly Cause[]> {
  const causes: (Cause & Readonly<{ rank: number }>)[] = []
  for (const { left, right } of stages) {
    const made = new Set(right.dependencies.flatMap(({ path, origin }) => (origin.kind === 'stage' ? [path] : [])))
    for (const change of await changesOf(project, left, right)) {
      const [kind = '', name = ''] = splitOnce(change.what)
      if (kind === 'output' || change.what === 'record system/accepted') continue
      const rank = kind === 'input' && made.has(name) ? kinds.length : kinds.indexOf(kind)
      causes.push({ stage: right.stage, ...change, rank: rank < 0 ? kinds.length - 1 : rank })
    }
  }
  return causes.toSorted((one, other) => one.rank - other.rank).map(({ rank: _, ...cause }) => cause)
}

/** Likeliest first; a parameter before the command that it stands in. What is none of these is as good as a record. */
const kinds = ['code', 'parameter', 'command', 'input', 'environment', 'system', 'variable', 'record']

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf(' ')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

async function changesOf(
  project: Project,
  left: StageFacts | undefined,
  right: StageFacts | undefined,
): Promise<readonly Change[]> {
  if (left === undefined || right === undefined) {
    return [
      {
        what: 'evidence',
        before: left === undefined ? 'none' : 'there',
        after: right === undefined ? 'none' : 'there',
      },
    ]
  }
  return [
    ...mapChanges('code', codeOf(left), codeOf(right)),
    ...mapChanges('command', { command: left.commands.join(' && ') }, { command: right.commands.join(' && ') }),
    ...mapChanges('parameter', paramsOf(left), paramsOf(right)),
    ...mapChanges('input', depsOf(left), depsOf(right)),
    ...mapChanges('environment', environmentOf(left), environmentOf(right)),
    ...(await systemChanges(project, left, right)),
    ...mapChanges('variable', left.variables, right.variables),
    ...mapChanges('record', recordOf(left), recordOf(right)),
    ...mapChanges('output', outsOf(left), outsOf(right)),
  ]
}

/** What moved in the system, where the records of both are here; else the digests, among the facts of the record. */
async function systemChanges(project: Project, left: StageFacts, right: StageFacts): Promise<readonly Change[]> {
  const [before, after] = [systemOf(left), systemOf(right)]
  if (before === undefined || after === undefined || before === after) return []
  const [then, now] = [await recordedSystem(project, before), await recordedSystem(project, after)]
  return then === undefined || now === undefined ? [] : diffSystems(then, now)
}

const systemOf = ({ environment: { materials } }: StageFacts): Sha256 | undefined =>
  materials.find(({ name }) => name === systemMaterial)?.digest

type Facts = Readonly<Record<string, string>>

function mapChanges(kind: string, left: Facts, right: Facts): readonly Change[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].toSorted().flatMap((name) => {
    const [before, after] = [left[name] ?? 'none', right[name] ?? 'none']
    return before === after ? [] : [{ what: kind === name ? kind : `${kind} ${name}`, before, after }]
  })
}

const codeOf = (facts: StageFacts): Facts =>
  facts.code.kind === 'opened'
    ? Object.fromEntries(facts.code.files.map(({ path, digest }) => [path, digest]))
    : { 'all visible files': facts.code.digest }
const depsOf = (facts: StageFacts): Facts =>
  Object.fromEntries(
    facts.dependencies.filter(({ role }) => role !== 'params').map(({ path, digest }) => [path, digest]),
  )
const outsOf = (facts: StageFacts): Facts => Object.fromEntries(facts.outputs.map(({ path, digest }) => [path, digest]))
/** Without what says when it was, not how: that differs each time. */
const recordOf = (facts: StageFacts): Facts =>
  Object.fromEntries(
    facts.facts.filter(({ name }) => !name.startsWith('outlived/')).map(({ name, value }) => [name, value]),
  )
const paramsOf = (facts: StageFacts): Facts =>
  Object.fromEntries(
    Object.entries(facts.parameters).flatMap(([file, values]) =>
      Object.entries(values).map(([key, value]) => [`${file}:${key}`, JSON.stringify(value)] as const),
    ),
  )
const environmentOf = (facts: StageFacts): Facts => ({
  [facts.environment.name]: facts.environment.digest,
  ...Object.fromEntries(facts.environment.packages.map(({ name, version }) => [`package ${name}`, version])),
})
