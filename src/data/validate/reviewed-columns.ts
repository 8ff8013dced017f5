/**
 * Whether what was said of rows still finds them: a row is known by its columns, and columns come, go and change their
 * type. THREAT: with a column more, no row would be the one that was judged bad. Pure. DECISION 0022.
 */
import { oneLine } from '../../core/index.ts'
import type { DataCheck } from './check.ts'
import type { JudgedRows, RowColumn, RowVerdict } from './judged-rows.ts'

/**
 * `same`: the columns that were reviewed. `more`: those and others. `moved`: those of one type stand in another order, and
 * their headers may be exchanged. `other`: one is gone or of another type, or they are not known; values may be written
 * otherwise. Of the last two it says nothing that a row is not found.
 */
export type Fit = 'same' | 'more' | 'moved' | 'other'

export function fitOf(reviewed: JudgedRows['columns'], present: readonly RowColumn[]): Fit {
  const types = new Map(present.map(({ name, type }) => [name, type]))
  if (reviewed === undefined || reviewed.some(({ name, type }) => types.get(name) !== type)) return 'other'
  const names = new Set(reviewed.map(({ name }) => name))
  const now = inTurn(present.filter(({ name }) => names.has(name)))
  if (inTurn(reviewed).some((name, index) => name !== now[index])) return 'moved'
  return reviewed.length === present.length ? 'same' : 'more'
}

/** Names, those of one type side by side in their order. */
function inTurn(columns: readonly RowColumn[]): readonly string[] {
  return columns.toSorted(byType).map(({ name }) => name)
}

function byType(left: RowColumn, right: RowColumn): number {
  return left.type < right.type ? -1 : left.type > right.type ? 1 : 0
}

/** Whether a later review is of the table as it is: its reviewer was told what finds no row in it. */
export function isReplaced(later: readonly JudgedRows[], present: readonly RowColumn[]): boolean {
  return later.some(({ columns }) => fitOf(columns, present) === 'same')
}

/** LIMIT: so many differences are told. */
const maxTold = 3

/** What is other than it was, in words. */
export function differenceOf(reviewed: JudgedRows['columns'], present: readonly RowColumn[]): string {
  if (fitOf(reviewed, present) === 'moved') return 'columns of one type stand in another order'
  if (reviewed === undefined) return 'the review does not say which columns there were'
  const types = new Map(present.map(({ name, type }) => [name, type]))
  const known = new Set(reviewed.map(({ name }) => name))
  const told = [
    ...reviewed.flatMap(({ name, type }) => {
      const now = types.get(name)
      if (now === type) return []
      return [
        now === undefined ? `\`${short(name)}\` is gone` : `\`${short(name)}\` was ${short(type)}, is ${short(now)}`,
      ]
    }),
    ...present.flatMap(({ name }) => (known.has(name) ? [] : [`\`${short(name)}\` is new`])),
  ]
  const more = told.length - maxTold
  return told.slice(0, maxTold).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** THREAT: the data names its columns. */
function short(text: string): string {
  return oneLine(text.slice(0, 100))
}

/** Words of one review that find no row any more, and why. `isGone`: unless rows were changed, theirs are gone. */
export type LeftBehind = Readonly<{ words: readonly RowVerdict[]; because: string; isGone?: boolean }>

/**
 * None when nothing is left. THREAT: a row that was judged bad may be in the data, and is not found: nothing of it passes. Where
 * it is more likely gone, it warns.
 */
export function leftChecks(left: readonly LeftBehind[]): readonly DataCheck[] {
  const words = left.flatMap((each) => each.words)
  if (words.length === 0) return []
  const bad = words.filter((word) => word === 'bad').length
  const isLost = left.some((each) => each.isGone !== true && each.words.includes('bad'))
  const verdict = isLost ? 'fail' : words.some((word) => word !== 'good') ? 'warn' : 'pass'
  const [which] = left.filter((each) => bad === 0 || (each.words.includes('bad') && (!isLost || each.isGone !== true)))
  const some = `${words.length} ${words.length === 1 ? 'decision' : 'decisions'}, ${bad} of them bad,`
  const because = `${some} were made on other columns and do not carry over (${which?.because ?? ''}): look for those rows again; a review of the data as it is stands in their place`
  const head = { name: 'review/other-columns', column: null, observed: words.length, expected: 0, rows: [] }
  return [{ ...head, verdict, count: words.length, evaluated: verdict === 'pass', because }]
}

export const badBefore =
  'a reviewer found this row bad, or wanted it left out, when the table had fewer columns, or in another spelling'
