/**
 * May a stage's earlier outs be used again? Only on a verified statement of at least the same trust as running now.
 *
 * The lock says where to look first, the index by key where to look next; both are hints. What decides is the signed
 * statement: its key equals ours, the tracked files that it opened are as they were, its objects are in the store.
 * Source: trust.md section 2 ("a cache hit").
 */
import { maxClockSkewMs, type StageFacts } from '../attestation/index.ts'
import {
  builderIds,
  type Content,
  canonicalJson,
  type Digest,
  isAtLeastEngine,
  isDomainError,
  type Sha256,
} from '../core/index.ts'
import { changedCode } from '../reproducibility/index.ts'
import { believedStage } from './believe.ts'
import { asksForUsual, uncomparedThen } from './compare-runs.ts'
import { unvalidatedInput } from './data-gate.ts'
import { notAsHeldNow } from './held-now.ts'
import type { Project } from './project.ts'
import type { StageSetting } from './run-stage.ts'
import { isThrowAway, type RunTools } from './run-tools.ts'
import { acceptedIn } from './system-pin.ts'

export type Reusable = Readonly<{
  kind: 'reusable'
  attestation: Sha256
  because: string
  outs: ReadonlyMap<string, Content>
  /** Outs that the working tree does not hold as they were: to be restored. */
  stale: ReadonlyMap<string, Content>
}>
export type NotReusable = Readonly<{ kind: 'not-reusable'; because: string }>

export async function findReusable(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
): Promise<Reusable | NotReusable> {
  const { stage } = setting
  const always = reasonToRunAlways(tools, setting)
  if (always !== undefined) return { kind: 'not-reusable', because: always }

  const pinned = project.lock.get(stage.name)
  const candidates = [
    ...new Set([...(pinned === undefined ? [] : [pinned.attestation]), ...project.evidence.byKey(setting.key)]),
  ]
  const reasons: string[] = []
  for (const attestation of candidates) {
    const found = await tryCandidate(project, tools, setting, attestation)
    if (found.kind === 'reusable') return found
    reasons.push(found.because)
  }
  if (reasons[0] !== undefined) return { kind: 'not-reusable', because: reasons[0] }
  return {
    kind: 'not-reusable',
    because: pinned === undefined ? 'it has not run on these inputs yet' : 'its evidence is not here',
  }
}

function reasonToRunAlways(tools: RunTools, { stage }: StageSetting): string | undefined {
  if (tools.options.force) return '--force'
  if (tools.options.again?.has(stage.name) === true) return 'to see whether it comes to the same'
  if (stage.alwaysChanged) return 'it is always_changed'
  return stage.deps.length === 0 && stage.outs.length === 0 && Object.keys(stage.params).length === 0
    ? 'it declares neither deps nor outs'
    : undefined
}

async function tryCandidate(
  project: Project,
  tools: RunTools,
  setting: StageSetting,
  attestation: Sha256,
): Promise<Reusable | NotReusable> {
  const no = (because: string): NotReusable => ({ kind: 'not-reusable', because })
  const { stage } = setting
  const facts = believedStage(project, attestation)
  if (facts === undefined) return no(whyNotBelieved(project, attestation))
  const changed = changedFact(facts, setting, tools.engineOf(stage.name))
  if (changed !== undefined) return no(changed)
  const code = changedCode(facts.code, await project.code.digests(setting.inputs.code))
  if (code !== undefined) return no(code)
  const unvalidated = isThrowAway(tools.options)
    ? undefined
    : await unvalidatedInput(project, setting.inputs.resolved, (path) => {
        return facts.dependencies.find((dependency) => dependency.path === path && dependency.role === 'dep')?.verdict
      })
  if (unvalidated !== undefined) return no(unvalidated)
  const weaker = weakerThanNow(project, tools, attestation) ?? (await uncomparedNow(project, tools, setting, facts))
  if (weaker !== undefined) return no(weaker)

  const outs = await storedOuts(project, facts)
  if (outs === undefined) return no('its outs are no longer in the store')
  const stale = new Map<string, Content>()
  for (const [path, content] of outs) {
    if ((await plainDigest(project, path)) !== content.digest) stale.set(path, content)
  }
  const grown = stage.outs.find(({ path, persist }) => persist && stale.has(path) && setting.inputs.before.has(path))
  if (grown !== undefined) return no(`its persisted out \`${grown.path}\` changed`)
  const restored = tools.options.dryRun ? 'would restore' : 'restored'
  const because = stale.size === 0 ? 'up to date' : `${restored} ${[...stale.keys()].join(', ')} from the store`
  return { kind: 'reusable', attestation, because, outs, stale }
}

function whyNotBelieved({ evidence }: Project, attestation: Sha256): string {
  return evidence.bundle(attestation) === undefined
    ? 'its evidence is not here, or damaged'
    : 'its evidence cannot be verified: it is not signed by a builder of the trust policy'
}

/** The first fact of the key that differs, in the words of a user. */
function changedFact(
  facts: StageFacts,
  setting: StageSetting,
  engine: Readonly<{ digest: Sha256 }>,
): string | undefined {
  if (facts.key === setting.key) return undefined
  const { stage, inputs, environment, variables } = setting
  if (!equal(facts.commands, stage.commands)) return 'its command changed'
  if (facts.workingDirectory !== stage.workingDirectory) return 'its wdir changed'
  const then = new Map<string, Digest>(facts.dependencies.map((dep) => [dep.path, dep.digest]))
  for (const { ref, content } of inputs.resolved) {
    const before = then.get(ref.path)
    if (before === undefined) return `\`${ref.path}\` is a new dep`
    if (before !== content.digest && ref.role === 'dep') return `\`${ref.path}\` changed`
  }
  if (!equal(facts.parameters, inputs.params))
    return `parameters changed: ${changedParams(facts.parameters, inputs.params)}`
  if (facts.environment.digest !== environment.digest) return `its environment \`${environment.name}\` changed`
  if (!equal(facts.variables, variables)) return 'its variables changed'
  if (facts.sandbox.digest !== engine.digest) return `the sandbox changed: it last ran in ${facts.sandbox.engine}`
  return 'its outs or its deps changed'
}

