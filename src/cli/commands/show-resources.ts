/** `assay show --resources`: what the stages of a run used, as pictures in the terminal and, with `--report`, as a page. */
import { DomainError, formatDuration, oneLine, printable } from '../../core/index.ts'
import {
  curvesOf,
  holderIn,
  lookAtStage,
  type Project,
  printResourceReport,
  type StageUse,
  totalsOf,
  writeReport,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'
import { sparkline } from '../sparkline.ts'

type Asked = Readonly<{ runId: string | undefined; stage: string | undefined; report: string | undefined }>

/** @throws ERR_STAGE_UNKNOWN, ERR_RUN_UNKNOWN, ERR_IO */
export function showResources(context: CliContext, project: Project, { runId, stage, report }: Asked): Exit {
  const { output } = context
  const run = project.runs.load(runId)
  const ran = run.report.stages.filter(({ name }) => stage === undefined || name === stage)
  const stages = ran.flatMap(({ name, attestation, resources: seen }) => {
    const resources = attestation === undefined ? seen : lookAtStage(project, attestation).facts.resources
    return resources === undefined ? [] : [{ name, resources }]
  })
  if (stages.length === 0)
    throw new DomainError('ERR_STAGE_UNKNOWN', 'the run knows of no such stage what it used', {
      help: 'assay show lists the stages of the run',
    })
  if (report !== undefined)
    writeReport(context, report, printResourceReport({ runId: run.report.runId, startedAt: run.startedAt, stages }))
  output.document({ stages })
  for (const { name, resources } of stages) {
    output.line(output.style('bold', oneLine(name)))
    for (const line of table(rowsOf(resources))) output.line(`  ${line}`)
  }
  if (report !== undefined) output.line(`report: ${printable(report)}`)
  return 0
}

const chartWidth = 60

function rowsOf(resources: StageUse['resources']): readonly (readonly string[])[] {
  const { programs = [], profile, unusual = [] } = resources
  const curves = curvesOf(resources)
  return [
    ...totalsOf(resources).map(([label, value]) => [label, value, '']),
    ...curves
      .filter(({ values }) => values.some((value) => value > 0))
      .map(({ name, values, print }) => [name, `up to ${print(Math.max(...values))}`, sparkline(values, chartWidth)]),
    ['looks', profile === undefined ? 'it was too short' : `a point each ${formatDuration(profile.everyMs)}`, ''],
    ['limits', holderIn(resources), ''],
    ['programs', programs.length === 0 ? 'none was seen' : programs.join(', '), ''],
    ...unusual.map((each) => ['unusual', each, '']),
  ]
}
