/** What of a stage's use of resources is not as expected, or unlike earlier runs; and what is remembered of it. */
import { isReviewed, type StatedCode } from '../attestation/index.ts'
import type { StageOutcome } from '../compute/index.ts'
import { digestOfJson } from '../core/index.ts'
import { jsonFact } from '../data/index.ts'
import { unexpected } from './expected.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import { unusual, usualOf } from './unusual.ts'
import { measureOf, type Ran, type Reviewed, type RunGroup, unmeasured, withRun } from './usual-history.ts'

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
  const reviewed = await reviewedIn(project)
  const measure = measureOf(run, groups, own, reviewed)
  const isRequired = project.settings.require.includes('usual-resources')
  return {
    unexpected: settings.expect === undefined ? [] : unexpected(settings.expect, resources, shell),
    unusual: [...unusual(run, measure, shell), ...(isRequired ? unmeasured(measure, own, reviewed) : [])],
    remember: () => project.sealedFacts.recordFact(key, JSON.stringify(withRun(groups, own, run, reviewed))),
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

/** THREAT: an author's review of their own change, which would make what it does the measure for all. */
async function reviewedIn(project: Project): Promise<Reviewed> {
  const held = project.definitionReviews()
  await project.code.learnPeople(held.map(({ review: { commit, since } }) => ({ commit, since })))
  const { peopleAt } = project.code
  const covers = ({ commit, definition, code }: Ran): boolean => {
    const ran = { project: project.id, definition, ...(commit && { commit }), ...(code && { code }) }
    return isReviewed(project.trust, { held, peopleAt }, ran)
  }
  return { any: held.length > 0, covers }
}
