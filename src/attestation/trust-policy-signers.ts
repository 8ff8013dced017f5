/** Who may sign, as a trust policy lists them: keys and identities, each with the time in which it counts. Pure. */
import { z } from 'zod'
import { DomainError } from '../core/index.ts'
import { hintOf, parsePublicKey } from './public-key.ts'
import { uriShape } from './shapes.ts'
import type { Revocation, TrustedIdentity, TrustedKey } from './trust-policy.ts'

/** LIMIT: 1,000 keys. */
const maxKeys = 1000

/** Of a key or an identity in the policy. */
export const nameShape = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'is not a plain name')

/** A day, or an instant in UTC. */
const moment = z.union([z.iso.date(), z.iso.datetime()])
const validityShape = {
  from: z.iso.date().optional(),
  until: z.iso.date().optional(),
  revoked: z.strictObject({ since: moment.optional(), because: z.string().min(1).max(1000) }).optional(),
}
export const keyShape = z.strictObject({
  publicKey: z.string(),
  principal: z.string().max(500).optional(),
  ...validityShape,
})

export const keysShape = z.record(nameShape, keyShape)
export const identitiesShape = z
  .record(
    nameShape,
    z.strictObject({
      identity: z.string().min(1).max(2000),
      issuer: uriShape.max(2000),
      principal: z.string().max(500).optional(),
      claims: z.record(nameShape, z.string()).exactOptional(),
      trustedRoots: z.array(nameShape).min(1).exactOptional(),
      ...validityShape,
    }),
  )
  .default({})

type Place = (path: readonly PropertyKey[]) => string
type Listed = Readonly<{
  keys: z.infer<typeof keysShape>
  identities: z.infer<typeof identitiesShape>
  /** By name, or a list: their numbers are their names. */
  trustedRoots?: object | undefined
}>

/** By name. @throws ERR_POLICY_MALFORMED */
export function keysFrom({ keys }: Pick<Listed, 'keys'>, place: Place): ReadonlyMap<string, TrustedKey> {
  const entries = Object.entries(keys)
  if (entries.length > maxKeys)
    throw malformed(place(['keys']), `lists ${entries.length} keys, the limit is ${maxKeys}`)
  const byHint = new Map<string, string>()
  return new Map(
    entries.map(([keyName, { publicKey, principal, ...validity }]) => {
      const key = readKey(publicKey, place(['keys', keyName, 'publicKey']))
      const hint = hintOf(key)
      const other = byHint.get(hint)
      // THREAT: one key under two names would reach a threshold of two alone.
      if (other !== undefined) throw malformed(place(['keys', keyName]), `is the same key as \`${other}\``)
      byHint.set(hint, keyName)
      const known = { name: keyName, key, hint, ...(principal === undefined ? {} : { principal }) }
      return [keyName, { ...known, ...validityOf(validity, place(['keys', keyName])) }]
    }),
  )
}

type Validity = Pick<TrustedKey, 'from' | 'until' | 'revoked'>

function validityOf(
  { from, until, revoked }: Pick<z.infer<typeof keyShape>, 'from' | 'until' | 'revoked'>,
  place: string,
): Validity {
  if (from !== undefined && until !== undefined && from > until) throw malformed(place, 'ends before it begins')
  return {
    ...(from === undefined ? {} : { from: startOfDay(from) }),
    ...(until === undefined ? {} : { until: endOfDay(until) }),
    ...(revoked === undefined ? {} : { revoked: revocationOf(revoked) }),
  }
}

function revocationOf({ since, because }: Readonly<{ since?: string | undefined; because: string }>): Revocation {
  return { because, ...(since === undefined ? {} : { since: momentOf(since) }) }
}

/** An instant, or the beginning of a day. @param text that `moment` let pass */
export function momentOf(text: string): Date {
  return text.includes('T') ? new Date(text) : startOfDay(text)
}

function startOfDay(date: string): Date {
  return new Date(`${date}T00:00:00Z`)
}

/** By name, of one space with the keys. @throws ERR_POLICY_MALFORMED */
export function identitiesFrom(
  { identities, keys, trustedRoots = {} }: Listed,
  place: Place,
): ReadonlyMap<string, TrustedIdentity> {
  const entries = Object.entries(identities)
  if (entries.length > maxKeys)
    throw malformed(place(['identities']), `lists ${entries.length} identities, the limit is ${maxKeys}`)
  const known = new Map<string, string>()
  const roots = new Set(Object.keys(trustedRoots))
  return new Map(
    entries.map(([ownName, { identity, issuer, principal, from, until, revoked, ...bound }]) => {
      const both = `${issuer}\n${identity}`
      // THREAT: one identity under two names would reach a threshold of two alone; one name would mean two signers.
      const other = known.get(both) ?? (Object.hasOwn(keys, ownName) ? ownName : undefined)
      if (other !== undefined) throw malformed(place(['identities', ownName]), `is \`${other}\` already`)
      known.set(both, ownName)
      const unknown = bound.trustedRoots?.find((root) => !roots.has(root))
      if (unknown !== undefined)
        throw malformed(place(['identities', ownName]), `names \`${unknown}\`, which is not under trustedRoots`)
      const named = { name: ownName, identity, issuer, ...bound, ...(principal === undefined ? {} : { principal }) }
      return [ownName, { ...named, ...validityOf({ from, until, revoked }, place(['identities', ownName])) }]
    }),
  )
}

function readKey(pem: string, place: string): TrustedKey['key'] {
  try {
    return parsePublicKey(pem)
  } catch (cause) {
    throw malformed(place, cause instanceof Error ? cause.message : 'is not a key', cause)
  }
}

/** A policy holds through the whole day that it names, in UTC. */
export function endOfDay(date: string): Date {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000)
}

export function malformed(place: string, what: string, cause?: unknown, suggestion?: string): DomainError {
  return new DomainError('ERR_POLICY_MALFORMED', `\`${place}\` ${what}`, {
    cause,
    ...(suggestion === undefined ? {} : { help: `did you mean \`${suggestion}\`?` }),
  })
}
