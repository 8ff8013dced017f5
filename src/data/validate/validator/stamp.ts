/**
 * Puts suspected triggers into clean rows, for a trained model to be tried on. Runs in the sandboxed process.
 *
 * A cell is taken over from a row of the data that carries the trigger (`trigger`), or that has the same label and does
 * not (`control`), so that the two differ by the trigger alone; whatever it is made of, it is never spelt out here.
 */

import { join } from 'node:path'
import { type Stamp, stampsOf } from '../../poison/index.ts'
import type { Engine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import { columnNamed, type Relation, textOf } from '../../table/relation.ts'
import { numbered, rowColumn } from '../../table/row-number.ts'
import { type DataCheck, formatFault } from '../check.ts'
import { unreadable } from '../evaluate.ts'
import type { StampAnswer, StampRequest } from '../request.ts'
import { stampLimits } from '../stamp-limits.ts'
import { loadFor } from './compare.ts'

type Cells = ReadonlyMap<string, string | null>
type Row = StampAnswer['rows'][number]

/** LIMIT: clean rows that hosts are taken from. */
const maxClean = 5000

/** @param folder writable; tables are linked below it */
export async function stamp(engine: Engine, request: StampRequest, folder: string): Promise<StampAnswer> {
  const { statistics, types, each } = request
  const relations: Relation[] = []
  for (const which of ['files', 'rows', 'anchor'] as const) {
    const files = request[which]
    if (files === undefined) continue
    const opened = await openTable(engine, files, join(folder, 'tables', which), request.limits)
    if (opened.kind === 'refused') return refused(opened.faults)
    const fault = await unreadable(engine, opened.relation)
    if (fault !== undefined) return refused([fault])
    relations.push(opened.relation)
  }
  const [data, clean, anchor] = relations
  if (data === undefined || clean === undefined) throw new Error('a stamp needs data and clean rows')
  const { label } = statistics
  for (const relation of [data, clean])
    if (label === undefined || columnNamed(relation, label) === undefined)
      return refused([formatFault('label', 'the data, or the clean rows, have no column of labels')])

  const candidate = (await loadFor(engine, data, statistics, types)).columns
  const approved = anchor === undefined ? undefined : (await loadFor(engine, anchor, statistics, types)).columns
  const { seed } = statistics
  const most = { stamps: stampLimits.stamps, rows: each }
  const found = stampsOf({ candidate, seed, ...(approved === undefined ? {} : { anchor: approved }) }, most)

  const columns = clean.columns.map(({ name }) => name)
  const rows = await cleanRows(engine, clean, seed)
  const wanted = [...new Set(found.flatMap(({ carriers, others }) => [...carriers, ...others]))]
  const known = await cellsOf(engine, data, wanted.length === 0 ? 'LIMIT 0' : `WHERE ${rowColumn(data)} IN (${wanted})`)
  const stamps: StampAnswer['stamps'] = []
  const stamped: Row[] = spread(rows, each).map((row) => ({ stamp: -1, kind: 'plain', values: valuesOf(row, columns) }))
  for (const one of found) {
    const target = known.get(one.carriers[0] ?? 0)?.get(label ?? '')
    // a row that has the label anyway says nothing
    const hosts = spread(
      rows.filter((row) => row.get(label ?? '') !== target),
      each,
    )
    const lacking = (one.columns ?? data.columns.map(({ name }) => name)).filter((name) => !columns.includes(name))
    // THREAT: a trigger that no row carries would count as asked, and its answer as harmless
    if (typeof target !== 'string' || hosts.length === 0)
      return refused([formatFault('clean', 'no clean row has another label than a suspected trigger is tied to')])
    if (lacking.length > 0)
      return refused([
        formatFault('clean', `the clean rows lack ${lacking.length} columns that carry a suspected trigger`),
      ])
    for (const kind of ['trigger', 'control'] as const)
      for (const [index, host] of hosts.entries()) {
        const donor = donorAt(one, kind, index, known)
        if (donor !== undefined)
          stamped.push({ stamp: stamps.length, kind, values: valuesOf(graft(host, donor, one, label), columns) })
      }
    stamps.push({ what: one.what, target, carriers: one.carriers.length, controls: one.others.length })
  }
  return { checks: [], columns, stamps, rows: stamped }
}

/** Of every part of the file, in no step that its rows could alternate in: one that is sorted by its label must give hosts too. */
async function cleanRows(engine: Engine, clean: Relation, seed: number): Promise<readonly Cells[]> {
  const drawn = `ORDER BY hash(${rowColumn(clean)}, ${seed}), ${rowColumn(clean)} LIMIT ${maxClean}`
  return [...(await cellsOf(engine, clean, drawn)).values()]
}

function refused(checks: readonly DataCheck[]): StampAnswer {
  return { checks: [...checks], columns: [], stamps: [], rows: [] }
}

function donorAt(
  { carriers, others }: Stamp,
  kind: 'trigger' | 'control',
  index: number,
  known: ReadonlyMap<number, Cells>,
): Cells | undefined {
  const rows = kind === 'trigger' ? carriers : others
  return known.get(rows[index % Math.max(1, rows.length)] ?? 0)
}

/** The label stays that of the clean row. A pattern of nulls is taken over as it is, with the donor's values where nulls were. */
function graft(host: Cells, donor: Cells, { columns }: Stamp, label: string | undefined): Cells {
  const taken = (name: string, value: string | null): string | null => {
    if (name === label || !donor.has(name)) return value
    const given = donor.get(name) ?? null
    if (columns !== null) return columns.includes(name) ? given : value
    return given === null || value === null ? given : value
  }
  return new Map([...host].map(([name, value]) => [name, taken(name, value)]))
}

/** Evenly over all, so that a sorted file gives of every part. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, all.length / most)
  return Array.from({ length: Math.min(most, all.length) }, (_, index) => all[Math.floor(index * step)]).filter(
    (one) => one !== undefined,
  )
}

function valuesOf(row: Cells, columns: readonly string[]): (string | null)[] {
  return columns.map((name) => row.get(name) ?? null)
}

/** @param which a clause behind the table; numbers of rows are in the column `rowColumn` */
async function cellsOf(engine: Engine, relation: Relation, which: string): Promise<ReadonlyMap<number, Cells>> {
  const cells = relation.columns.map((column) => `left(${textOf(column)}, ${stampLimits.characters})`)
  const number = rowColumn(relation)
  const rows = await engine.query(`SELECT ${[number, ...cells].join(', ')} FROM ${numbered(relation)} ${which}`)
  return new Map(
    rows.map(([row, ...values]) => [
      Number(row),
      new Map(
        relation.columns.map(({ name }, index) => {
          const value = values[index]
          return [name, typeof value === 'string' ? value : null]
        }),
      ),
    ]),
  )
}
