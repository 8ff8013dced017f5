/** What fails closed: an anchor that is none, rows that cannot be looked for. Pure. */
import { isCompared } from '../attestation/index.ts'
import {
  type Bound,
  type DataCheck,
  type Dataset,
  type Findings,
  isLooser,
  type JudgedRows,
  unmeasuredColumns,
} from '../data/index.ts'

export type Closing = Readonly<{
  /** Whether a baseline is named for it, or approved data was given. */
  hasBaseline?: boolean
  /** Whether it is byte for byte what that was made from. */
  isSame?: boolean
  /** Whether a reviewer fixed the baseline as the anchor, and its rows. */
  isAnchored?: boolean
  anchorRows?: Dataset
  judged?: readonly JudgedRows[]
  /** Reviews that cannot be read here. */
  unreadReviews?: number
  /** Paths that hold no data of the project any more, and rows that reviewers found bad. */
  reviewedElsewhere?: readonly string[]
  bounds?: readonly Bound[]
  /** Set where there is one; `isHere`: its rows are at hand. */
  golden?: Readonly<{ isHere: boolean }>
  /** There is one, by what people signed, and assay.yaml names none. */
  goldenUnasked?: boolean
}>

/** All that is said of it: what was found, and what fails closed. */
export function heldChecks(asked: Closing, found: Findings): readonly DataCheck[] {
  // of images the validator sees that there is nothing to compare with, not why
  const isHeld = asked.isAnchored === true && asked.anchorRows === undefined
  const seen = found.checks.map((check) =>
    isHeld && check.name === 'poison/anchor' ? { ...check, ...anchorWithoutRows } : check,
  )
  return [...seen, ...closedChecks(asked, found)]
}

/**
 * What verdicts have that were reached without the rows of the anchor. By a name of its own: beside rows that are here, too, there may
 * be nothing to compare.
 */
export const anchorWithoutRows = {
  name: 'poison/anchor-rows',
  observed: 'without its rows',
  expected: 'an approved anchor',
  because:
    'what the anchor was made from is not at hand, and no labels can be compared with it: run once with the version that was approved in its place, or anchor anew',
} as const

export function closedChecks(asked: Closing, found: Findings): readonly DataCheck[] {
  const compared = comparedChecks(asked, found)
  return [
    ...compared,
    ...anchorChecks(asked, [...found.checks, ...compared]),
    ...looserChecks(asked.bounds ?? []),
    ...(asked.golden?.isHere === false ? [missingGolden] : []),
    ...(asked.goldenUnasked === true ? [unaskedGolden] : []),
    ...unreadChecks(asked.unreadReviews ?? 0),
    ...elsewhereChecks(asked.reviewedElsewhere ?? []),
    ...unaskedChecks(asked.judged ?? [], found),
  ]
}

/**
 * THREAT: data that cannot be opened, or has nothing that could be compared, moved away from its baseline unseen. Without a
 * check of its own whoever waives the fault of the file would waive the comparison too, and not know. What is byte for byte
 * what was approved moved nowhere, whatever can be measured of it.
 */
export function comparedChecks(
  { hasBaseline, isSame, anchorRows }: Closing,
  found: Pick<Findings, 'checks' | 'unseen'>,
): readonly DataCheck[] {
  const has = (wanted: string): boolean => found.checks.some(({ name }) => name === wanted)
  // images without the approved ones at hand: that warns by itself
  const isTold = has('format/baseline') || (anchorRows === undefined && has('poison/anchor'))
  if (hasBaseline !== true || isTold || isCompared(found)) return []
  const head = { column: null, expected: 'the bytes that were approved', rows: [], count: 0 }
  if (isSame === true)
    return [{ name: sameBytes, ...head, verdict: 'pass', observed: 'the same bytes', evaluated: true }]
  const because = `nothing of it could be compared with its baseline: ${notCompared(found)}; approve these very bytes with an anchor of their own, or name no baseline for them`
  return [{ name: 'format/baseline', ...head, verdict: 'fail', observed: 'not evaluated', evaluated: false, because }]
}

const sameBytes = 'drift/bytes'

