/**
 * The bill of materials as CycloneDX ML-BOM. Pure and deterministic: the same evidence is the same bytes.
 *
 * SOURCE: CycloneDX 1.6 and 1.7 (bom-1.6.schema.json, bom-1.7.schema.json): no field of ours but in `properties`.
 */
import { type Digest, digestOfJson, hexOf, isSha256, type Json, type Sha256 } from '../../core/index.ts'
import type { BomDataset, BomFacts } from './facts.ts'

export const cycloneDxVersions = ['1.6', '1.7'] as const
export type CycloneDxVersion = (typeof cycloneDxVersions)[number]

type Fields = { readonly [key: string]: Json }

export function cycloneDxOf(facts: BomFacts, version: CycloneDxVersion): Fields {
  const document = {
    $schema: `http://cyclonedx.org/schema/bom-${version}.schema.json`,
    bomFormat: 'CycloneDX',
    specVersion: version,
    version: 1,
    metadata: {
      timestamp: facts.at,
      tools: { components: [{ type: 'application', name: 'assay', version: facts.assayVersion }] },
      component: modelOf(facts),
      properties: [
        property('project', facts.project.id),
        property('trusted', String(facts.trusted)),
        property('level', String(facts.level)),
      ],
    },
    components: [...facts.datasets.map(datasetOf), ...outputsOf(facts), ...facts.packages.map(packageOf)],
    dependencies: dependenciesOf(facts),
    formulation: [formulaOf(facts)],
  }
  return { ...document, serialNumber: serialOf(digestOfJson(document)) }
}

function modelOf({ name, project, path, digest, datasets, metrics, stages }: BomFacts): Fields {
  const maker = makerOf(stages, digest)
  return {
    type: 'machine-learning-model',
    'bom-ref': outputRef(digest),
    group: project.name,
    name,
    version: hexOf(digest).slice(0, 12),
    ...hashesOf(digest),
    externalReferences: [
      ...stages.map(({ attestation }) => attestationReference(attestation)),
      ...sourceReference(maker?.facts.source),
    ],
    modelCard: {
      modelParameters: { datasets: datasets.map((dataset) => ({ ref: datasetRef(dataset) })) },
      ...(metrics.length === 0
        ? {}
        : { quantitativeAnalysis: { performanceMetrics: metrics.map(({ name: type, value }) => ({ type, value })) } }),
      properties: stages.flatMap(({ facts }) => parametersOf(facts)),
    },
    properties: [property('path', path), ...dirHashOf(digest)],
  }
}

function makerOf(stages: BomFacts['stages'], digest: Digest): BomFacts['stages'][number] | undefined {
  return stages.findLast(({ facts }) => facts.outputs.some((out) => out.digest === digest))
}

function parametersOf({ stage, parameters, seed }: BomFacts['stages'][number]['facts']): readonly Fields[] {
  const given = Object.entries(parameters).flatMap(([file, keys]) =>
    Object.entries(keys).map(([key, value]) => property(`parameter:${stage}:${file}:${key}`, JSON.stringify(value))),
  )
  return [...given, property(`seed:${stage}`, String(seed))]
}

/** The evidence travels beside the bill; the address is its name in an exported folder's sense, and is not fetched. */
function attestationReference(attestation: Sha256): Fields {
  const hashes = [{ alg: 'SHA-256', content: hexOf(attestation) }]
  return { type: 'attestation', url: `${hexOf(attestation)}.sigstore.json`, hashes }
}

function sourceReference(source: BomFacts['stages'][number]['facts']['source'] | undefined): readonly Fields[] {
  if (source?.uri === undefined || !URL.canParse(source.uri)) return []
  return [
    { type: 'vcs', url: source.uri, ...(source.commit === undefined ? {} : { comment: `commit ${source.commit}` }) },
  ]
}

function datasetOf(dataset: BomDataset): Fields {
  const { path, digest, source, origin } = dataset
  return {
    type: source?.kind === 'model' ? 'machine-learning-model' : 'data',
    'bom-ref': datasetRef(dataset),
    name: source?.id ?? path,
    ...hashesOf(digest),
    ...(source?.origin === undefined || !URL.canParse(source.origin)
      ? {}
      : { externalReferences: [{ type: 'distribution', url: source.origin }] }),
    ...(source === undefined || source.licence === '' ? {} : { licenses: [{ license: { name: source.licence } }] }),
    ...(source?.kind === 'model' ? {} : { data: [dataOf(dataset)] }),
    properties: [property('path', path), property('origin', origin), ...dirHashOf(digest)],
  }
}

function dataOf({ path, classification, source }: BomDataset): Fields {
  return {
    type: 'dataset',
    name: path,
    classification,
    ...(source === undefined || source.owner === ''
      ? {}
      : { governance: { owners: [{ contact: { name: source.owner } }] } }),
  }
}

