/** Two runs side by side, as lines for people. */
import { oneLine } from '../core/index.ts'
import { table } from './render.ts'

type Compared = Readonly<{ stage: string; path: string; verdict: string; detail: string }>
type Different = Readonly<{ stage: string; what: string; before: string; after: string }>

const maxLines = 30
const maxDifferences = 12

export function comparisonLines(comparisons: readonly Compared[]): readonly string[] {
  const rows = comparisons
    .slice(0, maxLines)
    .map(({ stage, path, verdict, detail }) => ['  ', oneLine(stage), oneLine(path), verdict, oneLine(detail)])
  const more = comparisons.length - rows.length
  return more > 0 ? [...table(rows), `  and ${more} more: --json`] : table(rows)
}

/** Nothing where nothing is known to differ but what runs always differ in. */
export function differenceLines(differences: readonly Different[]): readonly string[] {
  if (differences.length === 0) {
    return ['nothing that is recorded was otherwise: the stage itself draws something anew each time']
  }
  const rows = differences
    .slice(0, maxDifferences)
    .map(({ stage, what, before, after }) => [
      '  ',
      oneLine(stage),
      oneLine(what),
      oneLine(before),
      '->',
      oneLine(after),
    ])
  return ['what was recorded otherwise, likeliest cause first:', ...table(rows)]
}
