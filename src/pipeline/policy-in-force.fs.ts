/**
 * A policy as it counts for this user now: with the keys that they revoked, the status that they were given or have seen,
 * and what tells the time.
 */
import {
  caveat,
  type Finding,
  freshness,
  keepNewestTime,
  keepStatus,
  notOlder,
  parseAuthority,
  readSeen,
  refused,
  revokedKeys,
  type SeenTrust,
  type SigningTimes,
  statedStatus,
  type TimestampAuthority,
  type TrustPolicy,
  type TrustStatus,
  takenBackNoMore,
  verifyStatus,
  verifyTimestamp,
  withRevocations,
  withStatus,
} from '../attestation/index.ts'
import { DomainError, isDomainError } from '../core/index.ts'
import { type ProofsOf, witnessedBy } from './log-trust.ts'
import type { Caller } from './project.ts'
import { readSmall } from './small-file.fs.ts'

export type InForceOptions = Readonly<{
  /** Absolute path of a status file. */
  status?: string | undefined
  /** Proofs of attestations in logs; hostile. */
  proofsOf?: ProofsOf
}>

/** LIMIT: a status is at most 16 MiB. */
const maxStatusBytes = 16 * 1024 * 1024

/**
 * @throws ERR_POLICY_MALFORMED for a certificate that signs no timestamps; ERR_INPUT_MALFORMED when a status is no file
 * @throws ERR_KEY_HOME, ERR_KEY_MALFORMED, ERR_KEY_EXPOSED
 */
export function policyInForce(
  policy: TrustPolicy,
  { environment, now }: Pick<Caller, 'environment' | 'now'>,
  { status, proofsOf }: InForceOptions = {},
): TrustPolicy {
  const seen = seenOf(policy, environment)
  const times = timesOf(policy, { clock: now(), seen, proofsOf })
  const known = withRevocations({ ...policy, times }, revokedKeys(environment))
  const given = status === undefined ? undefined : readSmall(status, maxStatusBytes)
  return withStatusOf(known, { given, kept: seen.status, environment })
}

/** A repository could say that it is any project: what was seen holds for it, and what it proves is not remembered. */
function remembers(policy: TrustPolicy): policy is TrustPolicy & Readonly<{ project: string }> {
  return policy.project !== undefined && (policy.origin === 'file' || policy.origin === 'pinned')
}

function seenOf({ project, origin }: TrustPolicy, environment: Caller['environment']): SeenTrust {
  if (project === undefined) return {}
  try {
    return readSeen(environment, project)
  } catch (error) {
    // INVARIANT: under a name that is none nothing was kept.
    if (origin === 'repository' && isDomainError(error, 'ERR_KEY_HOME')) return {}
    throw error
  }
}

type Clocks = Readonly<{ clock: Date; seen: SeenTrust; proofsOf: ProofsOf | undefined }>

function timesOf(policy: TrustPolicy, { clock, seen, proofsOf }: Clocks): SigningTimes {
  const authorities = authoritiesOf(policy)
  const { newestTime } = seen
  return {
    now: newestTime !== undefined && newestTime > clock ? newestTime : clock,
    ...(newestTime === undefined ? {} : { seen: newestTime }),
    ...(authorities.length === 0
      ? {}
      : { timestamp: (timestamp, signature) => verifyTimestamp(timestamp, signature, authorities) }),
    ...(proofsOf === undefined ? {} : witnessedBy(policy, proofsOf)),
  }
}

/** @throws ERR_POLICY_MALFORMED */
export function authoritiesOf({ timestamps = [] }: TrustPolicy): readonly TimestampAuthority[] {
  return timestamps.map((certificate, index) => {
    try {
      return parseAuthority(certificate)
    } catch (cause) {
      const why = cause instanceof RangeError ? cause.message : 'is not a certificate'
      throw new DomainError('ERR_POLICY_MALFORMED', `the certificate timestamps.${index} ${why}`, {
        cause,
        help: 'list the certificate that signs the timestamps, not the one above it',
      })
    }
  })
}

/** The same, with proofs that travelled with the evidence. */
export function withProofs(policy: TrustPolicy, proofsOf: ProofsOf): TrustPolicy {
  return policy.times === undefined
    ? policy
    : { ...policy, times: { ...policy.times, ...witnessedBy(policy, proofsOf) } }
}

