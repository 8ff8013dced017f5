/** What of a stage's use of resources is not as expected, or unlike earlier runs; and what is remembered of it. */
import type { StageOutcome } from '../compute/index.ts'
import { digestOfJson } from '../core/index.ts'
import { jsonFact } from '../data/index.ts'
import { unexpected } from './expected.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import { mostRuns, type UsualRun, unusual, usualOf } from './unusual.ts'

export type Compared = Readonly<{
  unexpected: readonly string[]
  unusual: readonly string[]
  /** Keeps this run among those that later ones are compared with. */
  remember(): void
}>

/** Earlier runs are those of the same commands, as this user's memory of the project has them, under `--rehash` too. DECISION 0019. */
export function compareRun(
  { sealedFacts }: Pick<Project, 'sealedFacts'>,
  { stage, settings, inputs }: Pick<StageSetting, 'stage' | 'settings' | 'inputs'>,
  { resources, network, shell }: StageOutcome,
): Compared {
  const inputBytes = inputs.resolved.reduce((sum, { content }) => sum + content.sizeBytes, 0)
  const key = `usual:${digestOfJson({ stage: stage.name, commands: stage.commands })}`
  const found = jsonFact(sealedFacts, key)
  const earlier = Array.isArray(found) ? (found as readonly UsualRun[]) : [] // our own text
  const run = usualOf(resources, network.deniedAttempts, inputBytes)
  return {
    unexpected: settings.expect === undefined ? [] : unexpected(settings.expect, resources, shell),
    unusual: unusual(run, earlier, shell),
    remember: () => sealedFacts.recordFact(key, JSON.stringify([...earlier, run].slice(-mostRuns))),
  }
}
