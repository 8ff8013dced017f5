/**
 * Label flips in nine real tables: our detector beside cleanlab's, on the same rows in the same run.
 *
 *   python bench/data/label-flips.py FOLDER && node bench/data/label-flips.ts FOLDER [SEEDS]
 *
 * `ours` sees what cleanlab sees: the flipped table alone. `anchored` is how assay uses it: one half of the rows is the
 * approved anchor, labels as they were; the other half is the candidate, and only its rows are counted, for all.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { generatorOf } from '../../src/data/poison/generator.ts'
import { findLabelFlips } from '../../src/data/poison/label-flip.ts'
import { type Columns, codedColumn, numericColumn, selectRows } from '../../src/data/table/columns.ts'

const [folder = '', wantedSeeds = '01234'] = process.argv.slice(2)
const setShape = z.object({
  rows: z.number(),
  labels: z.array(z.number()),
  columns: z.array(
    z.object({ name: z.string(), numeric: z.boolean(), values: z.array(z.union([z.number(), z.string()])) }),
  ),
})
const answer = z.object({ flagged: z.array(z.number()), scores: z.array(z.number()) })
const caseShape = z.object({
  flipped: z.array(z.number()),
  labels: z.array(z.number()),
  peers: z.record(z.string(), answer),
})

type Answer = Readonly<{ flagged: ReadonlySet<number>; scores: ArrayLike<number> }>
type Case = Readonly<{
  set: string
  kind: string
  percent: number
  truth: ReadonlySet<number>
  rows: Int32Array
  answers: ReadonlyMap<string, Answer>
}>

function tableOf({ rows, columns }: z.infer<typeof setShape>, labels: readonly number[]): Columns {
  const features = columns.map(({ name, numeric, values }) =>
    numeric ? numericColumn(name, values.map(Number)) : codedColumn('category', name, values.map(String)),
  )
  return { rows, label: ' label', columns: [...features, codedColumn('category', ' label', labels.map(String))] }
}

const spent = { ours: 0, anchored: 0, cases: 0 }

function timed<Value>(what: 'ours' | 'anchored', compute: () => Value): Value {
  const startedAt = process.cpuUsage()
  const value = compute()
  const { user, system } = process.cpuUsage(startedAt)
  spent[what] += (user + system) / 1e6
  return value
}

function runCase(file: string): Case | undefined {
  const [, set = '', kind = '', percent = '', seed = ''] = /^(\w+)\.(\w+)\.(\d+)\.(\d+)\.json$/.exec(file) ?? []
  if (set === '' || !wantedSeeds.includes(seed)) return undefined
  const shipped = setShape.parse(JSON.parse(readFileSync(join(folder, `${set}.json`), 'utf8')))
  const { flipped, labels, peers } = caseShape.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
  const everyRow = Int32Array.from(labels.keys())
  const ours = timed('ours', () => findLabelFlips({ candidate: tableOf(shipped, labels), seed: Number(seed) }))
  const answers = new Map<string, Answer>(
    Object.entries(peers).map(([name, { flagged, scores }]) => [name, { flagged: new Set(flagged), scores }]),
  )
  if (ours !== undefined)
    answers.set('ours', { flagged: new Set(everyRow.filter((row) => ours.flagged[row] === 1)), scores: ours.scores })
  const random = generatorOf(Number(seed) + 77)
  const isAnchor = labels.map(() => random() < 0.5)
  const [anchorRows, rows] = [everyRow.filter((row) => isAnchor[row]), everyRow.filter((row) => !isAnchor[row])]
  const anchor = selectRows(tableOf(shipped, shipped.labels), anchorRows)
  const anchored = timed('anchored', () =>
    findLabelFlips({ anchor, candidate: selectRows(tableOf(shipped, labels), rows), seed: Number(seed) }),
  )
  if (anchored !== undefined) {
    const scores = new Float64Array(labels.length)
    for (const [index, row] of rows.entries()) scores[row] = anchored.scores[index] ?? 0
    answers.set('anchored', { flagged: new Set(rows.filter((_, index) => anchored.flagged[index] === 1)), scores })
  }
  spent.cases += 1
  return { set, kind, percent: Number(percent), truth: new Set(flipped), rows, answers }
}

function f1({ flagged }: Answer, truth: ReadonlySet<number>, rows?: ReadonlySet<number>): number {
  const within = (all: ReadonlySet<number>): readonly number[] => [...all].filter((row) => rows?.has(row) ?? true)
  const [found, wanted] = [within(flagged), within(truth)]
  const hits = found.filter((row) => truth.has(row)).length
  return found.length + wanted.length === 0 ? 1 : (2 * hits) / (found.length + wanted.length)
}

/** Average precision, and the share of flips among the first as many as there are. */
function ranking({ scores }: Answer, truth: ReadonlySet<number>, rows: readonly number[]): readonly [number, number] {
  const order = rows.toSorted((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right)
  const wanted = rows.filter((row) => truth.has(row)).length
  let hits = 0
  let precision = 0
  let atN = 0
  for (const [index, row] of order.entries()) {
    if (!truth.has(row)) continue
    hits += 1
    precision += hits / (index + 1)
    if (index < wanted) atN += 1
  }
  return [precision / wanted, atN / wanted]
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** 95 % interval of the mean of paired differences, by 2,000 bootstrap samples. */
function bootstrap(differences: readonly number[]): string {
  const random = generatorOf(1)
  const means = Array.from({ length: 2000 }, () =>
    mean(differences.map(() => differences[Math.floor(random() * differences.length)] ?? 0)),
  )
  means.sort((left, right) => left - right)
  return `${mean(differences).toFixed(3)} [${(means[50] ?? 0).toFixed(3)}, ${(means[1949] ?? 0).toFixed(3)}]`
}

const cases = readdirSync(folder)
  .sort()
  .flatMap((file) => runCase(file) ?? [])
const methods = ['trees', 'neighbours', 'logistic', 'vote', 'ensemble', 'ours', 'anchored']
const kinds = ['uniform', 'class', 'boundary']
const f1Of = (one: Case, method: string): number => {
  const found = one.answers.get(method)
  if (found === undefined) return 0
  return f1(found, one.truth, method === 'anchored' ? new Set(one.rows) : undefined)
}
const halfF1 = (one: Case, method: string): number =>
  f1(one.answers.get(method) ?? { flagged: new Set(), scores: [] }, one.truth, new Set(one.rows))
const line = (name: string, cells: readonly string[]): void =>
  console.log([name.padEnd(16), ...cells.map((cell) => cell.padStart(10))].join(' '))

console.log(
  `${cases.length} cases; CPU s a case: ours ${(spent.ours / spent.cases).toFixed(2)}, anchored ${(spent.anchored / spent.cases).toFixed(2)}`,
)
console.log('\nmean F1 (anchored: over its half of the rows)')
line('', methods)
for (const kind of kinds) {
  for (const percent of [1, 5, 10, 20]) {
    const some = cases.filter((one) => one.kind === kind && one.percent === percent)
    line(
      `${kind} ${percent} %`,
      methods.map((method) => mean(some.map((one) => f1Of(one, method))).toFixed(3)),
    )
  }
  const all = cases.filter((one) => one.kind === kind)
  line(
    `${kind}, all`,
    methods.map((method) => mean(all.map((one) => f1Of(one, method))).toFixed(3)),
  )
}
const flips = cases.filter(({ kind }) => kind !== 'clean')
line(
  'all',
  methods.map((method) => mean(flips.map((one) => f1Of(one, method))).toFixed(3)),
)
const clean = cases.filter(({ kind }) => kind === 'clean')
const cleanShare = (one: Case, method: string): number =>
  (one.answers.get(method)?.flagged.size ?? 0) /
  (method === 'anchored' ? one.rows.length : (one.answers.get('ensemble')?.scores.length ?? 1))
line(
  'flagged, clean',
  methods.map((method) => mean(clean.map((one) => cleanShare(one, method))).toFixed(4)),
)
console.log('\nmean average precision / recall at n')
for (const kind of kinds) {
  const all = cases.filter((one) => one.kind === kind)
  const cell = (method: string): string => {
    const pairs = all.flatMap((one) => {
      const found = one.answers.get(method)
      const rows = method === 'anchored' ? [...one.rows] : Array.from(found?.scores ?? [], (_, row) => row)
      return found === undefined || !rows.some((row) => one.truth.has(row)) ? [] : [ranking(found, one.truth, rows)]
    })
    return `${mean(pairs.map(([ap]) => ap)).toFixed(2)}/${mean(pairs.map(([, atN]) => atN)).toFixed(2)}`
  }
  line(kind, methods.map(cell))
}
console.log('\npaired difference of F1, mean and 95 % bootstrap interval')
for (const kind of [...kinds, 'all']) {
  const some = flips.filter((one) => kind === 'all' || one.kind === kind)
  const single =
    ['trees', 'neighbours', 'logistic', 'vote'].toSorted(
      (a, b) => mean(some.map((one) => f1Of(one, b))) - mean(some.map((one) => f1Of(one, a))),
    )[0] ?? ''
  console.log(
    `${kind}: ours - ensemble ${bootstrap(some.map((one) => f1Of(one, 'ours') - f1Of(one, 'ensemble')))}; ours - ${single} (best single) ${bootstrap(some.map((one) => f1Of(one, 'ours') - f1Of(one, single)))}`,
  )
  console.log(
    `${' '.repeat(kind.length)}  on half the rows: anchored - ensemble ${bootstrap(some.map((one) => halfF1(one, 'anchored') - halfF1(one, 'ensemble')))}; anchored - ${single} ${bootstrap(some.map((one) => halfF1(one, 'anchored') - halfF1(one, single)))}`,
  )
}
