/**
 * How the search for label flips grows: an anchor of 20,000 rows or more fits the judge, new rows are scored.
 *
 *   node bench/data/label-flips-scale.ts [ROWS...]
 */
import { generatorOf } from '../../src/data/poison/generator.ts'
import { findLabelFlips } from '../../src/data/poison/label-flip.ts'
import { type Columns, codedColumn, numericColumn } from '../../src/data/table/columns.ts'

const sizes = process.argv.slice(2).map(Number)

/** Ten numbers, of which the first two tell the label; two percent of labels are wrong where asked. */
function tableOf(rows: number, seed: number, wrong: number): Columns {
  const random = generatorOf(seed)
  const noise = (): number => random() + random() + random() - 1.5
  const yes = Array.from({ length: rows }, () => random() < 0.5)
  const columns = Array.from({ length: 10 }, (_, column) =>
    numericColumn(
      `x${column}`,
      Float64Array.from(yes, (isYes) => noise() + (column < 2 ? (isYes ? 0.6 : -0.6) : 0)),
    ),
  )
  const labels = yes.map((isYes) => (isYes !== random() < wrong ? 'yes' : 'no'))
  return { rows, label: 'label', columns: [...columns, codedColumn('category', 'label', labels)] }
}

for (const rows of sizes.length > 0 ? sizes : [20_000, 50_000, 100_000, 200_000]) {
  const [anchor, candidate] = [tableOf(20_000, 1, 0), tableOf(rows, 2, 0.02)]
  const startedAt = process.cpuUsage()
  const found = findLabelFlips({ anchor, candidate })
  const { user, system } = process.cpuUsage(startedAt)
  const check = found?.check
  console.log(
    `${rows} new rows: ${((user + system) / 1e6).toFixed(1)} CPU s, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, ` +
      `verdict ${check?.verdict}, at least ${check?.excess.low.toFixed(0)} of ${Math.round(rows * 0.02)} flips, ${check?.because}`,
  )
}
