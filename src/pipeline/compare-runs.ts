/** What of a stage's use of resources is not as expected, or unlike earlier runs; and what is remembered of it. */
import { hasOtherReviewer, isReviewed, type StatedCode } from '../attestation/index.ts'
import type { StageOutcome } from '../compute/index.ts'
import { digestOfJson } from '../core/index.ts'
import { jsonFact } from '../data/index.ts'
import { unexpected } from './expected.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import { unusual, usualOf } from './unusual.ts'
import { measureOf, type Ran, type Reviewed, type RunGroup, teaches, unmeasured, withRun } from './usual-history.ts'

export type Compared = Readonly<{
  unexpected: readonly string[]
  unusual: readonly string[]
  /** Keeps this run among those that later ones are compared with. */
  remember(): void
}>

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
  const { stage, settings, inputs } = setting
  const inputBytes = inputs.resolved.reduce((sum, { content }) => sum + content.sizeBytes, 0)
  const key = `usual:2:${stage.name}`
  const found = jsonFact(project.sealedFacts, key)
  const groups = Array.isArray(found) ? (found as readonly RunGroup[]) : [] // our own text
  const own = ownGroup(project, setting, code)
  const run = usualOf(resources, network.deniedAttempts, inputBytes)
  const isRequired = project.settings.require.includes('usual-resources')
  const reviewed = await reviewedIn(project, isRequired)
  const told = [
    ...unusual(run, measureOf(run, groups, own, reviewed), shell),
    ...(isRequired ? unmeasured(run, groups, own, reviewed) : []),
  ]
  // where they are required, an unusual run that is to be remembered was let through by its user
  const isLetThrough = isRequired && told.length > 0
  return {
    unexpected: settings.expect === undefined ? [] : unexpected(settings.expect, resources, shell),
    unusual: told,
    remember: () => {
      if (teaches(own, reviewed, isLetThrough))
        project.sealedFacts.recordFact(key, JSON.stringify(withRun(groups, own, run, reviewed)))
    },
  }
}

function ownGroup(
  project: Project,
  { stage, settings, inputs, environment }: Parameters<typeof compareRun>[1],
  code: StatedCode,
): Omit<RunGroup, 'runs'> {
  const { commands, workingDirectory } = stage
  const { commit, dirty } = project.code
  const told = { commands, workingDirectory, settings, params: inputs.params, environment: environment.digest, code }
  return {
    definition: digestOfJson(JSON.parse(JSON.stringify(told))),
    commands: digestOfJson(commands),
    ran: {
      ...(commit === undefined || dirty.length > 0 ? {} : { commit }),
      definition: project.definition.map(({ path, digest }) => ({ path, digest })),
      ...(code.kind === 'opened' ? { code: code.files } : {}),
    },
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
    const ran = { project: project.id, definition, ...(commit && { commit }), ...(code && { code }) }
    return isReviewed(project.trust, { held, peopleAt }, ran)
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
