/**
 * A stage's statement: `StageFacts` in the places that SLSA Provenance v1 gives them, and back.
 *
 * Each fact has one place, so a statement cannot contradict itself. What a reader must refuse stands in
 * docs/formats/stage-provenance.md: unknown keys of externalParameters, unknown roles of dependencies, anything missing.
 * SOURCE: slsa.dev/provenance/v1 (slsa-framework/slsa spec/build-provenance.md); in-toto ResourceDescriptor.
 */
import { DomainError, type Json, namespace, type Sha256, stageBuildType, toDigestSet } from '../../core/index.ts'
import type { StageFacts, StatedOutput } from '../stage-facts.ts'
import { contradictionIn, stageFactsShape } from '../stage-facts-shape.ts'
import type { ResourceDescriptor, Statement } from '../statement.ts'
import { readingOf } from './reading.ts'
import {
  buildTypeShape,
  type StageDependency,
  type StagePredicate,
  stagePredicateShape,
  stageSubjectsShape,
} from './stage-predicate-shape.ts'

const { digestIn, malformed, read, sha256In } = readingOf('the statement')

export const provenanceType = 'https://slsa.dev/provenance/v1'

/** Names what has neither bytes nor address: a byproduct of which only the annotations count. */
const inline = (name: string): string => `${namespace}/inline/${name}`

/** @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves */
export function stageStatement(facts: StageFacts): Statement {
  return {
    subject: subjectsOf(facts),
    predicateType: provenanceType,
    predicate: predicateOf(read(stageFactsShape, facts)),
  }
}

/**
 * What a stage's statement says. Trust: the statement's signature was checked by the caller.
 *
 * @throws ERR_STATEMENT_UNSUPPORTED for another predicate or build type
 * @throws ERR_STATEMENT_MALFORMED when a fact is missing, doubled, or not understood
 */
export function stageFactsOf(statement: Statement): StageFacts {
  refuseOtherType(statement)
  const facts = factsFrom(statement.subject, read(stagePredicateShape, statement.predicate))
  const fault = contradictionIn(facts)
  if (fault !== undefined) throw malformed(`has a fault: ${fault}`)
  return facts
}

function subjectsOf({ outputs, log }: StageFacts): readonly ResourceDescriptor[] {
  // A stage without outs is still a fact: its log stands for it, since a statement needs a subject.
  if (outputs.length === 0) return [{ name: 'log', digest: toDigestSet(log.digest), annotations: { role: 'log' } }]
  return outputs.map(({ path, digest, ...rest }) => ({
    name: path,
    digest: toDigestSet(digest),
    annotations: { role: 'out', ...rest },
  }))
}

function predicateOf(facts: StageFacts): Json {
  const { environment, project, stage, pipelineFile } = facts
  const { commands, workingDirectory, parameters, overrides, variables, seed, draft } = facts
  const { name, kind, locked, packages } = environment
  return {
    buildDefinition: {
      buildType: stageBuildType,
      externalParameters: {
        project,
        pipeline: pipelineFile,
        stage,
        commands,
        workingDirectory,
        parameters,
        overrides,
        variables,
        seed,
        draft,
      },
      internalParameters: {
        key: facts.key,
        code: facts.code,
        environment: { name, kind, locked, packages },
        sandbox: facts.sandbox,
        limits: facts.limits,
        ...(facts.secrets === undefined ? {} : { secrets: facts.secrets }),
        principal: facts.principal,
        facts: facts.facts,
      },
      resolvedDependencies: dependenciesOf(facts),
    },
    runDetails: {
      builder: { id: facts.builderId, version: { assay: facts.builderVersion } },
      metadata: { invocationId: facts.runId, startedOn: facts.startedAt, finishedOn: facts.finishedAt },
      byproducts: [
        { name: 'log', digest: toDigestSet(facts.log.digest), annotations: { sizeBytes: facts.log.sizeBytes } },
        { name: 'network', uri: inline('network'), annotations: facts.network },
        { name: 'resources', uri: inline('resources'), annotations: facts.resources },
      ],
    },
  }
}

function dependenciesOf({ source, definition, dependencies, environment }: StageFacts): readonly ResourceDescriptor[] {
  const { commit, ...rest } = source
  return [
    {
      name: 'source',
      uri: source.uri === undefined ? inline('source') : gitUri(source.uri, source.ref),
      ...(commit === undefined ? {} : { digest: { gitCommit: commit } }),
      annotations: { role: 'source', ...rest },
    },
    ...definition.map(({ path, digest, gitBlob }) => ({
      name: path,
      digest: { ...toDigestSet(digest), ...(gitBlob === undefined ? {} : { gitBlob }) },
      annotations: { role: 'definition' },
    })),
    ...dependencies.map(({ path, digest, ...annotations }) => ({
      name: path,
      digest: toDigestSet(digest),
      annotations,
    })),
    {
      name: environment.name,
      digest: toDigestSet(environment.digest),
      annotations: { role: 'environment', ...(environment.build === undefined ? {} : { build: environment.build }) },
    },
    ...environment.materials.map(({ name, digest, build }) => ({
      name,
      digest: toDigestSet(digest),
      annotations: { role: 'material', ...(build === undefined ? {} : { build }) },
    })),
  ]
}

