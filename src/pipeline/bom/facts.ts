/** What a bill of materials is made of: verified statements alone, flattened for the writers. Pure. */
import { isSecret, type StageFacts, type StatedDependency, type VisitedStage } from '../../attestation/index.ts'
import { type Digest, isSha256, type Json, type Sha256 } from '../../core/index.ts'
import type { Classification } from '../../data/index.ts'
import { mostSecretOf } from '../data-question.ts'
import type { ListedSource } from '../project.ts'

export type BomDataset = Readonly<{
  /** Project path. */
  path: string
  digest: Digest
  /** What nobody classified counts as internal. */
  classification: Classification
  /** Of the inventory; missing when it is in none. */
  source?: Readonly<{
    id: string
    owner: string
    licence: string
    origin?: string
    kind: string
  }>
  /** How it came into the project. */
  origin: string
}>

export type BomPackage = Readonly<{
  name: string
  version: string
  purl: string
  /** Names, sorted. */
  environments: readonly string[]
  /** Of all that was installed under this purl, as far as it is known, sorted: of one version there are several wheels. */
  sha256s: readonly Sha256[]
}>

export type BomFacts = Readonly<{
  name: string
  project: Readonly<{ id: string; name: string }>
  path: string
  digest: Digest
  trusted: boolean
  level: number
  assayVersion: string
  /** When the artifact was finished, RFC 3339: the same evidence is the same document. */
  at: string
  /** In the order in which they ran. */
  stages: readonly Readonly<{ attestation: Sha256; facts: StageFacts }>[]
  datasets: readonly BomDataset[]
  packages: readonly BomPackage[]
  metrics: readonly Readonly<{ name: string; value: string }>[]
}>

export type BomQuestion = Readonly<{
  name: string
  path: string
  digest: Digest
  trusted: boolean
  level: number
  version: string
  stages: readonly VisitedStage[]
  sources: ReadonlyMap<string, ListedSource>
  /** Of data from outside. */
  classificationOf: (dependency: StatedDependency) => Classification
  /** As evidence proves them; left out where they are of secret data. */
  metrics?: Json
}>

/** @param question its stages: the artifact's own first */
export function bomFactsOf({
  stages,
  sources,
  classificationOf,
  metrics,
  version,
  ...question
}: BomQuestion): BomFacts {
  const [own] = stages
  if (own === undefined) throw new Error('a bill of materials without a statement')
  const sorted = stages
    .map(({ attestation, stage: { facts } }) => ({ attestation, facts }))
    .toSorted(
      (left, right) =>
        order(left.facts.finishedAt, right.facts.finishedAt) || order(left.facts.stage, right.facts.stage),
    )
  return {
    ...question,
    project: own.stage.facts.project,
    assayVersion: version,
    at: own.stage.facts.finishedAt,
    stages: sorted,
    datasets: datasetsOf(
      sorted.map(({ facts }) => facts),
      { sources, classificationOf },
    ),
    packages: packagesOf(sorted.map(({ facts }) => facts)),
    metrics: metrics === undefined ? [] : numbersOf(metrics, []),
  }
}

function datasetsOf(
  stages: readonly StageFacts[],
  { sources, classificationOf }: Pick<BomQuestion, 'sources' | 'classificationOf'>,
): readonly BomDataset[] {
  const found = new Map<string, BomDataset>()
  for (const { dependencies } of stages) {
    for (const dependency of dependencies) {
      const { path, digest, role, origin } = dependency
      if (role !== 'dep' || origin.kind === 'stage' || origin.kind === 'code') continue
      const key = `${path} ${digest}`
      const known = found.get(key)
      const own = classificationOf(dependency)
      const classification = known === undefined ? own : mostSecretOf([known.classification, own])
      const source = origin.kind === 'source' ? { source: sourceOf(origin.id, classification, sources) } : {}
      found.set(key, { path, digest, classification, origin: origin.kind, ...source })
    }
  }
  return [...found.values()].toSorted((left, right) => order(left.path, right.path) || order(left.digest, right.digest))
}

/** Where secret data come from is not told. INVARIANT: values of rows are in no statement, so in no bill. */
function sourceOf(
  id: string,
  classification: Classification,
  sources: BomQuestion['sources'],
): NonNullable<BomDataset['source']> {
  const listed = sources.get(id)?.source
  return {
    id,
    owner: listed === undefined ? '' : listed.owner.name,
    licence: listed?.licence ?? '',
    kind: listed?.kind ?? 'data',
    ...(listed === undefined || isSecret(classification) ? {} : { origin: listed.origin }),
  }
}

function packagesOf(stages: readonly StageFacts[]): readonly BomPackage[] {
  const found = new Map<string, BomPackage>()
  for (const { environment } of stages) {
    for (const { name, version, digest } of environment.packages) {
      const purl = purlOf(environment.kind, name, version)
      const known = digest ?? materialOf(environment, name, version)
      const { environments, sha256s } = found.get(purl) ?? { environments: [], sha256s: [] }
      found.set(purl, {
        name,
        version,
        purl,
        environments: [...new Set([...environments, environment.name])].toSorted(),
        sha256s: [...new Set(known === undefined ? sha256s : [...sha256s, known])].toSorted(),
      })
    }
  }
  return [...found.values()].toSorted((left, right) => order(left.purl, right.purl))
}

/** The wheel, or package of conda, that the environment was built from: `numpy-2.1.0-cp312-...whl`. */
function materialOf({ kind, materials }: StageFacts['environment'], name: string, version: string): Sha256 | undefined {
  const stem = (
    kind === 'conda' ? `${name}-${version}-` : `${normalized(name).replaceAll('-', '_')}-${version}-`
  ).toLowerCase()
  const matching = materials.filter((each) => {
    const file = each.name.slice(each.name.lastIndexOf('/') + 1).toLowerCase()
    return (
      file.startsWith(stem) || file.replace(/^[^-]+/, (project) => project.replaceAll(/[.-]/g, '_')).startsWith(stem)
    )
  })
  const [only] = matching
  return matching.length === 1 && only !== undefined && isSha256(only.digest) ? only.digest : undefined
}

/**
 * SOURCE: purl-spec types pypi, npm, conda, deb. Packages of a machine or an image are those of its Python and of its
 * distribution; which of the two a name is of is not recorded there, so it is `generic`.
 */
export function purlOf(kind: string, name: string, version: string): string {
  const at = `@${encodeURIComponent(version)}`
  switch (kind) {
    case 'python':
      return `pkg:pypi/${encodeURIComponent(normalized(name))}${at}`
    case 'node':
      return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}${at}`
    case 'conda':
      return `pkg:conda/${encodeURIComponent(name)}${at}`
    default:
      return `pkg:generic/${encodeURIComponent(name)}${at}`
  }
}

/** PEP 503. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

/** Every finite number, by its dotted name. LIMIT: 1,000 numbers, 8 levels. */
function numbersOf(value: Json, path: readonly string[]): readonly Readonly<{ name: string; value: string }>[] {
  if (typeof value === 'number' && path.length > 0) return [{ name: path.join('.'), value: String(value) }]
  if (typeof value !== 'object' || value === null || Array.isArray(value) || path.length >= 8) return []
  return Object.entries(value)
    .toSorted(([left], [right]) => order(left, right))
    .flatMap(([name, member]) => numbersOf(member, [...path, name]))
    .slice(0, 1000)
}

export function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
