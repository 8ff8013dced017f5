/**
 * What did the gates of the model come to, on metrics of whom?
 *
 * A gate verdict counts for the very statement that made the model, when a builder of at least its standing signed it, and
 * when the stage that wrote the metrics read these bytes: the metrics of another run, or of another model, are none. Its
 * gates are those of the `assay.yaml` that one of the two ran by, or of the project's own: those of a branch are none. What
 * the policy asks for beside is judged by the values that stand in it. One that is withheld opens nothing but what an older
 * one says, which is then the newest: nobody can tell that there was another (a log holds digests, and not of what).
 */
import { type Digest, type Sha256, sha256Of } from '../core/index.ts'
import { statedPayload } from './bundle.ts'
import {
  type ChainEvidence,
  type ChainQuestion,
  type ChainSurroundings,
  chainLimits,
  type StageVerdicts,
  type VisitedStage,
} from './chain.ts'
import { judgeBundle, maxClockSkewMs, once } from './chain-walk.ts'
import { type Finding, passed, refused } from './finding.ts'
import { decideGate, type GateResult, gateSentence, parseGate } from './gate.ts'
import type { GateVerdict } from './gate-verdict-facts.ts'
import { isLocal } from './level-cap.ts'
import type { StageFacts } from './stage-facts.ts'
import type { BuilderGrant, TrustedSigner } from './trust-policy.ts'
import { grantOf, type VerifiedGates, type VerifiedStage, verifyGateVerdict } from './verify.ts'

const check = 'gates'

/** LIMIT: gate verdicts on one statement; where there are more none is read, for the newest may be among the others. */
export const maxGateVerdicts = 64

/** The newest that counts for a statement, or why the first that is at hand does not. */
export type GatesAtHand = Readonly<{
  gates?: VerifiedGates | undefined
  fault?: string | undefined
  over?: Finding
}>

/** @param entry the statement of the stage that made the model */
export function gatesAtHand(question: ChainQuestion, entry: Sha256, verdicts: StageVerdicts): GatesAtHand {
  const { verdict: made } = judgeBundle(question, entry, verdicts)
  const all = [...new Set(question.evidence.gatesOf?.(entry))]
  if (!made.trusted) return {}
  if (all.length > maxGateVerdicts) {
    const because = `over ${maxGateVerdicts} gate verdicts: export them again, or import them`
    return { over: refused('limits', 'ERR_CHAIN_LIMIT', because) }
  }
  const judged = gatesOf(question, made.statement, { all, verdicts }).map((one) =>
    typeof one === 'string' || isOfThem(question, one, made.statement, verdicts)
      ? one
      : `its gates are of another \`assay.yaml\` or run: assay run --force ${one.verdict.measured.stage}`,
  )
  return { gates: newestFirst(judged)[0], fault: judged.find((one) => typeof one === 'string') }
}

export type AskedGates = Pick<ChainQuestion, 'policy' | 'limits'> &
  Readonly<{
    /** Any out of the stage when left out. */
    subject?: ChainQuestion['subject']
    evidence: Pick<ChainEvidence, 'bundle' | 'gatesOf'>
    surroundings: Pick<ChainSurroundings, 'now'>
  }>

/**
 * Those that a builder signed who may, whichever gates they are of, newest first: by the time that was signed, not when they
 * came. Each payload once; of several spellings the first that is given.
 */
export function gatesThatCount(question: AskedGates, entry: Sha256, verdicts: StageVerdicts): readonly VerifiedGates[] {
  const { verdict: made } = judgeBundle(question, entry, verdicts)
  const { bundle, gatesOf: found } = question.evidence
  if (!made.trusted) return []
  const judged = gatesOf(question, made.statement, { all: found?.(entry) ?? [], verdicts })
  const once = new Map<Sha256, Judged>()
  for (const one of judged) {
    const bytes = typeof one === 'string' ? undefined : bundle(one.attestation)
    const payload = bytes === undefined ? undefined : sha256Of(statedPayload(bytes))
    if (payload !== undefined && !once.has(payload)) once.set(payload, one)
  }
  return newestFirst([...once.values()])
}