/** As SLSA spells a repository: `git+https://host/repo@refs/heads/main`. */
function gitUri(uri: string, ref: string | undefined): string {
  return `git+${uri}${ref === undefined ? '' : `@${ref}`}`
}

function factsFrom(subjects: readonly ResourceDescriptor[], predicate: StagePredicate): StageFacts {
  const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition
  const { builder, metadata, byproducts } = predicate.runDetails
  const { pipeline, ...external } = externalParameters
  const { environment, ...internal } = internalParameters
  const of = dependenciesByRole(resolvedDependencies)
  const [log, network, resources] = byproducts
  return {
    ...external,
    ...internal,
    pipelineFile: pipeline,
    source: of.source,
    definition: of.definition,
    dependencies: of.dependencies,
    environment: { ...environment, ...of.environment, materials: of.materials },
    network: network.annotations,
    resources: resources.annotations,
    log: { digest: sha256In(log.digest, '`log`'), sizeBytes: log.annotations.sizeBytes },
    outputs: outputsFrom(subjects),
    runId: metadata.invocationId,
    startedAt: metadata.startedOn,
    finishedAt: metadata.finishedOn,
    builderId: builder.id,
    builderVersion: builder.version.assay,
  }
}

type ByRole = Pick<StageFacts, 'source' | 'definition' | 'dependencies'> & {
  environment: Pick<StageFacts['environment'], 'digest' | 'build'>
  materials: StageFacts['environment']['materials']
}

/** Exactly one source and one environment; every other entry by its role, in the order of the statement. */
function dependenciesByRole(entries: readonly StageDependency[]): ByRole {
  const sources: StageFacts['source'][] = []
  const environments: ByRole['environment'][] = []
  const definition: StageFacts['definition'][number][] = []
  const dependencies: StageFacts['dependencies'][number][] = []
  const materials: ByRole['materials'][number][] = []
  for (const entry of entries) {
    const { name } = entry
    if ('origin' in entry.annotations) {
      dependencies.push({ path: name, digest: digestIn(entry.digest, `\`${name}\``), ...entry.annotations })
    } else if ('dirty' in entry.annotations) {
      const { role: _, ...rest } = entry.annotations
      const commit = entry.digest !== undefined && 'gitCommit' in entry.digest ? entry.digest.gitCommit : undefined
      sources.push({ ...rest, ...(commit === undefined ? {} : { commit }) })
    } else {
      const digest = sha256In(entry.digest, `\`${name}\``)
      const { role } = entry.annotations
      if (role === 'environment') environments.push({ digest, ...buildOf(entry.annotations) })
      else if (role === 'material') materials.push({ name, digest, ...buildOf(entry.annotations) })
      else definition.push({ path: name, digest, ...gitBlobOf(entry.digest) })
    }
  }
  const [source] = sources
  const [environment] = environments
  if (source === undefined || sources.length > 1) throw malformed('does not name exactly one source')
  if (environment === undefined || environments.length > 1) throw malformed('does not name exactly one environment')
  return { source, environment, definition, dependencies, materials }
}

function outputsFrom(subjects: readonly ResourceDescriptor[]): readonly StatedOutput[] {
  const parsed = read(stageSubjectsShape, subjects)
  return parsed.flatMap(({ name, digest, annotations }) => {
    if (annotations.role === 'log') return []
    const { role: _, ...rest } = annotations
    return [{ path: name, digest: digestIn(digest, `\`${name}\``), ...rest }]
  })
}

function buildOf(annotations: Readonly<{ build?: Sha256 | undefined }>): { build?: Sha256 } {
  return annotations.build === undefined ? {} : { build: annotations.build }
}

function gitBlobOf(set: StageDependency['digest']): { gitBlob?: string } {
  return set !== undefined && 'gitBlob' in set && set.gitBlob !== undefined ? { gitBlob: set.gitBlob } : {}
}

function refuseOtherType({ predicateType, predicate }: Statement): void {
  if (predicateType !== provenanceType) {
    throw unsupported(`has the predicate \`${predicateType.slice(0, 100)}\`, not provenance`)
  }
  const type = buildTypeShape.safeParse(predicate)
  if (!type.success) throw malformed('has no build type')
  const { buildType } = type.data.buildDefinition
  if (buildType !== stageBuildType) throw unsupported(`has the build type \`${buildType.slice(0, 100)}\``)
}

function unsupported(what: string): DomainError {
  return new DomainError('ERR_STATEMENT_UNSUPPORTED', `the statement ${what}`)
}
