/**
 * `uv.lock`: one graph for all platforms, walked from the project to what applies here.
 *
 * SOURCE: astral-sh/uv, `uv-resolver/src/lock` and "Locking": `version` changes when older readers cannot read it,
 * `revision` does not. Names of conflicting extras in markers: `extra-<length>-<package>-<extra>`, the same with `group-`.
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
  markerHolds,
  noRelease,
  parseIndexUrl,
  pinnedBy,
  type Refuse,
  readMarker,
  readTomlLock,
  refusalAt,
  refuseChoice,
  sha256In,
} from './lock-text.ts'
import type { MarkerEnvironment, MarkerSets } from './marker.ts'
import { parseVersion } from './version.ts'

export const uvLock: LockAdapter = {
  format: 'uv.lock',
  matches: (fileName) => fileName === 'uv.lock',
  parse: parseUv,
}

const source = z.record(z.string(), z.unknown())
const dependencyShape = z.looseObject({
  name: z.string(),
  version: z.string().optional(),
  source: source.optional(),
  marker: z.string().optional(),
  extra: z.array(z.string()).optional(),
})
const dependencies = z.array(dependencyShape)
const fileShape = z.looseObject({
  url: z.string().optional(),
  path: z.string().optional(),
  filename: z.string().optional(),
  hash: z.string().optional(),
})
const packageShape = z.looseObject({
  name: z.string(),
  version: z.string().optional(),
  source,
  dependencies: dependencies.optional(),
  'optional-dependencies': z.record(z.string(), dependencies).optional(),
  'dev-dependencies': z.record(z.string(), dependencies).optional(),
  sdist: fileShape.optional(),
  wheels: z.array(fileShape).optional(),
})
const lockShape = z.looseObject({
  version: z.number(),
  'requires-python': z.string().optional(),
  'supported-markers': z.array(z.string()).optional(),
  manifest: z.looseObject({ members: z.array(z.string()).optional() }).optional(),
  package: z.array(packageShape).optional(),
})
type Package = z.infer<typeof packageShape>
type Dependency = z.infer<typeof dependencyShape>
type Node = Readonly<{ one: Package; requirement: LockedRequirement; isMember: boolean }>

function parseUv(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts {
  const refuse = refusalAt(path, 1)
  const { document, lineOf, refuseAt } = readTomlLock(bytes, path, lockShape, '[[package]]')
  if (document.version !== 1) {
    throw refuse('ERR_ENV_LOCK_INVALID', `the version ${document.version} of uv.lock is not known`)
  }
  const packages = document.package ?? []
  const nodes = packages.map((one, index) => nodeOf(one, lineOf(index), refuseAt(index)))
  const roots = rootsOf(nodes, document.manifest?.members ?? [], refuse)
  const known = (key: 'optional-dependencies' | 'dev-dependencies'): readonly string[] =>
    roots.flatMap(({ one }) => Object.keys(one[key] ?? {}))
  refuseChoice(choice, { extras: known('optional-dependencies'), groups: known('dev-dependencies') }, path)
  const requiresPython = document['requires-python']
  return {
    requirements: nodes.filter(({ isMember }) => !isMember).map(({ requirement }) => requirement),
    select: (environment) => walk({ nodes, roots, choice, environment, path }),
    indexes: [...new Set(packages.flatMap((one, index) => indexOf(one, refuseAt(index))))],
    options: [],
    ...(requiresPython === undefined ? {} : { requiresPython }),
    platforms: (document['supported-markers'] ?? []).map((text) => readMarker('supported-markers', text, refuse)),
  }
}

function nodeOf(one: Package, line: number, refuse: Refuse): Node {
  const name = normaliseName(one.name)
  const folder = ['editable', 'virtual', 'directory']
    .map((kind) => one.source[kind])
    .find((at) => typeof at === 'string')
  // What lies in the project is the project's own code: the commit pins it, and every stage sees it.
  const isMember = typeof folder === 'string' && !/^(\/|\.\.(\/|$)|[A-Za-z]:)/.test(folder)
  const isRelease = ['registry', 'url', 'path'].some((kind) => typeof one.source[kind] === 'string')
  const place = Object.keys(one.source)[0] === 'git' ? 'git' : `a folder outside of the project (\`${String(folder)}\`)`
  const files = [one.sdist, ...(one.wheels ?? [])].filter((file) => file !== undefined)
  const pinned = isRelease
    ? pinnedBy(
        files.map((file) => writtenFile(file)),
        refuse,
      )
    : { sha256: [], unprovable: noRelease(place) }
  const version = one.version ?? '0'
  if (parseVersion(version) === undefined || (isRelease && one.version === undefined)) {
    throw refuse('ERR_ENV_UNPINNED', `\`${name}\` is not pinned to one version`)
  }
  return { one, isMember, requirement: { name, version, extras: [], ...pinned, line } }
}

function writtenFile({ url, path, filename, hash }: z.infer<typeof fileShape>): Parameters<typeof pinnedBy>[0][number] {
  return {
    ...(filename === undefined ? {} : { name: filename }),
    ...(url === undefined ? {} : { url }),
    ...(path === undefined ? {} : { path }),
    sha256: sha256In(hash),
  }
}

/** The project at the lock's own folder; where a workspace has none there, all its members. */
function rootsOf(nodes: readonly Node[], members: readonly string[], refuse: Refuse): readonly Node[] {
  const here = nodes.filter(({ isMember, one }) => isMember && Object.values(one.source).includes('.'))
  const roots = here.length > 0 ? here : nodes.filter(({ isMember, one }) => isMember && members.includes(one.name))
  if (roots.length > 0) return roots
  throw refuse(
    'ERR_ENV_LOCK_INVALID',
    'the lock holds no project to start from',
    'make the lock of a script a pylock.toml: uv export --format pylock.toml',
  )
}

