/** Statistics of a table against what was approved, as checks. Runs in the sandboxed process. */
import { budgetsIn, thresholdsIn } from '../../bounds.ts'
import type { TableContract } from '../../contract/index.ts'
import {
  type Budget,
  deltaRows,
  driftObservations,
  findPoison,
  type Increment,
  type PoisonCheck,
  type PoisonName,
  restored,
  unsearched,
  type Version,
} from '../../poison/index.ts'
import {
  decideDrift,
  type Measure,
  noLooser,
  profileAnchor,
  profileTable,
  type TableProfile,
  type ThresholdOf,
} from '../../statistics/index.ts'
import { type Columns, selectRows } from '../../table/columns.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { type Loaded, type LoadOptions, loadColumns } from '../../table/load-columns.ts'
import type { Relation } from '../../table/relation.ts'
import { type DataCheck, formatFault, maxListed, unmeasuredColumns } from '../check.ts'
import type { StatisticsRequest, ValidateRequest } from '../request.ts'
import type { Judged } from './judged-rows.ts'
import { hasText, sortsIn, sortsOf } from './known-sorts.ts'
import type { Pointed } from './triage.ts'

export type Compared = Readonly<{
  checks: readonly DataCheck[]
  unseen: readonly string[]
  /** Rows that look poisoned, those of the worst checks first. */
  pointed: readonly Pointed[]
  profile: TableProfile
  anchorProfile?: TableProfile
  version?: Version
}>

/** The approved table, and the version before this one. */
export type Earlier = Readonly<{ anchor?: Relation; previous?: Relation }>

export async function compare(
  engine: Engine,
  relation: Relation,
  { anchor, previous }: Earlier,
  request: ValidateRequest & Readonly<{ statistics: StatisticsRequest; reviewed: Judged }>,
): Promise<Compared> {
  const types = request.contract?.types ?? {}
  const load = (table: Relation | undefined, known: LoadOptions['known'] = new Map()) =>
    table === undefined ? undefined : loadFor(engine, table, request.statistics, types, { known })
  const first = await load(anchor)
  const known = first === undefined ? sortsIn(request.baseline?.profile, request.statistics) : sortsOf(first.columns)
  const [before, loaded] = [await load(previous, known), await load(relation, known)]
  if (loaded === undefined) throw new Error('the table is given')
  // one that has as text what the version has as numbers
  const approved = first !== undefined && hasText(first, loaded) ? await load(anchor, sortsOf(loaded.columns)) : first
  const anchorProfile = approved === undefined ? undefined : profileAnchor(approved.columns)
  const baseline = anchorProfile ?? request.baseline?.profile ?? undefined
  const profile = profileTable(loaded.columns)
  const drift = baseline === undefined ? [] : driftChecks(profile, baseline, request.bounds, loaded.misfits)
  const poison = request.statistics.poison ? poisonChecks({ loaded, approved, before }, request) : noPoison
  const unseen = [...unseenOf(loaded, approved), ...poison.unseen]
  return {
    checks: [...labelFaults(loaded, request.statistics), ...drift, ...poison.checks],
    unseen,
    pointed: poison.pointed,
    profile,
    ...(anchorProfile === undefined ? {} : { anchorProfile }),
    ...(approved === undefined || anchorProfile === undefined || poison.increments === undefined
      ? {}
      : {
          version: versionOf(
            { loaded, approved, before },
            { anchorProfile, increments: poison.increments, seed: request.statistics.seed, bounds: request.bounds },
          ),
        }),
  }
}

/** How much may differ, as what decides takes it; assay's own where nobody says otherwise. */
export function boundedBy(
  bounds: ValidateRequest['bounds'] = [],
): Readonly<{ budgets: Readonly<Record<PoisonName, Budget>>; thresholdOf: ThresholdOf }> {
  return { budgets: budgetsIn(bounds), thresholdOf: thresholdsIn(bounds) }
}

function driftChecks(
  profile: TableProfile,
  baseline: TableProfile,
  bounds: ValidateRequest['bounds'],
  misfits: Loaded['misfits'],
): readonly DataCheck[] {
  const measures = decideDrift(profile, baseline, boundedBy(bounds))
  return [...columnChecks(profile, baseline, misfits), ...measures.map(checkOfMeasure), ...unmeasured(bounds, measures)]
}

