/**
 * Who is believed, for what, and up to which level: the nouns of `trust.yaml`.
 *
 * What is not listed is not trusted; a key that is good for one role is refused in another.
 * Parsing: `trust-policy-file.ts`. Format: docs/formats/trust-policy.md. Source: trust.md section 1.
 */
import type { KeyObject } from 'node:crypto'
import type { EngineName, Sha256 } from '../core/index.ts'

export const otherRoles = ['source-approver', 'data-validator', 'reviewer', 'reproducer', 'promoter'] as const
export type Role = 'builder' | (typeof otherRoles)[number]

/** Where the policy came from, best first: a repository's own is only as good as the checkout being judged. */
export type PolicyOrigin = 'file' | 'key' | 'pinned' | 'repository'

export type TrustedKey = Readonly<{
  name: string
  key: KeyObject
  /** base64 SHA-256 of the SPKI DER. */
  hint: string
  /** `Name <mail>` of the person or service; a listed principal is *verified* by its key. */
  principal?: string
}>

/** One (signer, builder.id) pair and the highest level that it can earn. */
export type BuilderGrant = Readonly<{ key: string; builder: string; maxLevel: 0 | 1 | 2 | 3 | 4 }>

/** `threshold` different keys, or principals, of `anyOf` must have signed. */
export type RoleRule = Readonly<{
  anyOf: readonly string[]
  threshold: number
  distinct: 'keys' | 'principals'
}>

/** Keys as `assay tlog append` prints them; `threshold` counts witnesses. */
export type LogRule = Readonly<{ key: string; witnesses: readonly string[]; threshold: number }>

export type TrustPolicy = Readonly<{
  origin: PolicyOrigin
  /** Of the bytes that it was read from. */
  digest?: Sha256
  /** Id of the project; missing in a policy that is made of one key. */
  project?: string
  /** By name. */
  keys: ReadonlyMap<string, TrustedKey>
  builders: readonly BuilderGrant[]
  roles: ReadonlyMap<Exclude<Role, 'builder'>, RoleRule>
  minimumLevel: 0 | 1 | 2 | 3 | 4
  /** Stage, the stem of a `foreach` group, or `*` -> the least engine that its evidence is believed of. */
  engines: ReadonlyMap<string, EngineName>
  expiresAt?: Date
  /** A reproduction counts for so long, milliseconds; for ever when left out. */
  reproducedWithinMs?: number
  /** True when all statements of a chain must be of one commit. */
  oneCommit: boolean
  /** Every statement must be in one of these transparency logs; not asked when left out. */
  logs?: readonly LogRule[]
  /** Keys that were taken out of the policy since they are void: hint to name. */
  voided?: ReadonlyMap<string, string>
}>

/**
 * The policy without the keys that were revoked: nothing that they ever signed counts.
 *
 * THREAT: a stolen key dates its signatures as it likes, so without a trusted timestamp none of them is from before.
 * `voided` names the listed ones and those that an earlier call took out.
 */
export function withoutKeys(policy: TrustPolicy, hints: ReadonlySet<string>): TrustPolicy {
  const taken = [...policy.keys.values()].filter(({ hint }) => hints.has(hint))
  if (taken.length === 0) return policy
  const names = new Set(taken.map(({ name }) => name))
  return {
    ...policy,
    keys: new Map([...policy.keys].filter(([name]) => !names.has(name))),
    builders: policy.builders.filter(({ key }) => !names.has(key)),
    roles: new Map(
      [...policy.roles].map(([role, rule]) => [
        role,
        { ...rule, anyOf: rule.anyOf.filter((name) => !names.has(name)) },
      ]),
    ),
    voided: new Map([...(policy.voided ?? []), ...taken.map(({ hint, name }) => [hint, name] as const)]),
  }
}

/** What the policy demands to isolate a stage: of its own name, else of its group, else of all; undefined for nothing. */
export function leastEngine({ engines }: Pick<TrustPolicy, 'engines'>, stage: string): EngineName | undefined {
  const at = stage.lastIndexOf('@')
  return engines.get(stage) ?? (at < 0 ? undefined : engines.get(stage.slice(0, at))) ?? engines.get('*')
}

/** How many of the signers count towards a rule's threshold: different keys, or different principals. */
export function countSigners(rule: RoleRule, signers: readonly TrustedKey[]): number {
  const counted = signers.filter(({ name }) => rule.anyOf.includes(name))
  // A key without a principal is nobody's in particular, and so counts as itself.
  return new Set(counted.map(({ name, principal }) => (rule.distinct === 'keys' ? name : (principal ?? name)))).size
}
