/** What a look for poison could not ask because there are too few rows: a verdict that is silent of it would seem to have seen it. Pure. */
import { type Columns, labelOf } from '../table/columns.ts'
import { fewestRows as fewestOfClass } from './class-shift.ts'
import { fewestRows as fewestJudged } from './label-flip.ts'
import { fewestAlone, fewestAnchored } from './outliers.ts'
import type { PoisonCheck } from './report.ts'

type Tables = Readonly<{ candidate: Columns; anchor?: Columns }>

/** @param what `rows` or `images` */
export function unsearched(
  checks: readonly PoisonCheck[],
  { candidate, anchor }: Tables,
  what: 'rows' | 'images',
): readonly string[] {
  const hasLabel = labelOf(candidate) !== undefined
  const has = (name: PoisonCheck['name'], column: string | null): boolean =>
    checks.some((check) => check.name === name && check.column === column)
  const label = candidate.label ?? null
  const isJudged = has('poison/label-flip', label)
  const found: string[] = []
  if (hasLabel && !isJudged && candidate.rows < fewestJudged)
    found.push(`wrong labels: poison/label-flip needs ${fewestJudged} ${what}, and there are ${candidate.rows}`)
  const [home, fewest] = anchor === undefined ? [candidate, fewestAlone] : [anchor, fewestAnchored]
  if (!has('poison/outliers', null) && home.rows < fewest) {
    const whose = anchor === undefined ? `${what} where there is no anchor` : `approved ${what}`
    found.push(`outliers: poison/outliers needs ${fewest} ${whose}, and there are ${home.rows}`)
  }
  if (hasLabel && anchor !== undefined && !has('poison/outliers', label))
    found.push(
      `a class that looks unlike itself: that needs ${fewestOfClass} new ${what} of two classes, and as many approved ones`,
    )
  return found
}