/** Whether what this signer would say of the gates counts for what the statement made. */
export function maySignGates(
  question: Parameters<typeof judgeBundle>[0],
  entry: Sha256,
  { signer, builderId }: Readonly<{ signer: TrustedSigner; builderId: string }>,
  verdicts: StageVerdicts,
): boolean {
  const { verdict: made } = judgeBundle(question, entry, verdicts)
  const grant = grantOf(question.policy, signer, builderId)
  return made.trusted && grant !== undefined && mayJudge({ grant, verdict: { builderId } }, made.statement)
}

/** A verdict, or why one that is at hand is none of this model. */
type Judged = VerifiedGates | string

/** Made under one policy, as the verdicts on stages are: each is verified once, however often it is asked. */
const readUnder = once((_: StageVerdicts) => new Map<Sha256, ReturnType<typeof verifyGateVerdict>>())

type Found = Readonly<{ all: readonly Sha256[]; verdicts: StageVerdicts }>

function gatesOf(question: AskedGates, made: VerifiedStage, { all, verdicts }: Found): readonly Judged[] {
  const { evidence, policy, limits = chainLimits, surroundings, subject } = question
  const latest = surroundings.now.getTime() + maxClockSkewMs
  return all.flatMap((attestation): Judged | [] => {
    const bytes = evidence.bundle(attestation)
    if (bytes === undefined || bytes.length > limits.bundleBytes) return []
    const known = readUnder(verdicts)
    const read = known.get(attestation) ?? verifyGateVerdict(bytes, policy)
    known.set(attestation, read)
    if (!read.trusted) return read.findings.find((finding) => !finding.passed)?.because ?? []
    const { statement } = read
    const { at, outputs, made: by } = statement.verdict
    const isOfIt =
      by.attestation === made.attestation &&
      outputs.some(({ digest }) => subject === undefined || digest === subject.digest)
    if (!isOfIt || Date.parse(at) > latest) return 'it is of another model, or of a time to come'
    return mayJudge(statement, made) ? statement : 'its signer may do less than who made the model'
  })
}

/** Of one moment those that failed first. */
function newestFirst(judged: readonly Judged[]): readonly VerifiedGates[] {
  const rank = ({ verdict }: VerifiedGates): number => Date.parse(verdict.at) + Number(verdict.result === 'FAILED') / 2
  return judged
    .filter((one) => typeof one !== 'string')
    .toSorted((one, other) => rank(other) - rank(one) || (one.attestation < other.attestation ? -1 : 1))
}

/** THREAT: a builder that the policy lists for little passes the model of one that it lists for much. */
function mayJudge(
  { grant, verdict }: Readonly<{ grant: BuilderGrant; verdict: Pick<GateVerdict, 'builderId'> }>,
  made: VerifiedStage,
): boolean {
  return grant.maxLevel >= made.grant.maxLevel && (isLocal(made.facts.builderId) || !isLocal(verdict.builderId))
}

/**
 * Whether a stage whose metrics they are ran by the definition that the gates stand in. One that failed counts elsewhere than
 * in the project, whatever its gates.
 *
 * THREAT: a branch whose assay.yaml asks for less, or names other metrics, and whose verdict is newer.
 */
function isOfThem(
  question: ChainQuestion,
  { verdict }: VerifiedGates,
  made: VerifiedStage,
  verdicts: StageVerdicts,
): boolean {
  const { ownGates, judges = [] } = question
  const { attestation } = verdict.measured
  if (ownGates !== undefined && judges.every((judge) => judge.attestation !== attestation)) return false
  const { verdict: measured } = judgeBundle(question, attestation, verdicts)
  const definitions = [made, measured.trusted ? measured.statement : made].flatMap(({ facts }) => facts.definition)
  const { path, digest } = verdict.definition
  return (
    (ownGates === undefined && verdict.result === 'FAILED') ||
    ownGates === digest ||
    definitions.some((one) => one.path === path && one.digest === digest)
  )
}

/** What is said of the gates, and what a policy that demands them lacks. */
export type JudgedGates = Readonly<{ findings: readonly Finding[]; lacking: readonly string[]; attestation?: Sha256 }>

