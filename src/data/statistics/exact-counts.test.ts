/** Exact tails: worked by hand, and as scipy answers (test/vectors/statistics/counts.json, with the script that made it). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { binomialTail, exactTails, exceedances } from './exact-counts.ts'

const pair = z.tuple([z.number(), z.number()])
const reference = z
  .object({
    binomial: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).min(1),
    tables: z.array(z.object({ left: pair, right: pair, more: z.number(), fewer: z.number() })).min(1),
    exceedances: z
      .array(
        z.object({
          known: z.number(),
          fresh: z.number(),
          level: z.number(),
          detectable: z.number(),
          chance: z.number(),
        }),
      )
      .min(1),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/vectors/statistics/counts.json'), 'utf8')))

/** To 1e-9 of what is wanted, in the far tail too. */
function close(value: number, wanted: number, what: string): void {
  assert.ok(Math.abs(value - wanted) <= 1e-9 * wanted, `${what}: ${value} is not ${wanted}`)
}

test('tails agree with scipy to 1e-9 of their size', () => {
  for (const [least, trials, share, tail] of reference.binomial)
    close(binomialTail(least, trials, share), tail, `${least} of ${trials} at ${share}`)
  for (const { left, right, more, fewer } of reference.tables) {
    const tails = exactTails({ found: left[0], of: left[1] }, { found: right[0], of: right[1] })
    close(tails.more, more, `more: ${left} beside ${right}`)
    close(tails.fewer, fewer, `fewer: ${left} beside ${right}`)
  }
  for (const { detectable, chance, ...asked } of reference.exceedances) {
    const found = exceedances(asked)
    assert.deepEqual([found.beyond, found.detectable], [detectable - 1, detectable])
    close(found.chance, chance, `${asked.fresh} beside ${asked.known}`)
  }
})

function near(value: number, wanted: number): void {
  assert.ok(Math.abs(value - wanted) < 1e-9, `${value} is not ${wanted}`)
}

test('two heads or more of three coins are 4 of 8', () => {
  near(binomialTail(2, 3, 0.5), 0.5)
  near(binomialTail(3, 3, 0.1), 0.001)
  assert.deepEqual(
    [binomialTail(0, 9, 0), binomialTail(1, 9, 0), binomialTail(10, 9, 0.5), binomialTail(9, 9, 1)],
    [1, 0, 0, 1],
  )
})

// Fisher's tea: 8 cups, 4 of them with milk first, and a lady who names four: all right in 1 of C(8, 4) = 70 ways, three or more
// in 1 + C(4, 3) C(4, 1) = 17 of 70
test('the lady tastes tea', () => {
  near(exactTails({ found: 4, of: 4 }, { found: 0, of: 4 }).more, 1 / 70)
  near(exactTails({ found: 3, of: 4 }, { found: 1, of: 4 }).more, 17 / 70)
  near(exactTails({ found: 3, of: 4 }, { found: 1, of: 4 }).fewer, 69 / 70)
  near(exactTails({ found: 0, of: 4 }, { found: 4, of: 4 }).fewer, 1 / 70)
})

test('large counts stay numbers, and both tails are 1 where nothing was found', () => {
  const { more, fewer } = exactTails({ found: 500, of: 1000 }, { found: 25_000, of: 50_000 })
  assert.ok(more > 0.5 && more < 0.52 && fewer > 0.5 && fewer < 0.52)
  assert.deepEqual(exactTails({ found: 0, of: 5 }, { found: 0, of: 9 }), { more: 1, fewer: 1 })
})
