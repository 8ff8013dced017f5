/** JSON Schemas of the statements, printed from the shapes that read them: docs/formats/*.schema.json. */
import { z } from 'zod'
import { namespace, sourceApprovalType } from '../core/index.ts'
import type { DataDecisionKind } from './data-decisions.ts'
import { modelPredicateType, modelStatementShape } from './model/model-manifest.ts'
import { dataDecisionPredicates, dataDecisionType } from './predicates/data-decision.ts'
import { dataVerdictPredicateShape, dataVerdictSubjectsShape, testResultType } from './predicates/data-verdict.ts'
import { definitionReviewPredicateShape, definitionReviewType } from './predicates/definition-review.ts'
import { environmentBuildPredicateShape, environmentBuildSubjectsShape } from './predicates/environment-build.ts'
import { gateVerdictPredicateShape, gateVerdictSubjectsShape } from './predicates/gate-verdict.ts'
import { reproductionPredicateShape, reproductionType } from './predicates/reproduction.ts'
import { sourceApprovalPredicateShape } from './predicates/source-approval.ts'
import { sourceBuildPredicateShape, sourceBuildSubjectsShape } from './predicates/source-build.ts'
import { stagePredicateShape, stageSubjectsShape } from './predicates/stage-predicate-shape.ts'
import { provenanceType } from './predicates/stage-provenance.ts'
import { verificationSummaryPredicateShape, verificationSummaryType } from './predicates/verification-summary.ts'
import { statementType } from './statement.ts'

const hex = z.string().regex(/^[0-9a-f]{64}$/)

/** File name below docs/formats -> schema, JSON Schema 2020-12. */
export function formatSchemas(): Readonly<Record<string, object>> {
  const subject = z.object({
    name: z.string(),
    digest: z.union([z.object({ sha256: hex }), z.object({ dirHash1: hex })]),
  })
  const oneSubject = z.tuple([subject])
  const files = z.array(z.object({ name: z.string(), digest: z.object({ sha256: hex }) })).min(1)
  const stage = statementOf(stageSubjectsShape.min(1), provenanceType, stagePredicateShape)
  const approval = statementOf(oneSubject, sourceApprovalType, sourceApprovalPredicateShape)
  const dataVerdict = statementOf(dataVerdictSubjectsShape, testResultType, dataVerdictPredicateShape)
  const sourceBuild = statementOf(sourceBuildSubjectsShape, provenanceType, sourceBuildPredicateShape)
  const environmentBuild = statementOf(environmentBuildSubjectsShape, provenanceType, environmentBuildPredicateShape)
  const reproduction = statementOf(z.array(subject).min(1), reproductionType, reproductionPredicateShape)
  const gates = statementOf(gateVerdictSubjectsShape, testResultType, gateVerdictPredicateShape)
  const review = statementOf(files, definitionReviewType, definitionReviewPredicateShape)
  const summary = statementOf(oneSubject, verificationSummaryType, verificationSummaryPredicateShape)
  const model = z.object({
    _type: z.literal(statementType),
    predicateType: z.literal(modelPredicateType),
    ...modelStatementShape.shape,
  })
  const decision = (kind: DataDecisionKind, title: string): object => {
    const shape = statementOf(oneSubject, dataDecisionType(kind), dataDecisionPredicates[kind])
    return schemaOf(shape, kind, title)
  }
  return {
    'data-verdict.schema.json': schemaOf(dataVerdict, 'data-verdict', 'Verdict on a dataset, in-toto test result v0.1'),
    'gate-verdict.schema.json': schemaOf(
      gates,
      'gate-verdict',
      'What the gates of a model came to, in-toto test result v0.1',
    ),
    'data-waiver.schema.json': decision(
      'data-waiver',
      'Waiver of one failed check of one dataset, in-toto Statement v1',
    ),
    'data-anchor.schema.json': decision('data-anchor', 'A baseline fixed as the anchor, in-toto Statement v1'),
    'data-review.schema.json': decision('data-review', 'Rows of a dataset judged one by one, in-toto Statement v1'),
    'model-approval.schema.json': decision(
      'model-approval',
      'A promoter approves a model for production, in-toto Statement v1',
    ),
    'definition-review.schema.json': schemaOf(
      review,
      'definition-review',
      'Review of a definition by somebody else, in-toto Statement v1',
    ),
    'stage-provenance.schema.json': schemaOf(
      stage,
      'stage-provenance',
      'Statement of one stage, in-toto v1 with SLSA Provenance v1',
    ),
    'reproduction.schema.json': schemaOf(
      reproduction,
      'reproduction',
      'Verdict of stages that were run again from their evidence, in-toto Statement v1',
    ),
    'environment-build.schema.json': schemaOf(
      environmentBuild,
      'environment-build',
      'An environment that was put together, in-toto v1 with SLSA Provenance v1',
    ),
    'source-build.schema.json': schemaOf(
      sourceBuild,
      'source-build',
      'A wheel built from source, in-toto v1 with SLSA Provenance v1',
    ),
    'verification-summary.schema.json': schemaOf(
      summary,
      'verification-summary',
      'Verdict for those who do not verify themselves, SLSA Verification Summary v1',
    ),
    'model-signature.schema.json': schemaOf(
      model,
      'model-signature',
      'Files of a signed model, OpenSSF Model Signing v1.0',
    ),
    'source-approval.schema.json': schemaOf(
      approval,
      'source-approval',
      'Approval or revocation of a data source, in-toto Statement v1',
    ),
  }
}

function statementOf(subject: z.ZodType, type: string, predicate: z.ZodType): z.ZodType {
  return z.object({ _type: z.literal(statementType), subject, predicateType: z.literal(type), predicate })
}

function schemaOf(shape: z.ZodType, name: string, title: string): object {
  // `input`: what a reader accepts; unknown fields are allowed wherever the shape drops them.
  const { $schema, ...schema } = z.toJSONSchema(shape, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' })
  return { $schema, $id: `${namespace}/schema/${name}/v1`, title, ...schema }
}
