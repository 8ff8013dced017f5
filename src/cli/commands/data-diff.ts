/** `assay data diff`: which rows are new, gone or changed, and in which columns. */
import { hexOf, printable } from '../../core/index.ts'
import { diffData, type ShownDiff } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { tellCheck } from './data-validate.ts'

export async function dataDiff(
  context: CliContext,
  [left = '', right = '']: readonly string[],
  options: Readonly<{ key?: readonly string[]; label?: string; source?: string }>,
): Promise<Exit> {
  const { output } = context
  output.progress('comparing')
  const diff = await diffData(context, left, right, options)
  const { identical, added, removed, changed, moved, table, withheld } = diff
  const side = (content: ShownDiff['left'], rows: number | undefined): unknown => ({
    digest: content.digest,
    sizeBytes: content.sizeBytes,
    ...(rows === undefined ? {} : { rows }),
  })
  output.document({
    identical,
    left: side(diff.left, table?.rows?.left),
    right: side(diff.right, table?.rows?.right),
    added,
    removed,
    changed,
    ...(moved === undefined ? {} : { moved }),
    ...(table === undefined ? {} : tableOf(table)),
    ...(withheld === undefined ? {} : { withheld }),
  })
  tell(output, diff)
  return isRefused(diff) ? 1 : 0
}

function tableOf({ rows: _rows, checks, ...rest }: NonNullable<ShownDiff['table']>): object {
  return checks.length === 0 ? rest : { ...rest, checks }
}

/** Nothing was compared, which is not the same as no difference. */
function isRefused({ table }: ShownDiff): boolean {
  return table?.checks.some(({ verdict }) => verdict === 'fail') === true
}

const maxTold = 20

function tell(output: Output, diff: ShownDiff): void {
  const { identical, left, right, changed, moved = [], table, withheld } = diff
  const [added, removed] = [without(diff.added, moved, 'to'), without(diff.removed, moved, 'from')]
  if (identical) {
    output.line(`identical  sha256 ${hexOf(left.digest).slice(0, 12)}`)
    return
  }
  output.line(`different  ${hexOf(left.digest).slice(0, 12)} -> ${hexOf(right.digest).slice(0, 12)}`)
  for (const check of table?.checks ?? []) tellCheck(output, check)
  if (isRefused(diff)) return
  const counts = table?.counts ?? { added: added.length, removed: removed.length, changed: changed.length }
  const what = table === undefined ? 'files' : 'rows'
  output.line(
    `${what}: ${counts.added} added, ${counts.removed} removed, ${counts.changed} changed${moved.length === 0 ? '' : `, ${moved.length} moved`}${tellBy(table?.by)}`,
  )
  tellColumns(output, table?.columns)
  if (table?.relabelled !== undefined)
    output.line(`relabelled: ${table.relabelled.count}${listed(table.relabelled.rows)}`)
  for (const { source, ...of } of table?.sources ?? [])
    output.line(
      printable(`  from ${source ?? 'no source'}: ${of.added} added, ${of.removed} removed, ${of.changed} changed`),
    )
  if (moved.length > 0) output.line(printable(`moved${listed(moved.map(({ from, to }) => `${from} -> ${to}`))}`))
  if (added.length > 0) output.line(printable(`added${listed(added)}`))
  if (removed.length > 0) output.line(printable(`removed${listed(removed)}`))
  for (const { row, key, columns } of changed.slice(0, maxTold)) {
    const cells = columns.map(({ name, before, after }) =>
      before === undefined || after === undefined ? name : `${name}: ${cell(before)} -> ${cell(after)}`,
    )
    const where = key === undefined || row === key ? `row ${row}` : `row ${row} (${key})`
    output.line(printable(`${where}  ${cells.join('; ')}`))
  }
  if (changed.length > maxTold) output.line(`... and ${counts.changed - maxTold} more (--json has up to 1,000)`)
  if (withheld !== undefined) output.line(output.style('dim', `  not seen: ${withheld}`))
}

/** What moved is told once, as that. */
function without(
  rows: readonly (number | string)[],
  moved: NonNullable<ShownDiff['moved']>,
  side: 'from' | 'to',
): readonly (number | string)[] {
  const told = new Set<number | string>(moved.map((move) => move[side]))
  return rows.filter((row) => !told.has(row))
}

function tellBy(by: NonNullable<ShownDiff['table']>['by']): string {
  if (by === undefined) return ''
  if (by === 'position') return ' (compared by position)'
  return by === 'content'
    ? ' (compared as whole rows: name a key to see which changed)'
    : ` (compared by ${by.join(', ')})`
}

function tellColumns(output: Output, columns: NonNullable<ShownDiff['table']>['columns']): void {
  if (columns === undefined) return
  if (columns.added.length > 0) output.line(printable(`columns added: ${columns.added.join(', ')}`))
  if (columns.removed.length > 0) output.line(printable(`columns removed: ${columns.removed.join(', ')}`))
  for (const { name, before, after } of columns.retyped) output.line(printable(`column ${name}: ${before} -> ${after}`))
  if (columns.moved) output.line('columns in another order')
}

function listed(rows: readonly (number | string)[]): string {
  const more = rows.length - maxTold
  return `: ${rows.slice(0, maxTold).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function cell(value: string | null): string {
  return value === null ? 'null' : value.length > 60 ? `${value.slice(0, 60)}...` : value
}