/** Thresholds that nothing was held to: a misspelt column would be a setting without effect. */
export function unmeasured(
  bounds: ValidateRequest['bounds'] = [],
  measures: readonly Pick<Measure, 'name' | 'column'>[],
): readonly DataCheck[] {
  const measured = new Set(measures.map(({ name, column }) => JSON.stringify([name, column])))
  return bounds.flatMap(({ check, column, value }) => {
    if (column === undefined || measured.has(JSON.stringify([check, column]))) return []
    const because = 'assay.yaml has a threshold for it, and nothing of that kind is measured of such a column'
    const head = { name: check, column, observed: null, expected: `at most ${value}`, rows: [], count: 0 }
    return [{ ...head, verdict: 'fail' as const, evaluated: false, because }]
  })
}

type Tables = Readonly<{ loaded: Loaded; approved: Loaded | undefined; before: Loaded | undefined }>

/**
 * What the new rows alone look like: the whole table hides a slow drift for as long as it is mostly old.
 *
 * THREAT: what is signed stays when a loosened threshold is taken back, so none counts in its unit; `times` decides.
 */
export function versionOf(
  { loaded, approved, before }: Tables,
  {
    anchorProfile,
    increments,
    seed,
    bounds,
  }: Readonly<{
    anchorProfile: TableProfile
    increments: readonly Increment[]
    seed: number
    bounds: ValidateRequest['bounds']
  }>,
): Version {
  const { columns } = loaded
  const known = (before ?? approved)?.columns
  const isNew = (before: Columns): Int32Array => deltaRows(restored(columns, before, seed).table, before, seed)
  const fresh = known === undefined ? columns : selectRows(columns, isNew(known))
  const thresholdOf = noLooser(boundedBy(bounds).thresholdOf)
  const drift =
    fresh.rows < fewestRows ? [] : driftObservations(decideDrift(profileTable(fresh), anchorProfile, { thresholdOf }))
  return { increments: [...increments], drift: drift.slice(0, maxDrift) }
}

const maxDrift = 10_000
/** Fewer new rows have no distribution that is worth comparing. */
const fewestRows = 50

export function loadFor(
  engine: Engine,
  relation: Relation,
  statistics: Pick<StatisticsRequest, 'label' | 'source' | 'seed'>,
  types: TableContract['types'],
  more: Pick<LoadOptions, 'wanted' | 'comparable' | 'known'> = {},
): Promise<Loaded> {
  const has = (name: string | undefined): boolean => relation.columns.some((column) => column.name === name)
  const { label, source, seed } = statistics
  return loadColumns(engine, relation, {
    types,
    seed,
    ...more,
    ...(label !== undefined && has(label) ? { label } : {}),
    ...(source !== undefined && has(source) ? { source } : {}),
  })
}

export function checkOfMeasure({
  name,
  column,
  verdict,
  value,
  threshold,
  large,
  effect,
  because,
}: Measure): DataCheck {
  const low = rounded(effect.low)
  const high = rounded(effect.high)
  return {
    name,
    column,
    verdict,
    observed: rounded(value),
    expected: `at most ${rounded(threshold)}, large from ${rounded(large)}`,
    rows: [],
    count: 0,
    evaluated: true,
    because: `${because} (${low} to ${high})`.slice(0, 2000),
  }
}

type Poison = Pick<Compared, 'checks' | 'unseen' | 'pointed'> & Readonly<{ increments?: readonly Increment[] }>

const noPoison: Poison = { checks: [], unseen: [], pointed: [] }

/** THREAT: an anchor that is poisoned itself would teach its poison; without one nothing passes. */
function poisonChecks(
  { loaded, approved, before }: Tables,
  {
    baseline,
    statistics,
    reviewed,
    bounds,
  }: ValidateRequest & Readonly<{ statistics: StatisticsRequest; reviewed: Judged }>,
): Poison {
  const good = new Set([...reviewed].flatMap(([row, verdict]) => (verdict === 'good' ? [row] : [])))
  const report = findPoison({
    candidate: loaded.columns,
    seed: statistics.seed,
    good,
    ...boundedBy(bounds),
    ...(approved === undefined ? {} : { anchor: approved.columns }),
    ...(before === undefined ? {} : { previous: before.columns }),
    ...(baseline === undefined ? {} : { baseline: baseline.poison }),
  })
  const isAnchored = approved !== undefined || baseline !== undefined
  const unseen = report.checks.map(
    ({ name, column, minimumDetectable }) =>
      `${name}${column === null ? '' : ` ${column}`}: fewer than ${Math.ceil(minimumDetectable)} rows may have gone unseen`,
  )
  const few = unsearched(
    report.checks,
    { candidate: loaded.columns, ...(approved === undefined ? {} : { anchor: approved.columns }) },
    'rows',
  )
  const otherDigits =
    report.restored === 0
      ? []
      : [`${report.restored} rows are approved rows whose numbers have other digits, and were taken for those`]
  const checks = report.checks.map(checkOfPoison)
  return {
    checks: isAnchored ? checks : [...checks, unanchored],
    unseen: [...new Set([...unseen, ...few, ...otherDigits])],
    pointed: pointedAt(report.checks),
    increments: report.checks.flatMap(({ increments }) => increments),
  }
}

