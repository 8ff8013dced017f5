/**
 * A policy as it counts for this user now: with the keys that they revoked, the status that they were given or have seen,
 * and what tells the time.
 */
import {
  caveat,
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
  type TimestampAuthority,
  type TrustPolicy,
  type TrustStatus,
  verifyStatus,
  verifyTimestamp,
  withRevocations,
  withStatus,
} from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
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
  const seen = remembers(policy) ? readSeen(environment, policy.project) : {}
  const times = timesOf(policy, { clock: now(), seen, proofsOf })
  const known = withRevocations({ ...policy, times }, revokedKeys(environment))
  const given = status === undefined ? undefined : readSmall(status, maxStatusBytes)
  return withStatusOf(known, { given, kept: seen.status, environment })
}

/** A repository could say that it is any project: what it proves is believed now, and not remembered. */
function remembers(policy: TrustPolicy): policy is TrustPolicy & Readonly<{ project: string }> {
  return policy.project !== undefined && (policy.origin === 'file' || policy.origin === 'pinned')
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
 * INVARIANT: what was taken back stays so: a status that expired is no proof that nothing else was, and still counts.
 */
function withStatusOf(policy: TrustPolicy, { given, kept, environment }: Statuses): TrustPolicy {
  const standing = policy.standing ?? []
  const known = kept === undefined ? undefined : verifyStatus(kept, policy).document
  if (given === undefined) {
    if (known === undefined)
      return policy.statusRequired === true ? { ...policy, standing: [...standing, missing()] } : policy
    return { ...withStatus(policy, known), standing: [...standing, standingOf(policy, known)] }
  }
  const { findings, document } = verifyStatus(given, policy)
  if (document === undefined) return { ...policy, standing: [...standing, ...findings] }
  const judged = [...findings, notOlder(document, known), freshness(document, policy.times?.now ?? new Date(0))]
  const isNewest = judged.every(({ check, passed }) => passed || check !== 'status-version')
  if (isNewest && remembers(policy)) {
    keepStatus(environment, policy.project, given)
    rememberTime(policy, environment, new Date(document.issuedAt))
  }
  return {
    ...withStatus(known === undefined ? policy : withStatus(policy, known), document),
    standing: [...standing, ...judged],
  }
}

function missing(): ReturnType<typeof refused> {
  return refused('status', 'ERR_STATUS_MISSING', 'the policy asks for a status, and none was given or seen here')
}

/** Of the one that was seen: only a policy that asks for a status refuses when it has expired. */
function standingOf({ statusRequired, times }: TrustPolicy, status: TrustStatus): ReturnType<typeof freshness> {
  const finding = freshness(status, times?.now ?? new Date(0))
  return finding.passed || statusRequired === true
    ? finding
    : caveat('status', `${finding.because}: what was taken back since is not known`)
}

/** @param at a time that was proven to have passed */
export function rememberTime(policy: TrustPolicy, environment: Caller['environment'], at: Date | undefined): void {
  if (at === undefined || !remembers(policy)) return
  const { seen } = policy.times ?? {}
  if (seen === undefined || at > seen) keepNewestTime(environment, policy.project, at)
}
