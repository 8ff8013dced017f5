/** What assay.yaml lets be built from source, and what such a build needs: pure. */
import { nearest } from '../../core/index.ts'
import { type LockedArtefacts, type LockedRequirement, normaliseName } from './lock.ts'
import { refusalAt } from './lock-text.ts'
import { evaluateMarker, type MarkerEnvironment, MarkerFault, parseMarker } from './marker.ts'
import { meetsAll } from './version.ts'

/** @throws ERR_ENV_LOCK_INVALID when assay.yaml allows a build of what the lock does not have */
export function refuseStrangeSources(projects: readonly string[], lock: LockedArtefacts, path: string): void {
  const names = lock.requirements.map(({ name }) => name)
  const known = new Set(names)
  const strange = projects.find((project) => !known.has(project))
  if (strange === undefined) return
  const near = nearest(strange, [...known])
  throw refusalAt(path, 1)(
    'ERR_ENV_LOCK_INVALID',
    `\`sdists\` names \`${strange}\`, which the lock does not have`,
    near === undefined ? 'take it out of assay.yaml, or lock it' : `did you mean \`${near}\`?`,
  )
}

export type Needing = Readonly<{
  /** What the environment of the build has. */
  packages: readonly Readonly<{ name: string; version: string }>[]
  /** Path of its lock. */
  buildLock: string
  markers: MarkerEnvironment
  requirement: LockedRequirement
  lockPath: string
}>

/**
 * What a build needs is in its lock: nothing is resolved, and nothing that is missing is fetched.
 *
 * @param requires PEP 508, in the words of the package: hostile
 * @throws ERR_ENV_SOURCE_DIST
 */
export function refuseUnmet(
  requires: readonly string[],
  { packages, buildLock, markers, requirement, lockPath }: Needing,
): void {
  const versions = new Map(packages.map(({ name, version }) => [normaliseName(name), version]))
  const missing = requires.filter((line) => !isMet(line, versions, markers))
  if (missing.length === 0) return
  const { name, line } = requirement
  const what = `to be built \`${name}\` needs ${missing.map((one) => `\`${one.slice(0, 100)}\``).join(', ')}, which \`${buildLock}\` does not pin`
  throw refusalAt(lockPath, line)('ERR_ENV_SOURCE_DIST', what, buildLockHelp(missing))
}

/** The two commands that make a lock of what builds need. */
function buildLockHelp(requires: readonly string[]): string {
  const names = requires.map((one) => /^\s*[\w.-]+/.exec(one)?.[0].trim() ?? one).join(' ')
  return `write ${names} into requirements-build.txt, lock it (assay env lock --from requirements-build.txt), and name it in assay.yaml: buildLock: requirements-build.lock`
}

function isMet(line: string, versions: ReadonlyMap<string, string>, markers: MarkerEnvironment): boolean {
  const [head = '', marker] = cut(line, line.indexOf(';'))
  const name = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?/.exec(head)?.[0] ?? ''
  const rest = head.slice(name.length).trim()
  const specifier = rest.startsWith('[') ? rest.slice(rest.indexOf(']') + 1).trim() : rest
  try {
    if (marker !== undefined && !evaluateMarker(parseMarker(marker), markers)) return true
  } catch (error) {
    if (!(error instanceof MarkerFault)) throw error
    return false // a marker that is not understood: asked for
  }
  const version = versions.get(normaliseName(name))
  const isInParentheses = specifier.startsWith('(') && specifier.endsWith(')')
  return version !== undefined && meetsAll(version, isInParentheses ? specifier.slice(1, -1) : specifier) === true
}

function cut(line: string, at: number): readonly [head: string, marker?: string] {
  return at < 0 ? [line.trim()] : [line.slice(0, at).trim(), line.slice(at + 1)]
}