type Statuses = Readonly<{
  given: Uint8Array | undefined
  kept: Uint8Array | undefined
  environment: Caller['environment']
}>

/**
 * INVARIANT: what was taken back stays so: a status that expired is no proof that nothing else was, and still counts. So does
 * one whose signers the policy does not name any more, until another is given; and what a newer one leaves out.
 */
function withStatusOf(policy: TrustPolicy, { given, kept, environment }: Statuses): TrustPolicy {
  const standing = policy.standing ?? []
  const seen = kept === undefined ? undefined : verifyStatus(kept, policy)
  if (given === undefined) {
    if (kept === undefined || seen === undefined) return policy
    const known = seen.document ?? statedStatus(kept)
    if (known === undefined) return { ...policy, standing: [...standing, ...seen.findings] }
    const finding = seen.document === undefined ? disowned(policy, seen) : standingOf(policy, known)
    return { ...withStatus(policy, known), standing: [...standing, finding] }
  }
  const { findings, document } = verifyStatus(given, policy)
  if (document === undefined) return { ...policy, standing: [...standing, ...findings] }
  const issued = new Date(document.issuedAt)
  const timed = notBefore(policy, issued)
  const judged = [...findings, notOlder(document, seen?.document), freshness(document, nowOf(timed))]
  const isNewest = judged.every(({ check, passed }) => passed || check !== 'status-version')
  const lesser = kept === undefined ? [] : lesserFindings(document, kept, seen?.document)
  if (isNewest && remembers(policy)) {
    if (seen?.document === undefined || lesser.length === 0) keepStatus(environment, policy.project, given)
    rememberTime(policy, environment, issued)
  }
  return {
    ...withStatus(seen?.document === undefined ? timed : withStatus(timed, seen.document), document),
    standing: [...standing, ...judged, ...lesser],
  }
}

/**
 * A status that takes back less than the one that was seen here: told each time. While the policy believes both, what was
 * taken back still counts, and the one that says less is not remembered in the place of the other.
 */
function lesserFindings(given: TrustStatus, kept: Uint8Array, believed: TrustStatus | undefined): readonly Finding[] {
  const seen = believed ?? statedStatus(kept)
  const lost = seen === undefined ? [] : takenBackNoMore(given, seen)
  if (seen === undefined || lost.length === 0) return []
  const shown = `${lost.slice(0, 3).join(', ')}${lost.length > 3 ? ` and ${lost.length - 3} more` : ''}`
  const then = believed === undefined ? 'it was signed by other root keys, and counts no more' : 'here it still counts'
  const because = `the status ${given.version} does not take back what ${seen.version}, which was seen here, did: ${shown}; ${then}`
  return [caveat('status-taken-back', because)]
}

/** THREAT: other root keys in the policy, or one whose days are over, would make what was taken back good again. */
function disowned({ statusRequired }: TrustPolicy, { findings }: ReturnType<typeof verifyStatus>): Finding {
  const fault = findings.find(({ passed }) => !passed)
  const because = `the status that was seen here is not believed by this policy (${fault?.because ?? 'it cannot be read'}): what it takes back still counts, what was taken back since is not known`
  return statusRequired === true ? refused('status', 'ERR_STATUS_MISSING', because) : caveat('status', because)
}

/** Who signed a status says that this moment has passed: a clock behind it decides no expiry. */
function notBefore(policy: TrustPolicy, at: Date): TrustPolicy {
  const { times } = policy
  if (times === undefined || (times.seen !== undefined && times.seen >= at)) return policy
  return { ...policy, times: { ...times, seen: at, now: at > times.now ? at : times.now } }
}

function nowOf({ times }: TrustPolicy): Date {
  if (times === undefined) throw new Error('a policy in force without a time')
  return times.now
}

/** Of the one that was seen: only a policy that asks for a status refuses when it has expired. */
function standingOf(policy: TrustPolicy, status: TrustStatus): Finding {
  const finding = freshness(status, nowOf(policy))
  return finding.passed || policy.statusRequired === true
    ? finding
    : caveat('status', `${finding.because}: what was taken back since is not known`)
}

/** @param at a time that was proven to have passed */
export function rememberTime(policy: TrustPolicy, environment: Caller['environment'], at: Date | undefined): void {
  if (at === undefined || !remembers(policy)) return
  const { seen } = policy.times ?? {}
  if (seen === undefined || at > seen) keepNewestTime(environment, policy.project, at)
}
