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

type Noise = Readonly<{
  tolerances: readonly Readonly<{ path: string; tensor?: string; metric?: string; column?: string; abs?: number }>[]
  beyond: readonly string[]
}>

/** As it can be written into assay.yaml, for a person who knows why. */
export function noiseLines({ tolerances, beyond }: Noise): readonly string[] {
  if (tolerances.length === 0 && beyond.length === 0) return ['the runs gave the same bytes each time']
  const byPath = Map.groupBy(tolerances, ({ path }) => path)
  const lines = [...byPath].map(([path, all]) => {
    const named = all.flatMap(({ tensor, metric, column, abs = 0 }) => {
      const name = tensor ?? metric ?? column
      return name === undefined ? [] : [`${quoted(name)}: ${abs}`]
    })
    return `  ${quoted(path)}: ${named.length > 0 ? `{${named.join(', ')}}` : Math.max(...all.map(({ abs = 0 }) => abs))}`
  })
  return [
    ...(lines.length === 0
      ? []
      : ['a tolerance that would have let all runs pass (assay.yaml, reproducible):', ...lines]),
    ...beyond.map((path) => `no tolerance lets ${oneLine(path)} pass: its runs differ in more than numbers`),
  ]
}

function quoted(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : JSON.stringify(oneLine(name))
}
