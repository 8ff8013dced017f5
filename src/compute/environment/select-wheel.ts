/** Which file of what the indexes offer is the one that the lock means: pure, and the same on every machine. */
import { DomainError, type ErrorCode } from '../../core/index.ts'
import type { IndexFile } from './index-page.ts'
import type { LockedArtefacts, LockedRequirement } from './lock.ts'
import { markerHolds, refusalAt } from './lock-text.ts'
import { emptySets, type MarkerEnvironment, type MarkerSets } from './marker.ts'
import type { TagRanks } from './tags.ts'
import { compareVersions, meetsAll, parseVersion } from './version.ts'
import { parseWheelName, rankOf, sourceVersion, type WheelName } from './wheel-name.ts'

/** One wheel to have: the places where it may be, best first. Several only when an index states no hash. */
export type Selection = Readonly<{ requirement: LockedRequirement; candidates: readonly Candidate[] }>
export type Candidate = Readonly<{ wheel: WheelName; files: readonly IndexFile[] }>

/**
 * The requirements that apply to an interpreter.
 *
 * @throws ERR_ENV_LOCK_INVALID when two apply to one project, or a marker has no meaning; ERR_ENV_INTERPRETER when the
 * lock was made for another Python or platform; the code of what applies and cannot be proven
 */
export function applicableRequirements(
  lock: LockedArtefacts,
  environment: MarkerEnvironment,
  path: string,
): readonly LockedRequirement[] {
  refuseOtherTarget(lock, environment, path)
  const sets = lock.sets ?? emptySets
  const applying =
    lock.select?.(environment) ??
    lock.requirements.filter((one) => one.isOfOtherGroup !== true && applies(one, environment, sets, path))
  const lineOf = new Map<string, number>()
  for (const { name, line, unprovable } of applying) {
    const details = { file: path, line }
    const before = lineOf.get(name)
    if (before !== undefined) {
      const what = `${path}:${line}: \`${name}\` is required twice, first in line ${before}`
      throw new DomainError('ERR_ENV_LOCK_INVALID', what, { help: 'keep one requirement a project', details })
    }
    if (unprovable !== undefined) {
      const { code, because, help } = unprovable
      throw new DomainError(code, `${path}:${line}: \`${name}\` ${because}`, { help, details })
    }
    lineOf.set(name, line)
  }
  return applying
}

/** A lock says nothing about a target that it was not made for: its markers may be simplified for its own. */
function refuseOtherTarget(lock: LockedArtefacts, environment: MarkerEnvironment, path: string): void {
  const { requiresPython = '', platforms = [] } = lock
  const version = environment.python_full_version
  const help = 'name the interpreter in assay.yaml (interpreter: python3.12), or make the lock anew for this one'
  if (meetsAll(version, requiresPython) !== true) {
    const what = `\`${path}\` is made for Python ${requiresPython}, this is ${version}`
    throw new DomainError('ERR_ENV_INTERPRETER', what, { help, details: { file: path } })
  }
  const question = { environment, refuse: refusalAt(path, 1) }
  const fitting = platforms.filter((marker) => markerHolds('environments', marker, question))
  if (platforms.length === 0 || fitting.length > 0) return
  throw new DomainError('ERR_ENV_INTERPRETER', `\`${path}\` is made for other platforms than this one`, {
    help,
    details: { file: path },
  })
}

function applies(
  { marker, name, line }: LockedRequirement,
  environment: MarkerEnvironment,
  sets: MarkerSets,
  path: string,
): boolean {
  return marker === undefined || markerHolds(name, marker, { environment, sets, refuse: refusalAt(path, line) })
}

/** The wheel's name fits the requirement and the interpreter. */
export function fits(wheel: WheelName, requirement: LockedRequirement, ranks: TagRanks): boolean {
  return (
    wheel.project === requirement.name &&
    sameVersion(wheel.version, requirement.version) &&
    rankOf(wheel, ranks) !== undefined
  )
}

