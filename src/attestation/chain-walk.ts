/**
 * From the artifact to its sources: every statement verified once, every link between two of them checked.
 *
 * Statements name those they build on by the digest of the bundle, so equal bytes cannot splice two runs and no cycle
 * can exist; both hold only because each bundle is hashed here, whatever the caller's store says. THREAT: evidence bombs
 * are stopped by `ChainLimits`.
 */
import { type Sha256, sha256Of } from '../core/index.ts'
import {
  type ChainLimits,
  type ChainQuestion,
  chainLimits,
  type JudgedBundle,
  type StageVerdicts,
  type VisitedStage,
} from './chain.ts'
import { type Finding, type FindingScope, passed, refused } from './finding.ts'
import type { StatedDependency } from './stage-facts.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { type Verdict, type VerifiedStage, verifyStage } from './verify.ts'

/** LIMIT: clocks of two machines may differ by five minutes; digests prove the order beyond that. */
export const maxClockSkewMs = 5 * 60_000

export type Walk = Readonly<{
  /** In the order visited, the first root first. */
  stages: readonly VisitedStage[]
  findings: readonly Finding[]
}>

type Visit = Readonly<{ attestation: Sha256; depth: number; link?: Link }>
/** Who builds on the visited statement, and with which dep. */
type Link = Readonly<{ downstream: VerifiedStage; dependency: StatedDependency }>

/** Breadth first from `roots`; iterative, so that depth costs no stack. */
export function walkChain(question: ChainQuestion, roots: readonly Sha256[], verdicts: StageVerdicts): Walk {
  const limits = question.limits ?? chainLimits
  const stages = new Map<Sha256, VerifiedStage | undefined>()
  const findings: Finding[] = []
  const queue: Visit[] = roots.map((attestation) => ({ attestation, depth: 0 }))
  let bytesRead = 0

  for (const [edges, visit] of queue.entries()) {
    const over = overLimit(limits, { edges, statements: stages.size, depth: visit.depth, totalBytes: bytesRead })
    if (over !== undefined) return { stages: trustedOf(stages), findings: [...findings, over] }
    if (!stages.has(visit.attestation)) {
      const { verdict, sizeBytes } = judgeBundle(question, visit.attestation, verdicts)
      bytesRead += sizeBytes
      const stage = verdict.trusted ? verdict.statement : undefined
      stages.set(visit.attestation, stage)
      findings.push(...named(verdict.findings, visit, stage))
      if (stage !== undefined) queue.push(...upstreamOf(stage, visit.depth + 1))
    }
    const stage = stages.get(visit.attestation)
    if (stage !== undefined && visit.link !== undefined) findings.push(...linkFindings(visit.link, stage))
  }
  return { stages: trustedOf(stages), findings }
}

function trustedOf(stages: ReadonlyMap<Sha256, VerifiedStage | undefined>): readonly VisitedStage[] {
  return [...stages].flatMap(([attestation, stage]) => (stage === undefined ? [] : [{ attestation, stage }]))
}

type Spent = Pick<ChainLimits, 'edges' | 'statements' | 'depth' | 'totalBytes'>

export function overLimit(limits: ChainLimits, spent: Spent): Finding | undefined {
  for (const name of ['edges', 'statements', 'depth', 'totalBytes'] as const) {
    if (spent[name] > limits[name]) {
      return refused('limits', 'ERR_CHAIN_LIMIT', `the chain goes over the limit of ${limits[name]} (${name})`)
    }
  }
  return undefined
}

/** Answers once for each question, whose evidence never changes: what is signed is verified once, whoever asks. */
export function once<Question extends object, Answer extends object>(
  answer: (question: Question) => Answer,
): (question: Question) => Answer {
  const known = new WeakMap<Question, Answer>()
  return (question) => {
    const found = known.get(question) ?? answer(question)
    known.set(question, found)
    return found
  }
}

/** What is needed to read what lies beside the stages. */
export type BesideStages = Pick<ChainQuestion, 'policy' | 'limits' | 'surroundings'> &
  Readonly<{ evidence: Readonly<{ approvals: readonly Readonly<{ bytes: Uint8Array }>[] }> }>

/** What is believed of all that lies beside the stages, read as one kind of statement. */
export function believedOf<Verified>(
  { evidence, policy, limits = chainLimits }: Omit<BesideStages, 'surroundings'>,
  verify: (bytes: Uint8Array, by: TrustPolicy) => Verdict<Verified>,
): readonly Verified[] {
  return evidence.approvals.slice(0, limits.approvals).flatMap(({ bytes }) => {
    const read = bytes.length > limits.bundleBytes ? undefined : verify(bytes, policy)
    return read?.trusted === true ? [read.statement] : []
  })
}

