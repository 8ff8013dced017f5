/**
 * A person's decision about data as an in-toto statement, and back: one table, a row a kind.
 *
 * Subject: exactly one, the dataset or baseline that the decision is about. Format: docs/formats/data-decisions.md.
 */
import { z } from 'zod'
import { fromDigestSet, type Json, namespace, toDigestSet } from '../../core/index.ts'
import {
  type DataAnchor,
  type DataDecisionKind,
  type DataDecisions,
  type DataReview,
  type DataWaiver,
  type ModelApproval,
  rowVerdicts,
} from '../data-decisions.ts'
import { areUnique, digestShape, instantShape, nameShape, optionalText, sha256Shape, textShape } from '../shapes.ts'
import type { Statement } from '../statement.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { malformed, read } = readingOf('the decision')

/** LIMIT: rows of one review. */
const maxRows = 100_000
/** LIMIT: columns of a table that is reviewed, as many as one may have. */
const maxColumns = 4096
/** LIMIT: as many as a check lists. */
const maxWaivedRows = 100

const hexShape = z.string().regex(/^[0-9a-f]{64}$/)
const subjectShape = z.object({ path: textShape.min(1), digest: digestShape })
const common = {
  project: nameShape,
  at: instantShape,
  by: z.object({ name: textShape, email: textShape }),
}

/** The predicates' wire shapes, for their JSON Schemas. */
export const dataDecisionPredicates = {
  'data-waiver': z.object({
    ...common,
    check: nameShape,
    column: optionalText,
    rows: z
      .array(z.union([z.int().min(1), textShape.min(1)]))
      .min(1)
      .max(maxWaivedRows)
      .refine(areUnique, 'a row twice')
      .exactOptional(),
    because: textShape.min(1),
    until: z.iso.date(),
  }),
  'data-anchor': z.object({
    ...common,
    dataset: subjectShape,
    because: textShape.min(1),
    replaces: digestShape.exactOptional(),
    golden: z
      .object({
        source: textShape.min(1),
        digest: digestShape,
        approval: sha256Shape,
        label: optionalText,
        sourceColumn: optionalText,
        compared: z.array(textShape).min(1),
      })
      .exactOptional(),
  }),
  'model-approval': z.object({ ...common, made: sha256Shape, because: textShape.min(1) }),
  'data-review': z.object({
    ...common,
    hash: z.enum(['sha256', 'hmac']),
    keyId: hexShape.exactOptional(),
    columns: z
      .array(z.object({ name: textShape, type: textShape }))
      .max(maxColumns)
      .exactOptional(),
    rows: z
      .array(
        z.object({
          hash: hexShape,
          content: hexShape.exactOptional(),
          verdict: z.enum(rowVerdicts),
          because: optionalText,
        }),
      )
      .min(1)
      .max(maxRows)
      .refine((rows) => areUnique(rows.map(({ hash }) => hash)), 'a row twice'),
  }),
} as const

const waiverShape: z.ZodType<DataWaiver> = dataDecisionPredicates['data-waiver'].extend({ subject: subjectShape })
const anchorShape: z.ZodType<DataAnchor> = dataDecisionPredicates['data-anchor'].extend({ subject: subjectShape })
const reviewShape: z.ZodType<DataReview> = dataDecisionPredicates['data-review']
  .extend({ subject: subjectShape })
  .refine(({ hash, keyId }) => (hash === 'hmac') === (keyId !== undefined), 'hmac needs its keyId')

const approvalShape: z.ZodType<ModelApproval> = dataDecisionPredicates['model-approval'].extend({
  subject: subjectShape,
})

/** What the signer accepts, and what a statement must come to. */
export const dataDecisionShapes: Readonly<{ [Kind in DataDecisionKind]: z.ZodType<DataDecisions[Kind]> }> = {
  'data-waiver': waiverShape,
  'data-anchor': anchorShape,
  'data-review': reviewShape,
  'model-approval': approvalShape,
}

export function dataDecisionType(kind: DataDecisionKind): string {
  return `${namespace}/attestation/${kind}/v1`
}

/** @throws ERR_STATEMENT_MALFORMED when the decision has another shape */
export function dataDecisionStatement<Kind extends DataDecisionKind>(
  kind: Kind,
  decision: DataDecisions[Kind],
): Statement {
  const { subject, ...predicate } = readShape(kind, decision)
  return {
    subject: [{ name: subject.path, digest: toDigestSet(subject.digest) }],
    predicateType: dataDecisionType(kind),
    predicate: predicate as Json, // every shape of the table is plain JSON
  }
}

/**
 * What a decision says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when it names no subject, or more than one
 */
export function dataDecisionOf<Kind extends DataDecisionKind>(kind: Kind, statement: Statement): DataDecisions[Kind] {
  const { subject, predicateType, predicate } = statement
  requirePredicate(predicateType, dataDecisionType(kind), kind)
  const [data, ...more] = subject
  const digest = fromDigestSet(data?.digest)
  if (digest === undefined || data?.name === undefined || more.length > 0) {
    throw malformed('does not name one subject by a digest that counts')
  }
  const stated = read<z.ZodObject>(dataDecisionPredicates[kind], predicate)
  return readShape(kind, { ...stated, subject: { path: data.name, digest } })
}

function readShape<Kind extends DataDecisionKind>(kind: Kind, given: unknown): DataDecisions[Kind] {
  return read(dataDecisionShapes[kind], given)
}
