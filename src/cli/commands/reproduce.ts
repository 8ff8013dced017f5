/** `assay reproduce`: once more from the evidence; the same? Read next: `pipeline/reproduce.ts`. */
import { DomainError, formatDay, oneLine, printable } from '../../core/index.ts'
import {
  dueArtifacts,
  openProject,
  type ReproductionReport,
  reproduce as reproduceStages,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { shortDigest } from '../render.ts'
import { causeLines, comparisonLines, measureLines, noiseLines } from '../render-comparison.ts'
import { openTeller } from './run.ts'

type ReproduceOptions = Readonly<{
  stage?: string
  from?: string
  times: string
  due?: boolean
  share: string
  seed?: string
  report?: string
}>

export async function reproduce(
  context: CliContext,
  [target]: readonly string[],
  options: ReproduceOptions,
): Promise<Exit> {
  if (options.stage !== undefined && options.from !== undefined) {
    throw new DomainError('ERR_USAGE', '`--stage` and `--from` are two answers to one question', {
      help: '--stage runs one stage alone, --from that stage and all after it',
    })
  }
  const { output } = context
  const due = options.due === true ? await whatIsDue(context, target, options) : undefined
  const isWhole = due === undefined || due.missing.length + due.without.length === 0
  if (due?.paths.length === 0) {
    output.document({ due })
    output.line(`nothing is due: ${due.fresh.length} reproduced`)
    tellUnasked(output, due)
    return isWhole ? 0 : 1
  }
  const report = await reproduceStages(context, due?.paths ?? target, {
    ...(options.stage === undefined ? {} : { stage: options.stage }),
    ...(options.from === undefined ? {} : { from: options.from }),
    times: parseTimes(options.times),
    ...(options.report === undefined ? {} : { page: options.report }),
    signal: context.signal,
    onEvent: openTeller(output),
  })
  output.document(due === undefined ? report : { ...report, due })
  if (due !== undefined) {
    output.line(`due: ${due.paths.map(oneLine).join(', ')}`)
    tellUnasked(output, due)
  }
  tellVerdict(output, report)
  if (options.report !== undefined) output.line(`report: ${printable(options.report)}`)
  return isWhole && (report.verdict === 'identical' || report.verdict === 'within-tolerance') ? 0 : 1
}

/** What nobody can say of whether it is due: no pass. */
function tellUnasked(output: Output, { missing, without }: Awaited<ReturnType<typeof dueArtifacts>>): void {
  for (const path of missing) output.line(`not known: ${oneLine(path)} is not in the working tree; next: assay run`)
  for (const path of without) output.line(`not known: ${oneLine(path)} has no evidence; next: assay run`)
}

async function whatIsDue(
  context: CliContext,
  target: string | undefined,
  { share, seed }: ReproduceOptions,
): ReturnType<typeof dueArtifacts> {
  if (target !== undefined) {
    throw new DomainError('ERR_USAGE', '`--due` finds out itself what to reproduce', { help: 'name no target' })
  }
  const part = /^(?:0?\.\d{1,6}|1(?:\.0*)?)$/.test(share) ? Number(share) : 0
  if (part <= 0) throw new DomainError('ERR_USAGE', `\`--share ${share}\` is no part`, { help: 'above 0, up to 1' })
  return dueArtifacts(await openProject(context), { share: part, seed: seed ?? formatDay(context.now()) })
}

const mostTimes = 100

function parseTimes(text: string): number {
  const times = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (times >= 1 && times <= mostTimes) return times
  throw new DomainError('ERR_USAGE', `\`--times ${text}\` is not a number of runs`, { help: `1 to ${mostTimes}` })
}

const words = {
  identical: 'every out has the same bytes as then',
  'within-tolerance': 'every out is the same within what is declared',
  diverged: 'it came to something else',
  unavailable: 'it could not be run again',
} as const

function tellVerdict(output: Output, report: ReproductionReport): void {
  const { verdict, firstDivergence, comparisons, causes, because } = report
  const isGood = verdict === 'identical' || verdict === 'within-tolerance'
  output.line(`${output.style(isGood ? ['bold', 'green'] : ['bold', 'red'], verdict)}  ${words[verdict]}`)
  if (because !== undefined) output.line(`  ${oneLine(because)}`)
  if (firstDivergence !== null && firstDivergence !== undefined) {
    output.line(`  first at ${oneLine(firstDivergence.stage)}: ${oneLine(firstDivergence.because)}`)
  }
  for (const line of [...comparisonLines(comparisons), ...measureLines(report.measured)]) output.line(line)
  if (verdict === 'diverged' || causes.length > 0) for (const line of causeLines(causes)) output.line(line)
  if (report.noise !== undefined) for (const line of noiseLines(report.noise)) output.line(line)
  output.line(`signed as ${shortDigest(report.attestation)}`)
}
