/**
 * A build from source as an in-toto statement with SLSA Provenance v1, and back.
 *
 * Subject: the wheel. Format: docs/formats/source-build.md.
 */
import { z } from 'zod'
import { DomainError, sourceBuildType, toDigestSet } from '../../core/index.ts'
import { countShape, instantShape, nameShape, sha256Shape, textShape, uriShape } from '../shapes.ts'
import type { SourceBuild } from '../source-build-facts.ts'
import { limitsShape, sandboxShape } from '../stage-facts-shape.ts'
import type { Statement } from '../statement.ts'
import { readingOf } from './reading.ts'
import { buildTypeShape } from './stage-predicate-shape.ts'
import { provenanceType } from './stage-provenance.ts'

const { read, sha256In } = readingOf('the statement of a build from source')

const hexSet = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })
/** What becomes a name in a folder: no path. */
const fileName = z.string().regex(/^[\w.+!-]{1,255}$/)
const packageShape = z.strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,200}$/), version: textShape.min(1) })

/** The predicate's wire shape, for its JSON Schema. */
export const sourceBuildPredicateShape = z.object({
  buildDefinition: z.object({
    buildType: z.literal(sourceBuildType),
    externalParameters: z.strictObject({ project: nameShape, package: packageShape }),
    internalParameters: z.object({ backend: textShape, sandbox: sandboxShape, limits: limitsShape }),
    resolvedDependencies: z.tuple([
      z.object({ name: fileName, digest: hexSet, annotations: z.object({ role: z.literal('source') }) }),
      z.object({ name: textShape, digest: hexSet, annotations: z.object({ role: z.literal('environment') }) }),
    ]),
  }),
  runDetails: z.object({
    builder: z.object({ id: uriShape, version: z.object({ assay: textShape }) }),
    metadata: z.object({ startedOn: instantShape, finishedOn: instantShape }),
    byproducts: z.tuple([
      z.object({ name: z.literal('network'), annotations: z.object({ deniedAttempts: countShape }) }),
    ]),
  }),
})

export const sourceBuildSubjectsShape = z.tuple([
  z.object({ name: fileName, digest: hexSet, annotations: z.object({ sizeBytes: countShape }) }),
])

export const sourceBuildShape: z.ZodType<SourceBuild> = z
  .object({
    project: nameShape,
    package: packageShape,
    source: z.object({ name: fileName, digest: sha256Shape }),
    environment: sha256Shape,
    backend: textShape,
    wheel: z.object({ name: fileName, digest: sha256Shape, sizeBytes: countShape }),
    sandbox: sandboxShape,
    limits: limitsShape,
    deniedAttempts: countShape,
    builderId: uriShape,
    builderVersion: textShape,
    startedAt: instantShape,
    finishedAt: instantShape,
  })
  .refine(({ startedAt, finishedAt }) => Date.parse(startedAt) <= Date.parse(finishedAt), 'ended before it started')

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function sourceBuildStatement(build: SourceBuild): Statement {
  const { project, source, environment, backend, wheel, sandbox, limits, deniedAttempts } = read(
    sourceBuildShape,
    build,
  )
  return {
    subject: [{ name: wheel.name, digest: toDigestSet(wheel.digest), annotations: { sizeBytes: wheel.sizeBytes } }],
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType: sourceBuildType,
        externalParameters: { project, package: build.package },
        internalParameters: { backend, sandbox, limits },
        resolvedDependencies: [
          { name: source.name, digest: toDigestSet(source.digest), annotations: { role: 'source' } },
          { name: 'environment', digest: toDigestSet(environment), annotations: { role: 'environment' } },
        ],
      },
      runDetails: {
        builder: { id: build.builderId, version: { assay: build.builderVersion } },
        metadata: { startedOn: build.startedAt, finishedOn: build.finishedAt },
        byproducts: [{ name: 'network', annotations: { deniedAttempts } }],
      },
    },
  }
}

/**
 * What a build's statement says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate or build type
 * @throws ERR_STATEMENT_MALFORMED when it contradicts itself
 */
export function sourceBuildOf({ subject, predicateType, predicate }: Statement): SourceBuild {
  const type = buildTypeShape.safeParse(predicate)
  if (predicateType !== provenanceType || !type.success || type.data.buildDefinition.buildType !== sourceBuildType) {
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', 'the statement is not of a build from source')
  }
  const parsed = read(sourceBuildPredicateShape, predicate)
  const subjects = read(sourceBuildSubjectsShape, subject)
  const [wheel] = subjects
  const { externalParameters, internalParameters, resolvedDependencies } = parsed.buildDefinition
  const { builder, metadata, byproducts } = parsed.runDetails
  const [source, environment] = resolvedDependencies
  return read(sourceBuildShape, {
    ...externalParameters,
    ...internalParameters,
    source: { name: source.name, digest: sha256In(source.digest) },
    environment: sha256In(environment.digest),
    wheel: { name: wheel.name, digest: sha256In(wheel.digest), sizeBytes: wheel.annotations.sizeBytes },
    deniedAttempts: byproducts[0].annotations.deniedAttempts,
    builderId: builder.id,
    builderVersion: builder.version.assay,
    startedAt: metadata.startedOn,
    finishedAt: metadata.finishedOn,
  })
}
