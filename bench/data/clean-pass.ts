/**
 * How often honest data are called drifted or poisoned: splits of real tables, anchor and candidate disjoint.
 *
 *   python bench/data/label-flips.py FOLDER && python bench/data/clean-pass.py FOLDER
 *   node bench/data/clean-pass.ts FOLDER [SPLITS [random|ordered]]
 *
 * Random splits of the nine tables of label-flips.py (half and half, at most 750 rows each), and batches in the order of
 * time: the anchor is drawn from a stretch, the candidate from the next, a fifth as long. What moves there really moves:
 * drift is counted apart from poison. `for poison alone`: a stage would be refused, and would not be for drift.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { generatorOf, shuffled } from '../../src/data/poison/generator.ts'
import { findPoison } from '../../src/data/poison/index.ts'
import { decideDrift, profileAnchor, profileTable } from '../../src/data/statistics/index.ts'
import { wilson } from '../../src/data/statistics/intervals.ts'
import { type Columns, selectRows } from '../../src/data/table/columns.ts'
import { loadTable } from './load-table.ts'

const [folder = '', splits = '1000', only = ''] = process.argv.slice(2)
const rowsOfSide = 750

type Pair = Readonly<{ anchor: Columns; candidate: Columns }>

function randomPair(table: Columns, seed: number): Pair {
  const order = shuffled(table.rows, generatorOf(seed))
  const size = Math.min(rowsOfSide, Math.floor(table.rows / 2))
  return {
    anchor: selectRows(table, order.subarray(0, size)),
    candidate: selectRows(table, order.subarray(size, 2 * size)),
  }
}

/** A stretch of up to 5,000 rows and the fifth that follows it, each thinned to at most 750. */
function timePair(table: Columns, seed: number): Pair {
  const random = generatorOf(seed)
  const length = Math.min(5000, Math.floor(table.rows * 0.6))
  const next = Math.floor(length / 5)
  const from = Math.floor(random() * (table.rows - length - next))
  const thinned = (start: number, count: number): Int32Array =>
    shuffled(count, random)
      .subarray(0, rowsOfSide)
      .map((row) => start + row)
      .sort()
  return {
    anchor: selectRows(table, thinned(from, length)),
    candidate: selectRows(table, thinned(from + length, next)),
  }
}

type Outcome = Readonly<{ poison: string; drift: string; alarms: readonly string[] }>

function outcomeOf({ anchor, candidate }: Pair, seed: number): Outcome {
  const report = findPoison({ anchor, candidate, seed })
  const measures = decideDrift(profileTable(candidate), profileAnchor(anchor)).filter(
    ({ verdict }) => verdict !== 'pass',
  )
  const drift = measures.some(({ verdict }) => verdict === 'fail') ? 'fail' : measures.length > 0 ? 'warn' : 'pass'
  const alarms = [
    ...report.checks
      .filter(({ verdict }) => verdict !== 'pass')
      .map(
        ({ name, verdict, column }) =>
          `${name}${name === 'poison/outliers' && column !== null ? '/class' : ''} ${verdict}`,
      ),
    ...measures.map(({ name, verdict }) => `${name} ${verdict}`),
  ]
  return { poison: report.verdict, drift, alarms }
}

const files = readdirSync(folder).sort()
const random = files.filter((file) => /^\w+\.json$/.test(file))
const ordered = files.filter((file) => /^\w+\.time\.json$/.test(file))
const startedAt = process.cpuUsage()
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

function report(kind: string, some: readonly Outcome[]): void {
  const rate = (count: number): string => {
    const { value, low, high } = wilson(count, some.length, 1.96)
    return `${percent(value)} [${percent(low)}, ${percent(high)}]`
  }
  const count = (is: (outcome: Outcome) => boolean): number => some.filter(is).length
  console.log(`${kind}: ${some.length} splits`)
  console.log(
    `  poison not passed ${rate(count(({ poison }) => poison !== 'pass'))}, failed ${rate(count(({ poison }) => poison === 'fail'))}`,
  )
  console.log(`  refused for poison alone ${rate(count(({ poison, drift }) => poison === 'fail' && drift !== 'fail'))}`)
  console.log(
    `  drift  not passed ${rate(count(({ drift }) => drift !== 'pass'))}, failed ${rate(count(({ drift }) => drift === 'fail'))}`,
  )
  const tally = new Map<string, number>()
  for (const alarm of some.flatMap(({ alarms }) => [...new Set(alarms)])) tally.set(alarm, (tally.get(alarm) ?? 0) + 1)
  console.log(
    `  ${[...tally]
      .sort((left, right) => right[1] - left[1])
      .map(([alarm, times]) => `${alarm} ${times}`)
      .join(', ')}`,
  )
}

const outcomes = { random: [] as Outcome[], ordered: [] as Outcome[] }
for (const [kind, tables] of [
  ['random', random],
  ['ordered', ordered],
] as const) {
  for (const file of only === '' || only === kind ? tables : []) {
    const table = loadTable(join(folder, file))
    const wanted = Math.ceil((Number(splits) * (kind === 'random' ? 0.8 : 0.2)) / tables.length)
    const some = Array.from({ length: wanted }, (_, seed) =>
      outcomeOf((kind === 'random' ? randomPair : timePair)(table, seed + 1), seed),
    )
    outcomes[kind].push(...some)
    report(`${kind} ${file}`, some)
  }
}
report('\nrandom, all', outcomes.random)
report('ordered, all', outcomes.ordered)
report('all', [...outcomes.random, ...outcomes.ordered])
const { user, system } = process.cpuUsage(startedAt)
console.log(`${((user + system) / 1e6).toFixed(0)} CPU s`)