/** What the stages made beside the artifact, each once. */
function outputsOf({ stages, digest: own, datasets }: BomFacts): readonly Fields[] {
  const taken = new Set<string>([outputRef(own), ...datasets.map(datasetRef)])
  return stages.flatMap(({ facts }) =>
    facts.outputs.flatMap(({ path, digest }) => {
      const ref = outputRef(digest)
      if (taken.has(ref)) return []
      taken.add(ref)
      return [
        {
          type: 'file',
          'bom-ref': ref,
          name: path,
          ...hashesOf(digest),
          properties: [property('stage', facts.stage), ...dirHashOf(digest)],
        },
      ]
    }),
  )
}

function packageOf({ name, version, purl, environments, sha256s }: BomFacts['packages'][number]): Fields {
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(sha256s.length === 0 ? {} : { hashes: sha256s.map((sha256) => ({ alg: 'SHA-256', content: hexOf(sha256) })) }),
    properties: environments.map((environment) => property('environment', environment)),
  }
}

/** The artifact stands on its data and packages; an out on what its stage read. */
function dependenciesOf(facts: BomFacts): readonly Fields[] {
  const known = new Set<string>([outputRef(facts.digest), ...facts.datasets.map(datasetRef)])
  for (const { facts: stage } of facts.stages) for (const { digest } of stage.outputs) known.add(outputRef(digest))
  const edges = new Map<string, Set<string>>()
  for (const { facts: stage } of facts.stages) {
    const read = stage.dependencies.flatMap(({ path, digest, role }) =>
      role === 'dep' ? [outputRef(digest), datasetRef({ path, digest })].filter((ref) => known.has(ref)) : [],
    )
    for (const { digest } of stage.outputs) {
      const ref = outputRef(digest)
      const to = edges.get(ref) ?? new Set()
      for (const each of read) if (each !== ref) to.add(each)
      edges.set(ref, to)
    }
  }
  const own = edges.get(outputRef(facts.digest)) ?? new Set()
  for (const { purl } of facts.packages) own.add(purl)
  edges.set(outputRef(facts.digest), own)
  return [...edges].map(([ref, to]) => ({ ref, dependsOn: [...to].toSorted() }))
}

function formulaOf({ stages, datasets, project }: BomFacts): Fields {
  const data = new Set(datasets.map(datasetRef))
  const tasks = stages.map(({ facts, attestation }) => ({
    'bom-ref': taskRef(attestation),
    uid: hexOf(attestation),
    name: facts.stage,
    taskTypes: ['other'],
    steps: [{ name: facts.stage, commands: facts.commands.map((executed) => ({ executed })) }],
    inputs: facts.dependencies.flatMap(({ path, digest, role, origin }) => {
      const ref = origin.kind === 'stage' ? outputRef(digest) : datasetRef({ path, digest })
      return role === 'dep' && (origin.kind === 'stage' || data.has(ref)) ? [{ resource: { ref } }] : []
    }),
    outputs: facts.outputs.map(({ digest }) => ({ type: 'artifact', resource: { ref: outputRef(digest) } })),
    timeStart: facts.startedAt,
    timeEnd: facts.finishedAt,
    properties: [
      property('run', facts.runId),
      property('builder', facts.builderId),
      property('sandbox', facts.sandbox.engine),
      property('environment', facts.environment.digest),
      ...(facts.source.commit === undefined ? [] : [property('commit', facts.source.commit)]),
    ],
  }))
  return {
    'bom-ref': 'formula',
    workflows: [
      {
        'bom-ref': 'workflow',
        uid: project.id === '' ? 'project' : project.id,
        name: project.name,
        taskTypes: ['build'],
        tasks,
        taskDependencies: stages.map(({ facts, attestation }) => ({
          ref: taskRef(attestation),
          dependsOn: [
            ...new Set(
              facts.dependencies.flatMap(({ origin }) =>
                origin.kind === 'stage' && stages.some((other) => other.attestation === origin.attestation)
                  ? [taskRef(origin.attestation)]
                  : [],
              ),
            ),
          ],
        })),
      },
    ],
  }
}

function taskRef(attestation: Sha256): string {
  return `task/${hexOf(attestation)}`
}

function outputRef(digest: Digest): string {
  return `made/${digest}`
}

function datasetRef({ path, digest }: Pick<BomDataset, 'path' | 'digest'>): string {
  return `data/${path}/${digest}`
}

function hashesOf(digest: Digest): Fields {
  return isSha256(digest) ? { hashes: [{ alg: 'SHA-256', content: hexOf(digest) }] } : {}
}

/** CycloneDX knows no hash of a folder. */
function dirHashOf(digest: Digest): readonly Fields[] {
  return isSha256(digest) ? [] : [property('dirHash1', hexOf(digest))]
}

function property(name: string, value: string): Fields {
  return { name: `assay:${name}`, value }
}

/** A UUID (version 8, RFC 9562) of the content. */
function serialOf(digest: Sha256): string {
  const hex = hexOf(digest)
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
