/** All poisoning checks of a table, and one verdict: the worst of them; and those of images. */
import { decideDrift, type Measure, noTighter, profileAnchor, profileTable } from '../statistics/index.ts'
import { type Columns, rowNumberOf } from '../table/columns.ts'
import { findClassShift } from './class-shift.ts'
import { findContradictions } from './contradictions.ts'
import { findDuplicates } from './duplicates.ts'
import { thinned } from './generator.ts'
import { overviewOf, smallPicturesOf } from './images.ts'
import { findLabelFlips } from './label-flip.ts'
import { findOutliers } from './outliers.ts'
import { type PoisonCheck, type PoisonInput, type Tally, withoutGood } from './report.ts'
import { restored } from './restored.ts'
import { findSource } from './source.ts'
import { findTriggers, findTriggersInImages } from './trigger.ts'
import { heldToUsual, type Search } from './usual.ts'

export type PoisonReport = Readonly<{
  /** Without the rows of an anchor: `warn` at least, since nothing says what honest data are like. */
  verdict: 'pass' | 'warn' | 'fail'
  anchored: boolean
  checks: readonly PoisonCheck[]
  /** Approved rows whose numbers have other digits: they were taken for what was approved. */
  restored: number
}>

/**
 * Checks that have nothing to work on (no label, no source, no text) are left out, not passed.
 *
 * Trust: every value of the tables is hostile; no message repeats one.
 */
export function findPoison(input: PoisonInput): PoisonReport {
  const { kept, rows } = withApproved(input)
  const found = searches.flatMap(({ search, isOfDigits }) => heldToUsual(search, isOfDigits === true ? input : kept))
  const first = found.map(({ check }) => withoutGood(check, input))
  const source = findSource(input, suspectedRows(input, first))
  const all = source === undefined ? first : [...first, withoutGood(source.check, input)]
  const checks = tempered(all, input, ({ candidate, anchor }) =>
    decideDrift(profileTable(candidate), profileAnchor(anchor), excusing(input)),
  )
  const anchored = input.anchor !== undefined
  const worst = checks.some(({ verdict }) => verdict === 'fail')
    ? 'fail'
    : !anchored || checks.some(({ verdict }) => verdict === 'warn')
      ? 'warn'
      : 'pass'
  return { verdict: worst, anchored, checks, restored: rows }
}

/**
 * With approved rows that only have other digits as they were approved.
 */
function withApproved(input: PoisonInput): Readonly<{ kept: PoisonInput; rows: number }> {
  const { candidate, anchor, previous, seed = 0 } = input
  if (anchor === undefined) return { kept: input, rows: 0 }
  const { table: now, rows } = restored(candidate, anchor, seed)
  if (previous === undefined) return { kept: { ...input, candidate: now }, rows }
  const before = restored(previous, anchor, seed).table
  return { kept: { ...input, candidate: restored(now, before, seed).table, previous: before }, rows }
}

/** LIMIT: rows that are judged one by one for a baseline. A share of so many is known to half a hundredth. */
const maxTallied = 50_000

/**
 * What a table shows by itself, for the baseline that it may become, and how many rows were judged one by one. What a row is
 * alone, a sample tells as well, chosen by the seed; copies, contradictions and triggers are made of rows that a sample tears apart.
 */
export function tallyPoison({
  candidate,
  seed = 0,
  most = maxTallied,
}: Pick<PoisonInput, 'candidate' | 'seed'> & Readonly<{ most?: number }>): Readonly<{
  tallies: readonly Tally[]
  judged: number
}> {
  const whole = { candidate, seed }
  const sample = { candidate: thinned(candidate, most, seed), seed }
  const tallies = searches.flatMap(({ search, isOfSingleRows }) =>
    [search(isOfSingleRows === true ? sample : whole) ?? []].flat().flatMap(({ tally }) => tally ?? []),
  )
  return { tallies, judged: sample.candidate.rows }
}

/**
 * The checks that images have, given as `tableOfImages` makes them: patches tied to a class, labels that models of small
 * pictures take for wrong, images apart from the others, a class that looks unlike itself; and whether light, contrast or
 * roughness moved.
 *
 * Images come in the order of their names, and so by class: stretches of them say nothing of honest months.
 */