export const unanchored: DataCheck = {
  name: 'poison/anchor',
  column: null,
  verdict: 'warn',
  observed: 'unanchored',
  expected: 'an approved baseline',
  rows: [],
  count: 0,
  evaluated: true,
  because: 'nothing says what honest data is like: poison that was there from the start looks like it',
}

const gravity = { fail: 0, warn: 1, pass: 2 } as const

export function pointedAt(checks: readonly PoisonCheck[]): readonly Pointed[] {
  return checks
    .toSorted((left, right) => gravity[left.verdict] - gravity[right.verdict])
    .flatMap(({ name, column, suspects }) =>
      suspects.map(({ row, because }) => ({ row, check: name, column, because: because.slice(0, 2000) })),
    )
}

export function checkOfPoison({
  name,
  column,
  verdict,
  observed,
  expected,
  suspects,
  because,
}: PoisonCheck): DataCheck {
  const { rows, budgetRows } = expected
  const wanted = rows === null ? 'unanchored' : `about ${Math.round(rows)}, at most ${Math.round(budgetRows)} more`
  return {
    name,
    column,
    verdict,
    observed: observed.found,
    expected: wanted,
    rows: suspects.slice(0, maxListed).map(({ row }) => row),
    count: observed.found,
    evaluated: true,
    because: because.slice(0, 2000),
  }
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : Math.sign(value) * Number.MAX_VALUE
}

/** A column that is gone or has become something else moved as far as one can. */
function columnChecks(
  candidate: TableProfile,
  baseline: TableProfile,
  misfits: Loaded['misfits'],
): readonly DataCheck[] {
  const found = new Map(candidate.columns.map((column) => [column.name, column.kind]))
  const known = new Map(baseline.columns.map((column) => [column.name, column.kind]))
  const head = { name: 'drift/columns', rows: [], count: 0, evaluated: true }
  const lost = baseline.columns.flatMap(({ name, kind }) => {
    const now = found.get(name)
    if (now === kind) return []
    const misfit = now === undefined ? undefined : misfits?.get(name)
    const told =
      misfit === undefined
        ? { because: 'the baseline has it' }
        : {
            because: `it was ${kind}, now text: the first such value is in row ${misfit.first}`,
            rows: [misfit.first],
            count: misfit.count,
          }
    return [{ ...head, column: name, verdict: 'fail' as const, observed: now ?? 'missing', expected: kind, ...told }]
  })
  const added = candidate.columns.flatMap(({ name, kind }) =>
    known.has(name)
      ? []
      : [
          {
            ...head,
            column: name,
            verdict: 'warn' as const,
            observed: kind,
            expected: 'no such column',
            because: 'the baseline has it not',
          },
        ],
  )
  return [...lost, ...added]
}

function unseenOf(loaded: Loaded, approved: Loaded | undefined): readonly string[] {
  const { rows, columns, kinds } = loaded
  const measured = new Set(columns.columns.map(({ name }) => name))
  const left = kinds.map(({ column }) => column.name).filter((name) => !measured.has(name))
  return [
    ...(columns.rows < rows ? [`statistics look at ${columns.rows} of ${rows} rows, chosen by a seed`] : []),
    ...(approved !== undefined && approved.columns.rows < approved.rows
      ? [`statistics look at ${approved.columns.rows} of the ${approved.rows} approved rows`]
      : []),
    ...(left.length > 0 ? [`${unmeasuredColumns}: ${left.join(', ')}`.slice(0, 2000)] : []),
  ]
}

/** A misspelt label would leave wrong labels unsearched. */
function labelFaults({ columns }: Loaded, { label }: Readonly<{ label?: string }>): readonly DataCheck[] {
  return label === undefined || columns.label !== undefined
    ? []
    : [formatFault('label', `there is no column \`${label}\` to take for the label`)]
}
