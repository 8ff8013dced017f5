/**
 * `pylock.toml` and `pylock.<name>.toml`.
 *
 * SOURCE: PEP 751, "File format" and "Installation". Stricter: version 1.0 alone, a SHA-256 for every file.
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
  type WrittenFile,
} from './lock-text.ts'
import { parseVersion } from './version.ts'
import { parseWheelName } from './wheel-name.ts'

export const pylock: LockAdapter = {
  format: 'pylock.toml',
  matches: (fileName) => /^pylock(\.[^.]+)?\.toml$/.test(fileName),
  parse: parsePylock,
}

const hashes = z.record(z.string(), z.string())
const fileShape = z.looseObject({
  name: z.string().optional(),
  url: z.string().optional(),
  path: z.string().optional(),
  hashes,
})
const packageShape = z.looseObject({
  name: z.string(),
  version: z.string().optional(),
  marker: z.string().optional(),
  'requires-python': z.string().optional(),
  index: z.string().optional(),
  vcs: z.looseObject({}).optional(),
  directory: z.looseObject({ path: z.string() }).optional(),
  archive: fileShape.optional(),
  sdist: fileShape.optional(),
  wheels: z.array(fileShape).optional(),
})
const names = z.array(z.string())
const lockShape = z.looseObject({
  'lock-version': z.string(),
  environments: names.optional(),
  'requires-python': z.string().optional(),
  extras: names.optional(),
  'dependency-groups': names.optional(),
  'default-groups': names.optional(),
  packages: z.array(packageShape),
})
type Package = z.infer<typeof packageShape>

function parsePylock(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts {
  const { document, lineOf, refuseAt } = readTomlLock(bytes, path, lockShape, '[[packages]]')
  const refuse = refusalAt(path, 1)
  if (document['lock-version'] !== '1.0') {
    throw refuse('ERR_ENV_LOCK_INVALID', `the version \`${document['lock-version']}\` of pylock.toml is not known`)
  }
  const { extras = [], 'dependency-groups': groups = [], 'default-groups': defaults = [] } = document
  refuseChoice(choice, { extras, groups: [...groups, ...defaults] }, path)
  const requirements = document.packages.map((one, index) => requirementOf(one, lineOf(index), refuseAt(index)))
  const indexes = document.packages.flatMap(({ index }, at) =>
    index === undefined ? [] : [parseIndexUrl(index, refuseAt(at))],
  )
  const requiresPython = document['requires-python']
  return {
    requirements,
    indexes: [...new Set(indexes)],
    options: [],
    sets: {
      extras: new Set(choice.extras),
      dependency_groups: new Set([...defaults.map(normaliseName), ...choice.groups]),
    },
    ...(requiresPython === undefined ? {} : { requiresPython }),
    platforms: (document.environments ?? []).map((text) => readMarker('environments', text, refuse)),
  }
}

function requirementOf(one: Package, line: number, refuse: Refuse): LockedRequirement {
  const name = normaliseName(one.name)
  const kinds = [one.vcs, one.directory, one.archive, one.sdist ?? one.wheels].filter((kind) => kind !== undefined)
  if (kinds.length !== 1) throw refuse('ERR_ENV_LOCK_INVALID', `\`${name}\` must come from exactly one kind of place`)
  const files = [one.archive, one.sdist, ...(one.wheels ?? [])].filter((file) => file !== undefined).map(writtenFile)
  const what = one.vcs === undefined ? undefined : 'version control'
  const unprovable = one.directory === undefined ? what : `the folder \`${one.directory.path}\``
  return {
    name,
    version: versionOf(name, one, files, refuse),
    extras: [],
    ...(one.marker === undefined ? {} : { marker: readMarker(name, one.marker, refuse, { sets: true }) }),
    ...(unprovable === undefined ? pinnedBy(files, refuse) : { sha256: [], unprovable: noRelease(unprovable) }),
    line,
  }
}

function writtenFile({ name, url, path, hashes: stated }: z.infer<typeof fileShape>): WrittenFile {
  const hex = Object.entries(stated).find(([algorithm]) => algorithm.toLowerCase() === 'sha256')?.[1]
  return {
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url }),
    ...(path === undefined ? {} : { path }),
    sha256: sha256In(`sha256:${hex}`),
  }
}

/** PEP 751 lets a version be left out; the name of a file says it then. */
function versionOf(name: string, one: Package, files: readonly WrittenFile[], refuse: Refuse): string {
  if (one.version === undefined && files.length === 0) return '0' // unprovable, and refused as such
  const named = files.map((file) => versionIn(file.name ?? fileNameIn(file), name))
  const version = one.version ?? named.find((found) => found !== undefined)
  if (version !== undefined && parseVersion(version) !== undefined) return version
  throw refuse('ERR_ENV_UNPINNED', `\`${name}\` is not pinned to one version`)
}

/** SOURCE: PEP 625, `{name}-{version}.tar.gz`. */
function versionIn(fileName: string, project: string): string | undefined {
  const [, name = '', version] = /^(.+)-([^-]+)\.tar\.gz$/.exec(fileName) ?? []
  return normaliseName(name) === project ? version : parseWheelName(fileName)?.version
}

function fileNameIn({ url, path }: WrittenFile): string {
  return (url ?? path ?? '').split('/').at(-1) ?? ''
}
