/** `assay diff`: what differs between two runs, most likely cause first. */
import { DomainError, oneLine } from '../../core/index.ts'
import { diffRuns, openProject, type RunDifference } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'
import { causeLines, shortValue } from '../render-comparison.ts'

export async function diff(context: CliContext, [left, right]: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const runs = project.runs.list()
  const [newest, before] = runs
  const from = left ?? before
  if (from === undefined || newest === undefined) {
    throw new DomainError('ERR_RUN_UNKNOWN', 'there are no two runs to compare', {
      help: 'run twice, or name two runs',
    })
  }
  const result = await diffRuns(project, from, right ?? newest)
  output.document(result)
  output.line(`${result.left} -> ${result.right}`)
  if (result.identical) output.line('the same inputs, code, environments and outputs')
  else if (result.causes.length > 0) for (const line of causeLines(result.causes)) output.line(line)
  else if (hasOther(result)) for (const line of causeLines([])) output.line(line)
  else output.line('the same outputs')
  for (const name of result.unbelieved)
    output.note(
      `${output.style('yellow', 'not believed')}: \`${oneLine(name)}\` is shown as it stands and proves nothing`,
    )
  for (const stage of result.stages) {
    output.line()
    output.line(output.style('bold', oneLine(stage.name)))
    const rows = stage.changes.map(({ what, before: old, after }) => [
      '  ',
      what,
      shortValue(old),
      '->',
      shortValue(after),
    ])
    for (const line of table(rows)) output.line(line)
  }
  return 0
}

function hasOther({ stages }: RunDifference): boolean {
  return stages.some(({ changes }) => changes.some(({ what }) => what.startsWith('output ')))
}
