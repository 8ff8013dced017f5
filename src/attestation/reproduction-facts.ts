/**
 * All that is said about one reproduction: stages that were run again from their evidence, and what their outs came to
 * beside those of then. Plain JSON throughout.
 */
import type { Digest, Sha256, Tier } from '../core/index.ts'

export type ReproductionResult = 'identical' | 'within-tolerance' | 'diverged' | 'unavailable'

/** One out, or one file of it, beside its new self. `equal`: other bytes that say the same, such as another order of keys. */
export type OutComparison = Readonly<{
  stage: string
  /** Project path of the out, or of a file inside it. */
  path: string
  verdict: 'identical' | 'equal' | 'within-tolerance' | 'diverged'
  /** What differs most, one sentence. */
  detail: string
}>

export type ReproducedStage = Readonly<{
  stage: string
  /** Digest of the bundle of then. */
  original: Sha256
  /** Digest of the bundle of now; missing when the stage did not end well. */
  again?: Sha256
}>

export type Reproduction = Readonly<{
  /** Id of the project: a reproduction counts in no other. */
  project: string
  /** The subjects: every out of the stages, as it was then. */
  outs: readonly Readonly<{ path: string; digest: Digest }>[]
  stages: readonly ReproducedStage[]
  result: ReproductionResult
  /** One an out at least, where it was made again. */
  comparisons: readonly OutComparison[]
  /** The first stage, in the order of the pipeline, whose outs are not those of then. */
  firstDivergence?: Readonly<{ stage: string; path?: string; because: string }>
  /** What was recorded otherwise then and now: likeliest cause first, at most some dozens. */
  differences: readonly Readonly<{ stage: string; what: string; before: string; after: string }>[]
  /** Why a stage could not be run again. */
  because?: string
  /** assay's own version. */
  version: string
  /** Who asked for it. */
  principal: Readonly<{ name: string; email: string; tier: Tier }>
  /** RFC 3339, UTC. */
  startedAt: string
  finishedAt: string
}>

/** The worst of the comparisons. Bytes that differ are never `identical`, whatever they say. */
export function resultOfComparisons(comparisons: readonly OutComparison[]): ReproductionResult {
  if (comparisons.length === 0) return 'unavailable'
  if (comparisons.some(({ verdict }) => verdict === 'diverged')) return 'diverged'
  return comparisons.every(({ verdict }) => verdict === 'identical') ? 'identical' : 'within-tolerance'
}
