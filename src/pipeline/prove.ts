/**
 * `assay prove`: what a draft came to, once more at a clean commit, with the real key; did it match?
 *
 * A draft is believed by nobody, so it proves nothing and is proven by nothing but this: the same outs from a run that is
 * evidence. The new run is an ordinary one; its statements are the proof.
 */
import {
  type OutComparison,
  type ReproductionResult,
  resultOfComparisons,
  type StageFacts,
} from '../attestation/index.ts'
import { DomainError, quotedForShell } from '../core/index.ts'
import { believedStage, lookAtStage } from './believe.ts'
import { causesOf, recordedDifferences, type StageCause, type StageDifference } from './causes.fs.ts'
import { compareOut, secretBehind } from './compare-outs.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import type { RunReport } from './report.ts'
import { type RunEvent, runPipeline } from './run.ts'
import { onceMore } from './run-tools.ts'

export type ProveOptions = Readonly<{ signal: AbortSignal; onEvent(event: RunEvent): void }>

/** `differences`: what was recorded otherwise in the draft and now, likeliest cause first. */
export type ProofReport = Readonly<{
  draft: string
  matched: boolean
  verdict: ReproductionResult
  comparisons: readonly OutComparison[]
  differences: readonly StageDifference[]
  /** Of outs that differ, likeliest first: what is recorded otherwise, and places in the code. */
  causes: readonly StageCause[]
  run: RunReport
}>

/**
 * @param runId the latest run when left out
 * @throws ERR_EVIDENCE_DIRTY before anything runs, ERR_RUN_UNKNOWN, ERR_EVIDENCE_MISSING; of the run: as `runPipeline`
 */
export async function proveRun(caller: Caller, runId: string | undefined, options: ProveOptions): Promise<ProofReport> {
  const project = await openProject(caller)
  refuseDirty(project)
  const { report } = project.runs.load(runId)
  const drafts = report.stages.flatMap(({ attestation }) =>
    attestation === undefined ? [] : [lookAtStage(project, attestation).facts],
  )
  if (drafts.length === 0)
    throw new DomainError('ERR_EVIDENCE_MISSING', `the run ${report.runId} came to nothing that could be proven`)
  const names = drafts.map(({ stage }) => stage)
  const run = await runPipeline(project, onceMore(names, options))
  const proven =
    run.status === 'succeeded'
      ? await compareRuns(project, drafts, run, options.signal)
      : { comparisons: [], differences: [], causes: [] }
  const verdict = resultOfComparisons(proven.comparisons)
  const matched = verdict === 'identical' || verdict === 'within-tolerance'
  return { draft: report.runId, matched, verdict, ...proven, run }
}

function refuseDirty({ code }: Project): void {
  if (code.commit === undefined) {
    throw new DomainError('ERR_EVIDENCE_DIRTY', 'there is no commit that a proof could be of', { help: 'commit first' })
  }
  const [first] = code.dirty
  if (first === undefined) return
  const paths = code.dirty.slice(0, 10).map(({ path }) => quotedForShell(path))
  throw new DomainError(
    'ERR_EVIDENCE_DIRTY',
    `a proof is of a commit, and \`${first.path}\` is not in it as it is here`,
    {
      help: `git add ${paths.join(' ')} && git commit, then assay prove again`,
    },
  )
}

async function compareRuns(
  project: Project,
  drafts: readonly StageFacts[],
  run: RunReport,
  signal: AbortSignal,
): Promise<Pick<ProofReport, 'comparisons' | 'differences' | 'causes'>> {
  const comparisons: OutComparison[] = []
  const pairs: Readonly<{ left: StageFacts; right: StageFacts }>[] = []
  for (const draft of drafts) {
    const { stage } = draft
    const made = run.stages.find(({ name }) => name === stage)?.attestation
    const proven = made === undefined ? undefined : believedStage(project, made)
    if (made === undefined || proven === undefined) continue // the run says why
    const { tolerances = [] } = project.settings.settingsOf(stage)
    const secret = secretBehind(project, made)
    for (const left of draft.outputs) {
      const right = proven.outputs.find(({ path }) => path === left.path)
      if (right === undefined) {
        comparisons.push({ stage, path: left.path, verdict: 'diverged', detail: 'it is no out any more' })
        continue
      }
      const out = await compareOut(project, { stage, left, right }, { tolerances, secret, signal })
      comparisons.push(...out.told)
      if (out.unavailable !== undefined)
        comparisons.push({ stage, path: left.path, verdict: 'diverged', detail: out.unavailable })
    }
    pairs.push({ left: draft, right: proven })
  }
  return {
    comparisons,
    differences: await recordedDifferences(project, pairs),
    causes: await causesOf(project, pairs),
  }
}
