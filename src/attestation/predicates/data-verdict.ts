/**
 * A verdict on a dataset as an in-toto test result, and back.
 *
 * Subject: the dataset. What a reader of any test result needs stands where the specification puts it (`result`,
 * `configuration`, `passedTests`, `warnedTests`, `failedTests`); what only assay says stands under `assay`.
 * SOURCE: in-toto attestation framework, spec/predicates/test-result.md (v0.1). Format: docs/formats/data-verdict.md.
 */
import { z } from 'zod'
import { type Digest, namespace, toDigestSet } from '../../core/index.ts'
import { type DataVerdict, resultOf, type StatedCheck } from '../data-verdict-facts.ts'
import {
  areUnique,
  contentSetShape,
  countShape,
  digestShape,
  instantShape,
  nameShape,
  optionalText,
  sha256Shape,
  textShape,
} from '../shapes.ts'
import { principalShape } from '../stage-facts-shape.ts'
import type { ResourceDescriptor, Statement } from '../statement.ts'
import { readingOf, requirePredicate } from './reading.ts'

const { digestIn, malformed, read, sha256In } = readingOf('the data verdict')

export const testResultType = 'https://in-toto.io/attestation/test-result/v0.1'

/** LIMIT: checks of one verdict; a table of 10,000 columns has some hundred thousand. */
const maxChecks = 200_000

const classificationShape = z.enum(['public', 'internal', 'confidential', 'restricted'])
const checkShape = z.object({
  name: nameShape,
  column: optionalText,
  verdict: z.enum(['pass', 'warn', 'fail']),
  observed: optionalText,
  expected: optionalText,
  count: countShape,
  waiver: sha256Shape.exactOptional(),
})
const referenceShape = z.object({ path: textShape, digest: digestShape })
const contractShape = z.object({ path: textShape, digest: sha256Shape })
const validatorShape = z.object({
  version: textShape,
  engine: textShape,
  settings: sha256Shape,
  program: sha256Shape.exactOptional(),
})
const sandboxShape = z.object({ engine: textShape, digest: sha256Shape })

/** LIMIT: reviews of one dataset, versions since its anchor. */
const bundlesShape = z.array(sha256Shape).min(1).max(1000)
const amount = z.number().min(0)
const boundsShape = z
  .array(
    z.object({
      check: textShape,
      column: optionalText,
      of: textShape,
      value: amount,
      own: amount.exactOptional(),
    }),
  )
  .max(10_000)
const statisticsShape = z.object({
  previous: digestShape.exactOptional(),
  increments: z
    .array(
      z.object({
        name: nameShape,
        column: textShape.nullable(),
        part: z.string().max(100),
        found: amount,
        expected: amount,
        of: amount,
        expectedError: amount,
      }),
    )
    .max(1000),
  drift: z.array(z.object({ column: textShape, effect: amount })).max(10_000),
})

/** What only assay says, as the statement has it. */
const said = {
  project: nameShape,
  rows: countShape.exactOptional(),
  source: nameShape.exactOptional(),
  classification: classificationShape,
  label: optionalText,
  checks: z.array(checkShape).min(1).max(maxChecks),
  unseen: z.array(textShape),
  bounds: boundsShape.exactOptional(),
  reviews: bundlesShape.exactOptional(),
  statistics: statisticsShape.exactOptional(),
  history: bundlesShape.exactOptional(),
  key: sha256Shape,
  principal: principalShape,
  startedAt: instantShape,
  finishedAt: instantShape,
}

export const dataVerdictShape: z.ZodType<DataVerdict> = z
  .object({
    ...said,
    dataset: z.object({
      path: textShape.min(1),
      digest: digestShape,
      sizeBytes: countShape,
      list: sha256Shape.exactOptional(),
    }),
    contract: contractShape.exactOptional(),
    baseline: contractShape.extend({ anchor: sha256Shape.exactOptional() }).exactOptional(),
    references: z.array(referenceShape).min(1).max(1000).exactOptional(),
    golden: referenceShape.exactOptional(),
    validator: validatorShape,
    sandbox: sandboxShape,
    result: z.enum(['PASSED', 'WARNED', 'FAILED']),
  })
  .refine(({ result, checks }) => result === resultOf(checks), 'the result is not what the checks come to')
  .refine(
    ({ checks }) => checks.every(({ verdict, waiver }) => waiver === undefined || verdict === 'fail'),
    'a waiver stands on a check that did not fail',
  )
  .refine(
    ({ classification, checks }) =>
      !isSecret(classification) ||
      checks.every((check) => check.observed === undefined && check.expected === undefined),
    'confidential data shows its values',
  )
  .refine(
    ({ dataset: { digest, list } }) => digest.startsWith('dirHash1:') === (list !== undefined),
    'a folder needs the digest of its list, and a file has none',
  )

/** Of whose data no value enters evidence. Source: trust.md section 4, "evidence that leaks data". */
export function isSecret(classification: DataVerdict['classification']): boolean {
  return classification === 'confidential' || classification === 'restricted'
}

const roleShape = z.enum(['contract', 'baseline', 'golden', 'reference', 'validator', 'sandbox'])
const configurationShape = z.object({
  name: textShape,
  digest: contentSetShape,
  annotations: z.object({
    role: roleShape,
    anchor: sha256Shape.exactOptional(),
    version: optionalText,
    engine: optionalText,
    program: sha256Shape.exactOptional(),
  }),
})

