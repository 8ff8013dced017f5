/** From what was observed of a stage to its signed statement. */
import {
  certifiedBuilder,
  commitFacts,
  type Signer,
  type StageFacts,
  type StatedCode,
  type StatedDependency,
  type StatedOutput,
  triggerFactsOf,
} from '../attestation/index.ts'
import type { Environment, StageOutcome } from '../compute/index.ts'
import { builderIds, type Content, type Sha256 } from '../core/index.ts'
import {
  maxSearchedLogBytes,
  portableKernels,
  type RecordedFact,
  recordCode,
  recordFacts,
  seedFacts,
  type VisibleFiles,
} from '../reproducibility/index.ts'
import { type AttestedBuilds, attestBuilds, attestEnvironment, buildOf } from './attest-builds.ts'
import type { Compared } from './compare-runs.ts'
import { credentialFacts } from './credential-facts.ts'
import { launderingFacts } from './laundering.fs.ts'
import { outlivedFacts } from './outlived.fs.ts'
import type { Project } from './project.ts'
import type { StageInputs } from './resolve-inputs.ts'
import type { StageSetting } from './run-stage.ts'
import { isThrowAway, type RunTools } from './run-tools.ts'
import { type StandingOn, systemFacts } from './stand-on.ts'
import { systemMaterial } from './systems.ts'
import type { ResolvedInput } from './view.ts'

/** What the stage did, and the tracked files as it was shown them: not as the working tree has them by now. */
export type Happened = Readonly<{
  outcome: StageOutcome
  code: ReadonlyMap<string, Content>
  /** Input -> the data verdict that it was started on. */
  verdicts: ReadonlyMap<string, Sha256>
  system: StandingOn
  gpus: readonly RecordedFact[]
  compared: Pick<Compared, 'unusual' | 'uncompared'>
}>

/** Signs what happened and stores it; the outs and the log are in the store already. @returns the bundle's digest */
export async function attestStage(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
  happened: Happened,
): Promise<Sha256> {
  const signer = await tools.signer()
  const throwAway = isThrowAway(tools.options)
  const builds = await attestBuilds(project, signer, setting.environment, throwAway)
  const made = { builds, at: happened.outcome.startedAt, isThrowAway: throwAway }
  const build = await attestEnvironment(project, signer, setting.environment, made)
  const facts = await factsOf(project, tools, setting, { ...happened, builds, build, identity: signer.identity })
  const { bytes } = await signer.sign({ kind: 'stage', facts })
  return project.evidence.save(bytes, { key: setting.key, subjects: facts.outputs.map(({ digest }) => digest) })
}

type Signing = Readonly<{ builds: AttestedBuilds; build: Sha256 | undefined; identity: Signer['identity'] }>

async function factsOf(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
  { outcome, code, verdicts, system, gpus, compared, identity, ...built }: Happened & Signing,
): Promise<StageFacts> {
  const { stage, settings, inputs, environment, variables } = setting
  const { options } = tools
  const sandbox = await tools.sandbox(stage.name)
  return {
    project: { id: project.id, name: project.settings.name },
    runId: tools.runId,
    stage: stage.name,
    pipelineFile: stage.file,
    source: sourceOf(project),
    definition: project.definition,
    commands: stage.commands,
    workingDirectory: stage.workingDirectory,
    parameters: inputs.params,
    overrides: project.overrides,
    variables,
    seed: settings.seed,
    dependencies: dependenciesOf(project, inputs, verdicts),
    code: codeIn({ outcome, code }, inputs.code),
    environment: environmentOf(environment, system, built),
    sandbox: { engine: sandbox.policy.engine, digest: sandbox.policy.digest, facts: sandbox.policy.facts },
    limits: setting.limits,
    network: {
      ...outcome.network,
      ...(settings.harmlessAttempts === undefined ? {} : { harmless: settings.harmlessAttempts }),
    },
    resources: usedBy(outcome, compared),
    ...(settings.secrets.length === 0 ? {} : { secrets: settings.secrets.toSorted() }),
    log: { digest: outcome.log.digest, sizeBytes: outcome.log.sizeBytes },
    outputs: await outputsOf(project, outcome),
    facts: recordFacts({
      machine: tools.machine(),
      assayVersion: project.version,
      environment: environment.facts,
      beside: [
        ...triggerFactsOf(identity),
        ...peopleFacts(project),
        ...systemFacts(system),
        ...gpus,
        ...outlivedFacts(project, environment),
        ...portableFacts(settings),
        ...credentialFacts(outcome, settings),
        ...seedFacts(inputs.params, await searchedLog(project, outcome)),
        ...(await launderingFacts(project, {
          outs: outcome.outs,
          inputs: inputs.resolved,
          tracked: tools.trackedFiles,
        })),
      ],
      sandbox: sandbox.policy.facts,
      seed: settings.seed,
      variables,
    }),
    key: setting.key,
    principal: await project.principal(),
    draft: options.draft,
    builderId: sandbox.policy.engine === 'none' ? builderIds.unisolated : certifiedBuilder(identity),
    builderVersion: project.version,
    startedAt: outcome.startedAt.toISOString(),
    finishedAt: outcome.finishedAt.toISOString(),
  }
}

