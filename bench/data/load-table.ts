/** Tables that `clean-pass.py` and `label-flips.py` wrote: numbers and words by column, and a class each. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type Columns, codedColumn, numericColumn } from '../../src/data/table/columns.ts'

const shape = z.object({
  labels: z.array(z.number()),
  columns: z.array(
    z.object({ name: z.string(), numeric: z.boolean(), values: z.array(z.union([z.number(), z.string(), z.null()])) }),
  ),
})

/** @param file JSON; the label is called ` label`, which no column is */
export function loadTable(file: string): Columns {
  const { labels, columns } = shape.parse(JSON.parse(readFileSync(file, 'utf8')))
  const features = columns.map(({ name, numeric, values }) =>
    numeric
      ? numericColumn(
          name,
          values.map((value) => (typeof value === 'number' ? value : null)),
        )
      : codedColumn(
          'category',
          name,
          values.map((value) => (value === null ? null : String(value))),
        ),
  )
  const label = codedColumn('category', ' label', labels.map(String))
  return { rows: labels.length, label: ' label', columns: [...features, label] }
}
