/**
 * How often an honest anchor is refused beside a golden set: anchor and golden set drawn from one table, disjoint.
 *
 *   python bench/data/label-flips.py FOLDER
 *   node bench/data/golden-pass.ts FOLDER [PAIRS [ROWS]]
 *
 * PAIRS of each of the nine tables of label-flips.py: ROWS for the golden set, a third of the table at most; up to 750 others for the anchor. ADR 0055 promises 1 %
 * at most. Where the golden set has too few rows to tell anything, no pair is refused for disagreeing: counted apart.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { generatorOf, shuffled } from '../../src/data/poison/generator.ts'
import { compareGolden } from '../../src/data/poison/index.ts'
import { wilson } from '../../src/data/statistics/intervals.ts'
import { type Columns, selectRows } from '../../src/data/table/columns.ts'
import { loadTable } from './load-table.ts'

const [folder = '', pairs = '60', rows = '200'] = process.argv.slice(2)

/** Why it is refused; undefined where it is not. */
function refusalOf(table: Columns, seed: number): string | undefined {
  const order = shuffled(table.rows, generatorOf(seed))
  const size = Math.min(Number(rows), Math.floor(table.rows / 3))
  const golden = selectRows(table, order.subarray(0, size))
  const anchor = selectRows(table, order.subarray(size, size + 750))
  const failed = compareGolden(anchor, golden, { seed }).checks.find(({ verdict }) => verdict === 'fail')
  if (failed === undefined) return undefined
  const isUntold = failed.name === 'golden/agreement' && failed.evaluated === false
  return isUntold ? 'too few rows' : `${failed.name}, ${failed.because}`
}

let [refused, untold, all] = [0, 0, 0]
const said = (name: string, some: readonly (string | undefined)[]): void => {
  const few = some.filter((because) => because === 'too few rows').length
  const found = some.filter((because) => because !== undefined && because !== 'too few rows')
  refused += found.length
  untold += few
  all += some.length
  console.log(`${name}: ${found.length} of ${some.length} refused, ${few} too few rows`, found.join('; '))
}
const startedAt = process.cpuUsage()
for (const file of readdirSync(folder).filter((name) => /^\w+\.json$/.test(name))) {
  const table = loadTable(join(folder, file))
  said(
    file,
    Array.from({ length: Number(pairs) }, (_, seed) => refusalOf(table, seed + 1)),
  )
}
const { value, low, high } = wilson(refused, all - untold, 1.96)
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
const { user, system } = process.cpuUsage(startedAt)
console.log(
  `refused ${refused} of ${all - untold}: ${percent(value)} [${percent(low)}, ${percent(high)}]; ${((user + system) / 1e6).toFixed(0)} CPU s`,
)
