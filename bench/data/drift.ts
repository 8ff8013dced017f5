/**
 * What drift of two large tables costs: 5 million rows, 10 columns each, on one thread. CPU seconds, at most 10 wanted.
 *
 *   node bench/data/drift.ts [ROWS]
 */
import { decideDrift, profileTable } from '../../src/data/statistics/index.ts'
import type { Column, Columns } from '../../src/data/table/columns.ts'

const rows = Number(process.argv[2] ?? 5_000_000)

/** xorshift32, between 0 and 1: not the generator that is measured. */
function generator(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4294967296
  }
}

/** Two normal-like, two skewed, one of integers, one half zeros, one instant; two categories; the label. */
function tableOf(seed: number, shift: number): Columns {
  const random = generator(seed)
  const numbers = (draw: () => number): Float64Array => Float64Array.from({ length: rows }, draw)
  const codes = (draw: () => number): Int32Array => Int32Array.from({ length: rows }, draw)
  const numeric = (name: string, draw: () => number): Column => ({
    kind: 'numeric',
    name,
    unit: 'number',
    values: numbers(draw),
  })
  const category = (name: string, count: number): Column => ({
    kind: 'category',
    name,
    codes: codes(() => Math.floor(random() * random() * count)),
    dictionary: Array.from({ length: count }, (_, code) => `${name}-${code}`),
  })
  const columns = [
    numeric('a', () => random() + random() + random() + shift),
    numeric('b', () => random() + random()),
    numeric('c', () => Math.exp(4 * random())),
    numeric('d', () => 1 / (random() + 1e-6)),
    numeric('e', () => Math.floor(random() * 50)),
    numeric('f', () => (random() < 0.5 ? 0 : random())),
    numeric('g', () => 1.6e12 + Math.floor(random() * 1e10)),
    category('h', 12),
    category('i', 5000),
    category('label', 3),
  ]
  return { rows, label: 'label', columns }
}

const [anchor, candidate] = [tableOf(1, 0), tableOf(2, 0.5)]
const startedAt = process.cpuUsage()
const [before, now] = [profileTable(anchor), profileTable(candidate)]
const profiled = process.cpuUsage(startedAt)
const measures = decideDrift(now, before)
const all = process.cpuUsage(startedAt)
const seconds = ({ user, system }: NodeJS.CpuUsage): string => ((user + system) / 1e6).toFixed(2)
const moved = new Set(measures.filter(({ verdict }) => verdict !== 'pass').map(({ column }) => column))
console.log(
  `${rows} rows x 10 columns, twice: profiles ${seconds(profiled)} CPU s, with the verdict ${seconds(all)} CPU s`,
)
console.log(`${measures.length} measures, columns that moved: ${[...moved].join(', ')} (a is the one that was moved)`)
