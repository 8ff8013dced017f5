/** Chance that can be had again: the same seed gives the same inputs. */
export type Random = Readonly<{
  /** 0 <= n < limit; 0 for a limit of 0. */
  below(limit: number): number
  /** True once in `times`. */
  once(times: number): boolean
  /** @throws RangeError for an empty list */
  one<T>(list: readonly T[]): T
  bytes(length: number): Buffer
}>

/** SOURCE: mulberry32, public domain (bryc/code, PRNGs.md). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number): number => (limit <= 0 ? 0 : next() % limit)
  return {
    below,
    once: (times) => below(times) === 0,
    one: (list) => {
      const chosen = list[below(list.length)]
      if (chosen === undefined) throw new RangeError('there is nothing to choose from')
      return chosen
    },
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}
