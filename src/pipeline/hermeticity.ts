/**
 * What a stage used of what it was shown, and what it asked for beyond: pure.
 *
 * The report stays with the record of the run: it names files that are not there, of the machine too, which a statement
 * that is handed on must not tell. DECISION 0029. Trust: paths are as hostile as the stage; whoever shows them makes them
 * printable.
 */
import { join, relative } from 'node:path/posix'
import type { StageFacts } from '../attestation/index.ts'
import type { StageOutcome } from '../compute/index.ts'
import { isInside } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'
import { spellingOf } from './dvc/index.ts'
import { type HostFacts, placeOfStage } from './failure.ts'

export type HermeticityReport = Readonly<{
  /** `trace`: from every call that the stage made; `evidence`: only which tracked files it opened. */
  seenBy: 'trace' | 'evidence'
  /** False when more happened than was kept, or the stage did not end well: what is not listed may have happened too. */
  whole: boolean
  /** Tracked files that it read, project paths; and those of them that no dep and no params file names. */
  usedFiles: readonly string[]
  undeclaredFiles: readonly string[]
  /** Deps that it never read; empty when that is not known. */
  unreadDeps: readonly string[]
  /** Asked for, in the project, and hidden from it: project paths. */
  undeclaredReads: readonly string[]
  /** Asked for, on this machine, and hidden from it: absolute paths. */
  outsideReads: readonly string[]
  /** Where it could not write: project paths, or absolute ones. */
  refusedWrites: readonly string[]
  /** Written, and thrown away since no out declares it: project paths. */
  discardedWrites: readonly string[]
  network: Readonly<{ deniedAttempts: number; destinations: readonly string[] }>
  /** What to write where: deps as dvc.yaml spells them, from the stage's working folder. */
  dvc: Readonly<{ place: string; add: readonly string[]; remove: readonly string[] }>
}>

/** LIMIT: paths that are listed of each kind. */
const mostListed = 1000
const project = '/project/'

export type Traced = Readonly<{
  stage: StageDefinition
  outcome: StageOutcome
  /** Files that git tracks and the stage saw, project paths. */
  tracked: readonly string[]
  host: HostFacts
}>

/** Undefined for a stage that was not traced. */
export function hermeticityOf({ stage, outcome, tracked, host }: Traced): HermeticityReport | undefined {
  const { files, end, network } = outcome
  if (files === undefined) return undefined
  const whole = files.whole && end.kind === 'exited' && end.code === 0
  // what a cut trace lacks may have been seen from outside
  const seen = files.whole ? [] : (outcome.opened?.files ?? [])
  const read = new Set([...files.read.flatMap(insideProject), ...seen])
  const used = tracked.filter((path) => read.has(path))
  const readDeps = new Set([...read].flatMap((path) => stage.deps.filter((dep) => isInside(path, dep))))
  // a link of /usr may lead to what the sandbox does not have
  const outside = files.missing.filter((path) => !isInside(path, '/project') && !isInside(path, '/usr'))
  return {
    seenBy: 'trace',
    whole,
    ...declaredAnd(stage, {
      used,
      asked: outcome.undeclaredReads,
      written: outcome.discarded,
      unread: whole ? stage.deps.filter((dep) => !readDeps.has(dep)) : [],
    }),
    outsideReads: listed(outside.filter((path) => host.exists(onHost(path, host)))),
    refusedWrites: listed(files.refusedWrites.map((path) => insideProject(path)[0] ?? path)),
    discardedWrites: listed(outcome.discarded),
    network: { deniedAttempts: network.deniedAttempts, destinations: network.destinations },
  }
}

/** What a signed statement tells of a stage that was not traced. */
export function hermeticityIn({ code, network }: StageFacts, stage: StageDefinition): HermeticityReport {
  const used = code.kind === 'opened' ? code.files.map(({ path }) => path) : []
  return {
    seenBy: 'evidence',
    whole: false,
    ...declaredAnd(stage, { used, asked: [], written: [], unread: [] }),
    outsideReads: [],
    refusedWrites: [],
    discardedWrites: [],
    network: { deniedAttempts: network.deniedAttempts, destinations: network.destinations },
  }
}

function declaredAnd(
  stage: StageDefinition,
  { used, asked, written, unread }: Readonly<Record<'used' | 'asked' | 'written' | 'unread', readonly string[]>>,
): Pick<HermeticityReport, 'usedFiles' | 'undeclaredFiles' | 'undeclaredReads' | 'unreadDeps' | 'dvc'> {
  const declared = [...stage.deps, ...Object.keys(stage.params), stage.file]
  const undeclared = used.filter((path) => !declared.some((dep) => isInside(path, dep)))
  const spelledOf = (path: string): string => spellingOf(stage, path)
  // a folder is asked for on the way to a file in it; and what it writes itself it may look for first
  const isOwn = (path: string): boolean => written.some((own) => isInside(own, path) || isInside(path, own))
  const deepest = asked.filter(
    (path) => !isOwn(path) && !asked.some((other) => other !== path && isInside(other, path)),
  )
  return {
    usedFiles: listed(used),
    undeclaredFiles: listed(undeclared),
    undeclaredReads: listed(asked),
    unreadDeps: listed(unread),
    dvc: {
      place: placeOfStage(stage),
      add: listed([...undeclared, ...deepest].map(spelledOf)),
      remove: listed(unread.map(spelledOf)),
    },
  }
}

function listed(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].sort().slice(0, mostListed)
}

function insideProject(path: string): readonly string[] {
  return path.startsWith(project) ? [path.slice(project.length)] : []
}

/** The home folder of a stage is empty; what it looks for there lies in that of whoever calls. */
function onHost(path: string, { home }: HostFacts): string {
  return isInside(path, '/home/stage') ? join(home, relative('/home/stage', path)) : path
}
