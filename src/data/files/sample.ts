/** Which images are searched for patterns, where there are more than that takes. Pure. */
import { sha256Of } from '../../core/index.ts'

/** LIMIT: images whose pixels are searched. */
export const maxImages = 20_000

/** @param paths of images in the dataset @param seed chooses (`sampleSeed`), here and in the approved folder alike */
export function sampledImages(paths: readonly string[], seed: number): ReadonlySet<string> {
  if (paths.length <= maxImages) return new Set(paths)
  const ranked = paths.map((path) => ({ path, rank: sha256Of(Buffer.from(`${seed} ${path}`)) }))
  ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1))
  return new Set(ranked.slice(0, maxImages).map(({ path }) => path))
}
