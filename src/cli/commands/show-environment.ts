/** `assay show --environment`: all that is recorded of how the stages of a run ran, each item with its tier. */
import { DomainError, oneLine } from '../../core/index.ts'
import { environmentRecord, lookAtStage, type Project, type RecordedItem } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

type Asked = Readonly<{ runId: string | undefined; stage: string | undefined }>
type Shown = Readonly<{ stage: string; believed: boolean; items: readonly RecordedItem[] }>

/** What all stages share is told once. @throws ERR_STAGE_UNKNOWN, ERR_RUN_UNKNOWN */
export function showEnvironment({ output }: CliContext, project: Project, { runId, stage }: Asked): Exit {
  const { report } = project.runs.load(runId)
  const looked = report.stages
    .filter(({ name }) => stage === undefined || name === stage)
    .flatMap(({ name, attestation }) =>
      attestation === undefined ? [] : [{ name, ...lookAtStage(project, attestation) }],
    )
  const stages = looked.map(({ name, facts, believed }): Shown => {
    return { stage: name, believed, items: environmentRecord(facts) }
  })
  const [first, ...others] = stages
  if (first === undefined) {
    const which = stage === undefined ? 'any stage' : `a stage called \`${stage}\``
    throw new DomainError('ERR_STAGE_UNKNOWN', `the run holds no evidence of ${which}`, {
      help: 'assay show lists the stages of the run',
    })
  }
  const [only] = looked
  // one stage alone: the shape that it has always had, and the items beside it
  const single =
    stage === undefined || only === undefined ? {} : { environment: only.facts.environment, facts: only.facts.facts }
  output.document({ runId: report.runId, believed: stages.every(({ believed }) => believed), ...single, stages })
  for (const { stage: name } of stages.filter(({ believed }) => !believed))
    output.note(
      `${output.style('yellow', 'not believed')}: \`${oneLine(name)}\` is shown as it stands and proves nothing`,
    )
  if (others.length === 0) {
    tell(output, first.stage, first.items)
    return 0
  }
  const shared = new Set(first.items.map(keyOf))
  for (const { items } of others) {
    const own = new Set(items.map(keyOf))
    for (const key of shared) if (!own.has(key)) shared.delete(key)
  }
  for (const { stage: name, items } of stages)
    tell(
      output,
      name,
      items.filter((item) => !shared.has(keyOf(item))),
    )
  tell(
    output,
    'all of these stages',
    first.items.filter((item) => shared.has(keyOf(item))),
  )
  return 0
}

function keyOf({ group, name, value, tier }: RecordedItem): string {
  return JSON.stringify([group, name, value, tier])
}

const maxValue = 100

function tell(output: CliContext['output'], title: string, items: readonly RecordedItem[]): void {
  output.line(output.style('bold', oneLine(title)))
  const rows = items.map(({ group, name, value, tier }, index) => [
    '  ',
    group === items[index - 1]?.group ? '' : group,
    name,
    tier,
    cut(oneLine(value)),
  ])
  for (const line of table(rows)) output.line(line)
  output.line()
}

function cut(value: string): string {
  return value.length > maxValue ? `${value.slice(0, maxValue - 1)}…` : value
}
