/** What of a chain holds whatever its level: shown beside it, so that a local user sees progress without a false level. */
import type { ChainProperties } from './chain.ts'
import type { JudgedStage } from './chain-stage.ts'
import type { LevelFacts } from './level.ts'

export function propertiesOf({ stages, inputs, data, reproductions, chainHolds }: LevelFacts): ChainProperties {
  const every = (holds: (judged: JudgedStage) => boolean): boolean =>
    chainHolds && stages.length > 0 && stages.every(holds)
  const isolated = every(({ unisolated }) => unisolated === undefined)
  return {
    isolated,
    hermetic:
      isolated &&
      every(({ stage: { facts } }) => facts.network.deniedAttempts === 0 && (facts.network.allowed ?? []).length === 0),
    inputsApproved: every(() => true) && inputs.every(({ kind }) => kind === 'approved'),
    locked: every(({ stage }) => stage.facts.environment.locked),
    validated: every(() => true) && data.every(({ verdict }) => verdict === 'passed' || verdict === 'warned'),
    reproduced:
      every(() => true) && reproductions.every(({ result }) => result === 'identical' || result === 'within-tolerance'),
  }
}
