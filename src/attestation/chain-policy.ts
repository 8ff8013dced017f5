/**
 * What a policy demands beside signatures and levels: ages, repositories, sources, evidence, recalls; and whether there is
 * anybody who knows what time it is. Each demand asks for evidence to be there, never for it to be absent.
 */
import type { Digest, ErrorCode, Sha256 } from '../core/index.ts'
import type { ChainQuestion, VisitedStage } from './chain.ts'
import type { JudgedData } from './chain-data.ts'
import type { JudgedReproduction } from './chain-reproductions.ts'
import type { JudgedReview } from './chain-reviews.ts'
import type { ExternalInput } from './chain-sources.ts'
import { maxClockSkewMs } from './chain-walk.ts'
import { caveat, type Finding, passed, refused } from './finding.ts'
import type { Demand, LoggedKind, TrustPolicy } from './trust-policy.ts'

const dayMs = 86_400_000

/**
 * The question at the later of the clock and the newest time that was proven before.
 *
 * A clock behind that time says of nothing that it has not expired: `clockFindings` refuses then.
 */
export function atTrustedTime(question: ChainQuestion): ChainQuestion {
  const { surroundings, policy } = question
  const seen = policy.times?.seen
  const now = seen !== undefined && seen > surroundings.now ? seen : surroundings.now
  return { ...question, surroundings: { ...surroundings, now }, policy: { ...policy, times: { ...policy.times, now } } }
}

/** @param proven times of this evidence, and the newest that was seen before */
export function clockFindings(clock: Date, proven: readonly Date[]): readonly Finding[] {
  const newest = newestOf(proven)
  if (newest === undefined || newest.getTime() - clock.getTime() <= maxClockSkewMs) return []
  const because = `the clock says ${clock.toISOString()}, and ${newest.toISOString()} is proven to have passed`
  return [refused('clock', 'ERR_CLOCK_BEHIND', because)]
}

export function newestOf(times: readonly Date[]): Date | undefined {
  return times.toSorted((left, right) => right.getTime() - left.getTime())[0]
}

/**
 * What was found out about the policy itself, and whether there is the status that it asks for.
 *
 * THREAT: who knows of no status judges as if nothing had been taken back.
 */
export function standingFindings({ standing = [], statusRequired, takenBack }: TrustPolicy): readonly Finding[] {
  if (statusRequired !== true || takenBack !== undefined) return standing
  const because = 'the policy asks for a status, and none is believed here'
  return [...standing, refused('status', 'ERR_STATUS_MISSING', because)]
}

/** Of each stage by itself; and what its builder found unusual of it. */
export function stageDemands(
  { policy, surroundings }: Pick<ChainQuestion, 'policy' | 'surroundings'>,
  stages: readonly VisitedStage[],
): readonly Finding[] {
  const { maximumAgeMs, repositories } = policy
  return stages.flatMap(({ stage: { facts } }) => {
    const subject = facts.stage
    const [unlike] = facts.resources.unusual ?? []
    const findings =
      unlike === undefined ? [] : [caveat('usual', `was unlike its earlier runs: ${unlike}`, { subject })]
    if (maximumAgeMs !== undefined) {
      const isOld = surroundings.now.getTime() - Date.parse(facts.finishedAt) > maximumAgeMs
      const because = `ran until ${facts.finishedAt}, and the policy allows ${maximumAgeMs / dayMs} days`
      findings.push(
        isOld ? refused('age', 'ERR_EVIDENCE_OLD', because, { subject }) : passed('age', because, { subject }),
      )
    }
    if (repositories !== undefined) {
      const { uri = 'no repository' } = facts.source
      const because = `ran the code of ${uri}`
      findings.push(
        repositories.includes(uri)
          ? passed('repository', because, { subject })
          : refused('repository', 'ERR_POLICY_DEMAND', `${because}, which the policy does not list`, { subject }),
      )
    }
    return findings
  })
}

/** THREAT: a recalled model under another name, or one that a recalled one went into. */
export function recallFindings(
  { policy, subject }: Pick<ChainQuestion, 'policy' | 'subject'>,
  stages: readonly VisitedStage[],
): readonly Finding[] {
  return recalledFindings(policy, [
    subject,
    ...stages.flatMap(({ stage: { facts } }) => [...facts.outputs, ...facts.dependencies]),
    ...stages.flatMap(({ stage: { facts } }) => (facts.code.kind === 'opened' ? facts.code.files : [])),
  ])
}

export function recalledFindings(
  { takenBack }: Pick<TrustPolicy, 'takenBack'>,
  contents: readonly Readonly<{ path: string; digest: Digest }>[],
): readonly Finding[] {
  const recalled = takenBack?.recalled
  if (recalled === undefined || recalled.size === 0) return []
  const found = new Map(contents.flatMap(({ path, digest }) => (recalled.has(digest) ? [[digest, path] as const] : [])))
  return [...found].map(([digest, path]) =>
    refused('recall', 'ERR_RECALLED', `was recalled: ${recalled.get(digest) ?? ''}`, { subject: path }),
  )
}

