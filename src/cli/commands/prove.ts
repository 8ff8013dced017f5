/** `assay prove`: from a draft to evidence. */
import { oneLine } from '../../core/index.ts'
import { type ProofReport, proveRun } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { causeLines, comparisonLines } from '../render-comparison.ts'
import { exitOfRun, openTeller } from './run.ts'

export async function prove(context: CliContext, [runId]: readonly string[]): Promise<Exit> {
  const { output, signal } = context
  const report = await proveRun(context, runId, { signal, onEvent: openTeller(output) })
  output.document(report)
  tellProof(output, report)
  return report.run.status === 'succeeded' ? (report.matched ? 0 : 1) : exitOfRun(report.run)
}

function tellProof(output: Output, { draft, matched, verdict, comparisons, causes, run }: ProofReport): void {
  if (run.status !== 'succeeded') {
    output.line(`${output.style(['bold', 'red'], run.status)}  ${oneLine(run.error?.message ?? 'nothing is proven')}`)
    return
  }
  output.line(
    matched
      ? `${output.style(['bold', 'green'], 'matched')}  the run ${run.runId} came to what ${draft} came to (${verdict})`
      : `${output.style(['bold', 'red'], 'differs')}  the run ${run.runId} came to something else than ${draft}`,
  )
  for (const line of comparisonLines(comparisons)) output.line(line)
  if (!matched || causes.length > 0) for (const line of causeLines(causes)) output.line(line)
  output.line(`level ${run.level}${run.whyNotHigher[0] === undefined ? '' : `: ${oneLine(run.whyNotHigher[0])}`}`)
}
