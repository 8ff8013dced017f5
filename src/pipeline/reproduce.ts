/**
 * `assay reproduce`: stages once more from their evidence, in a checkout of their commit and fresh sandboxes; do they come
 * to the same? The answer is signed, whatever it is.
 *
 * Nothing of the working tree is used but data whose bytes the evidence names. Read next: `reproduction-place.fs.ts` (what
 * is put where), `run.ts` (the run itself is an ordinary one).
 */

import { certifiedBuilder, type OutComparison, type Reproduction, type Signer } from '../attestation/index.ts'
import {
  canonicalJson,
  type Digest,
  DomainError,
  type ErrorCode,
  isDomainError,
  type Json,
  type Sha256,
} from '../core/index.ts'
import type { Measure } from '../reproducibility/index.ts'
import { believedStage } from './believe.ts'
import { causesOf, type StageCause } from './causes.fs.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { type Again, compareAll, judge, type Noise, noiseOf, type Tried, worstOf } from './judge-reproduction.ts'
import { listedSigner } from './open-signer.ts'
import { type Original, originalsOf } from './originals.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { recordedEngines } from './recorded-engine.ts'
import { type RunAgain, withRepeats } from './repeats.ts'
import type { StageReport } from './report.ts'
import { reproductionKey } from './reproduction-key.ts'
import { type PagedStage, printReproductionPage } from './reproduction-page.ts'
import { withPictures } from './reproduction-pictures.fs.ts'
import { layOutPlace } from './reproduction-place.fs.ts'
import { type RunEvent, runPipeline } from './run.ts'
import { onceMore, openSigner } from './run-tools.ts'
import { writeReport } from './validate-data.fs.ts'

export type ReproduceOptions = Readonly<{
  /** Only this stage; what it builds on is taken as it was. */
  stage?: string
  /** This stage and all that build on it. */
  from?: string
  /** How often; 1 when left out. What the runs differ in among themselves is told as the noise of the stages. */
  times?: number
  /** A file that an HTML page is written to. */
  page?: string
  signal: AbortSignal
  onEvent(event: RunEvent): void
}>

/** The shape of `assay reproduce --json`; fields may be added. */
export type ReproductionReport = Readonly<{
  verdict: Reproduction['result']
  firstDivergence: Reproduction['firstDivergence'] | null
  comparisons: readonly OutComparison[]
  /** Of files with other bytes how their tensors, keys or columns differ, the worst first; not signed. */
  measured: readonly Readonly<{ stage: string; path: string; measures: readonly Measure[] }>[]
  differences: Reproduction['differences']
  /** Of outs with other bytes, likeliest first: what is recorded otherwise, and places in the code that no run repeats. */
  causes: readonly StageCause[]
  stages: Reproduction['stages']
  because?: string
  /** Of several runs: what they differed in, and tolerances that would have let all of them pass. */
  noise?: Noise
  /** Digest of the bundle that says so. */
  attestation: Sha256
}>

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
  if (outsOf(chosen).length === 0)
    throw new DomainError('ERR_EVIDENCE_MISSING', 'it has no out that could be compared', {
      help: 'name another stage',
    })
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  refuseUnlisted(project, signer)
  const startedAt = project.now().toISOString()
  const run: RunAgain = (stages) => runAgain(caller, project, chain, stages, options)
  const tried: Tried[] = []
  while (tried.length < (options.times ?? 1)) {
    const again = await run(chosen)
    tried.push({ again, judged: await judge(project, chosen, again) })
  }
  const all = tried.map(({ judged }) => judged)
  const noise = all.length < 2 ? {} : { noise: await noiseOf(project, chosen, all, options.signal) }
  const worst = worstOf(tried)
  const pairs = await withRepeats(project, { chosen, tried, worst, run, options })
  const reproduction: Reproduction = {
    project: project.id,
    outs: outsOf(chosen),
    ...worst.judged,
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
  await enterLog(project, signer, attestationsOf(project))
  const causes = await causesOf(project, pairs) // after it is signed: code of others is parsed for it
  const { result, firstDivergence = null, comparisons, differences, stages, because } = reproduction
  const report: ReproductionReport = {
    verdict: result,
    firstDivergence,
    comparisons,
    measured: measuredOf(worst.again),
    differences,
    causes,
    stages,
    ...(because === undefined ? {} : { because }),
    ...noise,
    attestation,
  }
  if (options.page !== undefined) {
    const stagesOf = pageStages(project, chosen, worst.again)
    const files = await withPictures(project, stagesOf, worst.again.files, options.signal)
    const { version } = project
    const page = { report, stages: stagesOf, files, runs: tried.length, version, writtenAt: project.now() }
    writeReport(caller, options.page, printReproductionPage(page))
  }
  return report
}

/** LIMIT: measures of one file that are told; the HTML page has all. */
const maxMeasures = 100

function measuredOf({ files }: Again): ReproductionReport['measured'] {
  return files.flatMap(({ stage, compared: { path, measures } }) =>
    measures.length === 0 ? [] : [{ stage, path, measures: measures.slice(0, maxMeasures) }],
  )
}