/** @param verdicts made under the same policy; this one is added, unless the bundle is not at hand */
export function judgeBundle(
  { evidence, policy, limits = chainLimits }: Pick<ChainQuestion, 'policy' | 'limits'> & BundlesAtHand,
  attestation: Sha256,
  verdicts: StageVerdicts,
): JudgedBundle {
  const known = verdicts.get(attestation)
  if (known !== undefined) return known
  const bytes = evidence.bundle(attestation)
  if (bytes === undefined) return { verdict: { trusted: false, findings: [missing()] }, sizeBytes: 0 }
  const unread = unreadable(bytes, attestation, limits)
  const verdict: Verdict<VerifiedStage> =
    unread === undefined ? verifyStage(bytes, policy) : { trusted: false, findings: [unread] }
  const judged = { verdict, sizeBytes: bytes.length }
  verdicts.set(attestation, judged)
  return judged
}

type BundlesAtHand = Readonly<{ evidence: Pick<ChainQuestion['evidence'], 'bundle'> }>

function missing(): Finding {
  return refused('evidence', 'ERR_EVIDENCE_MISSING', 'its attestation is not at hand')
}

function unreadable(bytes: Uint8Array, attestation: Sha256, limits: ChainLimits): Finding | undefined {
  if (bytes.length > limits.bundleBytes) {
    return refused(
      'limits',
      'ERR_CHAIN_LIMIT',
      `the bundle has ${bytes.length} bytes, the limit is ${limits.bundleBytes}`,
    )
  }
  return sha256Of(bytes) === attestation
    ? undefined
    : refused('evidence', 'ERR_EVIDENCE_CORRUPT', 'the bytes of its attestation are not those that were pinned')
}

/** Findings say which stage they are about: by its name when it is believed, else by who named it. */
function named(findings: readonly Finding[], { attestation, link }: Visit, stage?: VerifiedStage): readonly Finding[] {
  const stated = link?.dependency.origin
  const subject = stage?.facts.stage ?? (stated?.kind === 'stage' ? stated.stage : attestation.slice(0, 19))
  return findings.map((finding) => ({ ...finding, subject }))
}

function upstreamOf(stage: VerifiedStage, depth: number): readonly Visit[] {
  return stage.facts.dependencies.flatMap((dependency) => {
    const { origin } = dependency
    return origin.kind === 'stage'
      ? [{ attestation: origin.attestation, depth, link: { downstream: stage, dependency } }]
      : []
  })
}

/** One link: the dep is what that stage made, under that path, in this project, and before it was used. */
function linkFindings({ downstream, dependency }: Link, upstream: VerifiedStage): readonly Finding[] {
  const { path, digest, origin } = dependency
  const scope = { subject: `${downstream.facts.stage} <- ${upstream.facts.stage}` }
  const made = upstream.facts.outputs.some((output) => output.path === path && output.digest === digest)
  const isNamed = origin.kind === 'stage' && origin.stage === upstream.facts.stage
  const link =
    made && isNamed
      ? passed('link', `\`${path}\` is what \`${upstream.facts.stage}\` made`, scope)
      : refused('link', 'ERR_CHAIN_LINK', `\`${path}\` is not what \`${upstream.facts.stage}\` made`, scope)
  return [link, sameProject(downstream, upstream, scope), inOrder(downstream, upstream, scope)]
}

function sameProject(downstream: VerifiedStage, upstream: VerifiedStage, scope: FindingScope): Finding {
  return downstream.facts.project.id === upstream.facts.project.id
    ? passed('same-project', 'both stages are of one project', scope)
    : refused('same-project', 'ERR_CHAIN_PROJECT', 'the two stages are of different projects', scope)
}

function inOrder(downstream: VerifiedStage, upstream: VerifiedStage, scope: FindingScope): Finding {
  const earlyMs = Date.parse(upstream.facts.finishedAt) - Date.parse(downstream.facts.startedAt)
  return earlyMs <= maxClockSkewMs
    ? passed('order', 'it was made before it was used', scope)
    : refused('order', 'ERR_CHAIN_ORDER', `it was used ${Math.ceil(earlyMs / 1000)} s before it was made`, scope)
}
