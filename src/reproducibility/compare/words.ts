/** Sentences about differences: numbers as people read them, names made printable. Pure. */
import { oneLine } from '../../core/index.ts'
import type { Measure } from './compared.ts'

/** LIMIT: of a name in a sentence. */
const maxName = 120

/** A name from a file, in backticks. */
export function quoted(name: string): string {
  const shown = oneLine(name)
  return `\`${shown.length <= maxName ? shown : `${shown.slice(0, maxName)}…`}\``
}

/** Three significant digits: `1.19e-7`, `0.25`, `4.41e6`; whole numbers below a million as they are. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) && value < 1e6) return `${value}`
  return value < 1e6 ? `${Number(value.toPrecision(3))}` : value.toExponential(2).replace('e+', 'e')
}

/** `3 of 1,024 bytes differ`. */
export function share(count: number, of: number, what: string): string {
  return `${grouped(count)} of ${counted(of, what)} ${count === 1 ? 'differs' : 'differ'}`
}

/** `1 line`, `2 lines`. */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`
}

export function grouped(count: number): string {
  return Number.isSafeInteger(count) ? count.toLocaleString('en-US') : shortNumber(count)
}

/** `by at most 1.2e-7 (relative 3e-6, 12 ulp)`; empty when no distance is known. */
export function distance({ maxAbs, maxRel, maxUlp }: Measure): string {
  if (maxAbs === 0) return ''
  const more = [`relative ${shortNumber(maxRel)}`, ...(maxUlp === null ? [] : [`${shortNumber(maxUlp)} ulp`])]
  return ` by at most ${shortNumber(maxAbs)} (${more.join(', ')})`
}

/** `one`: what an element is called; `among`: what has a name. */
type Nouns = Readonly<{ one: string; among: string }>

/** What differs most, how many of them differ, and what is odd; nothing when all is the same. */
export function tellMeasures(measures: readonly Measure[], { one, among }: Nouns): readonly string[] {
  const differing = measures.filter((measure) => measure.differing > 0)
  const [worst] = worstFirst(differing)
  const said: string[] = []
  if (worst !== undefined) {
    const of = worst.elements === 1 ? '' : `: ${grouped(worst.differing)} of ${counted(worst.elements, one)},`
    said.push(
      `${quoted(worst.name)} differs${differing.length > 1 ? ' most' : ''}${of}${distance(worst)}`.replace(/,$/, ''),
    )
    if (differing.length > 1) said.push(`${grouped(differing.length)} ${among} differ`)
  }
  const sum = (name: 'withoutDistance' | 'bitsOnly' | 'outside'): number =>
    measures.reduce((count, measure) => count + measure[name], 0)
  if (sum('withoutDistance') > 0)
    said.push(`${counted(sum('withoutDistance'), one)} without a distance (text, or not finite against another value)`)
  if (sum('bitsOnly') > 0)
    said.push(
      `${counted(sum('bitsOnly'), one)} of the same value in other bits (zeros of another sign, NaNs of another payload)`,
    )
  if (worst !== undefined && sum('outside') > 0 && differing.some((each) => each.outside < each.differing))
    said.push(`${counted(sum('outside'), one)} beyond the tolerance`)
  return said
}

/** First what no tolerance allows, then what is not finite, then by the largest difference. */
export function worstFirst(measures: readonly Measure[]): readonly Measure[] {
  return measures.toSorted(
    (a, b) =>
      Number(b.outside > 0) - Number(a.outside > 0) ||
      Number(b.withoutDistance > 0) - Number(a.withoutDistance > 0) ||
      b.maxRel - a.maxRel ||
      b.differing - a.differing,
  )
}
