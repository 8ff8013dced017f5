/**
 * A person's word on a data source: these bytes may be used, or this source may not be used any more.
 *
 * Subject: the source's id with the digest of the data. Format: docs/formats/source-approval.md.
 */
import { z } from 'zod'
import { fromDigestSet, sourceApprovalType, toDigestSet } from '../../core/index.ts'
import { digestShape, instantShape, nameShape, optionalText, pathShape, textShape } from '../shapes.ts'
import type { SourceApproval } from '../source-approval-facts.ts'
import type { Statement } from '../statement.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { malformed, read } = readingOf('the approval')

const personShape = z.object({ name: textShape, email: textShape })

const predicateShape = z.object({
  project: nameShape,
  source: z.object({
    id: nameShape,
    origin: textShape,
    owner: textShape,
    classification: z.enum(['public', 'internal', 'confidential', 'restricted']),
    licence: textShape,
    kind: textShape,
    path: pathShape.exactOptional(),
  }),
  decision: z.enum(['approved', 'revoked']),
  because: optionalText,
  at: instantShape,
  reviewBy: z.iso.date().exactOptional(),
  approver: personShape,
})

export const sourceApprovalShape: z.ZodType<SourceApproval> = predicateShape.extend({ digest: digestShape })

/** The predicate's wire shape, for its JSON Schema. */
export const sourceApprovalPredicateShape = predicateShape

/** @throws ERR_STATEMENT_MALFORMED when the approval has another shape */
export function sourceApprovalStatement(approval: SourceApproval): Statement {
  const parsed = read(sourceApprovalShape, approval)
  const { digest, ...predicate } = parsed
  return {
    subject: [{ name: predicate.source.id, digest: toDigestSet(digest) }],
    predicateType: sourceApprovalType,
    predicate,
  }
}

/**
 * What an approval says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when it names another subject than its source, or none that counts
 */
export function sourceApprovalOf({ subject, predicateType, predicate }: Statement): SourceApproval {
  requirePredicate(predicateType, sourceApprovalType, 'source-approval')
  const parsed = read(predicateShape, predicate)
  const [data, ...more] = subject
  const digest = fromDigestSet(data?.digest)
  if (digest === undefined || more.length > 0) throw malformed('does not name exactly one digest that counts')
  if (data?.name !== parsed.source.id) throw malformed('names another subject than its source')
  return { ...parsed, digest }
}
