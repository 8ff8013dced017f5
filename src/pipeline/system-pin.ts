/**
 * May a stage run on this system? Whoever adopts a project pins the system of the first run; another one needs the word
 * of a person, which is a change of `assay.lock` like any other of the definition. Pure. DECISION 0031.
 */
import type { Sha256 } from '../core/index.ts'
import type { Systems } from './lock.ts'

export type SystemPins = Readonly<{
  /** Of `assay.lock` as it lies in the working tree. */
  working: Systems
  /** Of `assay.lock` in the commit. */
  committed: Systems
}>

/**
 * `commit`: the commit accepts it. `lock`: the working tree does, where the commit says nothing of this environment yet, or
 * where it says something else (which makes the tree dirty). `first`: nothing was said before. `other`: refused.
 */
export type SystemDecision = 'commit' | 'lock' | 'first' | 'other'

export function decideSystem(environment: string, digest: Sha256, pins: SystemPins): SystemDecision {
  const accepted = acceptedIn(environment, pins)
  if (accepted === undefined) return 'first'
  if (!accepted.has(digest)) return 'other'
  return pins.committed.get(environment)?.has(digest) === true ? 'commit' : 'lock'
}

/** What may be run on: the working tree's word, or the commit's where somebody removed that. */
export function acceptedIn(
  environment: string,
  { working, committed }: SystemPins,
): ReadonlyMap<Sha256, string> | undefined {
  return [working.get(environment), committed.get(environment)].find((known) => known !== undefined && known.size > 0)
}

/** All that is to stand in the lock that is written next. */
export function mergedSystems({ working, committed }: SystemPins): Map<string, ReadonlyMap<Sha256, string>> {
  const names = [...new Set([...committed.keys(), ...working.keys()])]
  return new Map(names.map((name) => [name, acceptedIn(name, { working, committed }) ?? new Map()]))
}

/**
 * Environments for which the working tree accepts a system that the commit does not, though the commit accepts some.
 *
 * THREAT: whoever edits the lock in a checkout would otherwise run on a system that nobody reviewed.
 */
export function unreviewedSystems({ working, committed }: SystemPins): readonly string[] {
  return [...committed].flatMap(([name, reviewed]) => {
    const added = [...(working.get(name)?.keys() ?? [])].filter((digest) => !reviewed.has(digest))
    return reviewed.size > 0 && added.length > 0 ? [name] : []
  })
}
