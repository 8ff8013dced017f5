/** What of a stage's use of resources is not as expected, or unlike earlier runs; and what is remembered of it. */
import { hasOtherReviewer, isReviewed, type StageFacts, type StatedCode } from '../attestation/index.ts'
import type { StageOutcome } from '../compute/index.ts'
import { digestOfJson } from '../core/index.ts'
import { jsonFact } from '../data/index.ts'
import { unexpected } from './expected.ts'
import { notComparedThen } from './held-now.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import { leastRuns, type UsualRun, unusual, usualOf } from './unusual.ts'
import { measureOf, type Ran, type Reviewed, type RunGroup, teaches, unmeasured, withRun } from './usual-history.ts'

export type Compared = Readonly<{
  unexpected: readonly string[]
  unusual: readonly string[]
  /** In words, why nobody can say whether it was usual: there is too little to compare it with. */
  uncompared?: string
  /** What to tell of both to who runs it. */
  notices: readonly string[]
  /** Keeps this run among those that later ones are compared with. */
  remember(): void
}>

/** Whether a run that is unlike its earlier runs is refused: the project says so, or its trust policy. */
export function asksForUsual({ settings, trust }: Pick<Project, 'settings' | 'trust'>): boolean {
  return settings.require.includes('usual-resources') || trust.demands?.has('usual-resources') === true
}

/**
 * Earlier runs as this user's memory of the project has them, under `--rehash` too. DECISION 0019.
 *
 * @param code what the stage opened of the tracked files
 */
export async function compareRun(
  project: Project,
  setting: Pick<StageSetting, 'stage' | 'settings' | 'inputs' | 'environment'>,
  { resources, network, shell }: StageOutcome,
  code: StatedCode,
): Promise<Compared> {
  const { stage, settings } = setting
  const groups = groupsOf(project, stage.name)
  const own = ownGroup(project, setting, code)
  const run = usualOf(resources, network.deniedAttempts, dataBytes(setting))
  const isRequired = asksForUsual(project)
  const reviewed = await reviewedIn(project, isRequired)
  const earlier = measureOf(run, groups, own, reviewed)
  const unread = unmeasured(run, groups, own, reviewed)
  const told = [...unusual(run, earlier, shell), ...(isRequired ? unread : [])]
  const few = `there are fewer than ${leastRuns} runs on inputs of this size to compare it with`
  const uncompared = earlier.length < leastRuns ? (unread[0] ?? few) : unread[0]
  // where they are required, an unusual run that is to be remembered was let through by its user
  const isLetThrough = isRequired && told.length > 0
  return {
    unexpected: settings.expect === undefined ? [] : unexpected(settings.expect, resources, shell),
    unusual: told,
    ...(uncompared === undefined ? {} : { uncompared }),
    notices: [
      ...told.map((each) => `\`${stage.name}\` was unlike its earlier runs: ${each}`),
      ...(isRequired && told.length === 0 && uncompared !== undefined
        ? [`nobody knows whether \`${stage.name}\` ran as usual: ${uncompared}`]
        : []),
    ],
    remember: () => {
      if (teaches(own, reviewed, isLetThrough))
        project.sealedFacts.recordFact(keyOf(stage.name), JSON.stringify(withRun(groups, own, run, reviewed)))
    },
  }
}

/** Why usual resources, where they are required, ask that a run that was be made again: in words, or undefined. */
export async function uncomparedThen(
  project: Project,
  setting: Parameters<typeof compareRun>[1],
  { resources, network, source, definition, code }: StageFacts,
): Promise<string | undefined> {
  const groups = groupsOf(project, setting.stage.name)
  const own = { ...ownGroup(project, setting, code), ran: ranAt(source, definition, code) }
  const run = usualOf(resources, network.deniedAttempts, dataBytes(setting))
  const reviewed = await reviewedIn(project, true)
  const [unread] = unmeasured(run, groups, own, reviewed)
  return unread ?? notComparedThen(resources, measureOf(run, groups, own, reviewed))
}

function groupsOf(project: Project, stage: string): readonly RunGroup[] {
  const found = jsonFact(project.sealedFacts, keyOf(stage))
  return Array.isArray(found) ? (found as readonly RunGroup[]) : [] // our own text
}

function keyOf(stage: string): string {
  return `usual:3:${stage}`
}

/** THREAT: code grows by a comment, until no earlier run is of its size: code is no data. */
function dataBytes({ inputs }: Pick<StageSetting, 'inputs'>): UsualRun['inputBytes'] {
  const data = inputs.resolved.filter(({ ref }) => ref.role === 'dep' && ref.origin.kind !== 'code')
  return data.reduce((sum, { content }) => sum + content.sizeBytes, 0)
}

function ownGroup(
  project: Project,
  { stage, settings, inputs, environment }: Parameters<typeof compareRun>[1],
  code: StatedCode,
): Omit<RunGroup, 'runs'> {
  const { commands, workingDirectory } = stage
  // which folders it listed may differ from run to run, as the names of those do that it made
  const read = code.kind === 'opened' ? code.files : code.digest
  const told = {
    commands,
    workingDirectory,
    settings,
    params: inputs.params,
    environment: environment.digest,
    code: read,
  }
  return {
    definition: digestOfJson(JSON.parse(JSON.stringify(told))),
    commands: digestOfJson(commands),
    ran: ranAt(project.code, project.definition, code),
  }
}

function ranAt(
  { commit, dirty }: Readonly<{ commit?: string | undefined; dirty: readonly unknown[] }>,
  definition: Ran['definition'],
  code: StatedCode,
): Ran {
  return {
    ...(commit === undefined || dirty.length > 0 ? {} : { commit }),
    definition: definition.map(({ path, digest }) => ({ path, digest })),
    ...(code.kind === 'opened' ? { code: code.files } : {}),
  }
}

/**
 * THREAT: an author's review of their own change, which would make what it does the measure for all; and whoever changes a
 * stage and deletes the reviews with it: where usual resources are required, the policy says whether somebody reviews.
 */
async function reviewedIn(project: Project, isRequired: boolean): Promise<Reviewed> {
  const held = project.definitionReviews()
  await project.code.learnPeople(held.map(({ review: { commit, since } }) => ({ commit, since })))
  const { peopleAt } = project.code
  const covers = ({ commit, definition, code }: Ran): boolean => {
    return isReviewed(project.trust, { held, peopleAt }, { project: project.id, definition, commit, code })
  }
  const known = new WeakMap<Ran, boolean>() // each is asked of several times
  return {
    any: held.length > 0 || (isRequired && hasOtherReviewer(project.trust)),
    covers: (ran) => {
      const isCovered = known.get(ran) ?? covers(ran)
      known.set(ran, isCovered)
      return isCovered
    },
  }
}
