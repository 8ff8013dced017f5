/** Choices that a seed decides: the same seed is the same project, on every machine. */

export type Random = Readonly<{
  /** 0 <= n < limit, an integer. */
  below(limit: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** Between `least` and `most` results of `make`, both included. */
  many<Item>(least: number, most: number, make: (index: number) => Item): Item[]
  /** One of the options, each as likely as its weight says. */
  weighted<Item>(options: readonly (readonly [number, Item])[]): Item
}>

/** Mulberry32: small, fast, and good enough to choose with. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(unit() * limit)
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  return {
    below,
    pick,
    chance: (probability) => unit() < probability,
    many: (least, most, make) => Array.from({ length: least + below(most - least + 1) }, (_, index) => make(index)),
    weighted: (options) => {
      let rest = unit() * options.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of options) {
        rest -= weight
        if (rest < 0) return item
      }
      return pick(options)[1]
    },
  }
}
