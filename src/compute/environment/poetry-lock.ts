/**
 * `poetry.lock` of Poetry 2 (version 2.1), in which every package carries its groups and markers.
 *
 * SOURCE: python-poetry/poetry, `packages/locker.py`. Locks of Poetry 1 leave the groups and markers to pyproject.toml and
 * a walk over the dependencies; they are refused, since `poetry lock` of Poetry 2 writes them down without other versions.
 */
import { z } from 'zod'
import {
  type LockAdapter,
  type LockChoice,
  type LockedArtefacts,
  type LockedRequirement,
  normaliseName,
} from './lock.ts'
import {
  noRelease,
  parseIndexUrl,
  pinnedBy,
  type Refuse,
  readMarker,
  readTomlLock,
  refusalAt,
  refuseChoice,
  sha256In,
  shapedLock,
} from './lock-text.ts'
import type { Marker } from './marker.ts'
import { poetrySpecifier } from './poetry-versions.ts'
import { parseVersion } from './version.ts'

export const poetryLock: LockAdapter = {
  format: 'poetry.lock',
  matches: (fileName) => fileName === 'poetry.lock',
  parse: parsePoetry,
}

const sourceShape = z.looseObject({ type: z.string(), url: z.string() })
const packageShape = z.looseObject({
  name: z.string(),
  version: z.string(),
  groups: z.array(z.string()),
  markers: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
  files: z.array(z.looseObject({ file: z.string(), hash: z.string().optional() })),
  source: sourceShape.optional(),
})
type Package = z.infer<typeof packageShape>
const headShape = z.looseObject({
  extras: z.record(z.string(), z.array(z.string())).optional(),
  metadata: z.looseObject({ 'lock-version': z.string(), 'python-versions': z.string() }),
})
const bodyShape = z.looseObject({ package: z.array(packageShape).optional() })

/** The group of the project's own dependencies; always meant. */
const mainGroup = 'main'

function parsePoetry(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts {
  const refuse = refusalAt(path, 1)
  const { document, lineOf, refuseAt } = readTomlLock(bytes, path, headShape, '[[package]]')
  refuseOtherVersion(document.metadata['lock-version'], refuse)
  const { package: packages = [] } = shapedLock(bodyShape, document, refuse)
  const groups = [...new Set(packages.flatMap((one) => one.groups))]
  refuseChoice(choice, { extras: Object.keys(document.extras ?? {}), groups }, path)
  const wanted = new Set([mainGroup, ...choice.groups])
  const requirements = packages.map((one, index) => ({
    ...requirementOf(one, wanted, lineOf(index), refuseAt(index)),
    isOfOtherGroup: !one.groups.some((group) => wanted.has(normaliseName(group))),
  }))
  return {
    requirements,
    indexes: [...new Set(packages.flatMap((one, index) => indexOf(one, refuseAt(index))))],
    options: [],
    sets: { extras: new Set(choice.extras), dependency_groups: wanted },
    requiresPython: poetrySpecifier(document.metadata['python-versions'], refuse),
  }
}

function refuseOtherVersion(version: string, refuse: Refuse): void {
  if (version === '2.1') return
  const isOlder = version === '2.0' || version.startsWith('1.')
  throw refuse(
    'ERR_ENV_LOCK_INVALID',
    isOlder
      ? `the version ${version} of poetry.lock does not say which packages belong to which group and platform`
      : `the version \`${version}\` of poetry.lock is not known`,
    isOlder ? 'either keeps its versions: poetry lock (of Poetry 2), or assay env lock' : undefined,
  )
}

function requirementOf(one: Package, wanted: ReadonlySet<string>, line: number, refuse: Refuse): LockedRequirement {
  const name = normaliseName(one.name)
  const marker = markerOf(name, one, wanted, refuse)
  if (parseVersion(one.version) === undefined) {
    throw refuse('ERR_ENV_UNPINNED', `\`${name}\` is not pinned to one version`)
  }
  const files = one.files.map(({ file, hash }) => ({
    name: file,
    ...(one.source?.type === 'url' ? { url: one.source.url } : {}),
    sha256: sha256In(hash),
  }))
  const isRelease = ['url', 'file', 'legacy'].includes(one.source?.type ?? 'legacy')
  const place = one.source?.type === 'directory' ? `the folder \`${one.source.url}\`` : `\`${one.source?.type}\``
  return {
    name,
    version: one.version,
    extras: [],
    ...(marker === undefined ? {} : { marker }),
    ...(isRelease ? pinnedBy(files, refuse) : { sha256: [], unprovable: noRelease(place) }),
    line,
  }
}

/** A package of several groups has one marker a group where they differ; it applies when one of those asked for does. */
function markerOf(name: string, one: Package, wanted: ReadonlySet<string>, refuse: Refuse): Marker | undefined {
  if (one.markers === undefined) return undefined
  if (typeof one.markers === 'string') return readMarker(name, one.markers, refuse)
  const byGroup = new Map(Object.entries(one.markers).map(([group, text]) => [normaliseName(group), text]))
  const texts = one.groups
    .filter((group) => wanted.has(normaliseName(group)))
    .map((group) => byGroup.get(normaliseName(group)))
  const parts = texts.map((text) => (text === undefined ? undefined : readMarker(name, text, refuse)))
  const known = parts.filter((part) => part !== undefined)
  return known.length < parts.length ? undefined : { kind: 'or', parts: known }
}

function indexOf({ source }: Package, refuse: Refuse): readonly string[] {
  return source?.type === 'legacy' ? [parseIndexUrl(source.url, refuse)] : []
}
