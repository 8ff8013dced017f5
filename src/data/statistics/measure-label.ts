/** How far the ties between a column and the label have changed. */
import type { Finding } from './drift.ts'
import { differenceOf, type Estimate, familyWiseZ, magnitudeOf, tailOf } from './intervals.ts'
import type { LabelCorrelation } from './profile.ts'

/** Nothing when one side knows no label. Ties of a value or class that only one side has are a matter of categories. */
export function measureLabel(
  candidate: readonly LabelCorrelation[],
  anchor: readonly LabelCorrelation[],
  z: number,
): readonly Finding[] {
  const known = new Map(anchor.map((tie) => [keyOf(tie), tie]))
  const pairs = candidate.flatMap((now) => {
    const before = known.get(keyOf(now))
    return before === undefined ? [] : [{ now, before }]
  })
  if (pairs.length === 0) return []
  const wider = familyWiseZ(tailOf(z), pairs.length)
  const moves = pairs.map(({ now, before }) => ({
    now,
    before,
    effect: magnitudeOf(differenceOf(interval(now, wider), interval(before, wider))),
  }))
  const largest = moves.reduce((best, move) => (move.effect.value > best.effect.value ? move : best))
  const surest = moves.reduce((best, { effect }) => Math.max(best, effect.low), 0)
  const { now, before, effect } = largest
  const because = `correlation with one class went from ${before.correlation.toFixed(3)} to ${now.correlation.toFixed(3)}`
  return [{ name: 'drift/label-correlation', value: effect.value, effect: { ...effect, low: surest }, because }]
}

function keyOf(tie: LabelCorrelation): string {
  return JSON.stringify([tie.class, tie.value])
}

function interval({ correlation, error }: LabelCorrelation, z: number): Estimate {
  return { value: correlation, low: Math.max(-1, correlation - z * error), high: Math.min(1, correlation + z * error) }
}
