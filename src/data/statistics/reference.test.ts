/** Agreement with scipy and Evidently; the answers are stored in test/vectors/statistics, with the script that made them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { codedColumn, numericColumn } from '../table/columns.ts'
import { jensenShannon, kolmogorovSmirnov, populationStability } from './divergence.ts'
import { nonCentralQuantile, normalCdf, normalQuantile, wilson } from './intervals.ts'
import { profileTable } from './profile.ts'
import { quantileOf, sketchOf } from './sketch.ts'

const vectors = join(import.meta.dirname, '../../../test/vectors/statistics/reference.json')
const numbers = z.array(z.number())
const reference = z
  .object({
    pairs: z.array(
      z.object({
        left: numbers,
        right: numbers,
        ks: z.number(),
        shares: z.tuple([numbers, numbers]),
        psi: z.number(),
        jensenShannon: z.number(),
        mean: z.tuple([z.number(), z.number()]),
        deviation: z.tuple([z.number(), z.number()]),
        quantiles: numbers,
      }),
    ),
    normal: z.array(z.tuple([z.number(), z.number()])),
    cdf: z.array(z.tuple([z.number(), z.number()])),
    wilson: z.array(
      z.object({ count: z.number(), total: z.number(), z: z.number(), interval: z.tuple([z.number(), z.number()]) }),
    ),
    correlation: z.object({
      label: numbers,
      value: numbers,
      code: numbers,
      pointBiserial: z.number(),
      phi: z.number(),
    }),
    nonCentral: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync(vectors, 'utf8')))

function close(actual: number, expected: number, tolerance = 1e-9): void {
  const scale = Math.max(1, Math.abs(expected))
  assert.ok(Math.abs(actual - expected) <= tolerance * scale, `${actual} is not ${expected}`)
}

test('divergences agree with scipy and Evidently to 1e-9', () => {
  for (const { left, right, ks, shares, psi, jensenShannon: js } of reference.pairs) {
    close(kolmogorovSmirnov(Float64Array.from(left).sort(), Float64Array.from(right).sort()), ks)
    close(populationStability(...shares), psi)
    close(jensenShannon(...shares), js)
  }
})

test('moments and quantiles of a sketch agree with numpy', () => {
  for (const { left, right, mean, deviation, quantiles } of reference.pairs) {
    const [a, b] = [sketchOf(Float64Array.from(left)), sketchOf(Float64Array.from(right))]
    close(a.mean, mean[0])
    close(b.mean, mean[1])
    close(a.deviation, deviation[0])
    close(b.deviation, deviation[1])
    for (const [index, share] of [0.05, 0.25, 0.5, 0.75, 0.95].entries()) {
      close(quantileOf(a, share), quantiles[index] ?? Number.NaN)
    }
  }
})

test('the normal distribution agrees with scipy, far out too', () => {
  for (const [probability, deviate] of reference.normal) close(normalQuantile(probability), deviate)
  for (const [x, probability] of reference.cdf) close(normalCdf(x) / probability, 1)
})

test('intervals of shares agree with scipy', () => {
  for (const { count, total, z: deviate, interval } of reference.wilson) {
    const { low, high } = wilson(count, total, deviate)
    close(low, interval[0])
    close(high, interval[1])
  }
})

test('correlations with the label agree with scipy', () => {
  const { label, value, code, pointBiserial, phi } = reference.correlation
  const profile = profileTable({
    rows: label.length,
    label: 'label',
    columns: [
      codedColumn('category', 'label', label.map(String)),
      numericColumn('value', value),
      codedColumn('category', 'code', code.map(String)),
    ],
  })
  const [, ofValue, ofCode] = profile.columns
  close(ofValue?.withLabel.find((tie) => tie.class === '1')?.correlation ?? Number.NaN, pointBiserial)
  close(ofCode?.withLabel.find((tie) => tie.class === '1' && tie.value === '1')?.correlation ?? Number.NaN, phi)
})

test('quantiles of a non-central chi-square are within 15 % of scipy, of the quantile or of the mean', () => {
  for (const [degrees, nonCentrality, deviate, expected] of reference.nonCentral) {
    const error = Math.abs(nonCentralQuantile(degrees, nonCentrality, deviate) - expected)
    assert.ok(
      error <= 0.15 * Math.max(expected, degrees + nonCentrality),
      `${degrees} ${nonCentrality} ${deviate}: ${error}`,
    )
  }
})
