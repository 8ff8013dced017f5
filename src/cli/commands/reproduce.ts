/** `assay reproduce`: once more from the evidence; the same? Read next: `pipeline/reproduce.ts`. */
import { DomainError, oneLine } from '../../core/index.ts'
import { type ReproductionReport, reproduce as reproduceStages } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { shortDigest } from '../render.ts'
import { comparisonLines, differenceLines, noiseLines } from '../render-comparison.ts'
import { openTeller } from './run.ts'

type ReproduceOptions = Readonly<{ stage?: string; from?: string; times: string }>

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
  const report = await reproduceStages(context, target, {
    ...(options.stage === undefined ? {} : { stage: options.stage }),
    ...(options.from === undefined ? {} : { from: options.from }),
    times: parseTimes(options.times),
    signal: context.signal,
    onEvent: openTeller(output),
  })
  output.document(report)
  tellVerdict(output, report)
  return report.verdict === 'identical' || report.verdict === 'within-tolerance' ? 0 : 1
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
  const { verdict, firstDivergence, comparisons, differences, because } = report
  const isGood = verdict === 'identical' || verdict === 'within-tolerance'
  output.line(`${output.style(isGood ? ['bold', 'green'] : ['bold', 'red'], verdict)}  ${words[verdict]}`)
  if (because !== undefined) output.line(`  ${oneLine(because)}`)
  if (firstDivergence !== null && firstDivergence !== undefined) {
    output.line(`  first at ${oneLine(firstDivergence.stage)}: ${oneLine(firstDivergence.because)}`)
  }
  for (const line of comparisonLines(comparisons)) output.line(line)
  if (verdict === 'diverged') for (const line of differenceLines(differences)) output.line(line)
  if (report.noise !== undefined) for (const line of noiseLines(report.noise)) output.line(line)
  output.line(`signed as ${shortDigest(report.attestation)}`)
}
