/** What all versions since the anchor come to, as checks: poison in small doses, and a drift that has gone far. Pure. */
import { decideHistory, defaultHistoryBudget, type HistoryBudget, type Trend, type Version } from '../poison/index.ts'
import type { DataCheck } from './check.ts'

/** @param versions since the anchor, oldest first, this one the last; none without the rows of an anchor */
export function historyChecks(
  versions: readonly Version[],
  budget: HistoryBudget = defaultHistoryBudget,
): readonly DataCheck[] {
  const trends = decideHistory(versions, budget)
  const drift = trends.filter(({ kind }) => kind === 'drift')
  const moved = drift
    .filter(({ verdict, sum }) => verdict === 'fail' && sum > (budget.excusesFrom ?? budget.largeThresholds))
    .map(({ column }) => column)
  const poison = worstPart(trends.filter(({ kind }) => kind === 'poison')).map((trend) => tempered(trend, moved))
  return [...poison, ...drift].map((trend) => checkOf(trend, versions.length, budget))
}

/**
 * Where features have moved far away, the anchor is no judge of labels any more: drift fails, and poison only warns, as in
 * a single version.
 *
 * THREAT: who may move a feature a little buys nothing by it: poison is tempered by a drift that fails alone, and by no threshold
 * that is held tighter than assay's own.
 */
function tempered(trend: Trend, moved: readonly (string | null)[]): Trend {
  const other = moved.find((column) => column !== trend.column)
  if (trend.verdict !== 'fail' || other === undefined) return trend
  return {
    ...trend,
    verdict: 'warn',
    because: `${trend.because}; column \`${other}\` drifted far, so this may be drift`,
  }
}

const gravity = { fail: 0, warn: 1, pass: 2 } as const

/** Parts of one check are the same rows, counted from a higher sureness on: the one that tells most stands for all. */
function worstPart(trends: readonly Trend[]): readonly Trend[] {
  const worst = new Map<string, Trend>()
  for (const trend of trends.toSorted((a, b) => gravity[a.verdict] - gravity[b.verdict] || b.low - a.low)) {
    const key = JSON.stringify([trend.name, trend.column])
    if (!worst.has(key)) worst.set(key, trend)
  }
  return [...worst.values()]
}

function checkOf(trend: Trend, versions: number, { driftThresholds }: HistoryBudget): DataCheck {
  const { kind, column, verdict, sum, because } = trend
  const isPoison = kind === 'poison'
  return {
    name: isPoison ? 'poison/history' : 'drift/history',
    column,
    verdict,
    observed: Number(sum.toPrecision(4)),
    expected: isPoison
      ? 'no rows too many in all versions together'
      : `at most ${driftThresholds} times the threshold away`,
    rows: [],
    count: isPoison ? Math.max(0, Math.round(sum)) : 0,
    evaluated: true,
    because: `of ${versions} version${versions === 1 ? '' : 's'} since the anchor: ${because}`.slice(0, 2000),
  }
}
