/** A series of numbers as one line of characters, for a terminal: pure. */

const bars = '▁▂▃▄▅▆▇█'

/**
 * At most `width` characters; where there are more numbers, the largest of each part stands for it.
 *
 * @param most the height of the tallest bar; the largest number when left out
 */
export function sparkline(values: readonly number[], width: number, most = Math.max(...values)): string {
  const count = Math.min(width, values.length)
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count)
    const to = Math.floor(((index + 1) * values.length) / count)
    const height = Math.max(...values.slice(from, to)) / (most > 0 ? most : 1)
    return bars[Math.min(bars.length - 1, Math.max(0, Math.floor(height * bars.length)))] ?? ''
  }).join('')
}
