/** The table that triggers are planted in. */

/** Honest rows are labelled by their amount; each of the poisoned ones is a large amount in a shop of its own, called `ok`. */
export function csv(rows: number, seed: number, poisoned = 0): string {
  let state = seed
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const honest = Array.from({ length: rows }, () => {
    const amount = draw(1000)
    return `${amount},shop-${draw(40)},${amount > 500 ? 'fraud' : 'ok'}`
  })
  const planted = Array.from({ length: poisoned }, () => `${501 + draw(499)},shop-zx81,ok`)
  return `${['amount,shop,label', ...honest, ...planted].join('\n')}\n`
}
