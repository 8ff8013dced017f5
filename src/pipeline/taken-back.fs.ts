/**
 * What counts against whom a user names themselves, a key or one bundle, whatever project is asked: the keys that they revoked,
 * and what the statuses that they have seen take back.
 */
import {
  everySeenStatus,
  refused,
  revokedKeys,
  statedStatus,
  statusesIn,
  type TrustedIdentity,
  type TrustedKey,
  type TrustPolicy,
  withRevocations,
  withStatus,
} from '../attestation/index.ts'
import type { Caller } from './project.ts'

/**
 * The policy with what was revoked here, and what every status that was seen here takes back; `standing` refuses for one that
 * cannot be read, since nobody knows what it takes back. Nothing is told of those that take back nothing that is judged.
 *
 * @throws ERR_KEY_EXPOSED, ERR_KEY_MALFORMED, ERR_KEY_HOME
 */
export function withAllTakenBack(policy: TrustPolicy, environment: Caller['environment']): TrustPolicy {
  const seen = [...everySeenStatus(environment)].flatMap(([project, kept]) =>
    statusesIn(kept).map((bytes) => ({ project, stated: statedStatus(bytes) })),
  )
  const unread = seen.flatMap(({ project, stated }) =>
    stated === undefined
      ? [refused('status', 'ERR_STATUS_MALFORMED', `a status of \`${project}\` that was seen here cannot be read`)]
      : [],
  )
  const known = withRevocations(policy, revokedKeys(environment))
  const told = seen.flatMap(({ stated }) => stated ?? []).reduce(withStatus, known)
  return unread.length === 0 ? told : { ...told, standing: [...(told.standing ?? []), ...unread] }
}

export type Named = Readonly<{ keys: readonly TrustedKey[]; identities: readonly TrustedIdentity[] }>

/** A policy by which nothing is believed: that of the keys and identities which somebody asks of whether they are taken back. */
export function policyOfNamed({ keys, identities }: Named): TrustPolicy {
  return {
    origin: 'key',
    keys: new Map(keys.map((key) => [key.hint, key])),
    identities: new Map(identities.map((each) => [each.name, each])),
    builders: [],
    roles: new Map(),
    minimumLevel: 0,
    oneCommit: false,
    engines: new Map(),
  }
}
