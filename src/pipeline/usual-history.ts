/**
 * Which earlier runs a run is compared with: pure.
 *
 * THREAT: a change that nobody read is run often, until what it does is usual. So runs are kept by what was run: those of a
 * reviewed definition are the measure for all, those of another one for itself alone. Source: design section 7.
 */
import type { Sha256 } from '../core/index.ts'
import { isOfScale, leastRuns, type UsualRun } from './unusual.ts'

/**
 * Runs of one definition, that is of one stage with its parameters, settings, environment and code; those of files that
 * nobody reviewed are a group for themselves.
 */
export type RunGroup = Readonly<{
  /** Digest over all of that. */
  definition: Sha256
  /** Digest over its command lines alone. */
  commands: Sha256
  /** By what a review is known to cover it. */
  ran: Ran
  runs: readonly UsualRun[]
}>

/** What a review is of; `commit` is missing where the tree was none. */
export type Ran = Readonly<{
  commit?: string
  /** Definition files, and code as far as it was opened; missing where that was not observed. */
  definition: readonly Readonly<{ path: string; digest: Sha256 }>[]
  code?: readonly Readonly<{ path: string; digest: Sha256 }>[]
}>

export type Reviewed = Readonly<{
  /** Somebody reviews this project at all, or is to. */
  any: boolean
  covers(ran: Ran): boolean
}>

/** LIMIT: runs of one definition, and definitions of one stage, that are kept; those that nobody reviewed go first. */
const mostRuns = 30
const mostGroups = 20
/** LIMIT: files that are kept of one definition, and as many of its code. */
const mostFiles = 1000

/**
 * Reviewed runs where there are enough; else these and those of the same definition. In a project that nobody reviews a
 * definition that has not run often yet is compared with the last one of the same commands that has, too: there is no better
 * measure.
 *
 * @param groups the one that ran last is the last
 */
export function measureOf(
  run: UsualRun,
  groups: readonly RunGroup[],
  own: Pick<RunGroup, 'definition' | 'commands'>,
  reviewed: Reviewed,
): readonly UsualRun[] {
  const ofScale = (from: readonly RunGroup[]): readonly UsualRun[] =>
    from.flatMap(({ runs }) => runs).filter((each) => isOfScale(each, run))
  const read = groups.filter(({ ran }) => reviewed.covers(ran))
  const best = ofScale(read)
  if (best.length >= leastRuns) return best
  const counted = [...read, ...groups.filter((each) => each.definition === own.definition && !read.includes(each))]
  const same = ofScale(counted)
  if (same.length >= leastRuns || reviewed.any) return same
  const before = groups.findLast((each) => each.commands === own.commands && ofScale([each]).length >= leastRuns)
  return before === undefined ? same : ofScale([before, ...counted])
}

/**
 * In words, that a change which nobody read has too few reviewed runs to be compared with, in a project where others are read.
 *
 * THREAT: where usual resources are required, such a change would pass unlooked at; compared with its own runs it always would.
 */
export function unmeasured(
  run: UsualRun,
  groups: readonly RunGroup[],
  { ran }: Pick<RunGroup, 'ran'>,
  reviewed: Reviewed,
): readonly string[] {
  if (!reviewed.any || reviewed.covers(ran)) return []
  const read = groups.filter((each) => reviewed.covers(each.ran)).flatMap(({ runs }) => runs)
  if (read.filter((each) => isOfScale(each, run)).length >= leastRuns) return []
  return [`nobody reviewed what it ran, and there are fewer than ${leastRuns} reviewed runs to compare it with`]
}

/** Whether later runs are compared with this one: what a user let through, nobody has read yet where others review. */
export function teaches({ ran }: Pick<RunGroup, 'ran'>, reviewed: Reviewed, isLetThrough: boolean): boolean {
  return !isLetThrough || !reviewed.any || reviewed.covers(ran)
}

/**
 * The groups with one run more. INVARIANT: one that nobody reviewed takes the place of no reviewed one, nor enters it.
 *
 * THREAT: a line that changes nothing of the stage: its runs are of the same definition, from files that nobody read.
 *
 * Of a run of very much code its commit alone says whether it was reviewed; one of as many definition files is not kept.
 */
export function withRun(
  groups: readonly RunGroup[],
  own: Omit<RunGroup, 'runs'>,
  run: UsualRun,
  reviewed: Reviewed,
): readonly RunGroup[] {
  const { code = [], ...ran } = own.ran
  if (ran.definition.length > mostFiles) return groups
  const kept = code.length > mostFiles ? { ...own, ran } : own
  const isRead = (group: Pick<RunGroup, 'ran'>): boolean => reviewed.covers(group.ran)
  const isSame = (group: RunGroup): boolean => group.definition === own.definition && isRead(group) === isRead(kept)
  const known = groups.filter(isSame).flatMap(({ runs }) => runs)
  const all = [...groups.filter((each) => !isSame(each)), { ...kept, runs: [...known, run].slice(-mostRuns) }]
  const byWorth = [...all.filter((each) => !isRead(each)), ...all.filter(isRead)]
  const gone = new Set(byWorth.slice(0, Math.max(0, all.length - mostGroups)))
  return all.filter((each) => !gone.has(each))
}
