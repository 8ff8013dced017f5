/**
 * Who is believed, for what, and up to which level: the nouns of `trust.yaml`.
 *
 * What is not listed is not trusted; a key that is good for one role is refused in another.
 * Parsing: `trust-policy-file.ts`. Format: docs/formats/trust-policy.md. Source: trust.md section 1.
 */
import type { KeyObject } from 'node:crypto'
import type { Digest, EngineName, Sha256 } from '../core/index.ts'
import type { Envelope } from './dsse.ts'
import type { Finding } from './finding.ts'
import type { StageFacts } from './stage-facts.ts'

export const otherRoles = ['source-approver', 'data-validator', 'reviewer', 'reproducer', 'promoter', 'root'] as const
export type Role = 'builder' | (typeof otherRoles)[number]

/** Where the policy came from, best first: a repository's own is only as good as the checkout being judged. */
export type PolicyOrigin = 'file' | 'key' | 'pinned' | 'repository'

export type TrustedSigner = Readonly<{
  name: string
  /** `Name <mail>` of the person, or of the one who answers for the service; a listed principal is *verified* by its key. */
  principal?: string
  /** What is proven to be signed before counts for nothing. */
  from?: Date
  /** What it signed at that moment or later counts for nothing. */
  until?: Date
  revoked?: Revocation
}>

/** What the key signed since then is void; all of it where `since` is missing. */
export type Revocation = Readonly<{ since?: Date; because: string }>

/** The latest moment at which a signature can have been made, and who says so. */
export type ProvenTime = Readonly<{ at: Date; by: string }>

/** How the one who verifies knows what time it is, and when something was signed. */
export type SigningTimes = Readonly<{
  now: Date
  /** The newest time that was proven before: a clock behind it decides no expiry. */
  seen?: Date
  /** @throws ERR_BUNDLE_TIMESTAMP; timestamps are refused where it is left out */
  timestamp?(timestamp: Uint8Array, signature: Uint8Array): ProvenTime
  /** By witnesses of a log that the policy lists. */
  witnessed?(attestation: Sha256): ProvenTime | undefined
}>

/** Kinds of statements that a policy can demand to be in a log. */
export const loggedKinds = [
  'stages',
  'approvals',
  'data-verdicts',
  'data-decisions',
  'source-builds',
  'reproductions',
  'reviews',
  'gate-verdicts',
] as const
export type LoggedKind = (typeof loggedKinds)[number]

/** What a policy can demand beside what a level asks. */
export const demands = [
  'approved-sources',
  'data-verdicts',
  'reproduction',
  'review',
  'gates',
  'approved-model',
  'usual-resources',
] as const
export type Demand = (typeof demands)[number]

/** A service that triggers runs, as its identity provider calls it, and the person who answers for it. */
export type ServiceRule = Readonly<{ issuer: string; subject: string; responsible: string }>

/** What a status file takes back: docs/formats/trust-status.md. */
export type TakenBack = Readonly<{
  statements: ReadonlyMap<Sha256, string>
  /** Models and data, by digest. */
  recalled: ReadonlyMap<Digest, string>
}>

export type TrustedKey = TrustedSigner &
  Readonly<{
    key: KeyObject
    /** base64 SHA-256 of the SPKI DER. */
    hint: string
  }>

/** Whom a certificate names and who vouched for that, letter by letter: a person, or a workflow of a CI. */
export type TrustedIdentity = TrustedSigner &
  Readonly<{
    identity: string
    issuer: string
    /** What the CI must have said of the run, letter by letter: `source-ref` -> `refs/heads/main`. */
    claims?: Readonly<Record<string, string>>
    /** Names of the trusted roots that may vouch for it. */
    trustedRoots?: readonly string[]
  }>

