/**
 * What a poisoning check answers, and how a count of suspects becomes a verdict: relative to what the approved anchor
 * itself shows, never by an absolute share, and never `fail` without an anchor.
 */
import type { ThresholdOf } from '../statistics/index.ts'
import type { Columns } from '../table/columns.ts'

export type PoisonName =
  | 'poison/label-flip'
  | 'poison/trigger'
  | 'poison/duplicates'
  | 'poison/contradiction'
  | 'poison/outliers'
  | 'poison/source'

/** A row to look at. `row` is 1-based; `score` ranks, higher is more suspect; `because` names no value of the data. */
export type Suspect = Readonly<{ row: number; score: number; because: string }>

/** Extra rows that a check may find before it fails: the lesser of the two. */
export type Budget = Readonly<{ rows: number; share: number }>

/** How many rows a check found, among how many, in the approved table: plain data for a baseline. */
export type Tally = Readonly<{ name: PoisonName; column: string | null; found: number; of: number }>

/** What came in since the version before, for `decideHistory`: plain data, signed with the verdict. */
export type Increment = Readonly<{
  name: PoisonName
  column: string | null
  /** Which of the rows: a check may count some apart, where fewer are expected. */
  part: string
  /** Rows found among the new ones, and rows that the anchor makes expect there. */
  found: number
  expected: number
  of: number
  /** Standard error of `expected`, as a share of it: the anchor is one sample, its error does not average out. */
  expectedError: number
}>

export type PoisonCheck = Readonly<{
  name: PoisonName
  column: string | null
  verdict: 'pass' | 'warn' | 'fail'
  anchored: boolean
  /** Rows found, among the rows looked at. */
  observed: Readonly<{ found: number; of: number }>
  /** What the anchor makes expect among as many rows, and what may come on top; `rows` is null without an anchor. */
  expected: Readonly<{ rows: number | null; budgetRows: number }>
  /** Rows beyond expectation: the estimate and its family-wise interval. */
  excess: Readonly<{ value: number; low: number; high: number }>
  /** The excess that decided, of a part of the rows perhaps, and its standard error: what stretches of an anchor show. */
  decisive: Readonly<{ value: number; error: number }>
  /** Poisoned rows of the kind that this check sees: fewer may have gone unseen. */
  minimumDetectable: number
  increments: readonly Increment[]
  /** False for what proves nothing by itself: it warns at most. */
  mayFail: boolean
  /** The most suspect first; of a report at most `maxSuspects`, and none that a reviewer found good. */
  suspects: readonly Suspect[]
  because: string
}>

export type PoisonInput = Readonly<{
  candidate: Columns
  /** The approved table, of the same columns. */
  anchor?: Columns
  /** The version before this one: a history adds up what is new since. Not a judge of anything. */
  previous?: Columns
  /** What the approved table showed, for the checks that need no rows of it. */
  baseline?: readonly Tally[]
  budgets?: Readonly<Record<PoisonName, Budget>>
  /** What is no drift; assay's own when left out. */
  thresholdOf?: ThresholdOf
  /** Rows, as reports call them, that a reviewer looked at and found good. */
  good?: ReadonlySet<number>
  /** Same seed, same answer. What is asked of real data is drawn from a secret, so that nobody can aim at the folds. */
  seed?: number
}>

const maxSuspects = 1000

/** Verdicts over all checks and columns may alarm this often on honest data. */
export const alpha = 0.01

export const defaultBudgets: Readonly<Record<PoisonName, Budget>> = {
  'poison/label-flip': { rows: 250, share: 0.005 },
  'poison/trigger': { rows: 0, share: 0 },
  'poison/duplicates': { rows: 100, share: 0.005 },
  'poison/contradiction': { rows: 100, share: 0.005 },
  'poison/outliers': { rows: 100, share: 0.005 },
  'poison/source': { rows: 100, share: 0.005 },
}

function budgetRows(input: PoisonInput, name: PoisonName, of: number): number {
  const { rows, share } = (input.budgets ?? defaultBudgets)[name]
  return Math.min(rows, Math.floor(share * of))
}

