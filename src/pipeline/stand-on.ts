/** Before a stage starts and after it ended: is the system that it stands on one that `assay.lock` accepts? */
import type { SystemChange } from '../compute/index.ts'
import { DomainError, printable, quotedForShell, type Sha256 } from '../core/index.ts'
import type { RecordedFact } from '../reproducibility/index.ts'
import type { StageDefinition } from './definition.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import type { RunTools } from './run-tools.ts'
import { acceptedIn, decideSystem, type SystemDecision } from './system-pin.ts'
import { movedSince, type SeenSystem } from './systems.ts'

export type StandingOn = Pick<SeenSystem, 'digest' | 'text' | 'isUnchanged'> &
  Readonly<{
    /** `root`: an image, which `assay.yaml` names by digest, stands in place of the machine's own. */
    accepted: Exclude<SystemDecision, 'other'> | 'recorded' | 'root'
    /** Libraries of linear algebra, path and digest. */
    blas: readonly (readonly [string, string])[]
  }>

/**
 * Looks at the system and holds it to the lock; the first of an environment is pinned. Its record goes into the store.
 *
 * A run that pins nothing (a draft, one without a sandbox), and one that reproduces, is asked nothing: what moved is told there.
 *
 * @throws ERR_SYSTEM_CHANGED
 */
export async function standOn(
  project: Project,
  { system, systems, pins }: Pick<RunTools, 'system' | 'systems' | 'pins'>,
  { stage, environment }: Pick<StageSetting, 'stage' | 'environment'>,
): Promise<StandingOn> {
  if (environment.root !== undefined) return standingOnRoot(environment.root.digest)
  const seen = await system(environment)
  const isAsked = pins && !project.apart && project.settings.system !== 'recorded'
  const decision = isAsked ? decideSystem(environment.name, seen.digest, systems) : 'recorded'
  if (decision === 'other') throw await otherSystem(project, stage, { name: environment.name, seen, systems })
  if (!project.store.keep(seen.digest)) await project.store.putBytes(seen.bytes)
  if (decision === 'first') systems.working.set(environment.name, new Map([[seen.digest, seen.text]]))
  const { digest, text, isUnchanged, record } = seen
  return {
    digest,
    text,
    isUnchanged,
    accepted: decision,
    blas: Object.entries(record.files).filter(([path]) => isBlas(path)),
  }
}

function standingOnRoot(digest: Sha256): StandingOn {
  return { digest, text: `the root of an image, ${digest}`, isUnchanged: () => true, accepted: 'root', blas: [] }
}

function isBlas(path: string): boolean {
  return /\/lib[\w-]*(?:blas|lapack|mkl_rt|blis)[\w.-]*\.so/.test(path)
}

/** @throws ERR_SYSTEM_CHANGED */
export function refuseMovedSystem({ name }: StageDefinition, system: StandingOn): void {
  if (system.isUnchanged()) return
  throw new DomainError(
    'ERR_SYSTEM_CHANGED',
    `packages or libraries of this machine were changed while \`${name}\` ran`,
    {
      help: 'run again when the machine is at rest; what moved is told then',
    },
  )
}

type Other = Readonly<{ name: string; seen: SeenSystem; systems: RunTools['systems'] }>

async function otherSystem(
  project: Project,
  { name: stage }: StageDefinition,
  { name, seen, systems }: Other,
): Promise<DomainError> {
  const accepted = acceptedIn(name, systems) ?? new Map<Sha256, string>()
  const moved = await movedSince(project, accepted.keys(), seen.record)
  const since =
    moved === undefined ? `accepted: ${[...accepted.values()].slice(0, 3).map(printable).join('; ')}` : movedText(moved)
  return new DomainError(
    'ERR_SYSTEM_CHANGED',
    `\`${stage}\` would run on another system than assay.lock accepts: ${printable(seen.text)}, ${seen.digest}; ${since}`,
    { help: `if that is right: assay env accept-system ${quotedForShell(name)}, then commit assay.lock` },
  )
}

/** The first few, in one line. */
export function movedText(moved: readonly SystemChange[]): string {
  const shown = moved.slice(0, 3).map(({ what, before, after }) => `${what} ${short(before)} -> ${short(after)}`)
  return `${shown.join(', ')}${moved.length > 3 ? ` and ${moved.length - 3} more` : ''}`
}

function short(text: string): string {
  return printable(text).slice(0, 60)
}

const acceptedWords = {
  commit: 'by assay.lock in the commit',
  lock: 'by assay.lock in the working tree',
  first: 'as the first that it ran on',
  recorded: 'without asking: any system may be run on',
  root: 'as assay.yaml names it',
} as const satisfies Record<StandingOn['accepted'], string>

export function systemFacts({ digest, text, accepted, blas }: StandingOn): readonly RecordedFact[] {
  return [
    { name: 'system/digest', value: digest, tier: 'observed' },
    { name: 'system/is', value: text, tier: 'observed' },
    { name: 'system/accepted', value: acceptedWords[accepted], tier: 'observed' },
    ...blas.map(([path, value]) => ({ name: `system/blas ${path}`, value, tier: 'observed' as const })),
  ]
}
