/** Which statements a verdict rests on: those that a policy can ask for in a log. Pure. */
import type { Sha256 } from '../core/index.ts'
import type { VisitedStage } from './chain.ts'
import type { UsedStatement } from './chain-policy.ts'
import type { LevelFacts } from './level.ts'

type Evidence = Pick<LevelFacts, 'inputs' | 'data' | 'reproductions' | 'reviews' | 'builds'> &
  Readonly<{ gates: Sha256 | undefined; promoted: readonly Sha256[] }>

/** All that the verdict rests on; what is not believed rests on nothing. */
export function usedStatements(stages: readonly VisitedStage[], evidence: Evidence): readonly UsedStatement[] {
  const { inputs, data, reproductions, reviews, builds, gates, promoted } = evidence
  const used = (
    kind: UsedStatement['kind'],
    subject: string,
    attestations: readonly Sha256[],
  ): readonly UsedStatement[] => attestations.map((attestation) => ({ kind, attestation, subject }))
  return [
    ...stages.flatMap(({ attestation, stage }) => used('stages', stage.facts.stage, [attestation])),
    ...inputs.flatMap(({ stage, path, approvals }) => used('approvals', `${stage}: ${path}`, approvals)),
    ...data.flatMap(({ stage, path, attestation, decisions }) => [
      ...used('data-verdicts', `${stage}: ${path}`, attestation === undefined ? [] : [attestation]),
      ...used('data-decisions', `${stage}: ${path}`, decisions),
    ]),
    ...builds.flatMap(({ name, build }) => used('source-builds', name, [build.attestation])),
    ...reproductions.flatMap(({ stage, attestation }) =>
      used('reproductions', stage, attestation === undefined ? [] : [attestation]),
    ),
    ...reviews.flatMap(({ stage, by }) => used('reviews', stage, by)),
    ...used('approvals', 'the model', promoted),
    ...used('gate-verdicts', 'its gates', gates === undefined ? [] : [gates]),
  ]
}
