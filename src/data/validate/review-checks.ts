/** What reviewers said of rows or files that are in the data, as checks. Pure. */
import { type DataCheck, maxListed } from './check.ts'
import type { JudgedRows, RowVerdict } from './judged-rows.ts'

/**
 * One check a kind of judgement that asks for something; none when nobody judged so.
 *
 * @param judged by number of the row, or by path of the file
 */
export function reviewChecks(
  asked: readonly JudgedRows[],
  judged: ReadonlyMap<number | string, RowVerdict>,
): readonly DataCheck[] {
  const isAsked = (wanted: RowVerdict): boolean =>
    asked.some(({ rows }) => rows.some(({ verdict }) => verdict === wanted))
  return [
    ...(isAsked('bad') ? [checkOf('review/bad-rows', 'bad', judged)] : []),
    ...(isAsked('excluded') ? [checkOf('review/excluded-rows', 'excluded', judged)] : []),
  ]
}

/** Of files: bytes that are bad in one class may be right in another, which is for a reviewer to say. */
export function elsewhereChecks(asked: readonly JudgedRows[], files: readonly string[]): readonly DataCheck[] {
  if (!asked.some(({ rows }) => rows.some(({ verdict, content }) => verdict === 'bad' && content !== undefined)))
    return []
  const found = files.toSorted()
  return [
    {
      name: 'review/bad-elsewhere',
      column: null,
      verdict: found.length === 0 ? 'pass' : 'warn',
      observed: found.length,
      expected: 0,
      rows: found.slice(0, maxListed),
      count: found.length,
      evaluated: true,
      ...(found.length === 0 ? {} : { because: badElsewhereBecause }),
    },
  ]
}

export const badElsewhereBecause = 'a reviewer found these bytes bad under another class'

function checkOf(name: string, wanted: RowVerdict, judged: ReadonlyMap<number | string, RowVerdict>): DataCheck {
  const rows = [...judged].flatMap(([row, verdict]) => (verdict === wanted ? [row] : []))
  rows.sort((left, right) => (left < right ? -1 : 1))
  const isBad = wanted === 'bad'
  const what = typeof rows[0] === 'string' ? 'files' : 'rows'
  const because = isBad ? `a reviewer found these ${what} bad` : `a reviewer wants these ${what} left out of the data`
  return {
    name,
    column: null,
    verdict: rows.length === 0 ? 'pass' : isBad ? 'fail' : 'warn',
    observed: rows.length,
    expected: 0,
    rows: rows.slice(0, maxListed),
    count: rows.length,
    evaluated: true,
    ...(rows.length === 0 ? {} : { because }),
  }
}
