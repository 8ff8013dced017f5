/** Exact tails, each worked by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { binomialTail, exactTails } from './exact-counts.ts'

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
