/** Steps between neighbouring floating-point numbers, as `numpy.nextafter` goes them. Pure. */

const value = new Float64Array(2)
const words = new Uint32Array(value.buffer) // little-endian, as every machine that Node runs on

/** How many doubles lie from one to the other; 0 for the two zeros; exact up to 2^53. NaN is no neighbour of anything. */
export function stepsBetween(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.POSITIVE_INFINITY
  value[0] = a
  value[1] = b
  return stepsOfWords(words[1] ?? 0, words[0] ?? 0, words[3] ?? 0, words[2] ?? 0)
}

/** Of two doubles as their high and low words, unsigned. */
export function stepsOfWords(highA: number, lowA: number, highB: number, lowB: number): number {
  const [magnitudeA, magnitudeB] = [highA & 0x7fffffff, highB & 0x7fffffff]
  if (highA >>> 31 !== highB >>> 31) return (magnitudeA + magnitudeB) * 2 ** 32 + (lowA + lowB)
  return Math.abs((magnitudeA - magnitudeB) * 2 ** 32 + (lowA - lowB))
}
