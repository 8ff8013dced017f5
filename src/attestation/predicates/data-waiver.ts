/**
 * A person's word that one failed check of one dataset does not stop it, until a day.
 *
 * Subject: the dataset, by digest: other bytes need another waiver. Format: docs/formats/data-waiver.md.
 */
import { z } from 'zod'
import { DomainError, dataWaiverType, fromDigestSet, toDigestSet } from '../../core/index.ts'
import type { DataWaiver } from '../data-verdict-facts.ts'
import { digestShape, instantShape, textShape } from '../shapes.ts'
import { issueOf, type Statement } from '../statement.ts'

export const dataWaiverPredicateShape = z.object({
  project: z.string().min(1).max(200),
  check: z.string().min(1).max(200),
  column: textShape.exactOptional(),
  because: textShape.min(1),
  until: z.iso.date(),
  at: instantShape,
  by: z.object({ name: textShape, email: textShape }),
})

export const dataWaiverShape: z.ZodType<DataWaiver> = dataWaiverPredicateShape.extend({
  dataset: z.object({ path: textShape.min(1), digest: digestShape }),
})

/** @throws ERR_STATEMENT_MALFORMED when the waiver has another shape */
export function dataWaiverStatement(waiver: DataWaiver): Statement {
  const parsed = dataWaiverShape.safeParse(waiver)
  if (!parsed.success) throw malformed(issueOf(parsed.error))
  const { dataset, ...predicate } = parsed.data
  return {
    subject: [{ name: dataset.path, digest: toDigestSet(dataset.digest) }],
    predicateType: dataWaiverType,
    predicate,
  }
}

/**
 * What a waiver says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when it names no dataset, or more than one
 */
export function dataWaiverOf({ subject, predicateType, predicate }: Statement): DataWaiver {
  if (predicateType !== dataWaiverType) {
    throw new DomainError(
      'ERR_STATEMENT_UNSUPPORTED',
      `the statement has the predicate \`${predicateType.slice(0, 100)}\`, not data-waiver`,
    )
  }
  const parsed = dataWaiverPredicateShape.safeParse(predicate)
  if (!parsed.success) throw malformed(issueOf(parsed.error))
  const [data, ...more] = subject
  const digest = fromDigestSet(data?.digest)
  if (digest === undefined || data?.name === undefined || more.length > 0) {
    throw malformed('does not name exactly one dataset by a digest that counts')
  }
  return { ...parsed.data, dataset: { path: data.name, digest } }
}

function malformed(what: string): DomainError {
  return new DomainError('ERR_STATEMENT_MALFORMED', `the waiver ${what}`)
}
