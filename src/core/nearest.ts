/** What was probably meant: for a hint beside an error, never for a decision. */

/** The nearest of `candidates` when it is near enough to be meant, else undefined. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3))
  const scored = candidates.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
  return scored.filter(({ distance }) => distance <= limit).sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), in UTF-16 units. */
function editDistance(left: string, right: string): number {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : substitution
      next.push(Math.min(substitution, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[right.length] ?? 0
}
