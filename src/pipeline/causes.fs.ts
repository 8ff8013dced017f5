/**
 * What may have made stages come to something else, likeliest first: from what two statements record, and from the code
 * that ran, as it lies in the store. The ranking itself is `reproducibility/causes.ts`.
 */
import { readFileSync, statSync } from 'node:fs'
import type { StageFacts } from '../attestation/index.ts'
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import {
  type Cause,
  type Difference,
  type LintFinding,
  loadLinter,
  rankCauses,
  type SuspectCode,
} from '../reproducibility/index.ts'
import { codeFilesOf, differencesOf } from './differences.ts'
import { stageCode } from './lint-stages.fs.ts'
import type { Project } from './project.ts'

/** Two runs of a stage; `repeats`: whether a third came to the same as the second. */
export type StagePair = Readonly<{ left: StageFacts; right: StageFacts; repeats?: boolean }>
export type StageCause = Cause & Readonly<{ stage: string }>
export type StageDifference = Difference & Readonly<{ stage: string }>

/** LIMIT: of one file of code. */
const maxCodeBytes = 16 * 1024 * 1024

/**
 * Of stages whose outs differ. Those that nothing before explains come first: what builds on them may only differ because
 * they do.
 *
 * @param pairs in the order of the pipeline
 */
export async function causesOf(project: Project, pairs: readonly StagePair[]): Promise<readonly StageCause[]> {
  const causes: (StageCause & Readonly<{ isDerived: boolean }>)[] = []
  for (const { left, right, repeats } of pairs) {
    const all = await differencesOf(project, left, right)
    if (!all.some(({ what }) => what.startsWith('output '))) continue
    const differences = all.filter(({ what }) => !what.startsWith('output '))
    const isDerived = differences.some(({ what }) => what.startsWith('made '))
    const ranked = rankCauses({
      differences,
      code: isDerived ? [] : await suspectCodeOf(project, right),
      ...(repeats === undefined ? {} : { repeats }),
      hasOwnFolder: [left, right].every(({ sandbox }) => sandbox.engine === 'none'),
    })
    causes.push(...ranked.map((cause) => ({ stage: right.stage, ...cause, isDerived })))
  }
  return causes
    .toSorted((one, other) => Number(one.isDerived) - Number(other.isDerived))
    .map(({ isDerived: _, ...cause }) => cause)
}

/** All that is recorded otherwise but outs, of all stages; ranked as causes are. */
export async function recordedDifferences(
  project: Project,
  pairs: readonly StagePair[],
): Promise<readonly StageDifference[]> {
  const found: StageDifference[] = []
  for (const { left, right } of pairs) {
    const all = await differencesOf(project, left, right)
    const differences = all.filter(({ what }) => !what.startsWith('output '))
    for (const { what, before = '', after = '' } of rankCauses({ differences, code: [] }))
      found.push({ stage: right.stage, what, before, after })
  }
  const isMade = ({ what }: Difference): number => Number(what.startsWith('made '))
  return found.toSorted((one, other) => isMade(one) - isMade(other))
}

/** What the linter finds in the code as it ran; nothing where its bytes are not in the store. */
async function suspectCodeOf(project: Project, facts: StageFacts): Promise<readonly SuspectCode[]> {
  const { openLinter } = await loadLinter()
  const files = codeFilesOf(facts)
  const linter = openLinter({
    has: (path) => files.has(path),
    read: (path) => storedBytes(project, files.get(path)),
  })
  const settings = project.settings.settingsOf(facts.stage)
  const { findings } = linter.lint(
    stageCode(
      {
        name: facts.stage,
        file: facts.pipelineFile,
        commands: facts.commands,
        workingDirectory: facts.workingDirectory,
        outs: facts.outputs,
      },
      settings,
      0,
    ),
  )
  return findings.filter(counts).map(({ rule, file, line, because }) => ({ rule, file, line, because }))
}

function counts({ harmless, fixedBy }: LintFinding): boolean {
  return harmless === undefined && fixedBy === undefined
}

/** A hint, and yet only of bytes that are those of then. */
function storedBytes({ store }: Project, digest: Sha256 | undefined): Buffer | undefined {
  if (digest === undefined) return undefined
  try {
    const path = store.pathOf(digest)
    if (statSync(path).size > maxCodeBytes) return undefined
    const bytes = readFileSync(path)
    return sha256Of(bytes) === digest ? bytes : undefined
  } catch (error) {
    if (isDomainError(error) || (error instanceof Error && 'code' in error)) return undefined // gone: nothing to read
    throw error
  }
}
