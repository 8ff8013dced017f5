/**
 * `assay reproduce`: stages once more from their evidence, in a checkout of their commit and fresh sandboxes; do they come
 * to the same? The answer is signed, whatever it is.
 *
 * Nothing of the working tree is used but data whose bytes the evidence names. Read next: `reproduction-place.fs.ts` (what
 * is put where), `run.ts` (the run itself is an ordinary one).
 */
import { type OutComparison, type Reproduction, resultOfComparisons } from '../attestation/index.ts'
import { type Digest, DomainError, isDomainError, type Json, type Sha256 } from '../core/index.ts'
import { type Compared, type NoiseFloor, proposeTolerances } from '../reproducibility/index.ts'
import { believedStage } from './believe.ts'
import { compareContents, compareOut } from './compare-outs.fs.ts'
import { causesOf } from './diff-runs.ts'
import { type Original, originalsOf } from './originals.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import type { StageReport } from './report.ts'
import { reproductionKey } from './reproduction-key.ts'
import { layOutPlace } from './reproduction-place.fs.ts'
import { type RunEvent, runPipeline } from './run.ts'
import { onceMore, openSigner } from './run-tools.ts'

export type ReproduceOptions = Readonly<{
  /** Only this stage; what it builds on is taken as it was. */
  stage?: string
  /** This stage and all that build on it. */
  from?: string
  /** How often; 1 when left out. What the runs differ in among themselves is told as the noise of the stages. */
  times?: number
  signal: AbortSignal
  onEvent(event: RunEvent): void
}>

/** The shape of `assay reproduce --json`; fields may be added. */
export type ReproductionReport = Readonly<{
  verdict: Reproduction['result']
  firstDivergence: Reproduction['firstDivergence'] | null
  comparisons: readonly OutComparison[]
  differences: Reproduction['differences']
  stages: Reproduction['stages']
  because?: string
  /** Of several runs: what they differed in, and tolerances that would have let all of them pass. */
  noise?: NoiseFloor
  /** Digest of the bundle that says so. */
  attestation: Sha256
}>

/** LIMIT: differences that a verdict lists. */
const maxDifferences = 60
const maxWordCharacters = 300

/**
 * Runs stages again and signs what that came to. A stage that cannot be run again is a verdict, not a fault.
 *
 * @param target a run, an artifact, or exported evidence; the latest run when left out; or several artifacts, by project path
 * @throws ERR_RUN_UNKNOWN, ERR_EVIDENCE_MISSING, ERR_STAGE_UNKNOWN when there is nothing to reproduce
 * @throws ERR_KEY_HOME, ERR_KEY_LOCKED before anything runs; ERR_SANDBOX_UNAVAILABLE, ERR_IO, ERR_DISK_FULL
 */
export async function reproduce(
  caller: Caller,
  target: string | readonly string[] | undefined,
  options: ReproduceOptions,
): Promise<ReproductionReport> {
  const project = await openProject(caller)
  const chain = await originalsOf(project, target, caller.workingFolder)
  const chosen = chosenOf(chain, options)
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  const startedAt = project.now().toISOString()
  const judged: Judged[] = []
  while (judged.length < (options.times ?? 1))
    judged.push(await judge(project, chosen, await runAgain(caller, project, chain, chosen, options)))
  const reproduction: Reproduction = {
    project: project.id,
    outs: outsOf(chosen),
    ...worstOf(judged),
    version: project.version,
    principal: await project.principal(),
    startedAt,
    finishedAt: project.now().toISOString(),
  }
  const { bytes } = await signer.sign({ kind: 'reproduction', reproduction })
  const attestation = chosen
    .map((original) => project.evidence.save(bytes, { key: reproductionKey(original.attestation), subjects: [] }))
    .at(-1)
  if (attestation === undefined) throw new Error('a reproduction of no stage')
  const { result, firstDivergence = null, comparisons, differences, stages, because } = reproduction
  return {
    verdict: result,
    firstDivergence,
    comparisons,
    differences,
    stages,
    ...(because === undefined ? {} : { because }),
    ...(judged.length < 2 ? {} : { noise: await noiseOf(project, chosen, judged, options.signal) }),
    attestation,
  }
}

