/**
 * `package-lock.json` and `npm-shrinkwrap.json`, versions 2 and 3: every package by its place in `node_modules`.
 *
 * SOURCE: npm, "package-lock.json" (`packages`), "install" (`os`, `cpu`, `libc` of optional packages); W3C, Subresource
 * Integrity. Stricter: no place but a registry, SHA-512 (or 384, 256) for every package, nothing that climbs.
 */
import { z } from 'zod'
import { DomainError, isDomainError, isPlainPath, nameFault, parseStrictJson } from '../../core/index.ts'
import type { LockChoice } from './lock.ts'
import { decodeLock, parseIndexUrl, type Refuse, refusalAt, refuseChoice, shapedLock } from './lock-text.ts'

export type Integrity = Readonly<{ algorithm: 'sha512' | 'sha384' | 'sha256'; hex: string }>

export type LockedNodePackage = Readonly<{
  /** `node_modules/a/node_modules/@b/c`, from the folder of the lock. */
  path: string
  /** Of the package itself, which an alias does not carry in its path. */
  name: string
  version: string
  integrity: Integrity
  /** Absolute http(s) address, where the lock gives one. */
  url?: string
  /** It is not run: told. */
  hasInstallScript: boolean
  line: number
}>

export type NodePlatform = Readonly<{ os: string; cpu: string; libc: 'glibc' | 'musl' | '' }>

type Entry = z.infer<typeof entryShape>

const words = z.union([z.array(z.string()), z.string().transform((one) => [one])])
const entryShape = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  bin: z.unknown().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  extraneous: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  os: words.optional(),
  cpu: words.optional(),
  libc: words.optional(),
})
const lockShape = z.looseObject({
  lockfileVersion: z.number(),
  packages: z.record(z.string(), entryShape).optional(),
})

export const isPackageLock = (fileName: string): boolean =>
  fileName === 'package-lock.json' || fileName === 'npm-shrinkwrap.json'

/**
 * What of a lock is installed on a platform: without `dev`, which is a group that can be asked for.
 *
 * Trust: `bytes` are attacker-controlled.
 *
 * @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_NO_WHEEL
 */
export function parsePackageLock(
  bytes: Uint8Array,
  path: string,
  { choice, platform }: Readonly<{ choice: LockChoice; platform: NodePlatform }>,
): readonly LockedNodePackage[] {
  return entriesOf(bytes, path, choice).flatMap(({ place, entry, line, refuse }) => {
    if (entry.link === true || !isInstalled(place, entry, platform, refuse)) return []
    return [packageOf(place, entry, line, refuse)]
  })
}

/** A package of the project itself: code of the commit, found by its name. */
export type WorkspaceLink = Readonly<{
  /** `node_modules/@own/a` */
  path: string
  /** From the folder of the lock. */
  folder: string
  /** They are not linked: told. */
  hasCommands: boolean
}>

/** The workspaces that a lock links. @throws as `parsePackageLock` */
export function parseWorkspaceLinks(bytes: Uint8Array, path: string, choice: LockChoice): readonly WorkspaceLink[] {
  const entries = entriesOf(bytes, path, choice)
  const folders = new Map(entries.map(({ place, entry }) => [place, entry]))
  return entries.flatMap(({ place, entry, refuse }) => {
    if (entry.link !== true) return []
    nameOf(place, refuse)
    const folder = entry.resolved ?? ''
    const workspace = folders.get(folder)
    // THREAT: a link that leads out of the project, or into what a stage does not see by content.
    const isOwn =
      isPlainPath(folder) && !folder.split('/').some((part) => part === 'node_modules' || part.startsWith('.'))
    if (isOwn && workspace !== undefined) return [{ path: place, folder, hasCommands: workspace.bin !== undefined }]
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      `\`${place}\` is a link to \`${folder.slice(0, 80)}\`, which is no workspace of this lock`,
      'make it a workspace, in a folder of the project (`workspaces` of package.json), and write the lock anew: npm install --package-lock-only',
    )
  })
}

type Located = Readonly<{ place: string; entry: Entry; line: number; refuse: Refuse }>

/** What of a lock is meant, on whatever platform. */
function entriesOf(bytes: Uint8Array, path: string, choice: LockChoice): readonly Located[] {
  const text = decodeLock(bytes, path)
  const refuse = refusalAt(path, 1)
  const { lockfileVersion, packages } = shapedLock(lockShape, jsonOf(bytes, path, refuse), refuse)
  if (![2, 3].includes(lockfileVersion) || packages === undefined) {
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      `the version ${lockfileVersion} of a package lock is not read, only 2 and 3`,
      'write it anew: npm install --package-lock-only --lockfile-version 3',
    )
  }
  refuseChoice(choice, { extras: [], groups: ['dev'] }, path)
  const lines = linesOf(text)
  const withDev = choice.groups.includes('dev')
  return Object.entries(packages).flatMap(([place, entry]) => {
    const line = lines.get(place) ?? 1
    const isLeftOut = entry.extraneous === true || entry.inBundle === true || (entry.dev === true && !withDev)
    return place === '' || isLeftOut ? [] : [{ place, entry, line, refuse: refusalAt(path, line) }]
  })
}

function jsonOf(bytes: Uint8Array, path: string, refuse: Refuse): unknown {
  try {
    return parseStrictJson(bytes, path)
  } catch (error) {
    if (!isDomainError(error, 'ERR_INPUT_MALFORMED', 'ERR_INPUT_TOO_LARGE')) throw error
    throw refuse('ERR_ENV_LOCK_INVALID', error.message)
  }
}

