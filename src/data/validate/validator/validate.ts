/** Opens the tables of a request and asks the contract's questions. Runs in the sandboxed process. */
import { join } from 'node:path'
import type { TableContract } from '../../contract/index.ts'
import { findCsvFaults } from '../../table/csv-faults.fs.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { type Opened, openTable } from '../../table/open-table.fs.ts'
import type { Relation } from '../../table/relation.ts'
import { type DataCheck, formatFault } from '../check.ts'
import { evaluateTable } from '../evaluate.ts'
import type { ValidateAnswer, ValidateRequest } from '../request.ts'
import { reviewChecks } from '../review-checks.ts'
import { badBefore, leftChecks } from '../reviewed-columns.ts'
import type { Tables } from '../tables.ts'
import { makeViews, type Viewed } from '../views.ts'
import { type Compared, compare } from './compare.ts'
import { examplesOf } from './examples.ts'
import { besideGolden } from './golden.ts'
import { columnsOf, type Judged, judgedIn } from './judged-rows.ts'
import { triageOf } from './triage.ts'

/** @param folder writable; tables are linked below it */
export async function validateTable(engine: Engine, request: ValidateRequest, folder: string): Promise<ValidateAnswer> {
  const { files, limits } = request
  const contract: TableContract = request.contract ?? { name: 'data', types: {}, rules: [] }
  const opened = await openTable(engine, files, join(folder, 'tables', '0'), limits)
  if (opened.kind === 'refused') return { checks: [...opened.faults], unseen: [] }
  const others = await openOthers(engine, request, folder)
  const views = await viewsOf(engine, contract, opened.relation, others)
  const evaluated = await evaluateTable(
    engine,
    {
      relation: opened.relation,
      contract,
      others: new Map(others.map(({ name, relation }) => [name, relation])),
      views,
    },
    new Date(request.now),
  )
  if (evaluated.kind === 'unreadable')
    return { checks: [...opened.faults, located(evaluated.fault, opened)], unseen: [] }
  const asked = request.judged ?? []
  const isReviewed = asked.length > 0 || request.triage !== undefined
  const present = isReviewed ? await columnsOf(engine, opened.relation) : []
  const { judged, again, left } = await judgedIn(engine, opened.relation, { present, judged: asked })
  const compared = await comparedWith(engine, { ...request, reviewed: judged }, opened.relation, folder)
  const golden = await besideGolden(engine, opened.relation, request, folder)
  const hidden = opened.hidden ?? []
  const checks = [
    ...opened.faults,
    ...hiddenLabel(hidden, request.statistics?.label),
    ...evaluated.checks,
    ...reviewChecks(asked, judged),
    ...leftChecks(left),
    ...compared.checks,
    ...golden.checks,
  ]
  const examples =
    request.examples > 0 ? await examplesOf(engine, opened.relation, checks, request.examples) : undefined
  const before = { check: 'review/other-columns', column: null, because: badBefore }
  const pointed = [...[...again].map((row) => ({ row, ...before })), ...compared.pointed]
  const settled = new Set([...judged.keys()].filter((row) => !again.has(row)))
  const triage =
    request.triage === undefined
      ? undefined
      : await triageOf(
          engine,
          opened.relation,
          { pointed, judged: settled, whole: present, label: request.statistics?.label },
          request.triage,
        )
  return {
    rows: evaluated.rows,
    checks,
    unseen: [...compared.unseen, ...golden.unseen, ...hiddenTold(hidden)],
    ...(triage === undefined ? {} : { triage }),
    ...(compared.version === undefined
      ? {}
      : { version: { increments: [...compared.version.increments], drift: [...compared.version.drift] } }),
    ...(compared.profile === undefined ? {} : { profile: compared.profile }),
    ...(compared.anchorProfile === undefined ? {} : { anchorProfile: compared.anchorProfile }),
    ...(examples === undefined ? {} : { examples }),
  }
}

/** THREAT: readers that show the others only would take another column for the label. */
function hiddenLabel(hidden: readonly string[], label: string | undefined): readonly DataCheck[] {
  return label !== undefined && hidden.includes(label)
    ? [formatFault('label', `pandas takes the label \`${label}\` for the index, and not for a column`)]
    : []
}

function hiddenTold(hidden: readonly string[]): readonly string[] {
  if (hidden.length === 0) return []
  const names = hidden.map((name) => `\`${name}\``).join(', ')
  return [`what pandas takes for the index, and not for a column: ${names}`.slice(0, 2000)]
}

/** Statistics, when they were asked for. */
async function comparedWith(
  engine: Engine,
  request: ValidateRequest & Readonly<{ reviewed: Judged }>,
  relation: Relation,
  folder: string,
): Promise<Omit<Compared, 'profile'> & Partial<Pick<Compared, 'profile'>>> {
  const { statistics, limits } = request
  if (statistics === undefined) return { checks: [], unseen: [], pointed: [] }
  const earlier: { anchor?: Relation; previous?: Relation } = {}
  for (const which of ['anchor', 'previous'] as const) {
    const files = request[which]
    if (files === undefined) continue
    const opened = await openTable(engine, files, join(folder, 'tables', which), limits)
    if (opened.kind === 'refused') {
      const because = `the ${which === 'anchor' ? 'approved' : 'previous'} table cannot be read: ${opened.faults[0]?.because ?? ''}`
      return { checks: [formatFault('baseline', because)], unseen: [], pointed: [] }
    }
    earlier[which] = opened.relation
  }
  return compare(engine, relation, earlier, { ...request, statistics })
}

type Other = Readonly<{ name: string; relation: Relation; types: TableContract['types'] }>

/** A table that cannot be opened is not at hand: the rules that need it are not evaluated. */
async function openOthers(engine: Engine, request: ValidateRequest, folder: string): Promise<readonly Other[]> {
  const others: Other[] = []
  for (const [index, { name, files, types }] of request.others.entries()) {
    const opened = await openTable(engine, files, join(folder, 'tables', `${index + 1}`), request.limits)
    if (opened.kind === 'open') others.push({ name, relation: opened.relation, types })
  }
  return others
}

async function viewsOf(
  engine: Engine,
  contract: TableContract,
  relation: Relation,
  others: readonly Other[],
): Promise<Tables['views']> {
  if (!contract.rules.some(({ kind }) => kind === 'sql')) return { names: new Set() }
  const { name, physicalName, types } = contract
  const own: Viewed = {
    names:
      physicalName === undefined || physicalName.toLowerCase() === name.toLowerCase() ? [name] : [name, physicalName],
    relation,
    types,
  }
  return makeViews(engine, [own, ...others.map((other) => ({ ...other, names: [other.name] }))])
}

/** The engine says that a CSV file breaks its shape; which rows do, is looked up. */
function located(fault: DataCheck, opened: Extract<Opened, { kind: 'open' }>): DataCheck {
  const { csv } = opened
  if (csv === undefined) return fault
  for (const path of csv.paths) {
    const found = findCsvFaults(path, csv.delimiter, csv.fields)
    if (found === undefined) continue
    const rest = fault.code === undefined ? {} : { code: fault.code }
    return formatFault('readable', found.because, { ...rest, rows: [...found.rows], count: found.rows.length })
  }
  return fault
}
