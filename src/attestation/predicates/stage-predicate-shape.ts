/**
 * The wire shape of a stage's SLSA Provenance. docs/formats/stage-provenance.schema.json is printed from it.
 *
 * INVARIANT: what it lets pass comes to facts of the shape of `stage-facts-shape.ts`, so that nobody has to ask twice.
 *
 * Unknown fields are dropped (in-toto), except inside externalParameters, where they are refused (SLSA): whoever ignored
 * one there would believe in a build that had an input nobody looked at.
 */
import { z } from 'zod'
import { stageBuildType } from '../../core/index.ts'
import {
  contentSetShape,
  countShape,
  factShape,
  fileSetShape,
  gitIdShape,
  instantShape,
  pathShape,
  sha256Shape,
  textShape,
  uriShape,
} from '../shapes.ts'
import {
  codeShape,
  contentPathShape,
  limitsShape,
  networkShape,
  originShape,
  packageShape,
  parametersShape,
  principalShape,
  projectShape,
  resourcesShape,
  runIdShape,
  sandboxShape,
  sourceShape,
  stageNameShape,
} from '../stage-facts-shape.ts'

const { commit: _commit, ...uncommitted } = sourceShape.shape

/**
 * One shape a role, those that statements have most of first. INVARIANT: a role that is not here is refused: skipping it
 * would shorten the chain.
 */
const dependencyShape = z.union([
  z.object({
    name: textShape,
    digest: fileSetShape,
    annotations: z.object({ role: z.literal('material'), build: sha256Shape.exactOptional() }),
  }),
  z.object({
    name: contentPathShape,
    digest: contentSetShape,
    annotations: z.object({
      role: z.enum(['dep', 'params', 'persist']),
      origin: originShape,
      verdict: sha256Shape.exactOptional(),
    }),
  }),
  z.object({
    name: z.literal('source'),
    uri: textShape,
    digest: z.object({ gitCommit: gitIdShape }).exactOptional(),
    annotations: z.object({ role: z.literal('source'), ...uncommitted }),
  }),
  z.object({
    name: pathShape,
    digest: fileSetShape.extend({ gitBlob: gitIdShape.exactOptional() }),
    annotations: z.object({ role: z.literal('definition') }),
  }),
  z.object({
    name: textShape,
    digest: fileSetShape,
    annotations: z.object({ role: z.literal('environment'), build: sha256Shape.exactOptional() }),
  }),
])

const externalParametersShape = z.strictObject({
  project: projectShape,
  pipeline: pathShape,
  stage: stageNameShape,
  commands: z.array(z.string()),
  workingDirectory: pathShape,
  parameters: parametersShape,
  overrides: z.array(z.string()),
  variables: z.record(z.string(), z.string()),
  seed: z.int(),
  draft: z.boolean(),
})

const internalParametersShape = z.object({
  key: sha256Shape,
  code: codeShape,
  environment: z.object({
    name: textShape,
    kind: textShape,
    locked: z.boolean(),
    packages: packageShape,
  }),
  sandbox: sandboxShape,
  limits: limitsShape,
  secrets: z.array(textShape).exactOptional(),
  principal: principalShape,
  facts: z.array(factShape),
})

export const stagePredicateShape = z.object({
  buildDefinition: z.object({
    buildType: z.literal(stageBuildType),
    externalParameters: externalParametersShape,
    internalParameters: internalParametersShape,
    resolvedDependencies: z.array(dependencyShape),
  }),
  runDetails: z.object({
    builder: z.object({ id: uriShape, version: z.object({ assay: textShape }) }),
    metadata: z.object({ invocationId: runIdShape, startedOn: instantShape, finishedOn: instantShape }),
    byproducts: z.tuple([
      z.object({ name: z.literal('log'), digest: fileSetShape, annotations: z.object({ sizeBytes: countShape }) }),
      z.object({ name: z.literal('network'), uri: textShape, annotations: networkShape }),
      z.object({ name: z.literal('resources'), uri: textShape, annotations: resourcesShape }),
    ]),
  }),
})

/** Subjects of a stage's statement. */
export const stageSubjectsShape = z.array(
  z.union([
    z.object({
      name: contentPathShape,
      digest: contentSetShape,
      annotations: z.object({
        role: z.literal('out'),
        sizeBytes: countShape,
        list: sha256Shape.exactOptional(),
        executable: z.boolean().exactOptional(),
      }),
    }),
    z.object({ name: z.literal('log'), digest: fileSetShape, annotations: z.object({ role: z.literal('log') }) }),
  ]),
)

export type StagePredicate = z.infer<typeof stagePredicateShape>
export type StageDependency = StagePredicate['buildDefinition']['resolvedDependencies'][number]

/** For readers that look at the build type first. */
export const buildTypeShape = z.object({ buildDefinition: z.object({ buildType: z.string() }) })