/** For messages: where each key of `packages` stands, as npm writes it. */
function linesOf(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [index, line] of text.split('\n').entries()) {
    const [, key] = /^ {4}"([^"\\]*)": \{/.exec(line) ?? []
    if (key !== undefined && !found.has(key)) found.set(key, index + 1)
  }
  return found
}

/** The project's own folders, and what other platforms need, are not. */
function isInstalled(place: string, entry: Entry, platform: NodePlatform, refuse: Refuse): boolean {
  if (!place.startsWith('node_modules/')) {
    if (!place.includes('node_modules/')) return false // a folder of the project: its code is in the commit
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      `\`${place}\` lies in a folder of the project, which no environment writes to`,
      'let all workspaces agree on one version: npm dedupe',
    )
  }
  const fits = (['os', 'cpu', 'libc'] as const).every((kind) => isListed(platform[kind], entry[kind]))
  if (!fits && entry.optional !== true && entry.devOptional !== true) {
    throw refuse('ERR_ENV_NO_WHEEL', `\`${place}\` is for other platforms than ${platform.os} ${platform.cpu}`)
  }
  return fits
}

/** SOURCE: npm-install-checks: one `!name` that fits refuses; where there are others, one of them must fit. */
function isListed(value: string, list: readonly string[] | undefined): boolean {
  if (list === undefined || (list.length === 1 && list[0] === 'any')) return true
  if (list.includes(`!${value}`)) return false
  const positive = list.filter((word) => !word.startsWith('!'))
  return positive.length === 0 || positive.includes(value)
}

function packageOf(place: string, entry: Entry, line: number, refuse: Refuse): LockedNodePackage {
  const inner = nameOf(place, refuse)
  const { name = inner, version, resolved, hasInstallScript = false } = entry
  if (version === undefined || !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version) || version.length > 200) {
    throw refuse('ERR_ENV_UNPINNED', `\`${place}\` is not pinned to one version`)
  }
  if (resolved !== undefined && !/^https?:\/\//.test(resolved)) {
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      `\`${place}\` comes from \`${resolved.slice(0, 80)}\`, and not from a registry`,
      'publish it to a registry, or take a release of it',
    )
  }
  return {
    ...{ path: place, name, version, hasInstallScript, line },
    integrity: integrityOf(place, entry.integrity, refuse),
    ...(resolved === undefined ? {} : { url: parseIndexUrl(resolved, refuse) }),
  }
}

/** The name in a path of `node_modules`, each part of which is plain. */
function nameOf(place: string, refuse: Refuse): string {
  const steps = place.split(/(?:^|\/)node_modules\//).slice(1)
  const isPlain = steps.every((step) => {
    const parts = step.split('/')
    const isShaped = parts.length === (step.startsWith('@') ? 2 : 1)
    return (
      isShaped &&
      parts.every((part) => nameFault(part) === undefined && !part.startsWith('.') && part !== 'node_modules')
    )
  })
  if (isPlain && steps.length > 0 && steps.length <= 32) return steps.at(-1) ?? ''
  throw refuse('ERR_ENV_LOCK_INVALID', `\`${place.slice(0, 200)}\` is not a place in node_modules`)
}

const lengths = { sha512: 64, sha384: 48, sha256: 32 } as const

/** The strongest of what is stated. */
function integrityOf(place: string, text: string | undefined, refuse: Refuse): Integrity {
  const stated = (text ?? '').split(/\s+/).filter((word) => word !== '')
  for (const algorithm of ['sha512', 'sha384', 'sha256'] as const) {
    const word = stated.find((one) => one.startsWith(`${algorithm}-`))
    if (word === undefined) continue
    const bytes = Buffer.from(word.slice(algorithm.length + 1).replace(/\?.*$/, ''), 'base64')
    if (bytes.length === lengths[algorithm]) return { algorithm, hex: bytes.toString('hex') }
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${place}\` has a ${algorithm} that is not one`)
  }
  const what =
    stated.length === 0
      ? 'has no integrity'
      : `has no SHA-512, only ${stated.map((one) => one.split('-')[0]).join(', ')}`
  throw refuse(
    'ERR_ENV_HASH_MISSING',
    `\`${place}\` ${what}`.slice(0, 300),
    'remove the entry and write the lock anew against a registry that states SHA-512: npm install --package-lock-only',
  )
}

const settingsShape = z.looseObject({ name: z.string(), version: z.string(), bin: z.unknown().optional() })

/**
 * The package.json of a tarball, which must be that of the package of the lock; a byte order mark is passed over, as npm does.
 *
 * @returns in words why it is not
 */
export function packageSettings(
  { name, version }: LockedNodePackage,
  bytes: Buffer,
): Readonly<{ bin?: unknown }> | string {
  try {
    const text = new TextEncoder().encode(new TextDecoder('utf-8').decode(bytes))
    const says = settingsShape.safeParse(parseStrictJson(text, 'package.json'))
    if (!says.success) return 'has a package.json without name or version'
    const found = `${says.data.name}@${says.data.version.replace(/^[v=]+/, '')}`
    return found === `${name}@${version}` ? says.data : `says that it is \`${found.slice(0, 200)}\``
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return 'has a package.json that is not plain JSON'
  }
}
