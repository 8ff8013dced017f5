/** `assay run`: the main job. Read next: `pipeline/define`, `pipeline/plan`, `pipeline/run.ts`. */
import { DomainError, type EngineName, engineNames, formatDuration, oneLine, printable } from '../../core/index.ts'
import {
  gateSentence,
  openProject,
  type RunEvent,
  type RunReport,
  runPipeline,
  type StageReport,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { type Output, openOutput, type Sink } from '../output.ts'
import { nextSteps, plannedWords, stageLines, wordOf } from '../render.ts'

type RunOptions = Readonly<{
  dryRun?: boolean
  force?: boolean
  keepGoing?: boolean
  trace?: boolean
  draft?: boolean
  requireLevel?: string
  engine?: string
  rehash?: boolean
  acceptUnusual?: boolean
  /** commander: `--unsafe-no-sandbox` */
  unsafeNoSandbox?: boolean
  set?: readonly string[]
}>

export async function run(context: CliContext, targets: readonly string[], options: RunOptions): Promise<Exit> {
  const engine = parseEngine(options.engine)
  const requiredLevel = parseLevel(options.requireLevel)
  const events: RunEvent[] = []
  const tellEvent = openTeller(context.output)
  const project = await openProject(context, { overrides: options.set ?? [], rehash: options.rehash === true })
  const report = await runPipeline(project, {
    targets,
    dryRun: options.dryRun === true,
    force: options.force === true,
    keepGoing: options.keepGoing === true,
    trace: options.trace === true,
    draft: options.draft === true,
    unsafeNoSandbox: options.unsafeNoSandbox === true,
    acceptUnusual: options.acceptUnusual === true,
    ...(requiredLevel === undefined ? {} : { requiredLevel }),
    ...(engine === undefined ? {} : { engine }),
    signal: context.signal,
    onEvent: (event) => {
      if (event.kind === 'ended' || event.kind === 'notice') events.push(event)
      else context.keeper?.end()
      tellEvent(event)
    },
  })
  if (options.trace === true && !report.stages.some(({ hermeticity }) => hermeticity !== undefined))
    context.output.note(`no stage was traced${whyNotTraced(report)}`)
  tellReport(context.output, report, options)
  const isQuiet = report.error === undefined && report.stages.every(({ status }) => status === 'cached')
  if (isQuiet && report.level < 4) context.keeper?.keep(answerOf(context, report, events))
  return exitOfRun(report)
}

function whyNotTraced({ stages }: RunReport): string {
  return stages.some(({ status }) => status === 'ran' || status === 'failed')
    ? ': only the sandbox of bubblewrap sees what a stage reads'
    : ', since none was run: assay run --trace --force STAGE'
}

function parseEngine(text: string | undefined): EngineName | undefined {
  if (text === undefined) return undefined
  const known = engineNames.find((name) => name === text)
  if (known !== undefined) return known
  throw new DomainError('ERR_USAGE', `the engine \`${text}\` is not known`, {
    help: `the engines are ${engineNames.join(', ')}`,
  })
}

function tellReport(output: Output, report: RunReport, { dryRun }: Pick<RunOptions, 'dryRun'>): void {
  output.document(report)
  if (dryRun !== true) tellEnd(output, report)
}

/** What the same command says while nothing has changed: this run's answer, which took no time. */
function answerOf(
  { output, streams }: CliContext,
  report: RunReport,
  events: readonly RunEvent[],
): Readonly<{ stdout: string; stderr: string }> {
  const answer = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof answer): Sink => ({
    isTTY: streams[name].isTTY === true,
    write: (text) => {
      answer[name] += text
    },
  })
  const sinks = { stdout: sink('stdout'), stderr: sink('stderr'), noColor: streams.noColor }
  const written = openOutput(sinks, output.json)
  const instant = (stage: StageReport): StageReport => ({ ...stage, durationMs: 0 })
  const tellEvent = openTeller(written)
  for (const event of events) tellEvent(event.kind === 'ended' ? { ...event, report: instant(event.report) } : event)
  tellReport(written, { ...report, stages: report.stages.map(instant) }, {})
  return answer
}

