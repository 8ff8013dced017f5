/**
 * What the anchor's own stretches would have been told. Honest rows of another month look a little mislabelled, or new,
 * to models of this one: a check that alarms is asked of each fifth of the anchor, judged by the other four, and only
 * what goes beyond the spread that it shows there counts. Rows that are in no order have fifths that do not differ, and
 * then this takes nothing off.
 *
 * THREAT: only the approved anchor is asked; no candidate can widen it.
 * Source: the spread beyond chance as in a random-effects meta-analysis (DerSimonian and Laird 1986).
 */
import { periodsOf } from '../statistics/index.ts'
import { thinned } from './generator.ts'
import { type Finding, type PoisonCheck, type PoisonInput, withLow } from './report.ts'

export type Search = (input: PoisonInput) => Finding | readonly Finding[] | undefined

/** LIMIT: so many rows of the anchor are asked, which costs five times the search that alarmed. */
const maxRows = 20_000
/** Spreads that one more stretch may lie away, the spread being known from five: Student's t, 97.5 %, four degrees. */
const spreads = 2.776
/** Of a chi-square with five degrees of freedom, by freedom, the 90 % quantile: what chance alone hardly does. */
const chance = 9.236 / 5

/** The findings, of which those that alarmed are held to what the anchor's own stretches show. */
export function heldToUsual(search: Search, input: PoisonInput): readonly Finding[] {
  const findings = [search(input) ?? []].flat()
  const { anchor, seed = 0 } = input
  if (anchor === undefined || findings.every(({ check }) => check.verdict === 'pass')) return findings
  const periods = periodsOf(thinned(anchor, maxRows, seed)).map(({ period, rest }) =>
    [search({ candidate: period, anchor: rest, seed }) ?? []].flat().map(({ check }) => check),
  )
  return findings.map((finding, index) => {
    const { check } = finding
    if (check.verdict === 'pass') return finding
    const own = periods.flatMap((checks) => checks.filter((one, at) => at === index && one.name === check.name))
    const share = spreads * spreadOf(own)
    return share > 0 ? { ...finding, check: lessUsual(check, share) } : finding
  })
}

function lessUsual(check: PoisonCheck, share: number): PoisonCheck {
  const rows = share * check.observed.of
  const because = `${check.because}; the anchor's own stretches differ by up to ${rows.toFixed(0)} of so many`
  return { ...withLow(check, Math.max(0, check.excess.low - rows)), because }
}

/** Standard deviation of the share of rows beyond expectation, of what chance does not make. */
function spreadOf(checks: readonly PoisonCheck[]): number {
  const beyondChance = checks.map(
    ({ decisive, observed }) => (decisive.value ** 2 - chance * decisive.error ** 2) / observed.of ** 2,
  )
  return Math.sqrt(Math.max(0, beyondChance.reduce((sum, square) => sum + square, 0) / Math.max(1, checks.length)))
}