function notCompared({ unseen }: Pick<Findings, 'unseen'>): string {
  const left = unseen.find((each) => each.startsWith(unmeasuredColumns))
  return left === undefined
    ? 'columns of tables are, and images of two classes or more'
    : left.replace('the distribution of ', 'not measured are ').slice(0, 1000)
}

/** THREAT: a first baseline that is poisoned: nothing is passed by what nobody approved, or without the approved rows. */
function anchorChecks({ isAnchored, anchorRows, golden }: Closing, checks: readonly DataCheck[]): readonly DataCheck[] {
  const isApproved = isAnchored === true && checks.some(({ name }) => name === sameBytes)
  const isSearched = checks.some(({ name }) => name.startsWith('poison/') || name === sameBytes)
  if (isApproved) return []
  if (!isSearched || (isAnchored === true && anchorRows !== undefined)) return []
  if (checks.some(({ name }) => name === 'poison/anchor')) return []
  const head = { column: null, expected: 'an approved anchor', rows: [], count: 0, evaluated: true }
  const because =
    golden === undefined
      ? 'no reviewer has fixed the baseline as the anchor: poison that was there from the start looks honest'
      : 'no reviewer has fixed the baseline as the anchor since the golden set is there, which it has to agree with in this label'
  const said = isAnchored === true ? anchorWithoutRows : { observed: 'unanchored', because }
  return [{ name: 'poison/anchor', ...head, verdict: 'warn', ...said }]
}

/** What verdicts have that were reached without the rows of the golden set. */
export const missingGolden: DataCheck = {
  name: 'golden/missing',
  column: null,
  verdict: 'warn',
  observed: null,
  expected: null,
  rows: [],
  count: 0,
  evaluated: false,
  because: 'the golden set is not at hand: whether its rows are in the data cannot be told',
}

export const unaskedGolden: DataCheck = {
  ...missingGolden,
  name: 'golden/unasked',
  because: 'people verified a golden set, and assay.yaml names none for this data: name it, revoke it, or anchor anew',
}

/** THREAT: a bound that lets more through than assay would is said with every verdict that was reached under it. */
function looserChecks(bounds: readonly Bound[]): readonly DataCheck[] {
  return bounds.filter(isLooser).map(({ check, column, of, value, own }) => ({
    name: `loosened/${check}`,
    column: column ?? null,
    verdict: 'warn',
    observed: value,
    expected: `at most ${own}`,
    rows: [],
    count: 0,
    evaluated: true,
    because: `assay.yaml lets more through than assay itself does${of === 'threshold' ? '' : `, in ${of}`}`,
  }))
}

/** THREAT: rows that were judged bad cannot be found without the key that they are hashed with. */
function unreadChecks(count: number): readonly DataCheck[] {
  if (count === 0) return []
  const because = 'rows were reviewed under a key that is not here: get rows.key from whoever reviewed them'
  const head = { name: 'review/unread', column: null, observed: count, expected: 0, rows: [], count, evaluated: false }
  return [{ ...head, verdict: 'fail', because }]
}

/** THREAT: a table that cannot be read any more has no rows that could be found bad. */
function unaskedChecks(judged: readonly JudgedRows[], { checks }: Findings): readonly DataCheck[] {
  const isWanted = judged.some(({ rows }) => rows.some(({ verdict }) => verdict === 'bad'))
  if (!isWanted || checks.some(({ name }) => name === 'review/bad-rows')) return []
  const because = 'whether rows that a reviewer found bad are in it cannot be told'
  const head = { column: null, observed: 'not evaluated', expected: 0, rows: [], count: 0, evaluated: false }
  return [{ name: 'review/bad-rows', ...head, verdict: 'fail', because }]
}

export const badElsewhere = { name: 'review/elsewhere' } as const

/** THREAT: what a reviewer found bad is looked for in data of its name, and the data is called something else now. */
function elsewhereChecks(paths: readonly string[]): readonly DataCheck[] {
  if (paths.length === 0) return []
  const because = `reviewers found rows bad in ${paths.slice(0, 3).join(', ')}, which no stage reads any more: if this is that data, call it so again or review it anew; if it is other data, review a row of it too, which says so`
  const head = { column: null, observed: paths.length, expected: 0, rows: [], count: paths.length, evaluated: false }
  return [{ ...badElsewhere, ...head, verdict: 'warn', because: because.slice(0, 2000) }]
}
