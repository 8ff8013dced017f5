/** Words and small tables for people. Everything from elsewhere is made printable here. */
import { type Digest, formatDuration, formatSize, hexOf, oneLine, printable } from '../core/index.ts'
import type { StageReport } from '../pipeline/index.ts'
import { shortHermeticity } from './hermeticity.ts'
import type { Output } from './output.ts'

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const clean = rows.map((row) => row.map(oneLine))
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => (row[column] ?? '').length)))
  return clean.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** Twelve digits: enough to recognise, never to compare. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, 12)
}

const marks: Readonly<Record<StageReport['status'], readonly [string, 'green' | 'red' | 'yellow' | 'dim']>> = {
  ran: ['ran', 'green'],
  cached: ['cached', 'green'],
  failed: ['failed', 'red'],
  refused: ['refused', 'red'],
  skipped: ['skipped', 'yellow'],
}

/** One line for the end of a stage, and the reason below it. */
export function stageLines(output: Output, stage: StageReport): readonly string[] {
  const [word, colour] = marks[stage.status]
  const size = stage.outputs.reduce((sum, out) => sum + out.sizeBytes, 0)
  const what =
    stage.outputs.length === 0
      ? ''
      : `  ${stage.outputs.length} out${stage.outputs.length === 1 ? '' : 's'}, ${formatSize(size)}`
  const quiet = stage.status === 'cached' && stage.because !== undefined ? `  ${oneLine(stage.because)}` : ''
  const lines = [
    `${output.style(colour, word.padEnd(8))} ${oneLine(stage.name)}  ${formatDuration(stage.durationMs)}${what}${quiet}`,
  ]
  if (stage.because !== undefined && quiet === '')
    lines.push(`         ${oneLine(stage.because)}${stage.code === undefined ? '' : ` (${stage.code})`}`)
  if (stage.help !== undefined) lines.push(`         next: ${nextSteps(stage.help, 15)}`)
  for (const line of stage.hermeticity === undefined ? [] : shortHermeticity(stage.name, stage.hermeticity))
    lines.push(`         ${line}`)
  return lines
}

/** The next step, or several below each other. */
export function nextSteps(help: string, indent: number): string {
  return printable(help).replaceAll('\n', `\n${' '.repeat(indent)}`)
}

/** What a dry run says of a stage, in `--json`. */
export function wordOf({ run, restore }: Readonly<{ run: boolean; restore?: true }>): keyof typeof plannedWords {
  if (run) return 'stale'
  return restore === true ? 'outs-differ' : 'up-to-date'
}

export const plannedWords = { stale: 'would run', 'outs-differ': 'would restore', 'up-to-date': 'up to date' } as const
