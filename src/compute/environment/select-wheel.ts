/** Which file of what the indexes offer is the one that the lock means: pure, and the same on every machine. */
import { DomainError, type ErrorCode } from '../../core/index.ts'
import type { IndexFile } from './index-page.ts'
import type { LockedRequirement } from './lock.ts'
import { evaluateMarker, type MarkerEnvironment, MarkerFault } from './marker.ts'
import type { TagRanks } from './tags.ts'
import { compareVersions, parseVersion } from './version.ts'
import { parseWheelName, rankOf, sourceVersion, type WheelName } from './wheel-name.ts'

/** One wheel to have: the places where it may be, best first. Several only when an index states no hash. */
export type Selection = Readonly<{ requirement: LockedRequirement; candidates: readonly Candidate[] }>
export type Candidate = Readonly<{ wheel: WheelName; files: readonly IndexFile[] }>

/**
 * The requirements that apply to an interpreter.
 *
 * @throws ERR_ENV_LOCK_INVALID when two apply to one project, or a marker has no meaning
 */
export function applicableRequirements(
  requirements: readonly LockedRequirement[],
  environment: MarkerEnvironment,
  path: string,
): readonly LockedRequirement[] {
  const lineOf = new Map<string, number>()
  return requirements.filter((requirement) => {
    if (!applies(requirement, environment, path)) return false
    const before = lineOf.get(requirement.name)
    if (before !== undefined) {
      throw new DomainError(
        'ERR_ENV_LOCK_INVALID',
        `${path}:${requirement.line}: \`${requirement.name}\` is required twice, first in line ${before}`,
        { help: 'keep one requirement a project', details: { file: path, line: requirement.line } },
      )
    }
    lineOf.set(requirement.name, requirement.line)
    return true
  })
}

function applies({ marker, name, line }: LockedRequirement, environment: MarkerEnvironment, path: string): boolean {
  try {
    return marker === undefined || evaluateMarker(marker, environment)
  } catch (error) {
    if (!(error instanceof MarkerFault)) throw error
    throw new DomainError('ERR_ENV_LOCK_INVALID', `${path}:${line}: the marker of \`${name}\` ${error.message}`)
  }
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
  const fault = (code: ErrorCode, what: string): DomainError =>
    new DomainError(code, `${path}:${line}: ${what}`, { details: { file: path, line, project: name, version } })
  if (ofVersion.length === 0) return fault('ERR_ENV_NO_WHEEL', `no index has a file of \`${name}==${version}\``)
  if (pinned.length === 0) {
    return fault('ERR_ENV_HASH_MISMATCH', `no file of \`${name}==${version}\` has a hash that the lock pins`)
  }
  if (wheels === 0)
    return fault('ERR_ENV_SOURCE_DIST', `only a source distribution of \`${name}==${version}\` is pinned`)
  return fault(
    'ERR_ENV_NO_WHEEL',
    `none of the ${wheels} pinned wheels of \`${name}==${version}\` fits this interpreter and platform`,
  )
}