/** Who wrote and committed the code, as the commit says. */
function peopleFacts({ code: { author, committer } }: Project): readonly RecordedFact[] {
  if (author === undefined || committer === undefined) return []
  return [
    { name: commitFacts.author, value: author, tier: 'observed' },
    { name: commitFacts.committer, value: committer, tier: 'observed' },
  ]
}

function portableFacts({ portable }: StageSetting['settings']): readonly RecordedFact[] {
  const means = portable === true ? portableKernels(process.arch)?.means : undefined
  return [
    {
      name: 'determinism/portable',
      value: means === undefined ? 'no: kernels are chosen by the processor' : `yes: ${means}, threads as declared`,
      tier: 'declared',
    },
  ]
}

async function searchedLog({ store }: Project, { log }: StageOutcome): Promise<string> {
  if (log.sizeBytes > maxSearchedLogBytes) return log.tail.join('\n')
  return (await store.read(log.digest, maxSearchedLogBytes)).toString('utf8')
}

/** INVARIANT: that nothing was unusual is said where it was compared with earlier runs, and left out where it was not. */
export function usedBy(
  { resources }: StageOutcome,
  { unusual, uncompared }: Happened['compared'],
): StageFacts['resources'] {
  return { ...resources, ...(unusual.length === 0 && uncompared !== undefined ? {} : { unusual }) }
}

function sourceOf({ code }: Project): StageFacts['source'] {
  return {
    ...(code.commit === undefined ? {} : { commit: code.commit }),
    ...(code.treeDigest === undefined ? {} : { treeDigest: code.treeDigest }),
    ...(code.uri === undefined ? {} : { uri: code.uri }),
    ...(code.ref === undefined ? {} : { ref: code.ref }),
    shallow: code.shallow,
    dirty: code.dirty.map(({ path }) => path),
  }
}

function dependenciesOf(
  project: Project,
  inputs: StageInputs,
  verdicts: Happened['verdicts'],
): readonly StatedDependency[] {
  const deps = inputs.resolved.map((input) => ({
    path: input.ref.path,
    digest: input.content.digest,
    role: input.ref.role,
    origin: originOf(project, input),
    ...verdictOf(verdicts.get(input.ref.path)),
  }))
  const before = [...inputs.before].map(([path, { digest }]): StatedDependency => {
    return { path, digest, role: 'persist', origin: { kind: 'unlisted' } }
  })
  return [...deps, ...before]
}

function verdictOf(verdict: Sha256 | undefined): Pick<StatedDependency, 'verdict'> {
  return verdict === undefined ? {} : { verdict }
}

function originOf(project: Project, { ref, attestation }: ResolvedInput): StatedDependency['origin'] {
  const { origin } = ref
  if (origin.kind === 'code') return { kind: 'code' }
  if (origin.kind === 'out') {
    // INVARIANT: an out of a frozen stage without our statement was not made here; it is never linked as if it were.
    return attestation === undefined
      ? { kind: 'not-made-here', stage: origin.stage }
      : { kind: 'stage', stage: origin.stage, attestation }
  }
  const listed = origin.source === undefined ? undefined : project.sources.get(origin.source)
  if (listed === undefined) return { kind: 'unlisted' }
  const { source, approval } = listed
  return {
    kind: 'source',
    id: source.id,
    classification: source.classification,
    ...(approval === undefined ? {} : { approval: approval.attestation }),
  }
}

function environmentOf(
  environment: Environment,
  system: StandingOn,
  { builds, build }: Pick<Signing, 'builds' | 'build'>,
): StageFacts['environment'] {
  const { name, kind, digest, locked, materials, packages } = environment
  return {
    name,
    kind,
    digest,
    locked,
    ...buildOf(build),
    materials: [
      ...materials.map((one) => ({ ...one, ...buildOf(builds.get(one.digest)) })),
      ...(system.accepted === 'root' ? [] : [{ name: systemMaterial, digest: system.digest }]),
    ],
    packages: packages.map(({ name: id, version }) => ({ name: id, version })),
  }
}

/** What the stage opened of the tracked files. @param counted those of them that are code */
export function codeIn({ outcome, code }: Pick<Happened, 'outcome' | 'code'>, counted: readonly string[]): StatedCode {
  return recordCode(outcome.opened, digestsOf(code, counted))
}

function digestsOf(code: Happened['code'], counted: readonly string[]): VisibleFiles {
  return new Map(
    counted.flatMap((path) => {
      const content = code.get(path)
      return content?.kind === 'file' ? [[path, content.digest] as const] : []
    }),
  )
}

async function outputsOf(project: Project, outcome: StageOutcome): Promise<readonly StatedOutput[]> {
  const outputs: StatedOutput[] = []
  for (const [path, content] of outcome.outs) outputs.push({ path, ...(await outputOf(project, content)) })
  return outputs.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

async function outputOf(project: Project, content: Content): Promise<Omit<StatedOutput, 'path'>> {
  const { digest, sizeBytes } = content
  if (content.kind === 'file') return { digest, sizeBytes, executable: content.executable }
  return { digest, sizeBytes, list: await project.store.putFolder(content.files) }
}