export function findPoisonInImages(
  input: PoisonInput,
): Pick<PoisonReport, 'checks'> & Readonly<{ drift: readonly Measure[] }> {
  const { anchor } = input
  const small = {
    ...input,
    candidate: smallPicturesOf(input.candidate),
    ...(anchor === undefined ? {} : { anchor: smallPicturesOf(anchor) }),
  }
  const { kept } = withApproved(small)
  const searches = [
    () => findTriggersInImages(input),
    ...[findLabelFlips, findOutliers, findClassShift].map((search) => () => search(kept)),
  ]
  const found = searches.flatMap((search) => search() ?? []).map(({ check }) => withoutGood(check, input))
  const [now, before] = [input.candidate, anchor].map((table) => table && profileTable(overviewOf(table)))
  const moved = (by: Pick<PoisonInput, 'thresholdOf'>): readonly Measure[] =>
    now === undefined || before === undefined ? [] : decideDrift(now, before, by)
  return { checks: tempered(found, input, () => moved(excusing(input))), drift: moved(input) }
}

/** All that looks at rows; sources are judged by what these find. */
type Sought = Readonly<{
  search: Search
  /** A row is judged by models, and not by how often it or a part of it is there. */
  isOfSingleRows?: true
  /** Numbers are looked at as they are written now, whatever was approved: what repeats them is sought. */
  isOfDigits?: true
}>

const searches: readonly Sought[] = [
  { search: findLabelFlips, isOfSingleRows: true },
  { search: findTriggers, isOfDigits: true },
  { search: findDuplicates, isOfDigits: true },
  { search: findContradictions },
  { search: findOutliers, isOfSingleRows: true },
  { search: findClassShift },
]

/**
 * Where what rows look like has surely moved, the anchor is no judge of what their labels should be: drift fails such a
 * table and poison only warns; a check that only warns anyway says nothing where drift warns. Flips move no feature, so
 * they cannot hide here; who moves features to hide them is refused for drift.
 *
 * THREAT: drift that a user's threshold lets through excuses nothing, nor does one that assay itself lets through:
 * whoever may edit assay.yaml would excuse poison by holding drift tighter.
 */
function tempered(
  checks: readonly PoisonCheck[],
  { candidate, anchor }: PoisonInput,
  driftOf: (tables: Compared) => readonly Measure[],
): readonly PoisonCheck[] {
  if (anchor === undefined || checks.every(({ verdict }) => verdict === 'pass')) return checks
  const moved = driftOf({ candidate, anchor })
    .filter(
      ({ name, column, verdict }) =>
        verdict !== 'pass' && name !== 'drift/label-correlation' && column !== candidate.label,
    )
    .toSorted((left, right) => Number(right.verdict === 'fail') - Number(left.verdict === 'fail'))[0]
  if (moved === undefined) return checks
  const because = `column \`${moved.column}\` has drifted away from the anchor, so this may be drift`
  return checks.map((check) => {
    if (check.verdict === 'pass') return check
    if (!check.mayFail) return { ...check, verdict: 'pass', because: `${check.because}; ${because}` }
    return moved.verdict === 'fail' && check.verdict === 'fail'
      ? { ...check, verdict: 'warn', because: `${check.because}; ${because}` }
      : check
  })
}

function excusing({ thresholdOf }: PoisonInput): Required<Pick<PoisonInput, 'thresholdOf'>> {
  return { thresholdOf: noTighter(thresholdOf) }
}

type Compared = Readonly<{ candidate: Columns; anchor: Columns }>

/** Rows that some check lists, whatever its verdict: a source is judged by all of them. */
function suspectedRows({ candidate }: PoisonInput, checks: readonly PoisonCheck[]): Uint8Array {
  const numbers = new Set(checks.flatMap(({ suspects }) => suspects.map(({ row }) => row)))
  return Uint8Array.from({ length: candidate.rows }, (_, row) => (numbers.has(rowNumberOf(candidate, row)) ? 1 : 0))
}