/** A check, and what it leaves to the baseline that this table may become: nothing, if it needs the anchor's rows. */
export type Finding = Readonly<{ check: PoisonCheck; tally: Tally | undefined }>

/** What a check measured: all of its answer that is not the same for every check. */
export type Measured = Readonly<{
  column: string | null
  anchored: boolean
  found: number
  of: number
  /** Rows that the anchor makes expect, null without one. */
  expected: number | null
  /** The lower bound of the excess, and the upper one when it is not all that was found. */
  low: number
  high?: number
  /** The excess, when it is not what was found beyond expectation. */
  value?: number
  /** What decided, when that is not the excess with the root of what was expected. */
  decisive?: PoisonCheck['decisive']
  minimumDetectable: number
  increments?: readonly Increment[]
  suspects: readonly Suspect[]
  because: string
  /** Rows that the budget's share is of, when that is not `of`. */
  budgetOf?: number
  mayFail?: false
  tally?: Partial<Pick<Tally, 'column' | 'found' | 'of'>> | null
}>

export function findingOf(input: PoisonInput, name: PoisonName, measured: Measured): Finding {
  const {
    column,
    anchored,
    found,
    of,
    expected,
    low,
    suspects,
    because,
    minimumDetectable,
    tally,
    mayFail = true,
  } = measured
  const value = measured.value ?? found - (expected ?? 0)
  const budget = budgetRows(input, name, measured.budgetOf ?? of)
  const check: PoisonCheck = {
    name,
    column,
    verdict: verdictOf({ low }, { anchored: anchored && mayFail, budget }),
    mayFail,
    anchored,
    observed: { found, of },
    expected: { rows: expected, budgetRows: budget },
    excess: { value, low, high: measured.high ?? found },
    decisive: measured.decisive ?? { value, error: Math.sqrt(Math.max(0, expected ?? 0) + 1) },
    minimumDetectable,
    increments: measured.increments ?? [],
    suspects: mostSuspect(suspects),
    because,
  }
  return { check, tally: tally === null ? undefined : { name, column, found, of, ...tally } }
}

/** `fail` needs an anchor and an excess that is surely beyond the budget; a sure excess of any size is a warning. */
function verdictOf(
  excess: Readonly<{ low: number }>,
  { anchored, budget }: Readonly<{ anchored: boolean; budget: number }>,
): PoisonCheck['verdict'] {
  if (excess.low <= 0) return 'pass'
  return anchored && excess.low > budget ? 'fail' : 'warn'
}

function mostSuspect(suspects: readonly Suspect[]): readonly Suspect[] {
  return suspects.toSorted((left, right) => right.score - left.score || left.row - right.row)
}

/** The check with a lesser bound of its excess: its verdict stays or becomes milder. */
export function withLow(check: PoisonCheck, low: number): PoisonCheck {
  const { anchored, expected, excess } = check
  const milder = check.verdict === 'pass' ? 'pass' : verdictOf({ low }, { anchored, budget: expected.budgetRows })
  const verdict = check.verdict === 'warn' && milder === 'fail' ? 'warn' : milder
  return { ...check, verdict, excess: { ...excess, low } }
}

/**
 * The check without the rows that a reviewer found good. What is left is too many by at most the rows that are left, and
 * by as many as before: a good row is taken for one of those that the anchor makes expect, as long as there are any.
 */
export function withoutGood(check: PoisonCheck, { good }: Pick<PoisonInput, 'good'>): PoisonCheck {
  const left = good === undefined ? check.suspects : check.suspects.filter(({ row }) => !good.has(row))
  const suspects = left.slice(0, maxSuspects)
  const cleared = check.suspects.length - left.length
  if (cleared === 0) return { ...check, suspects }
  const { observed, excess } = check
  const low = Math.min(excess.low, left.length)
  return {
    ...withLow(check, low),
    suspects,
    observed: { ...observed, found: Math.max(0, observed.found - cleared) },
    excess: { ...excess, value: Math.min(excess.value, left.length), low },
    because: `${check.because}; ${cleared} of them were reviewed and are good`,
  }
}
