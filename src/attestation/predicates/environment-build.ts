/**
 * An environment that was put together as an in-toto statement with SLSA Provenance v1, and back.
 *
 * Subject: the environment, by its identity. Format: docs/formats/environment-build.md.
 */
import { z } from 'zod'
import { DomainError, environmentBuildType, toDigestSet } from '../../core/index.ts'
import type { EnvironmentBuild } from '../environment-build-facts.ts'
import { areUnique, factShape, instantShape, nameShape, sha256Shape, textShape, uriShape } from '../shapes.ts'
import { packageShape, principalShape } from '../stage-facts-shape.ts'
import type { Statement } from '../statement.ts'
import { readingOf } from './reading.ts'
import { buildTypeShape } from './stage-predicate-shape.ts'
import { provenanceType } from './stage-provenance.ts'

const { malformed, read, sha256In } = readingOf('the statement of an environment')

/** LIMIT: materials of one environment. */
const maxMaterials = 100_000

const hexSet = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })

/** The predicate's wire shape, for its JSON Schema. */
export const environmentBuildPredicateShape = z.object({
  buildDefinition: z.object({
    buildType: z.literal(environmentBuildType),
    externalParameters: z.strictObject({
      project: nameShape,
      environment: textShape.min(1),
      kind: textShape.min(1),
    }),
    internalParameters: z.object({ packages: packageShape, facts: z.array(factShape), principal: principalShape }),
    resolvedDependencies: z
      .array(
        z.object({
          name: textShape,
          digest: hexSet,
          annotations: z.object({ role: z.literal('material'), build: sha256Shape.exactOptional() }),
        }),
      )
      .max(maxMaterials),
  }),
  runDetails: z.object({
    builder: z.object({ id: uriShape, version: z.object({ assay: textShape }) }),
    metadata: z.object({ finishedOn: instantShape }),
  }),
})

export const environmentBuildSubjectsShape = z.tuple([z.object({ name: textShape.min(1), digest: hexSet })])

export const environmentBuildShape: z.ZodType<EnvironmentBuild> = z
  .object({
    project: nameShape,
    name: textShape.min(1),
    kind: textShape.min(1),
    digest: sha256Shape,
    materials: z
      .array(z.object({ name: textShape, digest: sha256Shape, build: sha256Shape.exactOptional() }))
      .max(maxMaterials),
    packages: packageShape,
    facts: z.array(factShape),
    principal: principalShape,
    builderId: uriShape,
    builderVersion: textShape,
    at: instantShape,
  })
  .refine(({ materials }) => areUnique(materials.map(({ name }) => name)), 'a material is named twice')

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function environmentBuildStatement(build: EnvironmentBuild): Statement {
  const { project, name, kind, digest, materials, packages, facts, principal, ...run } = read(
    environmentBuildShape,
    build,
  )
  return {
    subject: [{ name, digest: toDigestSet(digest) }],
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType: environmentBuildType,
        externalParameters: { project, environment: name, kind },
        internalParameters: { packages, facts, principal },
        resolvedDependencies: materials.map(({ name: material, digest: bytes, ...stated }) => ({
          name: material,
          digest: toDigestSet(bytes),
          annotations: { role: 'material', ...stated },
        })),
      },
      runDetails: {
        builder: { id: run.builderId, version: { assay: run.builderVersion } },
        metadata: { finishedOn: run.at },
      },
    },
  }
}

/**
 * What an environment's statement says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate or build type
 * @throws ERR_STATEMENT_MALFORMED when it contradicts itself
 */
export function environmentBuildOf({ subject, predicateType, predicate }: Statement): EnvironmentBuild {
  const type = buildTypeShape.safeParse(predicate)
  const buildType = type.success ? type.data.buildDefinition.buildType : undefined
  if (predicateType !== provenanceType || buildType !== environmentBuildType)
    throw new DomainError('ERR_STATEMENT_UNSUPPORTED', 'the statement is not of an environment')
  const parsed = read(environmentBuildPredicateShape, predicate)
  const subjects = read(environmentBuildSubjectsShape, subject)
  const [{ name, digest }] = subjects
  const { externalParameters, internalParameters, resolvedDependencies } = parsed.buildDefinition
  const { builder, metadata } = parsed.runDetails
  if (externalParameters.environment !== name) throw malformed('names another environment than its subject')
  return read(environmentBuildShape, {
    project: externalParameters.project,
    name,
    kind: externalParameters.kind,
    digest: sha256In(digest),
    materials: resolvedDependencies.map(({ name: material, digest: bytes, annotations: { role: _, ...stated } }) => ({
      name: material,
      digest: sha256In(bytes),
      ...stated,
    })),
    ...internalParameters,
    builderId: builder.id,
    builderVersion: builder.version.assay,
    at: metadata.finishedOn,
  })
}
