/** Tables with a known truth, for tests. */
import { type Columns, codedColumn, numericColumn } from '../table/columns.ts'
import { type Generator, generatorOf } from './generator.ts'

export type Drawn = { x: number; y: number; city: string; text: string; label: string; batch: string }

/** Two clouds of numbers that overlap a little, a city and words that say nothing, three batches. */
export function draw(rows: number, seed: number): Drawn[] {
  const random = generatorOf(seed)
  return Array.from({ length: rows }, (_, row) => {
    const isYes = random() < 0.5
    const centre = isYes ? 1.5 : -1.5
    const words = Array.from({ length: 6 }, () => `w${Math.floor(random() ** 2 * 400)}`)
    return {
      x: centre + normal(random),
      y: normal(random),
      city: `city-${Math.floor(random() * 20)}`,
      text: words.join(' '),
      label: isYes ? 'yes' : 'no',
      batch: `batch-${row % 3}`,
    }
  })
}

export function normal(random: Generator): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function tableOf(rows: readonly Drawn[]): Columns {
  const strings = (key: 'city' | 'text' | 'label' | 'batch'): readonly string[] => rows.map((row) => row[key])
  return {
    rows: rows.length,
    label: 'label',
    source: 'batch',
    columns: [
      numericColumn(
        'x',
        rows.map(({ x }) => x),
      ),
      numericColumn(
        'y',
        rows.map(({ y }) => y),
      ),
      codedColumn('category', 'city', strings('city')),
      codedColumn('text', 'text', strings('text')),
      codedColumn('category', 'label', strings('label')),
      codedColumn('category', 'batch', strings('batch')),
    ],
  }
}

export const opposite = (label: string): string => (label === 'yes' ? 'no' : 'yes')
