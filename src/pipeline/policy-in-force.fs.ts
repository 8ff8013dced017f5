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
  maxClockSkewMs,
  notOlder,
  parseAuthority,
  readSeen,
  refused,
  revokedKeys,
  type SeenTrust,
  type SigningTimes,
  seenLimits,
  statedStatus,
  statusesIn,
  type TimestampAuthority,
  type TrustPolicy,
  type TrustStatus,
  takenBackNoMore,
  verifyStatus,
  verifyTimestamp,
  withRevocations,
  withStatus,
} from '../attestation/index.ts'
import { canonicalJson, DomainError, isDomainError } from '../core/index.ts'
import { type ProofsOf, witnessedBy } from './log-trust.ts'
import type { Caller } from './project.ts'
import { readSmall } from './small-file.fs.ts'
import { withAllTakenBack } from './taken-back.fs.ts'

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
  const given = status === undefined ? undefined : readSmall(status, maxStatusBytes)
  // THREAT: the key that a status took back, given as `--key`. Of whichever project it was: a policy of none can be asked for any.
  const least =
    policy.project === undefined
      ? withAllTakenBack({ ...policy, times }, environment)
      : withRevocations({ ...policy, times }, revokedKeys(environment))
  return withStatusOf(least, { given, kept: seen.status, caller: { environment, now } })
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
  caller: Pick<Caller, 'environment' | 'now'>
}>

/** One that this user was given before, and what it says: by this policy's word, or by that of the one that let it be kept. */
type SeenStatus = Readonly<{
  bytes: Uint8Array
  findings: readonly Finding[]
  stated: TrustStatus | undefined
  believed: TrustStatus | undefined
  /** What it takes back where a newer one is believed. */
  counting: TrustStatus | undefined
}>

function seenStatuses(kept: Uint8Array, policy: TrustPolicy): readonly SeenStatus[] {
  return statusesIn(kept).map((bytes) => {
    const { findings, document } = verifyStatus(bytes, policy)
    const stated = document ?? statedStatus(bytes)
    // THREAT: root keys of the checkout's own, and a status of theirs: it may take back more, and makes nothing good again.
    return { bytes, findings, stated, believed: document, counting: remembers(policy) ? document : stated }
  })
}

/**
 * INVARIANT: what was taken back stays so: a status that expired is no proof that nothing else was, and still counts. So does
 * one whose signers the policy does not name any more, until another is given to a policy that the user chose; and what a
 * newer one leaves out.
 */
function withStatusOf(policy: TrustPolicy, { given, kept, caller }: Statuses): TrustPolicy {
  const standing = policy.standing ?? []
  const seen = kept === undefined ? [] : seenStatuses(kept, policy)
  const believed = seen.flatMap((each) => each.believed ?? [])
  const newest = believed.toSorted((left, right) => right.version - left.version)[0]
  if (given === undefined) {
    if (kept === undefined) return policy
    const unread = seen.flatMap(({ stated, findings }) => (stated === undefined ? findings : []))
    const stated = seen.filter((each) => each.stated !== undefined)
    const timed = newest === undefined ? policy : notBefore(policy, new Date(newest.issuedAt))
    const told =
      newest === undefined
        ? stated.map((each) => disowned(policy, each))
        : [standingOf(timed, newest), ...lesserFindings(newest, stated)]
    const counting = seen.flatMap((each) => (newest === undefined ? each.stated : each.counting) ?? [])
    return { ...counting.reduce(withStatus, timed), standing: [...standing, ...unread, ...told] }
  }
  const { findings, document } = verifyStatus(given, policy)
  if (document === undefined) return { ...policy, standing: [...standing, ...findings] }
  const issued = new Date(document.issuedAt)
  const timed = notBefore(policy, issued)
  const judged = [...findings, notOlder(document, newest), freshness(document, nowOf(timed))]
  const isNewest = judged.every(({ check, passed }) => passed || check !== 'status-version')
  const tooMany = isNewest && remembers(policy) ? remember(policy, caller, { given, document, seen }) : []
  return {
    ...[...seen.flatMap(({ counting }) => counting ?? []), document].reduce(withStatus, timed),
    standing: [...standing, ...judged, ...lesserFindings(document, seen), ...tooMany],
  }
}

type Newest = Readonly<{ given: Uint8Array; document: TrustStatus; seen: readonly SeenStatus[] }>

/**
 * The newest, and beside it what took back more, or was signed by other root keys.
 *
 * THREAT: a line of a stranger beside the signed ones, which a policy with other root keys would take for one that was seen.
 */
function remember(
  policy: TrustPolicy & Readonly<{ project: string }>,
  caller: Pick<Caller, 'environment' | 'now'>,
  { given, document, seen }: Newest,
): readonly Finding[] {
  const own = statusesIn(given).filter((bytes) => isSame(statedStatus(bytes), document))
  const others = seen.filter(
    ({ stated, believed }) =>
      stated !== undefined &&
      !isSame(stated, document) &&
      (believed === undefined || takenBackNoMore(document, believed).length > 0),
  )
  const lines = Buffer.concat([...own, ...others.map(({ bytes }) => bytes)])
  if (others.length >= seenLimits.statuses || lines.length > seenLimits.statusBytes) {
    const because = `${others.length} statuses were seen here that take back what ${document.version} does not, more than are remembered: ask its signers for one that takes back all of it`
    return [refused('status-taken-back', 'ERR_STATUS_ROLLBACK', because)]
  }
  keepStatus(caller.environment, policy.project, lines)
  rememberTime(policy, caller, new Date(document.issuedAt))
  return []
}

function isSame(one: TrustStatus | undefined, other: TrustStatus): boolean {
  return one !== undefined && canonicalJson(one) === canonicalJson(other)
}

/** A status that takes back less than one that was seen here: told each time. */
function lesserFindings(status: TrustStatus, seen: readonly SeenStatus[]): readonly Finding[] {
  return seen.flatMap(({ stated, counting }) => {
    const lost = stated === undefined ? [] : takenBackNoMore(status, stated)
    if (stated === undefined || lost.length === 0) return []
    const shown = `${lost.slice(0, 3).join(', ')}${lost.length > 3 ? ` and ${lost.length - 3} more` : ''}`
    const then =
      counting === undefined ? 'it was signed by other root keys, and counts no more' : 'here it still counts'
    const because = `the status ${status.version} does not take back what ${stated.version}, which was seen here, did: ${shown}; ${then}`
    return [caveat('status-taken-back', because)]
  })
}

/** THREAT: other root keys in the policy, or one whose days are over, would make what was taken back good again. */
function disowned({ statusRequired }: TrustPolicy, { findings }: Pick<SeenStatus, 'findings'>): Finding {
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

/**
 * A time that is further ahead of the clock than clocks differ is refused where it is read (ERR_CLOCK_BEHIND), and not kept.
 *
 * THREAT: an authority, a witness or a root key with a wrong clock, after whose one word nothing would ever be believed again.
 *
 * @param at a time that was proven to have passed
 */
export function rememberTime(
  policy: TrustPolicy,
  { environment, now }: Pick<Caller, 'environment' | 'now'>,
  at: Date | undefined,
): void {
  if (at === undefined || !remembers(policy) || at.getTime() - now().getTime() > maxClockSkewMs) return
  const { seen } = policy.times ?? {}
  if (seen === undefined || at > seen) keepNewestTime(environment, policy.project, at)
}