/** A refusal by a check outweighs a failed command: exit 1 before 3. */
export function exitOfRun(report: RunReport): Exit {
  if (report.status === 'refused' || report.error?.code === 'ERR_RUN_LEVEL') return 1
  return report.status === 'failed' ? 3 : 0
}

function parseLevel(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[0-4]$/.test(text)) return Number(text)
  throw new DomainError('ERR_USAGE', `\`--require-level ${text}\` is not a level`, { help: 'levels are 0 to 4' })
}

export function openTeller(output: Output): (event: RunEvent) => void {
  const crowded = new Set<string>()
  return (event) => {
    if (tellsStages(output)) tell(output, event, crowded)
  }
}

/** @param crowded stages whose output was told among that of others: when one fails, its last lines are told together */
function tell(output: Output, event: RunEvent, crowded: Set<string>): void {
  switch (event.kind) {
    case 'notice':
      output.note(`${output.style('yellow', 'note')}: ${printable(event.text)}`)
      break
    case 'progress':
      output.progress(printable(event.text))
      break
    case 'planned':
      output.line(`${oneLine(event.stage).padEnd(24)} ${plannedWord(output, event)}  ${oneLine(event.because)}`)
      break
    case 'started':
      output.note(`${output.style('bold', 'run')}      ${oneLine(event.stage)}  ${oneLine(event.because)}`)
      break
    case 'output':
      if (event.beside > 0) crowded.add(event.stage)
      output.stages.push(event.stage, event.chunk, event.beside > 0)
      break
    case 'ended':
      output.stages.end(event.report.name)
      for (const line of stageLines(output, event.report)) output.note(line)
      if (crowded.has(event.report.name)) for (const line of event.report.tail ?? []) output.note(`         | ${line}`)
      break
  }
}

function plannedWord(output: Output, event: Extract<RunEvent, { kind: 'planned' }>): string {
  const word = wordOf(event)
  return word === 'up-to-date' ? plannedWords[word] : output.style('yellow', plannedWords[word])
}

function tellEnd(output: Output, report: RunReport): void {
  const counts = new Map<string, number>()
  for (const { status } of report.stages) counts.set(status, (counts.get(status) ?? 0) + 1)
  const summary = [...counts].map(([status, count]) => `${count} ${status}`).join(', ')
  const took = formatDuration(report.stages.reduce((sum, stage) => sum + stage.durationMs, 0))
  output.line(
    `${output.style(report.status === 'succeeded' ? ['bold', 'green'] : ['bold', 'red'], report.status)}  ${summary}  ${took}  run ${report.runId}`,
  )
  if (report.status === 'succeeded') {
    output.line(
      `level ${report.level}${report.whyNotHigher[0] === undefined ? '' : `: ${oneLine(report.whyNotHigher[0])}`}`,
    )
  }
  for (const { gates } of report.gates ?? []) tellGates(output, gates)
  if (report.error !== undefined) tellError(output, report.error)
}

function tellGates(output: Output, gates: NonNullable<RunReport['gates']>[number]['gates']): void {
  const failed = gates.filter(({ passed }) => !passed)
  if (failed.length === 0) output.line(`gates ${gates.length} passed`)
  for (const result of failed) output.line(`${output.style('red', 'gate failed')}  ${oneLine(gateSentence(result))}`)
}

/** What was told where its stage ended is not told once more. */
function tellError(output: Output, { code, message, help, details }: NonNullable<RunReport['error']>): void {
  const word = output.style(['bold', 'red'], 'error')
  const stage = tellsStages(output) ? details['stage'] : undefined
  if (stage !== undefined) output.note(`${word}: the stage ${oneLine(stage)}, as told above (${code})`)
  else {
    output.note(`${word}: ${oneLine(message)} (${code})`)
    output.note(`  next: ${nextSteps(help, 8)}`)
  }
}

/** Whether anybody reads what stages say while they run. */
function tellsStages({ json, interactive }: Output): boolean {
  return !json || interactive
}
