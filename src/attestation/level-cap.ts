/** What a chain may earn at most, whoever's evidence it is: pure. */
import { namespace } from '../core/index.ts'
import type { LevelFacts } from './level.ts'

/** The least that any (signer, builder) pair may earn; a person's key and a repository's own policy earn at most 1. */
export function capOf({ stages, builds, policyOrigin }: LevelFacts): Readonly<{ level: number; because: string }> {
  let cap = { level: 4, because: '' }
  const lower = (level: number, because: string): void => {
    if (level < cap.level) cap = { level, because }
  }
  const signed = [
    ...stages.map(({ stage: { grant, facts } }) => ({ grant, builderId: facts.builderId })),
    ...builds.map(({ build: { grant, build } }) => ({ grant, builderId: build.builderId })),
  ]
  for (const { grant, builderId } of signed) {
    const { key, maxLevel } = grant
    if (isLocal(builderId)) lower(1, "a person's own key earns at most level 1, whatever a policy says")
    lower(maxLevel, `the policy grants \`${key}\` with this builder at most level ${maxLevel}`)
  }
  if (policyOrigin === 'repository') {
    lower(
      1,
      'the policy is the one of the repository being judged: give another with --policy, or pin it (assay trust pin)',
    )
  }
  return cap
}

export function isLocal(builderId: string): boolean {
  return builderId.startsWith(`${namespace}/builder/local/`)
}
