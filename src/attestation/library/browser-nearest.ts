/** `src/core/nearest.ts` for a browser, where the distance of words would be half a kB: another case is what is meant. */

export function nearest(word: string, candidates: readonly string[]): string | undefined {
  return candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase())
}
