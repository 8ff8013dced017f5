/**
 * All that is said about one validation of one dataset, before it is a statement and after it was read from one.
 *
 * Plain JSON throughout. For confidential and restricted data it holds numbers of rows and no values: whoever makes the
 * facts leaves `observed` and `expected` out. `predicates/data-verdict.ts` gives each fact its place in the in-toto test
 * result.
 */
import type { Digest, Sha256, Tier } from '../core/index.ts'

export type DataResult = 'PASSED' | 'WARNED' | 'FAILED'

export type StatedCheck = Readonly<{
  /** `required`, `drift/psi`, `poison/label-flip`. */
  name: string
  column?: string
  verdict: 'pass' | 'warn' | 'fail'
  observed?: string
  expected?: string
  /** How many rows or files it is about. */
  count: number
  /** Digest of the bundle of the waiver that lets this failed check count as a warning. */
  waiver?: Sha256
}>

/** What is new in a version, compared with the rows of the anchor: counts, and sizes of effects; no values. */
export type DataStatistics = Readonly<{
  /** Of the version before, whose rows are not new; all rows that the anchor has not are new without it. */
  previous?: Digest
  increments: readonly Readonly<{
    name: string
    column: string | null
    part: string
    found: number
    expected: number
    of: number
    expectedError: number
  }>[]
  /** The largest effect of each column, in units of its threshold. */
  drift: readonly Readonly<{ column: string; effect: number }>[]
}>

export type DataVerdict = Readonly<{
  /** Id of the project: a verdict counts in no other. */
  project: string
  /** The subject. `list`: for a folder, the stored object that lists its files. */
  dataset: Readonly<{ path: string; digest: Digest; sizeBytes: number; list?: Sha256 }>
  /** Rows of a table, files of a folder; missing when it is neither. */
  rows?: number
  /** Id in the inventory. */
  source?: string
  classification: 'public' | 'internal' | 'confidential' | 'restricted'
  /** Column that checks of labels asked about; without it they were not asked. */
  label?: string
  contract?: Readonly<{ path: string; digest: Sha256 }>
  /** `anchor`: digest of the bundle in which a reviewer made this baseline the fixed anchor. */
  baseline?: Readonly<{ path: string; digest: Sha256; anchor?: Sha256 }>
  /** Rows that may not be in it, and that its anchor agrees with. */
  golden?: Readonly<{ path: string; digest: Digest }>
  /** How much it might differ from the baseline, where the user said so; `own` is what the validator lets through itself. */
  bounds?: readonly Readonly<{ check: string; column?: string; of: string; value: number; own?: number }>[]
  /** Other data that the contract's rules looked into. */
  references?: readonly Readonly<{ path: string; digest: Digest }>[]
  /** Bundles of the reviews of rows that were taken into account, in the order of their time. */
  reviews?: readonly Sha256[]
  statistics?: DataStatistics
  /** Bundles of the verdicts on the versions since the anchor that were taken into account, oldest first. */
  history?: readonly Sha256[]
  validator: Readonly<{
    /** assay's own version. */
    version: string
    /** `duckdb 1.5.6`. */
    engine: string
    /** SHA-256 over the thresholds and limits that were used, canonical JSON. */
    settings: Sha256
    /** Over all files that ran; verdicts of before this was stated have none. */
    program?: Sha256
  }>
  sandbox: Readonly<{ engine: string; digest: Sha256 }>
  result: DataResult
  checks: readonly StatedCheck[]
  /** What the checks could not have seen, one sentence each. */
  unseen: readonly string[]
  /** Names this question; `pipeline/validate-data.ts` says what it covers. */
  key: Sha256
  /** Who triggered the validation. */
  principal: Readonly<{ name: string; email: string; tier: Tier }>
  /** RFC 3339, UTC. */
  startedAt: string
  finishedAt: string
}>

/** The worst of the checks; a failure that is waived is a warning. */
export function resultOf(checks: readonly StatedCheck[]): DataResult {
  if (checks.some(({ verdict, waiver }) => verdict === 'fail' && waiver === undefined)) return 'FAILED'
  return checks.every(({ verdict }) => verdict === 'pass') ? 'PASSED' : 'WARNED'
}
