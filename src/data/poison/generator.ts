/**
 * Random numbers that are the same for the same seed: a verdict must come out the same when it is asked for again.
 *
 * Source: Mulberry32 (T. Ettinger, public domain). Not for secrets: whoever knows the seed knows the numbers.
 */
import { type Columns, selectRows } from '../table/columns.ts'

/** Between 0 and 1, 1 excluded. */
export type Generator = () => number

export function generatorOf(seed: number): Generator {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** 0 to `count - 1` in random order. */
export function shuffled(count: number, random: Generator): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index)
  for (let index = count - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    const moved = order[index] ?? 0
    order[index] = order[other] ?? 0
    order[other] = moved
  }
  return order
}

/** At most so many rows of a table, chosen by chance, in their order. */
export function thinned(table: Columns, rows: number, seed: number): Columns {
  if (table.rows <= rows) return table
  return selectRows(table, shuffled(table.rows, generatorOf(seed)).slice(0, rows).sort())
}
