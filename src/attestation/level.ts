/**
 * What a level means, as a table: each row is one requirement, and says what would earn it.
 *
 * Levels are computed over verified evidence and never claimed. All rows are evaluated and shown, also those of levels
 * above one that is missing. Each row, and each way to defeat it, is a test: `level.test.ts`. Source: trust.md section 3.
 */
import { isHardenedEngine, namespace } from '../core/index.ts'
import type { Level, LevelRequirement } from './chain.ts'
import { isUnstated, type JudgedBuild, unisolatedBuild } from './chain-builds.ts'
import type { JudgedData } from './chain-data.ts'
import type { JudgedReproduction } from './chain-reproductions.ts'
import { commitFacts, type JudgedReview } from './chain-reviews.ts'
import type { ExternalInput } from './chain-sources.ts'
import { credentialFault, type JudgedStage } from './chain-stage.ts'
import { type Answer, answer, each, eachBuild, list } from './level-answers.ts'
import { capOf, isLocal } from './level-cap.ts'
import { levelFourRules } from './level-four.ts'
import type { PolicyOrigin } from './trust-policy.ts'

/** All that the rules look at. */
export type LevelFacts = Readonly<{
  /** True when no finding was refused for another reason than the level itself. */
  chainHolds: boolean
  stages: readonly JudgedStage[]
  inputs: readonly ExternalInput[]
  data: readonly JudgedData[]
  /** Of wheels that were built from source, and of environments, of which no code runs when they are built; each once. */
  builds: readonly JudgedBuild[]
  /** One a stage. */
  reproductions: readonly JudgedReproduction[]
  /** One a stage. */
  reviews: readonly JudgedReview[]
  /** `stage: path` of outs that equal an input. */
  laundered: readonly string[]
  policyOrigin: PolicyOrigin
}>

export type LevelRule = Readonly<{
  level: Exclude<Level, 0>
  requirement: string
  howTo: string
  holds(facts: LevelFacts): Answer
}>