/**
 * @param files what all indexes and folders offer for this project
 * @throws ERR_ENV_HASH_MISMATCH, ERR_ENV_SOURCE_DIST, ERR_ENV_NO_WHEEL
 */
export function selectWheel(
  requirement: LockedRequirement,
  files: readonly IndexFile[],
  ranks: TagRanks,
  path: string,
): Selection {
  const allowed = new Set<string>(requirement.sha256)
  const ofVersion = files.filter((file) => isOfVersion(file, requirement))
  const pinned = ofVersion.filter(({ digest }) => digest === undefined || allowed.has(digest))
  const fitting = pinned.flatMap((file) => {
    const wheel = parseWheelName(file.fileName)
    return wheel !== undefined && fits(wheel, requirement, ranks) ? [{ wheel, file }] : []
  })
  if (fitting.length === 0) throw nothingFits(requirement, ofVersion, pinned, path)
  // A file whose hash the index states is preferred: the others can only be tried.
  const stated = fitting.filter(({ file }) => file.digest !== undefined)
  const groups = Map.groupBy(stated.length > 0 ? stated : fitting, ({ wheel }) => wheel.fileName)
  const candidates = [...groups.values()].flatMap((group) => {
    const wheel = group[0]?.wheel
    return wheel === undefined ? [] : [{ wheel, files: group.map(({ file }) => file) }]
  })
  return {
    requirement,
    candidates: candidates.toSorted((left, right) => compareWheels(left.wheel, right.wheel, ranks)),
  }
}

/** Best tag first, then the later build, then the name: never the order of the index. */
function compareWheels(left: WheelName, right: WheelName, ranks: TagRanks): number {
  const rank = (wheel: WheelName): number => rankOf(wheel, ranks) ?? Number.POSITIVE_INFINITY
  const build = (wheel: WheelName): number => Number(/^\d{0,15}/.exec(wheel.build)?.[0] || 0)
  return rank(left) - rank(right) || build(right) - build(left) || (left.fileName < right.fileName ? -1 : 1)
}

function isOfVersion({ fileName }: IndexFile, { name, version }: LockedRequirement): boolean {
  const wheel = parseWheelName(fileName)
  if (wheel !== undefined) return wheel.project === name && sameVersion(wheel.version, version)
  const source = sourceVersion(fileName, name)
  return source !== undefined && sameVersion(source, version)
}

export function sameVersion(left: string, right: string): boolean {
  const parsedLeft = parseVersion(left)
  const parsedRight = parseVersion(right)
  if (parsedLeft === undefined || parsedRight === undefined) return false
  return compareVersions(parsedLeft, parsedRight) === 0
}

function nothingFits(
  { name, version, line }: LockedRequirement,
  ofVersion: readonly IndexFile[],
  pinned: readonly IndexFile[],
  path: string,
): DomainError {
  const wheels = pinned.filter(({ fileName }) => fileName.endsWith('.whl')).length
  const fault = (code: ErrorCode, what: string, help?: string): DomainError =>
    new DomainError(code, `${path}:${line}: ${what}`, {
      ...(help === undefined ? {} : { help }),
      details: { file: path, line, project: name, version },
    })
  if (ofVersion.length === 0) return fault('ERR_ENV_NO_WHEEL', `no index has a file of \`${name}==${version}\``)
  if (pinned.length === 0) {
    return fault('ERR_ENV_HASH_MISMATCH', `no file of \`${name}==${version}\` has a hash that the lock pins`)
  }
  if (wheels === 0) {
    return fault(
      'ERR_ENV_SOURCE_DIST',
      `only a source distribution of \`${name}==${version}\` is pinned`,
      `lock a version that has a wheel, or let it be built in the sandbox, in assay.yaml: {python: {lock: ${path}, sdists: [${name}], buildLock: requirements-build.lock}}, where the second lock pins what its build needs (setuptools, ...)`,
    )
  }
  return fault(
    'ERR_ENV_NO_WHEEL',
    `none of the ${wheels} pinned wheels of \`${name}==${version}\` fits this interpreter and platform`,
  )
}