function changedParams(then: StageFacts['parameters'], now: StageFacts['parameters']): string {
  const names: string[] = []
  for (const [file, values] of Object.entries(now)) {
    for (const [name, value] of Object.entries(values)) if (!equal(then[file]?.[name], value)) names.push(name)
  }
  return names.slice(0, 5).join(', ') || 'the selection'
}

/**
 * Why this evidence is worth less than a run now would be, or undefined; upstream evidence counts with it.
 *
 * THREAT: a draft, a dirty tree or a run without a sandbox fills the cache of one that is to be trusted.
 */
function weakerThanNow(project: Project, tools: RunTools, attestation: Sha256): string | undefined {
  const seen = new Set<Sha256>()
  const open = [attestation]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const facts = believedStage(project, next)
    if (facts === undefined) return `of what it builds on: ${whyNotBelieved(project, next)}`
    const because = weakness(facts, project, tools)
    if (because !== undefined) return next === attestation ? because : `\`${facts.stage}\`: ${because}`
    for (const { origin } of facts.dependencies) if (origin.kind === 'stage') open.push(origin.attestation)
  }
  return undefined
}

function weakness(facts: StageFacts, project: Project, tools: RunTools): string | undefined {
  const { options } = tools
  const undated = misdated(facts, project)
  if (undated !== undefined) return undated
  if (facts.builderId === builderIds.unisolated && !options.unsafeNoSandbox) return 'it last ran without a sandbox'
  const { name: engine } = tools.engineOf(facts.stage)
  // THREAT: whoever may sign for the builder could fill the cache from a sandbox that isolates less.
  if (engine !== 'none' && !isAtLeastEngine(facts.sandbox.engine, engine))
    return `it last ran in ${facts.sandbox.engine}, which isolates less than ${engine}`
  if (facts.draft && !options.draft) return 'it last ran as a draft'
  if (standsOnUnasked(facts, project, tools)) return 'it last ran on a system that nobody accepted'
  const dirtyNow = project.code.commit === undefined || project.code.dirty.length > 0
  if (!dirtyNow && (facts.source.commit === undefined || facts.source.dirty.length > 0))
    return 'it last ran on uncommitted changes'
  if (facts.overrides.length > 0 && project.overrides.length === 0)
    return 'it last ran with parameters of the command line'
  const listedSince = facts.dependencies.find(({ path, origin }) => {
    return origin.kind === 'unlisted' && project.settings.data.get(path)?.source !== undefined
  })
  if (listedSince !== undefined) return `\`${listedSince.path}\` had no source then`
  if (project.apart) return undefined // what is run again builds on what was, as it was held then
  return notAsHeldNow(facts, project.settings.settingsOf(facts.stage), !options.acceptUnusual && asksForUsual(project))
}

/** THREAT: while nothing required usual resources, nobody asked whether there was anything to compare it with. */
async function uncomparedNow(
  project: Project,
  { options }: RunTools,
  setting: StageSetting,
  facts: StageFacts,
): Promise<string | undefined> {
  if (options.acceptUnusual || project.apart || !asksForUsual(project)) return undefined
  return uncomparedThen(project, setting, facts)
}

/** THREAT: a reproduction is asked for no system, and what it made would get past the one that is pinned. */
function standsOnUnasked({ environment, facts }: StageFacts, project: Project, { pins, systems }: RunTools): boolean {
  if (!pins || project.apart || project.settings.system === 'recorded') return false
  const said = (name: string): string | undefined => facts.find((fact) => fact.name === `system/${name}`)?.value
  const accepted = acceptedIn(environment.name, systems)
  return said('accepted')?.startsWith('without asking') === true && accepted?.has(said('digest') as Sha256) !== true
}

/** Made while the clock was wrong: no verifier would believe its order in time, so it is made again. */
function misdated({ startedAt, finishedAt, dependencies }: StageFacts, project: Project): string | undefined {
  if (Date.parse(finishedAt) - project.now().getTime() > maxClockSkewMs) return 'its evidence is dated in the future'
  const tooEarly = dependencies.some(({ origin }) => {
    if (origin.kind !== 'stage') return false
    const upstream = believedStage(project, origin.attestation)
    return upstream !== undefined && Date.parse(upstream.finishedAt) - Date.parse(startedAt) > maxClockSkewMs
  })
  return tooEarly ? 'by its evidence it was made before what it was made of' : undefined
}

/** A link, a socket or a folder of such in the place of an out is something else than the out. */
async function plainDigest({ contents }: Project, path: string): Promise<Digest | undefined> {
  try {
    return await contents.digest(path)
  } catch (error) {
    if (isDomainError(error, 'ERR_DATA_NOT_PLAIN')) return undefined
    throw error
  }
}

async function storedOuts(project: Project, facts: StageFacts): Promise<ReadonlyMap<string, Content> | undefined> {
  const outs = new Map<string, Content>()
  for (const output of facts.outputs) {
    const content = await project.contents.stored(output)
    if (content === undefined) return undefined
    outs.set(output.path, content)
  }
  return outs
}

/** By value: a statement's members come back in another order. */
function equal(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return left === right
  return canonicalJson(left) === canonicalJson(right)
}
