/**
 * The verdict of a reproduction as an in-toto statement, and back.
 *
 * Subjects: the outs as they were then. Format: docs/formats/reproduction.md.
 */
import { z } from 'zod'
import { type Digest, fromDigestSet, namespace, toDigestSet } from '../../core/index.ts'
import { type Reproduction, resultOfComparisons } from '../reproduction-facts.ts'
import { areUnique, digestShape, instantShape, nameShape, optionalText, sha256Shape, textShape } from '../shapes.ts'
import { principalShape } from '../stage-facts-shape.ts'
import type { Statement } from '../statement.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { malformed, read } = readingOf('the reproduction')

export const reproductionType = `${namespace}/attestation/reproduction/v1`

/** LIMIT: stages and outs of one reproduction. */
const maxStages = 10_000
const maxOuts = 100_000

const stageName = z.string().min(1).max(1000)

/** The predicate's wire shape, for its JSON Schema. */
export const reproductionPredicateShape = z.object({
  project: nameShape,
  stages: z
    .array(z.object({ stage: stageName, original: sha256Shape, again: sha256Shape.exactOptional() }))
    .min(1)
    .max(maxStages)
    .refine((stages) => areUnique(stages.map(({ original }) => original)), 'a stage is named twice'),
  result: z.enum(['identical', 'within-tolerance', 'diverged', 'unavailable']),
  comparisons: z
    .array(
      z.object({
        stage: stageName,
        path: textShape.min(1),
        verdict: z.enum(['identical', 'equal', 'within-tolerance', 'diverged']),
        detail: textShape,
      }),
    )
    .max(maxOuts),
  firstDivergence: z.object({ stage: stageName, path: optionalText, because: textShape.min(1) }).exactOptional(),
  differences: z.array(z.object({ stage: stageName, what: textShape, before: textShape, after: textShape })).max(1000),
  because: textShape.min(1).exactOptional(),
  version: textShape,
  principal: principalShape,
  startedAt: instantShape,
  finishedAt: instantShape,
})

export const reproductionShape: z.ZodType<Reproduction> = reproductionPredicateShape
  .extend({
    outs: z
      .array(z.object({ path: textShape.min(1), digest: digestShape }))
      .min(1)
      .max(maxOuts),
  })
  .refine((one) => one.result === resultOf(one), 'the result is not what the comparisons come to')
  .refine(({ stages, result }) => {
    return !isReproduced(result) || stages.every(({ again }) => again !== undefined)
  }, 'a stage that was not run again is no reproduction')
  .refine(({ outs, comparisons, result }) => {
    const compared = new Set(comparisons.map(({ path }) => path))
    return !isReproduced(result) || outs.every(({ path }) => compared.has(path))
  }, 'an out was not compared')

function isReproduced(result: Reproduction['result']): boolean {
  return result === 'identical' || result === 'within-tolerance'
}

/** A stage that ended otherwise than then is a divergence too, without an out that could be compared. */
function resultOf({
  comparisons,
  firstDivergence,
  because,
}: Pick<Reproduction, 'comparisons' | 'firstDivergence' | 'because'>): Reproduction['result'] {
  if (because !== undefined) return 'unavailable'
  return firstDivergence === undefined ? resultOfComparisons(comparisons) : 'diverged'
}

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function reproductionStatement(reproduction: Reproduction): Statement {
  const { outs, ...predicate } = read(reproductionShape, reproduction)
  return {
    subject: outs.map(({ path, digest }) => ({ name: path, digest: toDigestSet(digest) })),
    predicateType: reproductionType,
    predicate,
  }
}

/**
 * What a reproduction came to. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when it contradicts itself
 */
export function reproductionOf({ subject, predicateType, predicate }: Statement): Reproduction {
  requirePredicate(predicateType, reproductionType, 'reproduction')
  const parsed = read(reproductionPredicateShape, predicate)
  const outs = subject.map(({ name, digest }): Readonly<{ path: string; digest: Digest }> => {
    const counted = fromDigestSet(digest)
    if (counted === undefined || name === undefined) throw malformed('names a subject without a digest that counts')
    return { path: name, digest: counted }
  })
  return read(reproductionShape, { ...parsed, outs })
}
