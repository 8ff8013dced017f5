/** `assay status`: what would run, and why; `--plan` the resolved plan alone. */
import { oneLine } from '../../core/index.ts'
import { openPlan, openProject, type RunEvent, runPipeline } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { plannedWords, table, wordOf } from '../render.ts'

type StatusOptions = Readonly<{ check?: boolean; plan?: boolean }>

export async function status(context: CliContext, _: readonly string[], options: StatusOptions): Promise<Exit> {
  return options.plan === true ? showPlan(context) : showStatus(context, options.check === true)
}

/** Reads definitions only: no data, no key, no sandbox, no assay.yaml. */
async function showPlan(context: CliContext): Promise<Exit> {
  const plan = await openPlan(context)
  context.output.document(plan)
  const rows = plan.stages.map(({ name, after, cmd }) => [
    name,
    after.length === 0 ? '' : `after ${after.join(', ')}`,
    cmd.map(String).join(' && '),
  ])
  for (const line of table(rows)) context.output.line(line)
  return 0
}

async function showStatus(context: CliContext, check: boolean): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const planned: Extract<RunEvent, { kind: 'planned' }>[] = []
  const report = await runPipeline(project, {
    targets: [],
    dryRun: true,
    force: false,
    keepGoing: true,
    trace: false,
    draft: false,
    unsafeNoSandbox: false,
    signal: context.signal,
    onEvent: (event) => {
      if (event.kind === 'planned') planned.push(event)
    },
  })
  const refused = report.stages.filter(({ status: word }) => word === 'refused' || word === 'failed')
  const blocked = report.stages.filter(({ code }) => code === 'ERR_STAGE_UPSTREAM')
  const stale = planned.filter(({ run, restore }) => run || restore === true)
  output.document({
    commit: project.code.commit,
    dirty: project.code.dirty,
    stages: [
      ...planned.map((event) => ({ name: event.stage, status: wordOf(event), because: event.because })),
      ...blocked.map(({ name, because }) => ({ name, status: 'blocked', because })),
    ],
    refused,
  })
  for (const { path, because } of project.code.dirty)
    output.line(`${output.style('yellow', 'dirty')}  ${oneLine(path)}  ${oneLine(because)}`)
  for (const line of table(planned.map((event) => [plannedWords[wordOf(event)], event.stage, event.because])))
    output.line(line)
  for (const { name, because, code } of refused)
    output.line(`${output.style('red', 'refused')}  ${oneLine(name)}  ${oneLine(because ?? '')} (${code})`)
  for (const { name, because } of blocked) output.line(`blocked  ${oneLine(name)}  ${oneLine(because ?? '')}`)
  return check && (stale.length > 0 || refused.length > 0) ? 1 : 0
}
