/**
 * A review of a definition as an in-toto statement, and back.
 *
 * Subjects: the protected files, each by its digest. Format: docs/formats/definition-review.md.
 */
import { z } from 'zod'
import { fromDigestSet, isSha256, namespace, toDigestSet } from '../../core/index.ts'
import type { DefinitionReview } from '../definition-review-facts.ts'
import { areUnique, gitIdShape, instantShape, nameShape, pathShape, sha256Shape, textShape } from '../shapes.ts'
import type { Statement } from '../statement.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { malformed, read } = readingOf('the review')

export const definitionReviewType = `${namespace}/attestation/definition-review/v1`

/** LIMIT: files and authors of one review. */
const maxFiles = 100_000
const maxAuthors = 10_000

/** The predicate's wire shape, for its JSON Schema. */
export const definitionReviewPredicateShape = z.object({
  project: nameShape,
  commit: gitIdShape,
  since: gitIdShape.exactOptional(),
  authors: z.array(z.string().min(1).max(1000)).min(1).max(maxAuthors),
  because: textShape.min(1).exactOptional(),
  at: instantShape,
  by: z.object({ name: textShape, email: textShape.min(1) }),
})

export const definitionReviewShape: z.ZodType<DefinitionReview> = definitionReviewPredicateShape.extend({
  files: z
    .array(z.object({ path: pathShape, digest: sha256Shape }))
    .min(1)
    .max(maxFiles)
    .refine((files) => areUnique(files.map(({ path }) => path)), 'a file is named twice'),
})

/** @throws ERR_STATEMENT_MALFORMED when the review has another shape */
export function definitionReviewStatement(review: DefinitionReview): Statement {
  const parsed = read(definitionReviewShape, review)
  const { files, ...predicate } = parsed
  return {
    subject: files.map(({ path, digest }) => ({ name: path, digest: toDigestSet(digest) })),
    predicateType: definitionReviewType,
    predicate,
  }
}

/**
 * What a review says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED
 */
export function definitionReviewOf({ subject, predicateType, predicate }: Statement): DefinitionReview {
  requirePredicate(predicateType, definitionReviewType, 'definition-review')
  const files = subject.map(({ name = '', digest }) => ({ path: name, digest: fromDigestSet(digest) }))
  if (!files.every(({ digest }) => isSha256(digest ?? ''))) throw malformed('names a file without its SHA-256')
  const stated = read(definitionReviewPredicateShape, predicate)
  return read(definitionReviewShape, { ...stated, files })
}