const gravity = ['identical', 'within-tolerance', 'unavailable', 'diverged'] as const

/** Of several runs the one that is farthest from what it was is the answer. */
function worstOf(judged: readonly Judged[]): Judged {
  const [worst] = judged.toSorted((one, other) => gravity.indexOf(other.result) - gravity.indexOf(one.result))
  if (worst === undefined) throw new Error('no run')
  return worst
}

/** How much more than what was seen may be seen next time. */
const noiseFactor = 2

/** Each run beside the one before it, the first beside that of then; no tolerance counts. */
async function noiseOf(
  project: Project,
  chosen: readonly Original[],
  judged: readonly Judged[],
  signal: AbortSignal,
): Promise<NoiseFloor> {
  const compared: (readonly Compared[])[] = []
  for (const { facts } of chosen) {
    const runs = [facts, ...judged.flatMap(({ stages }) => factsOf(project, stages, facts.stage))]
    for (const output of facts.outputs) {
      const outs = runs.flatMap(({ outputs }) => outputs.find(({ path }) => path === output.path) ?? [])
      for (const [index, right] of outs.entries()) {
        const left = outs[index - 1]
        if (left === undefined || left.digest === right.digest) continue
        compared.push((await compareContents(project, [left, right], { tolerances: [], signal })) ?? [])
      }
    }
  }
  return proposeTolerances(compared, { runs: judged.length + 1, factor: noiseFactor })
}

function factsOf(project: Project, stages: Judged['stages'], name: string): readonly Original['facts'][] {
  const again = stages.find(({ stage }) => stage === name)?.again
  const facts = again === undefined ? undefined : believedStage(project, again)
  return facts === undefined ? [] : [facts]
}

/** @throws ERR_STAGE_UNKNOWN */
function chosenOf(chain: readonly Original[], { stage, from }: ReproduceOptions): readonly Original[] {
  const wanted = stage ?? from
  if (wanted === undefined) return chain
  const named = chain.filter(({ facts }) => facts.stage === wanted)
  if (named.length === 0) {
    throw new DomainError('ERR_STAGE_UNKNOWN', `the stage \`${wanted}\` is not among what is reproduced`, {
      help: `it is one of ${chain.map(({ facts }) => facts.stage).join(', ')}`,
    })
  }
  if (stage !== undefined) return named
  const reached = new Set(named.map(({ attestation }) => attestation))
  for (const { attestation, facts } of chain) {
    const builds = facts.dependencies.some(({ origin }) => origin.kind === 'stage' && reached.has(origin.attestation))
    if (builds) reached.add(attestation)
  }
  return chain.filter(({ attestation }) => reached.has(attestation))
}

function outsOf(chosen: readonly Original[]): readonly Readonly<{ path: string; digest: Digest }>[] {
  return chosen.flatMap(({ facts }) => facts.outputs.map(({ path, digest }) => ({ path, digest })))
}

/** What running again came to: reports by stage, or why it could not be. */
type Again = Readonly<{ reports: ReadonlyMap<string, StageReport>; comparisons: readonly OutComparison[] }> | string

async function runAgain(
  caller: Caller,
  project: Project,
  chain: readonly Original[],
  chosen: readonly Original[],
  options: ReproduceOptions,
): Promise<Again> {
  try {
    await using place = await layOutPlace(caller, project, chain)
    const names = chosen.map(({ facts }) => facts.stage)
    const report = await runPipeline(place.project, { ...onceMore(names, options), acceptUnusual: true })
    if (options.signal.aborted) throw stopped()
    const reports = new Map(report.stages.map((stage) => [stage.name, stage]))
    return { reports, comparisons: await compareAll(project, chosen, reports, options.signal) }
  } catch (error) {
    if (options.signal.aborted) throw stopped()
    if (!isDomainError(error) || ofTheWorld.has(error.code)) throw error
    return `${error.message} (${error.code})`
  }
}

function stopped(): DomainError {
  return new DomainError('ERR_RUN_CANCELLED', 'the reproduction was stopped, and nothing is signed')
}

