/** `assay lint`: what in the code of stages is likely to make two runs differ. Nothing is run. */
import { oneLine } from '../../core/index.ts'
import { type LintReport, lintStages, type StageFinding } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'

export async function lint(
  context: CliContext,
  targets: readonly string[],
  options: Readonly<{ all?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const report = await lintStages(context, targets)
  output.document(report)
  tellFindings(output, report.findings)
  if (options.all === true) {
    for (const finding of report.harmless) tellSettled(output, finding, `harmless: ${finding.harmless}`)
    for (const finding of report.fixed) tellSettled(output, finding, `fixed by ${finding.fixedBy}, which assay sets`)
  }
  for (const line of summary(report, options.all === true)) output.line(line)
  return report.findings.length > 0 ? 1 : 0
}

/** What to write instead stands below the first finding of each rule. */
function tellFindings(output: Output, findings: readonly StageFinding[]): void {
  const told = new Set<string>()
  for (const finding of findings) {
    tellPlace(output, finding)
    if (!told.has(finding.rule)) output.line(`    write: ${finding.instead}`)
    told.add(finding.rule)
  }
}

function tellPlace(output: Output, { rule, because, stages, also, ...place }: StageFinding): void {
  const lines = [...new Set(also)]
  const more =
    lines.length === 0 ? '' : `; the same at line ${lines.slice(0, 5).join(', ')}${lines.length > 5 ? ' ...' : ''}`
  const word = output.style('yellow', rule)
  output.line(`${placeOf(place)}  ${word}  ${oneLine(because)}${more}  (${stages.map(oneLine).join(', ')})`)
}

function tellSettled(output: Output, finding: StageFinding, reason: string): void {
  output.line(`${placeOf(finding)}  ${finding.rule}  ${oneLine(finding.because)}  (${oneLine(reason)})`)
}

function placeOf({ file, line, column, cell }: Pick<StageFinding, 'file' | 'line' | 'column' | 'cell'>): string {
  return oneLine(cell === undefined ? `${file}:${line}:${column}` : `${file}: cell ${cell}, line ${line}`)
}

function summary({ findings, harmless, fixed, stages }: LintReport, isAll: boolean): readonly string[] {
  const files = new Set(stages.flatMap((stage) => stage.files))
  const empty = stages.filter((stage) => stage.files.length === 0).map(({ name }) => oneLine(name))
  const read = `${count(files.size, 'file')} of ${count(stages.length, 'stage')} read`
  const rest = [
    harmless.length === 0 ? '' : `${harmless.length} declared harmless`,
    fixed.length === 0 ? '' : `${fixed.length} settled by what assay sets${isAll ? '' : ' (--all shows them)'}`,
  ].filter((part) => part !== '')
  const found = count(findings.length, 'likely source')
  return [
    `${found} of non-determinism, ${[read, ...rest].join(', ')}`,
    ...(empty.length === 0 ? [] : [`no code of the project but the command itself: ${empty.join(', ')}`]),
  ]
}

function count(number: number, noun: string): string {
  return `${number === 0 ? 'no' : number} ${noun}${number === 1 ? '' : 's'}`
}
