/** Whether what a chain was made of has statements of its own, that are verified: pure. */
import { wasPutTogether } from './chain-builds.ts'
import type { LevelFacts } from './level.ts'
import { type Answer, each } from './level-answers.ts'

/** A file of the commit needs none: the commit pins it, and its review is a row of its own. */
export function ownStatements({ stages, builds, inputs }: LevelFacts): Answer {
  const stated = new Set<string | undefined>([
    ...[...stages.map(({ stage }) => stage), ...builds.map(({ build }) => build)].map((one) => one.attestation),
    ...inputs.flatMap(({ stage, path, approvals }) => (approvals.length > 0 ? [`${stage}: ${path}`] : [])),
  ])
  return each(stages, 'every dep and environment has a statement of its own', ({ stage: { facts } }) => {
    const { environment, dependencies, stage } = facts
    const bare = dependencies.find(
      ({ origin, path }) =>
        origin.kind !== 'code' && !stated.has(origin.kind === 'stage' ? origin.attestation : `${stage}: ${path}`),
    )?.path
    const first = wasPutTogether(facts) && !stated.has(environment.build) ? environment.name : bare
    return first === undefined ? undefined : `used \`${first}\`, which has no statement of its own`
  })
}
