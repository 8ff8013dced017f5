/** Opens a project: its definition, code, inventory, evidence and trust policy, read once and not believed. */

import { join } from 'node:path'
import {
  heldReviews,
  loadSeal,
  parseTrustPolicy,
  type RevokedSource,
  speaksAgainst,
  type TrustPolicy,
  withIdentities,
} from '../attestation/index.ts'
import { isDomainError, isInside, isPlainPath, sha256Of } from '../core/index.ts'
import {
  openIgnored,
  openObjectStore,
  openRepository,
  openStatCache,
  parseSources,
  type Source,
  sampleSeed,
} from '../data/index.ts'
import { withClosedObjects } from './closed-objects.ts'
import type { CodeTree } from './code.ts'
import { openCode } from './code-tree.ts'
import { openContents } from './contents.fs.ts'
import { definePipeline, defineSettings, type PlanDocument, parseOverrides, planDocument } from './define/index.ts'
import type { PipelineDefinition, ProjectSettings } from './definition.ts'
import { writesDvcLock } from './dvc/index.ts'
import { openEvidence } from './evidence.fs.ts'
import { goldenSetsIn } from './golden.ts'
import { anchorsOf, surroundingsOf, visibleFiles } from './inputs.ts'
import { keySourceOf, pinnedPolicy } from './keys.fs.ts'
import { loadLock } from './lock.fs.ts'
import { proofsAtHand } from './log-proofs.fs.ts'
import { policyInForce, withProofs } from './policy-in-force.fs.ts'
import type { Caller, Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { openRuns } from './runs.fs.ts'
import { believedDecisions, heldDataDecisions, listSources, revokedSources } from './sources.ts'
import { pinnedSystems, withUnreviewedSystems } from './systems.ts'
import { nothingTaken, takenAway, withTaken } from './taken-away.ts'
import { ignoredBy, makeState, openReader, refuseCommittedState, requireRoot } from './workspace.fs.ts'

export type OpenOptions = Readonly<{
  /** `--set`, as given. */
  overrides?: readonly string[]
  /** Trusts no remembered digest. */
  rehash?: boolean
  /** Absolute path of a status file, beside the project's own policy. */
  status?: string
  /** A policy that the caller chose; else the pinned one, else the repository's. */
  policy?: TrustPolicy
  /** Beside those of the policy, as their format has them. */
  trustedRoots?: readonly unknown[]
  /** Another checkout of this project, which lends what it knows: store, evidence, environments, policy and key. */
  lentBy?: Project
}>

/** @throws ERR_PROJECT_MISSING, ERR_DEFINITION_INVALID, ERR_SETTINGS_INVALID, ERR_POLICY_MALFORMED, ERR_SOURCES_INVALID */
export async function openProject(caller: Caller, options: OpenOptions = {}): Promise<Project> {
  const root = requireRoot(caller.workingFolder)
  const state = join(root, '.assay')
  makeState(root)
  const seal = loadSeal(caller.environment, root)
  const cache = openStatCache(join(state, 'cache', 'stat.sqlite'), seal)
  const digesting = { cache, rehash: options.rehash === true }
  const repository = await openRepository(root, { ...digesting, environment: caller.environment })
  refuseCommittedState(repository?.tree.keys() ?? [])
  const overrides = options.overrides ?? []
  const parsedOverrides = parseOverrides(overrides)
  const reader = await openReader(root, ignoredBy(repository))
  const pipeline = definePipeline(reader, { root, overrides: parsedOverrides })
  const settings = defineSettings(readProjectFile(root, 'assay.yaml'), 'assay.yaml', pipeline)

  const md5s = wantsMd5s(root, pipeline, settings) ? { md5Memory: cache } : {}
  const { lentBy } = options
  const store = lentBy?.store ?? openObjectStore(join(state, 'objects'), md5s)
  const contents = openContents(root, store, digesting)
  const listed = sourcesOf(root)
  const { status } = options
  const proofsOf = proofsAtHand(root)
  const trustOf = (given: TrustPolicy | undefined): TrustPolicy =>
    given === undefined
      ? policyInForce(policyOf(root, caller), caller, { status, proofsOf })
      : withProofs(given, proofsOf)
  const trust = await withIdentities(lentBy?.trust ?? trustOf(options.policy), options.trustedRoots)
  const own = openEvidence(root)
  const taken =
    lentBy === undefined
      ? await takenAway(repository, own.approvals(), (bytes) => speaksAgainst(bytes, trust))
      : nothingTaken
  const evidence = lentBy?.evidence ?? withTaken(own, taken)
  const decisions = believedDecisions(evidence.approvals(), trust)
  const definition = definitionFiles(root, pipeline, settings)
  const files = await openCode({
    repository,
    store,
    contents,
    definition,
    absent: definition.filter((path) => readProjectFile(root, path) === undefined),
    declared: declaredBy(pipeline),
    exempt: exemptOf(pipeline, settings, listed),
  })
  const lock = loadLock(root)
  const systems = await pinnedSystems({ repository, code: files, working: lock.systems, memory: cache })
  const known = withUnreviewedSystems(files, systems)
  const code = { ...known, findings: [...known.findings, ...taken.findings] }
  const anchors = anchorsOf(pipeline, settings)
  const goldenSets = goldenSetsIn(listed, { approvals: decisions, now: caller.now() })
  const goldenAnchors = goldenSets.flatMap(({ path }) =>
    path === undefined ? [] : [{ kind: 'external' as const, path }],
  )
  return withClosedObjects({
    root,
    id: trust.project ?? '',
    version: caller.version,
    now: caller.now,
    environment: caller.environment,
    environmentsFolder: lentBy?.environmentsFolder ?? join(state, 'environments'),
    apart: lentBy !== undefined,
    ...(lentBy === undefined ? {} : { lentBy }),
    settings,
    pipeline,
    surroundings: surroundingsOf(anchors, code.paths),
    visible: visibleFiles([...anchors, ...goldenAnchors], code.paths),
    goldenSets,
    definition: describeDefinition(root, definition, code),
    overrides,
    parsedOverrides,
    code,
    contents,
    store,
    hints: cache,
    gitIgnored: ignoredBy(repository),
    isDvcIgnored: (path) => reader.isIgnored?.(path) === true,
    dvcIgnoreRules: digestOfFile(root, '.dvcignore'),
    evidence,
    runs: openRuns(root),
    lock: lock.stages,
    systems,
    sources: listSources(listed, decisions, caller.now()),
    trust,
    principal: async () => {
      const { name = 'unknown', email = 'unknown' } = (await repository?.identity()) ?? {}
      return { name, email, tier: 'declared' }
    },
    revokedSources: revokedSources(listed, decisions),
    keySource: lentBy?.keySource ?? (() => keySourceOf(root, trust.project ?? '', caller.environment)),
    definitionReviews: once(() =>
      heldReviews({
        evidence: { approvals: evidence.approvals() },
        policy: trust,
        surroundings: { now: caller.now() },
      }),
    ),
    dataDecisions: once(() => heldDataDecisions(evidence.approvals(), trust)),
    dataVerdicts: new Map(),
    sampleSeed: (path, digest) => sampleSeed(seal, path, digest),
    verdicts: new Map(),
    statCache: options.rehash === true ? undefined : cache,
    sealedFacts: lentBy?.sealedFacts ?? cache,
  })
}

function digestOfFile(root: string, path: string): string {
  const bytes = readProjectFile(root, path)
  return bytes === undefined ? '' : sha256Of(bytes)
}

/** DVC knows content by its MD5: it is made where a lock or a `.dvc` file of DVC speaks of it. */
function wantsMd5s(root: string, pipeline: PipelineDefinition, settings: ProjectSettings): boolean {
  return writesDvcLock(root, pipeline, settings) || pipeline.tracked.some(({ md5 }) => md5 !== undefined)
}

/** The plan alone, as DVC resolves it: no data, no key, no assay.yaml; of git only what is ignored. */
export async function openPlan(caller: Caller): Promise<PlanDocument> {
  return planDocument(await pipelineHere(caller))
}

/** The definition alone: neither data, nor key, nor git, but for what is ignored. */
export async function pipelineHere(caller: Caller): Promise<PipelineDefinition> {
  const root = requireRoot(caller.workingFolder)
  const ignored = await openIgnored(root, caller.environment)
  const reader = await openReader(root, ignoredBy(ignored === undefined ? undefined : { ignored }))
  return definePipeline(reader, { root })
}

/** What may be named on a command line; asked at each press of the tab key, so nothing else is opened. */
export type ProjectNames = Readonly<Record<'stages' | 'outs' | 'sources' | 'runs' | 'environments', readonly string[]>>

/** @throws as `openPlan` does */
export async function projectNames(caller: Caller): Promise<ProjectNames> {
  const root = requireRoot(caller.workingFolder)
  const pipeline = await pipelineHere(caller)
  const { stages } = planDocument(pipeline)
  const { environments } = defineSettings(readProjectFile(root, 'assay.yaml'), 'assay.yaml', pipeline)
  return {
    stages: stages.map(({ name }) => name),
    outs: stages.flatMap((stage) => [...stage.outs.map(({ path }) => path), ...stage.metrics, ...stage.plots]),
    sources: sourcesOf(root).map(({ id }) => id),
    runs: openRuns(root).list(),
    environments: [...environments.keys()],
  }
}

function once<Value>(make: () => Value): () => Value {
  let made: Readonly<{ value: Value }> | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Before `assay init` nobody is believed. */
const nobody: TrustPolicy = {
  origin: 'repository',
  keys: new Map(),
  builders: [],
  roles: new Map(),
  minimumLevel: 1,
  oneCommit: false,
  engines: new Map(),
}

/** Pinned by the user before what the checkout says of itself. Source: trust.md section 1. */
function policyOf(root: string, caller: Caller): TrustPolicy {
  const bytes = readProjectFile(root, 'trust.yaml')
  const own = bytes === undefined ? nobody : parseTrustPolicy(bytes, 'repository')
  return pinnedPolicy(root, own.project ?? '', caller.environment) ?? own
}

/**
 * What a checkout says is revoked, for who judges by a policy of their own; nothing where it is another project.
 *
 * It takes away and gives nothing, so it is not asked who wrote it. @throws ERR_SOURCES_INVALID
 */
export function revokedIn(root: string, policy: TrustPolicy): readonly RevokedSource[] {
  if (isOfOther(root, policy)) return []
  return revokedSources(sourcesOf(root), believedDecisions(openEvidence(root).approvals(), policy))
}

/**
 * Whether a checkout says that it is of another project than the policy: what it knows is then not asked.
 *
 * THREAT: one whose `trust.yaml` is gone or broken says nothing of itself, and would be left out with all that it knows.
 */
export function isOfOther(root: string, { project }: Pick<TrustPolicy, 'project'>): boolean {
  const id = projectIdOf(root)
  return id !== undefined && project !== undefined && id !== project
}

/** What the checkout's own policy says; undefined where it says nothing, or cannot be read. */
export function projectIdOf(root: string): string | undefined {
  const bytes = readProjectFile(root, 'trust.yaml')
  try {
    return bytes === undefined ? undefined : parseTrustPolicy(bytes, 'repository').project
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: what cannot be read names no other project
    throw error
  }
}

function sourcesOf(root: string): readonly Source[] {
  const bytes = readProjectFile(root, 'sources.yaml')
  return bytes === undefined ? [] : parseSources(bytes)
}

/** Everything that says what runs: one of these that the commit does not hold makes the tree dirty. */
function definitionFiles(root: string, pipeline: PipelineDefinition, settings: ProjectSettings): readonly string[] {
  const own = ['assay.yaml', 'sources.yaml', 'trust.yaml'].filter((path) => readProjectFile(root, path) !== undefined)
  const locks = [...settings.environments.values()].flatMap((environment) => {
    const own = 'lock' in environment ? [environment.lock] : []
    return 'sources' in environment && environment.sources !== undefined ? [...own, environment.sources.lock] : own
  })
  const params = pipeline.stages.flatMap((stage) => Object.keys(stage.params))
  const rules = [
    ...settings.data.values(),
    ...pipeline.stages.flatMap(({ name }) => Object.values(settings.settingsOf(name).outs ?? {})),
  ]
  const held = rules.flatMap(({ contract, baseline }) => [contract, baseline]).filter((path) => path !== undefined)
  const made = pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  const files = new Set([...pipeline.files, ...own, 'assay.yaml', ...locks, ...params, ...held])
  return [...files].filter((path) => !made.some((out) => isInside(path, out))).toSorted()
}

function describeDefinition(root: string, files: readonly string[], code: CodeTree): Project['definition'] {
  return files.flatMap((path) => {
    const bytes = readProjectFile(root, path)
    if (bytes === undefined) return []
    const gitBlob = code.blobOf(path)
    return [{ path, digest: sha256Of(bytes), ...(gitBlob === undefined ? {} : { gitBlob }) }]
  })
}

function declaredBy(pipeline: PipelineDefinition): readonly string[] {
  const paths = new Set(pipeline.stages.flatMap((stage) => [...stage.deps, ...Object.keys(stage.params)]))
  return [...paths].filter(isPlainPath) // an address or a path outside is in no commit; its stage is refused
}

/** Outs, approvals, and inputs that a source or a `.dvc` file pins by digest. Source: trust.md section 2. */
function exemptOf(
  pipeline: PipelineDefinition,
  settings: ProjectSettings,
  sources: readonly Source[],
): readonly string[] {
  const known = new Set(sources.map(({ id }) => id))
  const pinned = [...settings.data].flatMap(([path, { source }]) =>
    source !== undefined && known.has(source) ? [path] : [],
  )
  const outs = pipeline.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  return ['attestations', ...outs, ...pinned, ...pipeline.tracked.map(({ path }) => path)]
}
