/**
 * Whether what was said of rows still finds them: a row is known by its columns, and columns come, go and change their
 * type. THREAT: with a column more, no row would be the one that was judged bad. Pure. DECISION 0022.
 */
import type { DataCheck } from './check.ts'
import type { JudgedRows, RowColumn, RowVerdict } from './judged-rows.ts'

/**
 * `same`: the columns that were reviewed, in whatever order. `more`: those and others. `other`: one is gone or of another
 * type, or they are not known; values may be written otherwise, and that a row is not found says nothing.
 */
type Fit = 'same' | 'more' | 'other'

export function fitOf(reviewed: JudgedRows['columns'], present: readonly RowColumn[]): Fit {
  const types = new Map(present.map(({ name, type }) => [name, type]))
  if (reviewed === undefined || reviewed.some(({ name, type }) => types.get(name) !== type)) return 'other'
  return reviewed.length === present.length ? 'same' : 'more'
}

/** Whether a later review was of a table in which this one's words were left behind already: it stands in their place. */
export function isReplaced(
  { columns }: JudgedRows,
  later: readonly JudgedRows[],
  isLeft: (fit: Fit) => boolean,
): boolean {
  return later.some((review) => review.columns !== undefined && isLeft(fitOf(columns, review.columns)))
}

/** LIMIT: so many differences are told. */
const maxTold = 3

/** What is other than it was, in words. */
export function differenceOf(reviewed: JudgedRows['columns'], present: readonly RowColumn[]): string {
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

function short(text: string): string {
  return text.slice(0, 100)
}

/** Words of one review that find no row any more, and why. */
export type LeftBehind = Readonly<{ words: readonly RowVerdict[]; because: string }>

/** THREAT: a row that was judged bad may be in the data, and is not found: nothing of it passes. None when nothing is left. */
export function leftChecks(left: readonly LeftBehind[]): readonly DataCheck[] {
  const words = left.flatMap((each) => each.words)
  if (words.length === 0) return []
  const bad = words.filter((word) => word === 'bad').length
  const verdict = bad > 0 ? 'fail' : words.includes('excluded') ? 'warn' : 'pass'
  const [which] = left.filter((each) => bad === 0 || each.words.includes('bad'))
  const some = `${words.length} ${words.length === 1 ? 'decision' : 'decisions'}, ${bad} of them bad,`
  const because = `${some} were made on other columns and do not carry over (${which?.because ?? ''}): look for those rows again; a review of the data as it is stands in their place`
  const head = { name: 'review/other-columns', column: null, observed: words.length, expected: 0, rows: [] }
  return [{ ...head, verdict, count: words.length, evaluated: verdict === 'pass', because }]
}

export const badBefore = 'a reviewer found this row bad, or wanted it left out, when the table had fewer columns'
