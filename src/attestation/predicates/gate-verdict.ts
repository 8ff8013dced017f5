/**
 * What the gates of a model came to, as an in-toto test result, and back.
 *
 * Subjects: the model. The metrics, the statements of the stages and the file of the gates are its configuration; what only
 * assay says stands under `assay`. SOURCE: in-toto attestation framework, spec/predicates/test-result.md (v0.1).
 * Format: docs/formats/gate-verdict.md.
 */
import { z } from 'zod'
import { type Digest, isDomainError, toDigestSet } from '../../core/index.ts'
import { decideGate, type GateResult, parseGate } from '../gate.ts'
import type { GateVerdict } from '../gate-verdict-facts.ts'
import {
  areUnique,
  contentSetShape,
  countShape,
  digestShape,
  fileSetShape,
  gitIdShape,
  instantShape,
  optionalText,
  pathShape,
  sha256Shape,
  textShape,
  uriShape,
} from '../shapes.ts'
import { principalShape } from '../stage-facts-shape.ts'
import type { ResourceDescriptor, Statement } from '../statement.ts'
import { testResultType } from './data-verdict.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { digestIn, malformed, read, sha256In } = readingOf('the gate verdict')

const nameShape = z.string().min(1).max(1000)
const resultShape = z.enum(['PASSED', 'FAILED'])

/** LIMIT: gates, metrics and outs of one model. */
const said = {
  project: nameShape,
  model: nameShape,
  values: z
    .array(z.object({ name: nameShape, value: z.number() }))
    .max(1000)
    .refine((values) => areUnique(values.map(({ name }) => name)), 'a metric is named twice'),
  gates: z
    .array(z.object({ gate: nameShape, value: z.number().exactOptional(), passed: z.boolean() }))
    .min(1)
    .max(1000),
  fault: optionalText,
  principal: principalShape,
  builderId: uriShape,
  builderVersion: textShape,
  at: instantShape,
}
const sizes = { sizeBytes: countShape, list: sha256Shape.exactOptional() }
const stageShape = z.object({ stage: nameShape, attestation: sha256Shape })

export const gateVerdictShape: z.ZodType<GateVerdict> = z
  .object({
    ...said,
    outputs: z
      .array(z.object({ path: textShape.min(1), digest: digestShape, ...sizes }))
      .min(1)
      .max(1000),
    made: stageShape,
    measured: stageShape,
    metrics: z.object({ path: textShape.min(1), digest: sha256Shape, sizeBytes: countShape }),
    definition: z.object({ path: pathShape, digest: sha256Shape, commit: gitIdShape }),
    result: resultShape,
  })
  .refine(isWhatItComesTo, 'a gate or the result is not what the metrics come to')

/** Each gate by the values that stand beside it. THREAT: a verdict that says of a gate that it passed. */
function isWhatItComesTo({ gates, values, result }: GateVerdict): boolean {
  const byName = new Map(values.map((metric) => [metric.name, metric]))
  const isRight = ({ gate, value, passed }: GateResult): boolean => {
    try {
      const asked = parseGate(gate)
      const found = decideGate(asked, [byName.get(asked.metric) ?? []].flat())
      return found.value === value && found.passed === passed
    } catch (error) {
      if (isDomainError(error)) return false
      throw error
    }
  }
  return gates.every(isRight) && result === resultOfGates(gates)
}

export function resultOfGates(gates: readonly GateResult[]): GateVerdict['result'] {
  return gates.every(({ passed }) => passed) ? 'PASSED' : 'FAILED'
}

const roles = ['metrics', 'made', 'measured', 'definition'] as const

/** The predicate's wire shape, for its JSON Schema. */
export const gateVerdictPredicateShape = z.object({
  result: resultShape,
  configuration: z
    .array(
      z.object({
        name: textShape,
        digest: fileSetShape,
        annotations: z.object({
          role: z.enum(roles),
          sizeBytes: countShape.exactOptional(),
          commit: gitIdShape.exactOptional(),
        }),
      }),
    )
    .min(4)
    .max(4),
  passedTests: z.array(textShape),
  warnedTests: z.array(textShape).max(0),
  failedTests: z.array(textShape),
  assay: z.object(said),
})

export const gateVerdictSubjectsShape = z
  .array(
    z.object({
      name: textShape.min(1),
      digest: contentSetShape,
      annotations: z.object(sizes),
    }),
  )
  .min(1)

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function gateVerdictStatement(given: GateVerdict): Statement {
  const { outputs, made, measured, metrics, definition, result, ...assay } = read(gateVerdictShape, given)
  return {
    subject: outputs.map(({ path, digest, ...annotations }) => ({
      name: path,
      digest: toDigestSet(digest),
      annotations,
    })),
    predicateType: testResultType,
    predicate: {
      result,
      configuration: [
        descriptor('metrics', metrics.path, metrics.digest, { sizeBytes: metrics.sizeBytes }),
        descriptor('made', made.stage, made.attestation),
        descriptor('measured', measured.stage, measured.attestation),
        descriptor('definition', definition.path, definition.digest, { commit: definition.commit }),
      ],
      passedTests: testsIn(assay.gates, true),
      warnedTests: [],
      failedTests: testsIn(assay.gates, false),
      assay,
    },
  }
}

function testsIn(gates: readonly GateResult[], passed: boolean): string[] {
  return gates.filter((each) => each.passed === passed).map(({ gate }) => gate)
}

function descriptor(
  role: (typeof roles)[number],
  name: string,
  digest: Digest,
  more: Readonly<Record<string, string | number>> = {},
): ResourceDescriptor {
  return { name, digest: toDigestSet(digest), annotations: { role, ...more } }
}

/**
 * What a gate verdict says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when a fact is missing, doubled, or contradicts another one
 */
export function gateVerdictOf({ subject, predicateType, predicate }: Statement): GateVerdict {
  requirePredicate(predicateType, testResultType, 'test-result')
  const subjects = read(gateVerdictSubjectsShape, subject)
  const { assay, result, configuration, passedTests, failedTests } = read(gateVerdictPredicateShape, predicate)
  const [metrics, made, measured, definition] = roles.map((role) => {
    const found = configuration.find(({ annotations }) => annotations.role === role)
    if (found === undefined) throw malformed(`names no ${role}`)
    return { ...found.annotations, name: found.name, digest: sha256In(found.digest) }
  })
  const told = [testsIn(assay.gates, true), testsIn(assay.gates, false)]
  if (told.join('\n') !== [passedTests, failedTests].join('\n')) throw malformed('tells other tests than its gates')
  return read(gateVerdictShape, {
    ...assay,
    result,
    outputs: subjects.map(({ name, digest, annotations }) => ({
      path: name,
      digest: digestIn(digest),
      ...annotations,
    })),
    metrics: { ...metrics, path: metrics?.name },
    made: { stage: made?.name, attestation: made?.digest },
    measured: { stage: measured?.name, attestation: measured?.digest },
    definition: { ...definition, path: definition?.name },
  })
}
