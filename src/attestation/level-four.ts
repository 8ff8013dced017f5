/** The rows of level 4: every byte that a chain stands on is known, and another builder came to the same. */
import type { LevelRule } from './level.ts'
import { answer, each, list } from './level-answers.ts'
import { ownStatements } from './level-statements.ts'

export const levelFourRules: readonly LevelRule[] = [
  {
    level: 4,
    requirement: 'own statements',
    howTo: 'run again (--force), and have what comes from outside approved (assay data add)',
    holds: ownStatements,
  },
  {
    level: 4,
    requirement: 'locked environment',
    howTo: 'lock the packages with hashes: docs/reference/environments.md',
    holds: ({ stages }) =>
      each(stages, 'every environment is locked by hashes', ({ stage: { facts } }) =>
        facts.environment.locked ? undefined : `used \`${facts.environment.name}\`, which is not locked`,
      ),
  },
  {
    level: 4,
    requirement: 'root file system by digest',
    howTo: 'name an image by digest as its environment: docs/reference/environments.md',
    holds: ({ stages }) =>
      each(stages, 'every stage stood on an image by digest', ({ stage: { facts } }) =>
        facts.environment.kind === 'image'
          ? undefined
          : 'stood on a machine, whose packages are known by lists, not by bytes',
      ),
  },
  {
    level: 4,
    requirement: 'full re-hash',
    howTo: 'run again with --rehash --force',
    holds: ({ stages }) =>
      each(stages, 'no stage rested on a remembered digest', ({ stage: { facts } }) =>
        facts.facts.some(({ name, value }) => name === 'outlived/remembered digests' && value.startsWith('not asked'))
          ? undefined
          : 'rested on digests that were remembered',
      ),
  },
  {
    level: 4,
    requirement: 'no network',
    howTo: 'fetch data beforehand and set network: none',
    holds: ({ stages }) =>
      each(stages, 'no stage was let out', ({ stage: { facts } }) =>
        (facts.network.allowed ?? []).length > 0 ? `was let out to ${list(facts.network.allowed ?? [])}` : undefined,
      ),
  },
  {
    level: 4,
    requirement: 'anchored data verdicts',
    howTo: 'approve a baseline as anchor (assay data profile), and mend what is warned of',
    holds: ({ data }) => {
      const loose = data.filter(({ verdict, anchored }) => verdict !== 'passed' || !anchored).map(({ path }) => path)
      return answer(
        loose.length === 0,
        'every input passed against an approved anchor',
        `${list(loose)}: not passed against an approved anchor`,
      )
    },
  },
  {
    level: 4,
    requirement: 'validator by digest',
    howTo: 'run the stage again with this version of assay (--force)',
    holds: ({ data }) => {
      const loose = data.filter(({ identified }) => !identified).map(({ path }) => path)
      return answer(
        loose.length === 0,
        'every data verdict says by digest which program judged',
        `${list(loose)}: no verdict says by digest which program judged`,
      )
    },
  },
  {
    level: 4,
    requirement: 'reproduced bit by bit',
    howTo: 'reproduce the whole chain by another key, host and operator',
    holds: ({ reproductions }) => {
      const faults = reproductions.flatMap(({ stage, dependent }) =>
        dependent === undefined ? [] : [`\`${stage}\` ${dependent}`],
      )
      return answer(faults.length === 0, 'every stage was reproduced bit by bit by another builder', list(faults))
    },
  },
]
