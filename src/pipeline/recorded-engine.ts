/** In which engine a stage is run again: the one that it was run in, where the policy takes it and it is here. */
import { engines } from '../compute/index.ts'
import { type EngineName, engineNames, isDomainError } from '../core/index.ts'
import { chooseEngine } from './choose-engine.ts'
import type { Original } from './originals.fs.ts'
import type { Project } from './project.ts'
import { engineOptions, type RunEvent } from './run-tools.ts'

/**
 * @param project as it was at the commit: what `assay.yaml` demanded then counts
 * @returns by stage; a stage that is missing runs in what the project asks for, and why is told
 */
export async function recordedEngines(
  project: Project,
  stages: readonly Original[],
  onEvent: (event: RunEvent) => void,
): Promise<ReadonlyMap<string, EngineName>> {
  const chosen = new Map<string, EngineName>()
  const tried = new Map<EngineName, Promise<string | undefined>>()
  for (const { facts } of stages) {
    const { stage, sandbox } = facts
    const settings = project.settings.settingsOf(stage)
    const usual = chooseEngine(stage, settings, project.trust, { unsafeNoSandbox: false })
    const recorded = engineNames.find((name) => name === sandbox.engine)
    if (recorded === usual) continue
    const because =
      recorded === undefined
        ? 'is none that isolates'
        : (whyNotAllowed(project, stage, recorded) ?? (await whyNotHere(project, recorded, tried)))
    if (because === undefined && recorded !== undefined) chosen.set(stage, recorded)
    else
      onEvent({
        kind: 'notice',
        text: `\`${stage}\` was run in \`${sandbox.engine}\`, which ${because ?? ''}: it is run again in \`${usual}\``,
      })
  }
  return chosen
}

function whyNotAllowed({ settings, trust }: Project, stage: string, engine: EngineName): string | undefined {
  try {
    chooseEngine(stage, settings.settingsOf(stage), trust, { engine, unsafeNoSandbox: false })
    return undefined
  } catch (error) {
    if (!isDomainError(error, 'ERR_ENGINE_WEAKER')) throw error
    return 'isolates less than is demanded now'
  }
}

function whyNotHere(
  project: Project,
  engine: EngineName,
  tried: Map<EngineName, Promise<string | undefined>>,
): Promise<string | undefined> {
  const known = tried.get(engine) ?? tryEngine(project, engine)
  tried.set(engine, known)
  return known
}

async function tryEngine(project: Project, engine: EngineName): Promise<string | undefined> {
  try {
    const sandbox = await engines[engine].open(engineOptions(project))
    sandbox[Symbol.dispose]()
    return undefined
  } catch (error) {
    if (!isDomainError(error, 'ERR_ENGINE_UNAVAILABLE', 'ERR_SANDBOX_UNAVAILABLE')) throw error
    return `cannot be used here (${error.message})`
  }
}