function indexOf({ source: { registry } }: Package, refuse: Refuse): readonly string[] {
  return typeof registry === 'string' && /^https?:/.test(registry) ? [parseIndexUrl(registry, refuse)] : []
}

type Walk = Readonly<{
  nodes: readonly Node[]
  roots: readonly Node[]
  choice: LockChoice
  environment: MarkerEnvironment
  path: string
}>

/** Every release that is reached, by name. */
function walk({ nodes, roots, choice, environment, path }: Walk): readonly LockedRequirement[] {
  const known = nodesByPart(nodes)
  const sets = conflictNames(roots, choice)
  const extrasOf = new Map<Node, Set<string>>()
  const waiting: Readonly<{ from: Node; dependency: Dependency }>[] = []
  const reach = (node: Node, extras: readonly string[]): void => {
    const before = extrasOf.get(node)
    if (before === undefined)
      waiting.push(...(node.one.dependencies ?? []).map((dependency) => ({ from: node, dependency })))
    const asked = before ?? new Set<string>()
    extrasOf.set(node, asked)
    for (const extra of extras.map(normaliseName)) {
      if (asked.has(extra)) continue
      asked.add(extra)
      waiting.push(...named(node.one['optional-dependencies'], extra).map((dependency) => ({ from: node, dependency })))
    }
  }
  for (const root of roots) {
    reach(root, choice.extras)
    const groups = choice.groups.flatMap((group) => named(root.one['dev-dependencies'], group))
    waiting.push(...groups.map((dependency) => ({ from: root, dependency })))
  }
  // What is reached is looked at in turn: the array grows meanwhile.
  for (const { from, dependency } of waiting) {
    const refuse = refusalAt(path, from.requirement.line)
    if (!holds(dependency, environment, sets, refuse)) continue
    reach(target(dependency, known, refuse), dependency.extra ?? [])
  }
  return [...extrasOf]
    .filter(([{ isMember }]) => !isMember)
    .map(([{ requirement }, extras]) => ({ ...requirement, extras: [...extras].toSorted() }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

function named(
  table: Readonly<Record<string, readonly Dependency[]>> | undefined,
  name: string,
): readonly Dependency[] {
  return Object.entries(table ?? {}).flatMap(([key, list]) => (normaliseName(key) === name ? list : []))
}

/** The names under which markers of this lock speak of what was asked for. */
function conflictNames(roots: readonly Node[], { extras, groups }: LockChoice): MarkerSets {
  const spelt = (kind: string, items: readonly string[]): readonly string[] =>
    roots.flatMap(({ requirement: { name } }) => items.map((item) => `${kind}-${name.length}-${name}-${item}`))
  const projects = roots.map(({ requirement: { name } }) => `project-${name.length}-${name}`)
  return {
    extras: new Set([...spelt('extra', extras), ...spelt('group', groups), ...projects]),
    dependency_groups: new Set(),
  }
}

function holds(
  { name, marker }: Dependency,
  environment: MarkerEnvironment,
  sets: MarkerSets,
  refuse: Refuse,
): boolean {
  return marker === undefined || markerHolds(name, readMarker(name, marker, refuse), { environment, sets, refuse })
}

/** The package under what a dependency may say of it; `several` where that fits more than one. */
type KnownNodes = ReadonlyMap<string, Node | 'several'>

function nodesByPart(nodes: readonly Node[]): KnownNodes {
  const known = new Map<string, Node | 'several'>()
  for (const node of nodes) {
    const { name, version, source: place } = node.one
    const parts = [{ name }, { name, version }, { name, source: place }, { name, version, source: place }]
    for (const part of new Set(parts.map(partOf))) known.set(part, known.has(part) ? 'several' : node)
  }
  return known
}

function partOf({ name, version, source: place }: Pick<Dependency, 'name' | 'version' | 'source'>): string {
  return JSON.stringify([normaliseName(name), version ?? null, place ?? null])
}

/** The package that a dependency means: the only one of its name, else the one with its version and place. */
function target(dependency: Dependency, known: KnownNodes, refuse: Refuse): Node {
  const found = known.get(partOf(dependency))
  if (found !== undefined && found !== 'several') return found
  const what = found === undefined ? 'is not in the lock' : 'is in the lock several times, and nothing says which'
  throw refuse('ERR_ENV_LOCK_INVALID', `the dependency \`${dependency.name}\` ${what}`)
}