/** Where the policy lists sources, no other is used. */
export function sourceDemands(
  { policy: { sources } }: Pick<ChainQuestion, 'policy'>,
  stages: readonly VisitedStage[],
): readonly Finding[] {
  if (sources === undefined) return []
  return stages.flatMap(({ stage: { facts } }) =>
    facts.dependencies.flatMap(({ path, origin }) => {
      if (origin.kind === 'stage' || origin.kind === 'code') return []
      const id = origin.kind === 'source' ? origin.id : undefined
      if (id !== undefined && sources.includes(id)) return []
      const because = `is ${id === undefined ? 'no source' : `the source \`${id}\``}, and the policy lists others`
      return [refused('source', 'ERR_POLICY_DEMAND', because, { subject: `${facts.stage}: ${path}` })]
    }),
  )
}

export type Judged = Readonly<{
  inputs: readonly ExternalInput[]
  data: readonly JudgedData[]
  reproductions: readonly JudgedReproduction[]
  reviews: readonly JudgedReview[]
  stages: readonly VisitedStage[]
  /** What is lacking of the gates; INVARIANT: where nobody judged them, everything. */
  gates?: readonly string[]
  /** As that, of the approval of the model by promoters. */
  approval?: readonly string[]
}>

/** INVARIANT: a chain without stages has nothing of what is demanded. */
export function evidenceDemands({ demands }: TrustPolicy, judged: Judged): readonly Finding[] {
  return [...(demands ?? [])].map((demand) => {
    const [words, missingOf] = asked[demand]
    const missing = judged.stages.length === 0 ? ['everything'] : missingOf(judged)
    const because = `the policy demands ${words}, and it is`
    return missing.length === 0
      ? passed('demand', `${because} there`)
      : refused('demand', 'ERR_POLICY_DEMAND', `${because} missing of ${missing.slice(0, 3).join(', ')}`)
  })
}

/** Each in words, and what lacks it. */
const asked: Readonly<Record<Demand, readonly [words: string, missingOf: (judged: Judged) => readonly string[]]>> = {
  'approved-sources': [
    'that every external input is an approved source',
    ({ inputs }) => inputs.filter(({ kind }) => kind !== 'approved').map(({ path }) => path),
  ],
  'data-verdicts': [
    'a data verdict on every input',
    ({ data }) => data.filter(({ verdict }) => verdict !== 'passed' && verdict !== 'warned').map(({ path }) => path),
  ],
  reproduction: [
    'a reproduction of every stage',
    ({ reproductions }) =>
      reproductions
        .filter(({ result }) => result !== 'identical' && result !== 'within-tolerance')
        .map(({ stage }) => stage),
  ],
  review: [
    'a review of every definition',
    ({ reviews }) => reviews.filter(({ fault }) => fault !== undefined).map(({ stage }) => stage),
  ],
  gates: ['that the gates of the model passed', ({ gates = ['its gates'] }) => gates],
  'approved-model': ['that promoters approved the model', ({ approval = ['its approval'] }) => approval],
  // what nobody compared is not usual
  'usual-resources': [
    'usual resources of every stage',
    ({ stages }) =>
      stages.filter(({ stage }) => stage.facts.resources.unusual?.length !== 0).map(({ stage }) => stage.facts.stage),
  ],
}

/** A statement that the verdict rests on, and what it is about. */
export type UsedStatement = Readonly<{ kind: LoggedKind; attestation: Sha256; subject: string }>

/**
 * Is every statement that counts in a log that the policy names?
 *
 * Proofs are verified by the caller, who has the keys of logs and witnesses; who cannot verify them leaves `loggedAt`
 * out, and everything is refused. What counts against the artifact counts without a log.
 */
export function logFindings(
  { policy, surroundings }: Pick<ChainQuestion, 'policy' | 'surroundings'>,
  used: readonly UsedStatement[],
): readonly Finding[] {
  if (policy.logs === undefined || policy.logs.length === 0) return []
  const asked: ReadonlySet<LoggedKind> = policy.logged ?? new Set(['stages'])
  const known = new Set<string>()
  return used.flatMap(({ kind, attestation, subject }) => {
    if (!asked.has(kind) || known.has(`${attestation} ${subject}`)) return []
    known.add(`${attestation} ${subject}`)
    const found = surroundings.loggedAt?.(attestation)
    const code: ErrorCode = 'ERR_TLOG_ENTRY'
    const because = `the policy names logs, and no proof that the statement${kind === 'stages' ? '' : ` (${kind})`} is in one is at hand`
    return [{ ...(found ?? refused('logged', code, because)), subject }]
  })
}