/** What says nothing about the evidence: the question stays open. */
const ofTheWorld: ReadonlySet<string> = new Set([
  'ERR_IO',
  'ERR_DISK_FULL',
  'ERR_INTERNAL',
  'ERR_SIGNER_FAILED',
  'ERR_SANDBOX_UNAVAILABLE',
  'ERR_RUN_CANCELLED',
  'ERR_KEY_HOME',
  'ERR_KEY_LOCKED',
  'ERR_STORE_BUSY',
])

async function compareAll(
  project: Project,
  chosen: readonly Original[],
  reports: ReadonlyMap<string, StageReport>,
  signal: AbortSignal,
): Promise<readonly OutComparison[]> {
  const comparisons: OutComparison[] = []
  for (const { facts } of chosen) {
    const { stage } = facts
    const made = reports.get(stage)?.attestation
    const now = made === undefined ? undefined : believedStage(project, made)
    const reproducible = declaredBy(project, stage)
    for (const left of facts.outputs) {
      const right = now?.outputs.find(({ path }) => path === left.path)
      if (right === undefined) continue // its stage says why
      comparisons.push(...(await compareOut(project, { stage, left, right }, { reproducible, signal })))
    }
  }
  return comparisons
}

/** THREAT: a tolerance that was written for one reproduction and is in no commit. */
function declaredBy({ settings, code }: Project, stage: string): Json | undefined {
  return code.isCommitted('assay.yaml') ? settings.settingsOf(stage).reproducible : undefined
}

type Judged = Pick<Reproduction, 'stages' | 'result' | 'comparisons' | 'firstDivergence' | 'differences' | 'because'>

async function judge(project: Project, chosen: readonly Original[], again: Again): Promise<Judged> {
  const named = chosen.map(({ attestation, facts }) => ({ stage: facts.stage, original: attestation }))
  if (typeof again === 'string') {
    return { stages: named, result: 'unavailable', comparisons: [], differences: [], because: again }
  }
  const { reports, comparisons } = again
  const stages = named.map((one) => {
    const made = reports.get(one.stage)?.attestation
    return made === undefined ? one : { ...one, again: made }
  })
  const differences = await differencesOf(project, chosen, reports)
  const stopped = whereItStopped(chosen, again)
  return {
    stages,
    ...stopped,
    result:
      stopped.because !== undefined
        ? 'unavailable'
        : stopped.firstDivergence !== undefined
          ? 'diverged'
          : resultOfComparisons(comparisons),
    comparisons,
    differences,
  }
}

/** In the order of the pipeline: what comes after a divergence may only differ because of it. */
function whereItStopped(
  chosen: readonly Original[],
  { reports, comparisons }: Exclude<Again, string>,
): Pick<Reproduction, 'firstDivergence' | 'because'> {
  for (const { facts } of chosen) {
    const { stage } = facts
    const other = comparisons.find((one) => one.stage === stage && one.verdict === 'diverged')
    if (other !== undefined) return { firstDivergence: { stage, path: other.path, because: other.detail } }
    const report = reports.get(stage)
    if (report?.status === 'ran') continue
    const why = report?.because ?? 'it was not run'
    if (report?.status === 'failed') return { firstDivergence: { stage, because: `it failed: ${why}` } }
    return {
      because: `\`${stage}\` could not be run again: ${why}${report?.code === undefined ? '' : ` (${report.code})`}`,
    }
  }
  return {}
}

async function differencesOf(
  project: Project,
  chosen: readonly Original[],
  reports: ReadonlyMap<string, StageReport>,
): Promise<Reproduction['differences']> {
  const pairs = chosen.flatMap(({ facts: left }) => {
    const made = reports.get(left.stage)?.attestation
    const right = made === undefined ? undefined : believedStage(project, made)
    return right === undefined ? [] : [{ left, right }]
  })
  const short = (text: string): string => text.slice(0, maxWordCharacters)
  return (await causesOf(project, pairs)).slice(0, maxDifferences).map(({ stage, what, before, after }) => ({
    stage,
    what: short(what),
    before: short(before),
    after: short(after),
  }))
}
