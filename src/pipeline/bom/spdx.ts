/**
 * The bill of materials as SPDX 3.0.1, with the profiles AI and Dataset. Pure and deterministic.
 *
 * SOURCE: SPDX 3.0.1 model and its published JSON Schema. Conformance is claimed for core, software and ai: of a dataset
 * SPDX asks when it was built and released, which no evidence tells.
 */
import { type Digest, digestOfJson, hexOf, isSha256, type Json, namespace } from '../../core/index.ts'
import type { BomDataset, BomFacts } from './facts.ts'

type Fields = { readonly [key: string]: Json }

const creation = '_:creation'

export function spdxOf(facts: BomFacts): Fields {
  const base = `${namespace}/spdx/${hexOf(digestOfJson([facts.project.id, facts.path, facts.digest, facts.at]))}`
  const id = (name: string): string => `${base}#${encodeURIComponent(name)}`
  const agents = [...new Set([supplierOf(facts), ...facts.datasets.flatMap(({ source }) => source?.owner || [])])]
  const elements: Fields[] = [
    { type: 'SoftwareAgent', spdxId: id('assay'), creationInfo: creation, name: `assay ${facts.assayVersion}` },
    ...agents.map((name) => ({ type: 'Person', spdxId: id(`person ${name}`), creationInfo: creation, name })),
    modelOf(facts, id),
    ...facts.datasets.map((dataset) => datasetOf(dataset, id)),
    ...facts.packages.map((one) => ({
      type: 'software_Package',
      spdxId: id(one.purl),
      creationInfo: creation,
      name: one.name,
      software_packageVersion: one.version,
      software_packageUrl: one.purl,
      ...verifiedBy(...one.sha256s),
    })),
  ]
  const links = [
    linkOf(id, 'trainedOn', facts.datasets.map(datasetName)),
    linkOf(
      id,
      'dependsOn',
      facts.packages.map(({ purl }) => purl),
    ),
  ].flat()
  const document = {
    type: 'SpdxDocument',
    spdxId: id('document'),
    creationInfo: creation,
    name: facts.name,
    profileConformance: ['core', 'software', 'ai'],
    rootElement: [id('model')],
    element: [...elements, ...links].map(({ spdxId }) => spdxId ?? null),
  }
  return {
    '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld',
    '@graph': [creationOf(facts, id), document, ...elements, ...links],
  }
}

type Id = (name: string) => string

/** Whole seconds: SPDX takes no fraction. */
function creationOf({ at }: BomFacts, id: Id): Fields {
  return {
    type: 'CreationInfo',
    '@id': creation,
    specVersion: '3.0.1',
    created: secondOf(at),
    createdBy: [id('assay')],
  }
}

function secondOf(at: string): string {
  return `${at.slice(0, 19)}Z`
}

/** Who triggered the run that made it. */
function supplierOf({ stages, digest }: BomFacts): string {
  return (
    stages.findLast(({ facts }) => facts.outputs.some((out) => out.digest === digest))?.facts.principal.name ??
    'unknown'
  )
}

function modelOf(facts: BomFacts, id: Id): Fields {
  const { name, digest, path, project, at, metrics, stages, level, trusted } = facts
  return {
    type: 'ai_AIPackage',
    spdxId: id('model'),
    creationInfo: creation,
    name,
    summary: `assay level ${level}, ${trusted ? 'trusted' : 'NOT TRUSTED'}`,
    software_packageVersion: hexOf(digest).slice(0, 12),
    software_primaryPurpose: 'model',
    software_downloadLocation: `${namespace}/project/${encodeURIComponent(project.id)}/${path.split('/').map(encodeURIComponent).join('/')}`,
    releaseTime: secondOf(at),
    suppliedBy: id(`person ${supplierOf(facts)}`),
    ...verifiedBy(digest),
    ...(metrics.length === 0 ? {} : { ai_metric: metrics.map((metric) => entry(metric.name, metric.value)) }),
    ...parametersOf(stages),
  }
}

function parametersOf(stages: BomFacts['stages']): Fields {
  const entries = stages.flatMap(({ facts: { stage, parameters } }) =>
    Object.entries(parameters).flatMap(([file, keys]) =>
      Object.entries(keys).map(([key, value]) => entry(`${stage}:${file}:${key}`, JSON.stringify(value))),
    ),
  )
  return entries.length === 0 ? {} : { ai_hyperparameter: entries }
}

function entry(key: string, value: string): Fields {
  return { type: 'DictionaryEntry', key, value }
}

const levels: Readonly<Record<BomDataset['classification'], string>> = {
  public: 'clear',
  internal: 'green',
  confidential: 'amber',
  restricted: 'red',
}

function datasetOf(dataset: BomDataset, id: Id): Fields {
  const { source, path, digest, classification } = dataset
  return {
    type: 'dataset_DatasetPackage',
    spdxId: id(datasetName(dataset)),
    creationInfo: creation,
    name: source?.id ?? path,
    software_primaryPurpose: source?.kind === 'model' ? 'model' : 'data',
    dataset_datasetType: ['noAssertion'],
    dataset_confidentialityLevel: levels[classification],
    ...(source === undefined || source.owner === '' ? {} : { originatedBy: [id(`person ${source.owner}`)] }),
    ...(source?.origin === undefined || !URL.canParse(source.origin)
      ? {}
      : { software_downloadLocation: source.origin }),
    ...verifiedBy(digest),
  }
}

function datasetName({ path, digest }: BomDataset): string {
  return `data ${path} ${digest}`
}

/** SPDX knows no hash of a folder: it stands under `other`, with its name. */
function verifiedBy(...digests: readonly Digest[]): Fields {
  const hashes = digests.map((digest) =>
    isSha256(digest)
      ? { type: 'Hash', algorithm: 'sha256', hashValue: hexOf(digest) }
      : { type: 'Hash', algorithm: 'other', comment: 'in-toto dirHash1', hashValue: hexOf(digest) },
  )
  return hashes.length === 0 ? {} : { verifiedUsing: hashes }
}

function linkOf(id: Id, relationshipType: string, to: readonly string[]): readonly Fields[] {
  if (to.length === 0) return []
  return [
    {
      type: 'Relationship',
      spdxId: id(relationshipType),
      creationInfo: creation,
      relationshipType,
      from: id('model'),
      to: to.map(id),
    },
  ]
}
