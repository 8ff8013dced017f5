/**
 * `Pipfile.lock` of pipenv.
 *
 * SOURCE: pypa/pipfile, "Pipfile.lock" (`pipfile-spec` 6); pipenv, `locking.py`. Its hashes are SHA-256 of any file of the
 * release, as in a requirements file.
 */
import { visit } from 'jsonc-parser'
import { z } from 'zod'
import { parseStrictJson } from '../../core/index.ts'
import {
  type LockAdapter,
  type LockChoice,
  type LockedArtefacts,
  type LockedRequirement,
  normaliseName,
} from './lock.ts'
import {
  decodeLock,
  maxLockDepth,
  noRelease,
  parseIndexUrl,
  type Refuse,
  readMarker,
  refusalAt,
  refuseChoice,
  sha256In,
  shapedLock,
  withoutHash,
} from './lock-text.ts'
import { parseVersion } from './version.ts'

export const pipfileLock: LockAdapter = {
  format: 'Pipfile.lock',
  matches: (fileName) => fileName === 'Pipfile.lock',
  parse: parsePipfile,
}

const packageShape = z.looseObject({
  version: z.string().optional(),
  hashes: z.array(z.string()).optional(),
  extras: z.array(z.string()).optional(),
  markers: z.string().optional(),
})
const metaShape = z.looseObject({
  'pipfile-spec': z.number(),
  requires: z
    .looseObject({ python_version: z.string().optional(), python_full_version: z.string().optional() })
    .optional(),
  sources: z.array(z.looseObject({ url: z.string() })).optional(),
})
const lockShape = z.looseObject({ _meta: metaShape })
const groupShape = z.record(z.string(), packageShape)

/** The packages that are always meant; the others are groups, `develop` the usual one. */
const mainGroup = 'default'

function parsePipfile(bytes: Uint8Array, path: string, choice: LockChoice): LockedArtefacts {
  const refuse = refusalAt(path, 1)
  const text = decodeLock(bytes, path)
  const { _meta: meta, ...groups } = shapedLock(lockShape, jsonOf(bytes, refuse), refuse)
  if (meta['pipfile-spec'] !== 6) {
    throw refuse('ERR_ENV_LOCK_INVALID', `the version ${meta['pipfile-spec']} of Pipfile.lock is not known`)
  }
  refuseChoice(choice, { extras: [], groups: Object.keys(groups) }, path)
  const isWanted = (group: string): boolean => group === mainGroup || choice.groups.includes(normaliseName(group))
  const lines = linesIn(text)
  const requirements = Object.keys(groups).flatMap((group) =>
    Object.entries(shapedLock(groupShape, groups[group], refuse)).map(([name, one]) => {
      const line = lines.get(placeOf([group, name])) ?? 1
      return { ...requirementOf(name, one, line, refusalAt(path, line)), isOfOtherGroup: !isWanted(group) }
    }),
  )
  const requiresPython = pythonOf(meta)
  return {
    requirements: withoutRepeats(requirements),
    indexes: (meta.sources ?? []).map(({ url }) => parseIndexUrl(url, refuse)),
    options: [],
    ...(requiresPython === undefined ? {} : { requiresPython }),
  }
}

function jsonOf(bytes: Uint8Array, refuse: Refuse): unknown {
  try {
    return parseStrictJson(bytes, 'the lock', { maxBytes: bytes.length, maxDepth: maxLockDepth })
  } catch (cause) {
    throw refuse('ERR_ENV_LOCK_INVALID', cause instanceof Error ? cause.message : 'not JSON')
  }
}

const placeOf = (path: readonly unknown[]): string => JSON.stringify(path)

/** The line of each package, by `placeOf` its group and name. */
function linesIn(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  visit(text, {
    onObjectProperty: (name, _offset, _length, startLine, _startCharacter, pathOf) => {
      const path = pathOf()
      if (path.length === 1) lines.set(placeOf([...path, name]), startLine + 1)
    },
  })
  return lines
}

/** A project of two groups is locked to one version by pipenv; then it is one requirement. */
function withoutRepeats(requirements: readonly LockedRequirement[]): readonly LockedRequirement[] {
  const firsts = new Map<string, LockedRequirement>()
  for (const one of requirements) {
    const key = JSON.stringify([one.name, one.version, one.isOfOtherGroup])
    if (!firsts.has(key)) firsts.set(key, one)
  }
  return [...firsts.values()]
}

function pythonOf({ requires }: z.infer<typeof metaShape>): string | undefined {
  if (requires?.python_full_version !== undefined) return `==${requires.python_full_version}`
  return requires?.python_version === undefined ? undefined : `==${requires.python_version}.*`
}

function requirementOf(
  written: string,
  one: z.infer<typeof packageShape>,
  line: number,
  refuse: Refuse,
): LockedRequirement {
  const name = normaliseName(written)
  const place = ['git', 'hg', 'svn', 'bzr', 'ref', 'path', 'file', 'editable'].find((key) => Object.hasOwn(one, key))
  const common = {
    name,
    extras: (one.extras ?? []).map(normaliseName),
    ...(one.markers === undefined ? {} : { marker: readMarker(name, one.markers, refuse) }),
    line,
  }
  if (place !== undefined) return { ...common, version: '0', sha256: [], unprovable: noRelease(`\`${place}\``) }
  const digests = (one.hashes ?? []).map(sha256In).filter((digest) => digest !== undefined)
  return {
    ...common,
    version: pinOf(name, one.version, refuse),
    sha256: [...new Set(digests)],
    ...(digests.length > 0 ? {} : { unprovable: withoutHash('has no SHA-256') }),
  }
}

function pinOf(name: string, version: string | undefined, refuse: Refuse): string {
  const pinned = /^={2,3}\s*([^\s,*]+)$/.exec(version ?? '')?.[1]
  if (pinned !== undefined && parseVersion(pinned) !== undefined) return pinned
  throw refuse('ERR_ENV_UNPINNED', `\`${name}\` is not pinned to one version`)
}
