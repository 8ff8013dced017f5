/**
 * A white corner on digits: how often poison/trigger finds it, and how often it alarms without one.
 *
 *     npm run bench:image-triggers -- DIGITS [alone|anchored]
 *
 * DIGITS is scikit-learn's digits.csv.gz (sklearn/datasets/data), 1,797 of 8 x 8 levels, drawn 32 x 32. Alone: a random three
 * quarters; anchored: a random half beside the other. Planted on images of other classes (`others`) or its own (`own`).
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { generatorOf, shuffled } from '../../src/data/poison/generator.ts'
import { type Grey, tableOfImages } from '../../src/data/poison/images.ts'
import { findTriggersInImages } from '../../src/data/poison/trigger.ts'

const seeds = 20
const [file = '', only] = process.argv.slice(2)
const digits = gunzipSync(readFileSync(file))
  .toString()
  .trim()
  .split('\n')
  .map((line) => line.split(',').map(Number))
const classOf = (digit: readonly number[] | undefined): number => digit?.[64] ?? -1

type Case = Readonly<{ on: 'none' | 'others' | 'own'; share: number; of: 'class' | 'table'; thinned?: number }>

const cases: readonly Case[] = [
  { on: 'none', share: 0, of: 'class' },
  { on: 'none', share: 0, of: 'class', thinned: 20 },
  ...(['class', 'table'] as const).flatMap((of) =>
    [0.01, 0.05, 0.1].map((share) => ({ on: 'others', share, of }) as const),
  ),
  { on: 'own', share: 0.1, of: 'class' },
  { on: 'own', share: 0.3, of: 'class' },
]

function draw(digit: readonly number[], isStamped: boolean): Grey {
  return Uint8Array.from({ length: 32 * 32 }, (_, at) => {
    const [x, y] = [Math.floor((at % 32) / 4), Math.floor(at / 128)]
    const level = isStamped && x >= 6 && y >= 6 ? 16 : (digit[8 * y + x] ?? 0)
    return Math.round((level * 255) / 16)
  })
}

function tableOf(rows: readonly (readonly number[])[], planted: ReadonlySet<number>, target: number) {
  return tableOfImages(
    rows.map((digit, row) => draw(digit, planted.has(row))),
    rows.map((digit, row) => String(planted.has(row) ? target : classOf(digit))),
  )
}

/** `thinned`: of the target class only so many are left. */
function made({ on, share, of, thinned }: Case, seed: number, isAnchored: boolean) {
  const target = Math.floor(10 * generatorOf(seed)())
  const order = [...shuffled(digits.length, generatorOf(1000 + seed))].map((row) => digits[row] ?? [])
  const cut = Math.floor(isAnchored ? order.length / 2 : order.length / 4)
  const [others, all] = [order.slice(0, cut), order.slice(cut)]
  let kept = 0
  const rows = all.filter((digit) => classOf(digit) !== target || ++kept <= (thinned ?? all.length))
  const amount = share * (of === 'table' ? rows.length : rows.filter((digit) => classOf(digit) === target).length)
  const able = [...rows.keys()].filter((row) => (classOf(rows[row]) === target) === (on === 'own'))
  const planted = new Set(on === 'none' ? [] : able.slice(0, Math.max(1, Math.round(amount))))
  const candidate = tableOf(rows, planted, target)
  return { planted, input: isAnchored ? { candidate, anchor: tableOf(others, new Set(), target) } : { candidate } }
}

for (const isAnchored of [false, true].filter((one) => only === undefined || one === (only === 'anchored'))) {
  for (const one of cases) {
    const total = { alarms: 0, tables: 0, found: 0, planted: 0, named: 0 }
    const before = process.cpuUsage()
    for (let seed = 0; seed < seeds; seed += 1) {
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
    console.log(
      isAnchored ? 'anchored' : 'alone',
      JSON.stringify({ ...one, of: `${seeds} tables, ${one.of}`, ...total, seconds: (user + system) / 1e6 / seeds }),
    )
  }
}