/** What is known of a bundle with a certificate, when the trusted roots vouch for it; else the findings say why not. */
export type CertifiedBundle = Readonly<{
  findings: readonly Finding[]
  certified?: Readonly<{
    identity: string
    issuer: string
    envelope: Envelope
    /** The earliest of the times that its entry and its timestamps prove. */
    proven: ProvenTime
    /** What the CI said of the run, as the certificate keeps it: name -> value. */
    claims: Readonly<Record<string, string>>
    /** What the certificate does not bear out of a stage's statement. */
    stageFindings(stated: StageFacts): readonly Finding[]
    /** As that, of a statement that names its builder and nothing else of what stands in certificates. */
    builderFindings(builderId: string): readonly Finding[]
  }>
  /** Whom the policy calls so: set by `identityJudge`, when all passed. */
  signer?: string
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
  /** By name, of one space with the keys. */
  identities?: ReadonlyMap<string, TrustedIdentity>
  /** By name, each as its format has it; the public instance's when left out. A list is named by its places: `0`. */
  trustedRoots?: ReadonlyMap<string, unknown>
  /** Judges bundles that hold a certificate; where it is left out, none of them is believed. `withIdentities` sets it. */
  judgeCertified?: (bytes: Uint8Array) => CertifiedBundle
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
  /** Statements must be in one of these transparency logs; not asked when left out. */
  logs?: readonly LogRule[]
  /** Which of them; stages alone when left out. */
  logged?: ReadonlySet<LoggedKind>
  /** Of authorities that are believed for the time of a signature: PEM of the certificate that signs timestamps. */
  timestamps?: readonly string[]
  /** No stage of a chain may have ended longer ago, milliseconds. */
  maximumAgeMs?: number
  /** Stages ran at commits of one of these repositories, as their statements name them. */
  repositories?: readonly string[]
  /** Ids of the sources that may be used. */
  sources?: readonly string[]
  demands?: ReadonlySet<Demand>
  /** Conditions on the metrics of the model, beside those of the project. */
  gates?: readonly string[]
  services?: readonly ServiceRule[]
  /** Counts up where root keys sign the policy. */
  version?: number
  /** True when nothing is trusted without a status that has not expired. */
  statusRequired?: boolean
  takenBack?: TakenBack
  /** What was found out about the policy itself when it was loaded: part of each verdict. */
  standing?: readonly Finding[]
  /** Missing where the policy is only looked at: then no key with a validity counts, and no timestamp. */
  times?: SigningTimes
}>

/**
 * The policy with keys revoked, beside what it says itself: of two revocations the one that voids more counts.
 *
 * @param revocations by the hint of the key; keys that the policy does not list are nobody's here
 */
export function withRevocations(policy: TrustPolicy, revocations: ReadonlyMap<string, Revocation>): TrustPolicy {
  if (revocations.size === 0) return policy
  const keys = new Map(
    [...policy.keys].map(([name, key]) => {
      const revocation = revocations.get(key.hint)
      return [name, revocation === undefined ? key : { ...key, revoked: stricter(key.revoked, revocation) }]
    }),
  )
  return { ...policy, keys }
}

/** Of two revocations of one key the one that voids more. */
export function stricter(known: Revocation | undefined, other: Revocation): Revocation {
  if (known === undefined) return other
  if (known.since === undefined || other.since === undefined) return known.since === undefined ? known : other
  return known.since <= other.since ? known : other
}

/** What the policy demands to isolate a stage: of its own name, else of its group, else of all; undefined for nothing. */
export function leastEngine({ engines }: Pick<TrustPolicy, 'engines'>, stage: string): EngineName | undefined {
  const at = stage.lastIndexOf('@')
  return engines.get(stage) ?? (at < 0 ? undefined : engines.get(stage.slice(0, at))) ?? engines.get('*')
}

/** How many of the signers count towards a rule's threshold: different keys, or different principals. */
export function countSigners(rule: RoleRule, signers: readonly TrustedSigner[]): number {
  const counted = signers.filter(({ name }) => rule.anyOf.includes(name))
  // A key without a principal is nobody's in particular, and so counts as itself.
  const isOfKeys = rule.distinct === 'keys'
  return new Set(
    counted.map(({ name, principal }) => (isOfKeys || principal === undefined ? `key ${name}` : mailOf(principal))),
  ).size
}

/** Whether a listed reviewer is another person than a listed builder: it does not matter whether anybody has reviewed yet. */
export function hasOtherReviewer({ keys, identities, roles, builders }: TrustPolicy): boolean {
  const personOf = (name: string): string | undefined => {
    const principal = (keys.get(name) ?? identities?.get(name))?.principal
    return principal === undefined ? undefined : mailOf(principal)
  }
  const reviewers = (roles.get('reviewer')?.anyOf ?? []).flatMap((name) => personOf(name) ?? [])
  return reviewers.some((reviewer) => builders.some(({ key }) => personOf(key) !== reviewer))
}

/** `Ada <ADA@example.org>` -> `ada@example.org`. THREAT: one person under two spellings would count as two. */
export function mailOf(person: string): string {
  return (/<([^<>]*)>\s*$/.exec(person)?.[1] ?? person).trim().toLowerCase()
}
