/** What running stages again came to, beside what it was: compared, put in order, and summed up. */
import { type OutComparison, type Reproduction, resultOfComparisons } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import { type Compared, proposeTolerances, type Tolerance } from '../reproducibility/index.ts'
import { believedStage } from './believe.ts'
import { recordedDifferences, type StagePair } from './causes.fs.ts'
import { compareContents, compareOut, secretBehind } from './compare-outs.fs.ts'
import type { Original } from './originals.fs.ts'
import type { Project } from './project.ts'
import type { StageReport } from './report.ts'

/** LIMIT: differences that a verdict lists. */
const maxDifferences = 60
const maxWordCharacters = 300

/** What running again came to, by the statement of then. */
export type Again = Readonly<{
  reports: ReadonlyMap<Sha256, StageReport>
  comparisons: readonly OutComparison[]
  /** Those that have other bytes, by stage. */
  files: readonly Readonly<{ stage: string; compared: Compared }>[]
  /** Why outs could not be compared within what is declared of them. */
  uncompared: readonly string[]
}>

export async function compareAll(
  project: Project,
  chosen: readonly Original[],
  reports: Again['reports'],
  signal: AbortSignal,
): Promise<Omit<Again, 'reports'>> {
  const comparisons: OutComparison[] = []
  const files: Again['files'][number][] = []
  const uncompared: string[] = []
  for (const { attestation, facts } of chosen) {
    const { stage } = facts
    const made = reports.get(attestation)?.attestation
    const now = made === undefined ? undefined : believedStage(project, made)
    const tolerances = declaredBy(project, stage)
    const secret = secretBehind(project, attestation)
    for (const left of facts.outputs) {
      const right = now?.outputs.find(({ path }) => path === left.path)
      if (right === undefined) continue // its stage says why
      const out = await compareOut(project, { stage, left, right }, { tolerances, secret, signal })
      comparisons.push(...out.told)
      files.push(...out.files.map((compared) => ({ stage, compared })))
      if (out.unavailable !== undefined) uncompared.push(out.unavailable)
    }
  }
  return { comparisons, files, uncompared }
}

/** THREAT: a tolerance that was written for one reproduction and is in no commit. */
function declaredBy({ settings, code }: Project, stage: string): readonly Tolerance[] {
  return code.isCommitted('assay.yaml') ? (settings.settingsOf(stage).tolerances ?? []) : []
}

export type Judged = Pick<
  Reproduction,
  'stages' | 'result' | 'comparisons' | 'firstDivergence' | 'differences' | 'because'
>

export async function judge(project: Project, chosen: readonly Original[], again: Again): Promise<Judged> {
  const { reports, comparisons } = again
  const stages = chosen.map(({ attestation: original, facts: { stage } }) => {
    const made = reports.get(original)?.attestation
    return made === undefined ? { stage, original } : { stage, original, again: made }
  })
  const stop = whereItStopped(chosen, again)
  return {
    stages,
    ...stop,
    result:
      stop.because !== undefined
        ? 'unavailable'
        : stop.firstDivergence !== undefined
          ? 'diverged'
          : resultOfComparisons(comparisons),
    comparisons,
    differences: await differencesOf(project, chosen, reports),
  }
}

/**
 * In the order of the pipeline: what comes after a divergence may only differ because of it. A divergence that was seen
 * is told, whatever else could not be run.
 */
function whereItStopped(
  chosen: readonly Original[],
  { reports, comparisons, uncompared }: Again,
): Pick<Reproduction, 'firstDivergence' | 'because'> {
  for (const { attestation, facts } of chosen) {
    const { stage } = facts
    const other = comparisons.find((one) => one.stage === stage && one.verdict === 'diverged')
    if (other !== undefined) return { firstDivergence: { stage, path: other.path, because: other.detail } }
    const report = reports.get(attestation)
    // A limit may be hit because the machine is busy: that says nothing of the evidence.
    if (report?.status === 'failed' && report.code !== 'ERR_STAGE_LIMIT')
      return { firstDivergence: { stage, because: `it failed: ${report.because ?? ''}` } }
  }
  for (const { attestation, facts } of chosen) {
    const report = reports.get(attestation)
    if (report?.status === 'ran') continue
    const code = report?.code === undefined ? '' : ` (${report.code})`
    return { because: `\`${facts.stage}\` could not be run again: ${report?.because ?? 'it was not run'}${code}` }
  }
  const [because] = uncompared
  return because === undefined ? {} : { because }
}

