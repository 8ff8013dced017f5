/** Two runs side by side, as lines for people. */
import { oneLine } from '../core/index.ts'
import { table } from './render.ts'
import { sparkline } from './sparkline.ts'

type Compared = Readonly<{ stage: string; path: string; verdict: string; detail: string }>
type Suspected = Readonly<{ stage: string; what: string; before?: string; after?: string; because: string }>
type Measured = Readonly<{
  stage: string
  path: string
  measures: readonly Readonly<{
    name: string
    type: string
    elements: number
    differing: number
    maxAbs: number
    maxRel: number
    maxUlp: number | null
    histogram: readonly (readonly [exponent: number, count: number])[]
  }>[]
}>
type Measure = Measured['measures'][number]

const maxLines = 30
const maxCauses = 12

export function comparisonLines(comparisons: readonly Compared[]): readonly string[] {
  const rows = comparisons
    .slice(0, maxLines)
    .map(({ stage, path, verdict, detail }) => ['  ', oneLine(stage), oneLine(path), verdict, oneLine(detail)])
  const more = comparisons.length - rows.length
  return more > 0 ? [...table(rows), `  and ${more} more: --json`] : table(rows)
}

/** Likeliest first. */
export function causeLines(causes: readonly Suspected[]): readonly string[] {
  if (causes.length === 0) {
    return [
      'nothing that is recorded was otherwise, and nothing is known in its code that differs each time',
      '  next: assay reproduce --times 3, to see how much it differs from itself',
    ]
  }
  const rows = causes
    .slice(0, maxCauses)
    .map(({ stage, what, before, after, because }) => [
      '  ',
      oneLine(stage),
      oneLine(what),
      before === undefined || after === undefined ? '' : `${shortValue(before)} -> ${shortValue(after)}`,
      oneLine(because),
    ])
  const more = causes.length - rows.length
  return ['likeliest cause first:', ...table(rows), ...(more > 0 ? [`  and ${more} more: --json`] : [])]
}

const maxValue = 40

/** A digest by its first digits, a long value by its beginning. */
export function shortValue(value: string): string {
  const [, algorithm = '', hex = ''] = /^(sha256|dirHash1):([0-9a-f]{12})[0-9a-f]{52}$/.exec(value) ?? []
  if (hex !== '') return `${algorithm}:${hex}`
  const line = oneLine(value)
  return line.length > maxValue ? `${line.slice(0, maxValue - 1)}…` : line
}

const maxFiles = 8
const maxMeasures = 5
const maxBars = 24

/** Of each file that differs in numbers its tensors, keys or columns, the worst first. */
export function measureLines(measured: readonly Measured[]): readonly string[] {
  const more = measured.length - maxFiles
  return [
    ...measured.slice(0, maxFiles).flatMap(({ path, measures }) => [`${oneLine(path)}:`, ...linesOf(measures)]),
    ...(more > 0 ? [`and ${more} more files: --json`] : []),
  ]
}

function linesOf(measures: readonly Measure[]): readonly string[] {
  const rows = measures.slice(0, maxMeasures).map((measure) => ['  ', ...measureCells(measure)])
  const more = measures.length - rows.length
  return [...table(rows), ...(more > 0 ? [`    and ${more} more: --json`] : [])]
}

function measureCells(measure: Measure): readonly string[] {
  const { name, type, elements, differing, maxAbs, maxRel, maxUlp, histogram } = measure
  const percent = `${((100 * differing) / Math.max(1, elements)).toPrecision(3)} %`
  const ulp = maxUlp === null ? '' : `ulp ${figure(maxUlp)}`
  return [
    name,
    type,
    `${differing} of ${elements} (${percent})`,
    `abs ${figure(maxAbs)}`,
    `rel ${figure(maxRel)}`,
    ulp,
    bars(histogram),
  ]
}

/** How many differences have which size: `2^-12 ▁▃▇ 2^-9`, each bar a power of two, or several where there are many. */
function bars(histogram: Measure['histogram']): string {
  const [first] = histogram
  const last = histogram.at(-1)
  if (first === undefined || last === undefined) return ''
  const counts = Array.from({ length: last[0] - first[0] + 1 }, (_, at) => at + first[0])
  const by = new Map(histogram)
  return `2^${first[0]} ${sparkline(
    counts.map((exponent) => by.get(exponent) ?? 0),
    maxBars,
  )} 2^${last[0] + 1}`
}

function figure(value: number): string {
  if (Number.isInteger(value) && value < 1e6) return `${value}`
  return value < 1e6 ? `${Number(value.toPrecision(3))}` : value.toExponential(2).replace('e+', 'e')
}

type Bounds = Readonly<{ abs?: number; rel?: number; ulp?: number }>
type Declared = Bounds & Readonly<{ stage: string; path: string; because: string }>
type Noise = Readonly<{
  tolerances: readonly (Declared & Readonly<{ tensor?: string; metric?: string; column?: string }>)[]
  beyond: readonly string[]
  uncompared: readonly string[]
  isSame: boolean
}>

/** Exactly as assay.yaml takes it, for a person who knows why. */
export function noiseLines({ tolerances, beyond, uncompared, isSame }: Noise): readonly string[] {
  if (isSame) return ['the runs gave the same bytes each time']
  if (tolerances.length + beyond.length + uncompared.length === 0)
    return ['the runs gave other bytes that say the same each time']
  const lines = [...Map.groupBy(tolerances, ({ stage }) => stage)].flatMap(([stage, all]) => [
    `  ${inYaml(stage)}:`,
    '    reproducible:',
    '      tolerance:',
    ...all.map(({ stage: _, ...entry }) => {
      const words = Object.entries(entry).map(([key, value]) => `${key}: ${inYaml(value)}`)
      return `        - {${words.join(', ')}}`
    }),
  ])
  return [
    ...(lines.length === 0
      ? []
      : ['tolerances that would have let all runs pass, for assay.yaml:', 'stages:', ...lines]),
    ...beyond.map((path) => `no tolerance lets ${oneLine(path)} pass: its runs differ in more than numbers`),
    ...uncompared.map((path) => `not known of ${oneLine(path)}: it is secret, or not all its bytes are here`),
  ]
}

/** A scalar of YAML, in a map of one line too; what is no plain word is quoted, what is not printable escaped. */
function inYaml(value: string | number): string {
  if (typeof value === 'number') return String(value)
  if (/^[A-Za-z_][\w./-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value)) return value
  return JSON.stringify(value).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
  )
}