/** The predicate's wire shape, for its JSON Schema. */
export const dataVerdictPredicateShape = z.object({
  result: z.enum(['PASSED', 'WARNED', 'FAILED']),
  configuration: z.array(configurationShape).min(2).max(1005),
  passedTests: z.array(textShape),
  warnedTests: z.array(textShape),
  failedTests: z.array(textShape),
  assay: z.object(said),
})

export const dataVerdictSubjectsShape = z.tuple([
  z.object({
    name: textShape.min(1),
    digest: contentSetShape,
    annotations: z.object({ sizeBytes: countShape, list: sha256Shape.exactOptional() }),
  }),
])

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function dataVerdictStatement(given: DataVerdict): Statement {
  const verdict = read(dataVerdictShape, given)
  const { dataset, contract, baseline, golden, references = [], validator, sandbox, result, checks, ...assay } = verdict
  const { digest, path, ...annotations } = dataset
  const tests = (kind: StatedCheck['verdict']): string[] => [
    ...new Set(checks.filter((check) => standingOf(check) === kind).map(testName)),
  ]
  return {
    subject: [{ name: path, digest: toDigestSet(digest), annotations }],
    predicateType: testResultType,
    predicate: {
      result,
      configuration: [
        ...(contract === undefined ? [] : [descriptor('contract', contract.path, contract.digest)]),
        ...(baseline === undefined
          ? []
          : [
              descriptor(
                'baseline',
                baseline.path,
                baseline.digest,
                baseline.anchor === undefined ? {} : { anchor: baseline.anchor },
              ),
            ]),
        ...(golden === undefined ? [] : [descriptor('golden', golden.path, golden.digest)]),
        ...references.map(({ path: name, digest: bytes }) => descriptor('reference', name, bytes)),
        descriptor('validator', `${namespace}/validator`, validator.settings, saidOf(validator)),
        descriptor('sandbox', sandbox.engine, sandbox.digest),
      ],
      passedTests: tests('pass'),
      warnedTests: tests('warn'),
      failedTests: tests('fail'),
      assay: { ...assay, checks },
    },
  }
}

function saidOf({ settings: _, ...said }: DataVerdict['validator']): Readonly<Record<string, string>> {
  return said
}

function standingOf({ verdict, waiver }: StatedCheck): StatedCheck['verdict'] {
  return waiver === undefined ? verdict : 'warn'
}

function testName({ name, column }: StatedCheck): string {
  return column === undefined ? name : `${name} ${column}`
}

function descriptor(
  role: z.infer<typeof roleShape>,
  name: string,
  digest: Digest,
  more: Readonly<Record<string, string>> = {},
): ResourceDescriptor {
  return { name, digest: toDigestSet(digest), annotations: { role, ...more } }
}

/**
 * What a verdict says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate
 * @throws ERR_STATEMENT_MALFORMED when a fact is missing, doubled, or contradicts another one
 */
export function dataVerdictOf({ subject, predicateType, predicate }: Statement): DataVerdict {
  requirePredicate(predicateType, testResultType, 'test-result')
  const subjects = read(dataVerdictSubjectsShape, subject)
  const parsed = read(dataVerdictPredicateShape, predicate)
  const [{ name, digest, annotations }] = subjects
  const { assay, result } = parsed
  return read(dataVerdictShape, {
    ...assay,
    ...configurationFrom(parsed.configuration),
    result,
    dataset: { path: name, digest: digestIn(digest, 'the dataset'), ...annotations },
  })
}

type Configuration = Pick<DataVerdict, 'contract' | 'baseline' | 'golden' | 'references' | 'validator' | 'sandbox'>

/** Any number of references; of each other role at most one, exactly one validator and one sandbox. */
function configurationFrom(all: readonly z.infer<typeof configurationShape>[]): Configuration {
  const references = all.filter(({ annotations }) => annotations.role === 'reference')
  const entries = all.filter(({ annotations }) => annotations.role !== 'reference')
  if (!areUnique(entries.map(({ annotations }) => annotations.role))) throw malformed('names a configuration twice')
  const found = new Map(entries.map((entry) => [entry.annotations.role, entry]))
  const validator = found.get('validator')
  const sandbox = found.get('sandbox')
  const contract = found.get('contract')
  const baseline = found.get('baseline')
  const golden = found.get('golden')
  if (validator === undefined || sandbox === undefined) throw malformed('names no validator or no sandbox')
  const { version, engine, program } = validator.annotations
  if (version === undefined || engine === undefined) throw malformed('does not say which validator it was')
  return {
    validator: {
      ...{ version, engine, settings: sha256In(validator.digest) },
      ...(program === undefined ? {} : { program }),
    },
    sandbox: { engine: sandbox.name, digest: sha256In(sandbox.digest) },
    ...(references.length === 0
      ? {}
      : { references: references.map(({ name, digest }) => ({ path: name, digest: digestIn(digest) })) }),
    ...(golden === undefined ? {} : { golden: { path: golden.name, digest: digestIn(golden.digest) } }),
    ...(contract === undefined ? {} : { contract: { path: contract.name, digest: sha256In(contract.digest) } }),
    ...(baseline === undefined
      ? {}
      : {
          baseline: {
            path: baseline.name,
            digest: sha256In(baseline.digest),
            ...(baseline.annotations.anchor === undefined ? {} : { anchor: baseline.annotations.anchor }),
          },
        }),
  }
}