/** INVARIANT: a chain without stages satisfies no row. */
export const levelRules: readonly LevelRule[] = [
  {
    level: 1,
    requirement: 'verified chain',
    howTo: 'see the findings that were refused',
    holds: ({ chainHolds }) =>
      answer(chainHolds, 'every statement is verified and every link holds', 'a statement or a link was refused'),
  },
  {
    level: 1,
    requirement: 'clean commit',
    howTo: 'commit, then run again',
    holds: ({ stages }) => each(stages, 'every stage ran at a clean commit', ({ unclean }) => unclean),
  },
  {
    level: 1,
    requirement: 'parameters of the commit',
    howTo: 'write the values into the params file, commit, run again without --set',
    holds: ({ stages }) =>
      each(stages, 'no parameter came from the command line', ({ stage }) =>
        stage.facts.overrides.length > 0 ? `ran with ${stage.facts.overrides.join(', ')}` : undefined,
      ),
  },
  {
    level: 1,
    requirement: 'definition of the commit',
    howTo: 'run again at the commit',
    holds: ({ stages }) =>
      each(stages, 'every definition is the one in the commit', ({ definition }) =>
        definition === 'differs' ? 'has a definition that is not in the commit' : undefined,
      ),
  },
  {
    level: 1,
    requirement: 'kept log',
    howTo: 'run the stage again (assay run --force STAGE)',
    holds: ({ stages }) =>
      each(stages, 'every log is signed for, and none that is kept here is missing', ({ log }) =>
        log === 'missing' || log === 'corrupt' ? `has a log that is ${log}` : undefined,
      ),
  },
  {
    level: 1,
    requirement: 'isolated, with the real key',
    howTo: 'run again without --unsafe-no-sandbox and --draft',
    holds: ({ stages, builds }) =>
      eachBuild(
        each(stages, 'every stage ran in a sandbox', ({ unisolated }) => unisolated),
        builds,
        unisolatedBuild,
      ),
  },
  {
    level: 1,
    requirement: 'no diverging reproduction',
    howTo: 'find out why (assay diff), declare a tolerance with its reason, reproduce it again',
    holds: ({ reproductions }) => {
      const diverged = reproductions.filter(({ result }) => result === 'diverged').map(({ stage }) => `\`${stage}\``)
      return answer(
        diverged.length === 0,
        'no stage is known to come to something else when it is run again',
        `${list(diverged)}: run again, it came to something else`,
      )
    },
  },
  {
    level: 2,
    requirement: 'hosted builder',
    howTo: 'let a control plane or CI that the policy lists run it and sign',
    holds: ({ stages, builds }) => {
      const fault = "was signed by a person's own key on their own machine"
      const every = each(stages, 'every stage was run and signed by a hosted builder', ({ stage: { facts } }) => {
        if (isLocal(facts.builderId)) return fault
        // THREAT: a stage that leaves out who put its environment together
        return isUnstated(facts)
          ? `used \`${facts.environment.name}\`, and nobody signed how it was put together`
          : undefined
      })
      return eachBuild(every, builds, ({ build }) => (isLocal(build.builderId) ? fault : undefined))
    },
  },
  {
    level: 2,
    requirement: 'responsible human',
    howTo: 'trigger it with an identity that the builder verifies; name who answers for a CI service',
    holds: ({ stages }) =>
      each(stages, 'a verified person answers for every stage', ({ responsible: { fault } }) => fault),
  },
  {
    level: 3,
    requirement: 'signer apart from the stage',
    howTo: 'sign on another host, or with a KMS of the control plane (builder hosted/separate)',
    holds: ({ stages, builds }) => {
      const faultOf = (builderId: string): string | undefined =>
        builderId === `${namespace}/builder/hosted/separate` ? undefined : 'was signed on its own host'
      const every = each(stages, 'every signer is on another host than its stage', ({ stage }) =>
        faultOf(stage.facts.builderId),
      )
      return eachBuild(every, builds, ({ build }) => faultOf(build.builderId))
    },
  },
  {
    level: 3,
    requirement: 'hardened engine',
    howTo: 'run it in gVisor: `engine: gvisor` in assay.yaml, or assay run --engine gvisor',
    holds: ({ stages, builds }) => {
      const faultOf = (engine: string): string | undefined =>
        isHardenedEngine(engine) ? undefined : `ran in ${engine}`
      const every = each(stages, 'every stage had a kernel of its own', (one) =>
        faultOf(one.stage.facts.sandbox.engine),
      )
      return eachBuild(every, builds, ({ build }) => ('sandbox' in build ? faultOf(build.sandbox.engine) : undefined))
    },
  },
  {
    level: 3,
    requirement: 'limits held by the kernel',
    howTo: 'run it as root, or in a delegated control group (docs/reference/isolation.md)',
    holds: ({ stages }) =>
      each(stages, 'every stage was held to its limits by a control group', ({ stage: { facts } }) =>
        facts.resources.heldBy.startsWith('cgroup-')
          ? undefined
          : `was held to its limits by ${facts.resources.heldBy}, and by being looked at`,
      ),
  },
  {
    level: 3,
    requirement: 'inputs in the inventory',
    howTo: 'register and approve them: assay data add, assay data approve',
    holds: ({ inputs }) => {
      const loose = inputs.filter(({ kind }) => kind !== 'approved').map(({ path }) => path)
      return answer(
        loose.length === 0,
        'every external input is an approved source',
        `${list(loose)}: not approved sources`,
      )
    },
  },
  {
    level: 3,
    requirement: 'independent source approval',
    howTo: 'let somebody else than the owner approve the source',
    holds: ({ inputs, data }) => {
      const sources = inputs.filter(({ kind, independent }) => kind === 'approved' && !independent)
      const own = [...sources, ...data.filter(({ ownGolden }) => ownGolden)].map(({ path }) => path)
      return answer(own.length === 0, 'no owner approved their own source', `${list(own)}: approved by their owner`)
    },
  },
  {
    level: 3,
    requirement: 'no laundering',
    howTo: 'take the out from where it is made, instead of copying it',
    holds: ({ laundered }) =>
      answer(laundered.length === 0, 'no out equals an input', `${list(laundered)}: equal to an input`),
  },
  {
    level: 3,
    requirement: 'no credentials',
    howTo: 'take what looks like a credential out of outs and logs, then run again',
    holds: ({ stages }) =>
      each(stages, 'no out or log of a stage holds a credential of a known form', ({ stage: { facts } }) =>
        credentialFault(facts),
      ),
  },
  {
    level: 3,
    requirement: 'full history',
    howTo: 'run in a clone with history',
    holds: ({ stages }) =>
      each(stages, 'every clone had its history', ({ stage }) =>
        stage.facts.source.shallow ? 'ran in a shallow clone' : undefined,
      ),
  },
  {
    level: 3,
    requirement: 'listed network',
    howTo: 'run again without --egress-private, with its hosts under network',
    holds: ({ stages }) =>
      each(stages, 'no stage reached more than its list', ({ stage: { facts } }) => {
        const { allowed = [], permitted = [], connections = [], more = 0 } = facts.network
        const other = connections.find(({ host }) => !allowed.includes(host))
        if (other !== undefined || more > 0) return `reached ${other?.host ?? `${more} hosts more than are listed`}`
        return permitted.length > 0 ? `was let into private networks: ${list(permitted)}` : undefined
      }),
  },
  {
    level: 3,
    requirement: 'protected ref',
    howTo: 'run on a protected branch, with a builder that asked its server',
    holds: ({ stages }) =>
      each(stages, 'every stage ran on a protected ref', ({ stage: { facts } }) =>
        facts.facts.some(
          ({ name, value, tier }) => name === commitFacts.protectedRef && value === 'yes' && tier !== 'declared',
        )
          ? undefined
          : 'ran on a ref that nobody says is protected',
      ),
  },
  {
    level: 3,
    requirement: 'reviewed definition',
    howTo: 'let a reviewer who neither wrote, committed nor started it sign one (assay review)',
    holds: ({ reviews }) => {
      const faults = reviews.flatMap(({ stage, fault }) => (fault === undefined ? [] : [`\`${stage}\`: ${fault}`]))
      return answer(faults.length === 0, 'every definition was reviewed by somebody else', list(faults))
    },
  },
  {
    level: 3,
    requirement: 'validated inputs',
    howTo: 'run again; mend what is waived, tighten what is loosened',
    holds: ({ data }) => {
      const loose = data.filter(({ verdict }) => verdict === 'none' || verdict === 'refused').map(({ path }) => path)
      const waived = data.filter((one) => one.waived).map(({ path }) => path)
      if (loose.length > 0) return answer(false, '', `${list(loose)}: no data verdict that holds`)
      return answer(
        waived.length === 0,
        'every input has a signed verdict',
        `${list(waived)}: a check is waived, or loosened`,
      )
    },
  },
  ...levelFourRules,
]