async function differencesOf(
  project: Project,
  chosen: readonly Original[],
  reports: Again['reports'],
): Promise<Reproduction['differences']> {
  const short = (text: string): string => text.slice(0, maxWordCharacters)
  const differences = await recordedDifferences(project, pairsOf(project, chosen, reports))
  return differences.slice(0, maxDifferences).map(({ stage, what, before, after }) => ({
    stage,
    what: short(what),
    before: short(before),
    after: short(after),
  }))
}

/** Each stage that was run again, beside itself. */
export function pairsOf(
  project: Project,
  chosen: readonly Original[],
  reports: Again['reports'],
): readonly StagePair[] {
  return chosen.flatMap(({ attestation, facts: left }) => {
    const made = reports.get(attestation)?.attestation
    const right = made === undefined ? undefined : believedStage(project, made)
    return right === undefined ? [] : [{ left, right }]
  })
}

const gravity = ['identical', 'within-tolerance', 'unavailable', 'diverged'] as const

export type Tried = Readonly<{ again: Again; judged: Judged }>

/** Of several runs the one that is farthest from what it was is the answer. */
export function worstOf(tried: readonly Tried[]): Tried {
  const rank = ({ judged: { result } }: Tried): number => gravity.indexOf(result)
  const [worst] = tried.toSorted((one, other) => rank(other) - rank(one))
  if (worst === undefined) throw new Error('no run')
  return worst
}

/**
 * How much more than what was seen may be seen next time. Runs are held against the first: no two of them lie further apart
 * than twice the farthest of it (triangle inequality).
 */
const noiseFactor = 2

/** What runs differed in among themselves; each tolerance with its stage, otherwise as assay.yaml takes it. */
export type Noise = Readonly<{
  tolerances: readonly (Tolerance & Readonly<{ stage: string }>)[]
  /** Paths that differed in a way that no tolerance can allow. */
  beyond: readonly string[]
  /** Paths that nobody looked into: made of secret data, of bytes that are gone, or not in every run. */
  uncompared: readonly string[]
  /** Every out of every run was there, with the same bytes. */
  isSame: boolean
}>

/** Each run beside the first, which is that of then; no tolerance counts. */
export async function noiseOf(
  project: Project,
  chosen: readonly Original[],
  judged: readonly Judged[],
  signal: AbortSignal,
): Promise<Noise> {
  const floors: Pick<Noise, 'tolerances' | 'beyond'>[] = []
  const uncompared = new Set<string>()
  let isSame = true
  for (const { attestation, facts } of chosen) {
    const isHidden = secretBehind(project, attestation) !== undefined // how much they differ tells values
    const compared: (readonly Compared[])[] = []
    const runs = [facts, ...judged.flatMap(({ stages }) => factsOf(project, stages, facts.stage))]
    for (const { path } of facts.outputs) {
      const outs = runs.flatMap(({ outputs }) => outputs.find((output) => output.path === path) ?? [])
      if (outs.length <= judged.length) uncompared.add(path)
      let [left] = outs
      for (const right of outs) {
        if (left === undefined || left.digest === right.digest) continue
        isSame = false
        const pair = isHidden ? undefined : await compareContents(project, [left, right], { tolerances: [], signal })
        if (pair !== undefined) compared.push(pair)
        else {
          uncompared.add(path)
          left = right // the bytes of the first are gone: the next one takes its place
        }
      }
    }
    const { tolerances, beyond } = proposeTolerances(compared, { runs: judged.length + 1, factor: noiseFactor })
    floors.push({ tolerances: tolerances.map((each) => ({ stage: facts.stage, ...each })), beyond })
  }
  return {
    tolerances: floors.flatMap(({ tolerances }) => tolerances),
    beyond: floors.flatMap(({ beyond }) => beyond),
    uncompared: [...uncompared],
    isSame: isSame && uncompared.size === 0,
  }
}

function factsOf(project: Project, stages: Judged['stages'], name: string): readonly Original['facts'][] {
  const again = stages.find(({ stage }) => stage === name)?.again
  const facts = again === undefined ? undefined : believedStage(project, again)
  return facts === undefined ? [] : [facts]
}
