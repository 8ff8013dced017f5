/**
 * Tolerances that would have let the runs of one stage pass as repetitions of each other: its noise floor. Pure.
 *
 * Only what has a distance gets one: what is not finite against a number, text that differs, or a file that could not be
 * read, has to be declared or mended by a person.
 */
import { type Compared, type Measure, maxMeasures, type Tolerance } from './compared.ts'

export type NoiseFloor = Readonly<{
  /** One a tensor, key, column or image that differed, by path and name. */
  tolerances: readonly Tolerance[]
  /** Paths that differed in a way that no tolerance can allow. */
  beyond: readonly string[]
}>

/**
 * The largest absolute difference seen of each tensor, key and column, times `factor`.
 *
 * @param comparisons of each other run with the first: each a list as `compareOuts` gives it, without tolerances
 * @param runs how many runs they were, for the reason that is given
 * @param factor at least 2, so that any two of the runs are covered, by the triangle inequality
 */
export function proposeTolerances(
  comparisons: readonly (readonly Compared[])[],
  { runs, factor }: Readonly<{ runs: number; factor: number }>,
): NoiseFloor {
  const largest = new Map<string, Readonly<{ compared: Compared; measure: Measure }>>()
  const beyond = new Set<string>()
  for (const compared of comparisons.flat()) {
    if (compared.verdict === 'identical' || compared.verdict === 'equal') continue
    if (!isMeasured(compared)) beyond.add(compared.path)
    for (const measure of compared.measures) {
      const key = `${compared.path}\0${measure.name}`
      if (measure.maxAbs > (largest.get(key)?.measure.maxAbs ?? 0)) largest.set(key, { compared, measure })
    }
  }
  const tolerances = [...largest.values()].map(({ compared, measure }) => ({
    path: asPattern(pathOf(compared, measure)),
    ...partOf(compared, measure),
    abs: roundedUp(measure.maxAbs * factor),
    because: `${runs} runs differed from the first by at most ${roundedUp(measure.maxAbs)}, times ${factor}`,
  }))
  return {
    tolerances: tolerances.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    beyond: [...beyond].toSorted(),
  }
}

/** Whether a bound on distances would have let it pass. */
function isMeasured({ unmeasured, measures }: Compared): boolean {
  return (
    unmeasured === 0 && measures.length < maxMeasures && measures.every(({ withoutDistance }) => withoutDistance === 0)
  )
}

/** Names are patterns in a tolerance: what would mean something else there is any one character. */
function asPattern(name: string): string {
  return name.replaceAll('*', '?')
}

/** The `[*]` of a list in a key is itself in a pattern too. */
function asKeyPattern(key: string): string {
  return key.split('[*]').map(asPattern).join('[*]')
}

/** A member of an archive is a file of its own to a tolerance. */
function pathOf({ format, path }: Compared, { name }: Measure): string {
  const end = name.indexOf(': ')
  return format === 'archive' && end > 0 ? `${path}/${name.slice(0, end)}` : path
}

function partOf({ format }: Compared, { name }: Measure): Partial<Tolerance> {
  switch (format) {
    case 'json':
      return { metric: asKeyPattern(name) }
    case 'csv':
    case 'jsonl':
    case 'parquet':
      return { column: asPattern(name) }
    case 'safetensors':
    case 'npy':
    case 'npz':
    case 'onnx':
      return { tensor: asPattern(name) }
    default:
      return {}
  }
}

/** Two significant digits, never less than the number. */
function roundedUp(value: number): number {
  const digits = 10 ** (1 - Math.floor(Math.log10(value)))
  const rounded = Number((Math.ceil(value * digits) / digits).toPrecision(2))
  return Number.isFinite(rounded) && rounded >= value ? rounded : value
}