function pageStages(project: Project, chosen: readonly Original[], { reports }: Again): readonly PagedStage[] {
  return chosen.map(({ attestation, facts: then }) => {
    const made = reports.get(attestation)?.attestation
    const now = made === undefined ? undefined : believedStage(project, made)
    return { then, ...(now === undefined ? {} : { now }) }
  })
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

/** Every stage at its own commit, with what it builds on as it was, or as it has just been made at the same commit. */
async function runAgain(
  caller: Caller,
  project: Project,
  chain: readonly Original[],
  chosen: readonly Original[],
  options: ReproduceOptions,
): Promise<Again> {
  using _hold = project.store.hold()
  const reports = new Map<Sha256, StageReport>()
  for (const group of Map.groupBy(chosen, ({ facts }) => canonicalJson(placeOf(facts))).values()) {
    for (const [original, report] of await runGroup(caller, project, { chain, group }, options))
      reports.set(original.attestation, report)
  }
  const compared = await withoutAborts(options.signal, () => compareAll(project, chosen, reports, options.signal))
  return { reports, ...compared }
}

function placeOf({ source, overrides }: Original['facts']): Json {
  return { commit: source.commit ?? '', dirty: [...source.dirty], overrides: [...overrides] }
}

/** What is run again is compared as what it made is believed: with a key that nobody listed it would all be for nothing. */
function refuseUnlisted({ trust }: Project, signer: Signer): void {
  const own = listedSigner(trust, signer)
  const mayBuild = trust.builders.some(
    ({ key, builder }) => key === own?.name && builder === certifiedBuilder(signer.identity),
  )
  const mayReproduce = own !== undefined && trust.roles.get('reproducer')?.anyOf.includes(own.name) === true
  if (mayBuild && mayReproduce) return
  const lacking = [...(mayBuild ? [] : ['the builder that it runs as']), ...(mayReproduce ? [] : ['reproducer'])]
  throw new DomainError('ERR_SIGNER_UNKNOWN', `the trust policy does not list your key for ${lacking.join(' and ')}`, {
    help: 'have your public key (assay key export) listed in trust.yaml, under builder and reproducer',
  })
}

async function runGroup(
  caller: Caller,
  project: Project,
  { chain, group }: Readonly<{ chain: readonly Original[]; group: readonly Original[] }>,
  options: ReproduceOptions,
): Promise<ReadonlyMap<Original, StageReport>> {
  const names = group.map(({ facts }) => facts.stage)
  const before = upstreamOf(chain, group)
  try {
    await using place = await layOutPlace(caller, project, { before, group })
    const engines = await recordedEngines(place.project, [...before, ...group], options.onEvent)
    const run = { ...onceMore(names, options), acceptUnusual: true, engines }
    const report = await withoutAborts(options.signal, () => runPipeline(place.project, run))
    const made = new Map(report.stages.map((stage) => [stage.name, stage]))
    const fault = report.stages.find(({ code }) => code !== undefined && ofTheWorld.has(code))
    if (fault?.code !== undefined) throw new DomainError(fault.code, `\`${fault.name}\`: ${fault.because ?? ''}`)
    // THREAT: what a stage builds on was made anew unnoticed, and the stage is blamed for it.
    const moved = before.find(({ attestation, facts }) => made.get(facts.stage)?.attestation !== attestation)
    if (moved !== undefined) {
      throw new DomainError('ERR_REPRODUCTION_UNAVAILABLE', `\`${moved.facts.stage}\` could not be taken as it was`, {
        help: 'reproduce it too: leave out --stage and --from',
      })
    }
    return new Map(group.flatMap((one) => [[one, made.get(one.facts.stage) ?? notRun(one, 'it was not run')] as const]))
  } catch (error) {
    if (!isDomainError(error) || ofTheWorld.has(error.code)) throw error
    return new Map(group.map((one) => [one, notRun(one, error.message, error.code)] as const))
  }
}

/** What a signal ends is told as one thing, wherever it was met. */
async function withoutAborts<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  try {
    const value = await work()
    if (!signal.aborted) return value
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw stopped()
}

function notRun({ facts }: Original, because: string, code?: ErrorCode): StageReport {
  const why = code === undefined ? { because } : { because, code }
  return { name: facts.stage, status: 'refused', ...why, durationMs: 0, outputs: [] }
}

/** Those of the chain that the group builds on, and that are not in it; in the order of the chain. */
function upstreamOf(chain: readonly Original[], group: readonly Original[]): readonly Original[] {
  const own = new Set(group.map(({ attestation }) => attestation))
  const wanted = new Set(own)
  for (const { attestation, facts } of chain.toReversed()) {
    if (!wanted.has(attestation)) continue
    for (const { origin } of facts.dependencies) if (origin.kind === 'stage') wanted.add(origin.attestation)
  }
  return chain.filter(({ attestation }) => wanted.has(attestation) && !own.has(attestation))
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
  'ERR_SIGNER_DENIED',
  'ERR_SIGNER_UNREACHABLE',
  'ERR_SIGNER_WRONG',
  'ERR_IDENTITY_TOKEN',
  'ERR_SANDBOX_UNAVAILABLE',
  'ERR_ENGINE_UNAVAILABLE',
  'ERR_GPU_UNAVAILABLE',
  'ERR_ENV_FETCH',
  'ERR_SYSTEM_CHANGED',
  'ERR_RUN_CANCELLED',
  'ERR_KEY_HOME',
  'ERR_KEY_LOCKED',
  'ERR_STORE_BUSY',
])