export type JudgedLevel = Readonly<{
  level: Level
  whyNotHigher: readonly string[]
  requirements: readonly LevelRequirement[]
}>

/** The highest level whose rows and all below hold, and never above what the policy grants. */
export function judgeLevel(facts: LevelFacts, rules: readonly LevelRule[] = levelRules): JudgedLevel {
  const requirements = rules.map(({ level, requirement, howTo, holds }): LevelRequirement => {
    const { held, because } = facts.stages.length === 0 ? { held: false, because: 'nothing is verified' } : holds(facts)
    return { level, requirement, held, because, howTo: held ? '' : howTo }
  })
  const missing = requirements.filter(({ held }) => !held).map(({ level }) => level)
  const earned = Math.min(4, ...missing.map((level) => level - 1))
  const cap = capOf(facts)
  const level = levelOf(Math.min(earned, cap.level))
  const why = requirements
    .filter((row) => !row.held && row.level <= level + 1)
    .map((row) => `${row.requirement}: ${row.because} (${row.howTo})`)
  return { level, whyNotHigher: level < 4 && cap.level <= level ? [...why, cap.because] : why, requirements }
}

function levelOf(value: number): Level {
  if (value >= 4) return 4
  if (value >= 3) return 3
  if (value >= 2) return 2
  return value >= 1 ? 1 : 0
}