/** @param stages verified, with the one that wrote the metrics */
export function judgeGates(
  { policy, subject, surroundings, ownGates }: ChainQuestion,
  { gates, over, fault = over?.because }: GatesAtHand,
  entry: Sha256,
  stages: readonly VisitedStage[],
): JudgedGates {
  const asked = ownGates !== undefined ? [] : (policy.gates ?? [])
  if (gates === undefined) {
    const why = fault === undefined ? '' : ` (${fault})`
    return { findings: [over ?? [], gatesAlone({ gates: asked }, why)].flat(), lacking: [`a gate verdict${why}`] }
  }
  const { verdict, signer, attestation } = gates
  const scope = { subject: verdict.measured.stage }
  const { path, digest, commit } = verdict.definition
  const inCommit = surroundings.definitionAt?.(commit, path) ?? digest
  const wrong =
    inCommit === digest
      ? faultOf(gates, { entry, digest: subject.digest, stages })
      : `its gates are not those of \`${path}\` in the commit ${commit}`
  if (wrong !== undefined)
    return { findings: [refused(check, 'ERR_CHAIN_LINK', wrong, scope)], lacking: ['a gate verdict that holds'] }
  const known = new Set(verdict.gates.map(({ gate }) => gate))
  const others = asked.filter((gate) => !known.has(gate)).map((gate) => decideGate(parseGate(gate), verdict.values))
  const results = ownGates !== undefined ? [] : [...verdict.gates, ...others]
  const failing = [...verdict.gates, ...others].filter((result) => !result.passed)
  return {
    attestation,
    lacking: failing.map(({ gate }) => gate),
    findings: [
      passed(
        'gate-verdict',
        `its gates were judged on \`${verdict.metrics.path}\`, signed by \`${signer.name}\``,
        scope,
      ),
      ...results.map((result) => gateFinding(result, verdict.fault)),
    ],
  }
}

export function gateFinding(result: GateResult, fault?: string): Finding {
  const because = fault === undefined ? gateSentence(result) : `${result.gate}: ${fault}`
  return result.passed ? passed(check, because) : refused(check, 'ERR_GATE_FAILED', because)
}

/** Where nothing proves metrics: what a policy asks of them is not met. */
export function gatesAlone({ gates = [] }: Readonly<{ gates?: readonly string[] }>, why = ''): readonly Finding[] {
  return gates.map((gate) =>
    refused(
      check,
      'ERR_GATE_FAILED',
      `the policy asks for ${gate}, and no evidence proves metrics of these bytes${why}`,
    ),
  )
}

type Model = Readonly<{ entry: Sha256; digest: Digest; stages: readonly VisitedStage[] }>

function faultOf({ verdict }: VerifiedGates, { entry, digest, stages }: Model): string | undefined {
  const { made, measured, metrics, at } = verdict
  const byDigest = new Map(stages.map((visited) => [visited.attestation, visited.stage.facts]))
  const factsOf = (attestation: Sha256): StageFacts | undefined => byDigest.get(attestation)
  const facts = factsOf(measured.attestation)
  if (facts === undefined) return 'the statement of who wrote its metrics is not believed'
  if (facts.stage !== measured.stage || factsOf(entry)?.stage !== made.stage)
    return 'its gate verdict names other stages than their statements'
  if (!facts.outputs.some(({ path, digest: out }) => path === metrics.path && out === metrics.digest))
    return `\`${metrics.path}\` is not what \`${measured.stage}\` wrote`
  if (!hasRead(factsOf, measured.attestation, { entry, digest }))
    return `\`${measured.stage}\` did not read these bytes: its metrics are of another model`
  return Date.parse(facts.finishedAt) - Date.parse(at) > maxClockSkewMs
    ? 'its gates were judged before its metrics were written'
    : undefined
}

/**
 * Whether a stage made the model itself, or used these bytes of it, at whatever distance.
 *
 * THREAT: a stage that reads another out of the same training, and never the model.
 */
export function hasRead(
  factsOf: (attestation: Sha256) => StageFacts | undefined,
  measured: Sha256,
  { entry, digest }: Readonly<{ entry: Sha256; digest: Digest }>,
): boolean {
  const seen = new Set<Sha256>()
  const open = [measured]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === entry && next === measured) return true
    if (seen.has(next)) continue
    seen.add(next)
    for (const dependency of factsOf(next)?.dependencies ?? []) {
      const { origin } = dependency
      if (origin.kind !== 'stage') continue
      if (origin.attestation === entry && dependency.digest === digest) return true
      if (origin.attestation !== entry) open.push(origin.attestation)
    }
  }
  return false
}
