/** What `assay/verify` takes and gives. Nothing is imported here: the package's declarations are this text. */

/** `sha256:` or `dirHash1:`, and 64 lower-case hex digits. */
export type ArtifactDigest = string

export type Question = Readonly<{
  /** What `assay attest export --out FILE.assay.jsonl` wrote: one bundle a line. */
  evidence: Uint8Array
  /** The artifact's digest, as you computed it from its bytes. */
  digest: ArtifactDigest
  /** Whom you trust: `trust.yaml` as an object (docs/formats/trust-policy.md), or one public key as PEM. */
  policy: object | string
  /** When it is asked; now, when left out. Policies, approvals and waivers expire. */
  now?: Date
  /** Sources that you know to be revoked, beside the revocations of the evidence. */
  revokedSources?: readonly Readonly<{ id: string; digest: ArtifactDigest }>[]
}>

export type Finding = Readonly<{
  /** What was asked: `signature`, `subject`, `link`, `source-approval`. */
  check: string
  /** `OK`; `CAVEAT` when it passed and a reader should know; else why it was refused, a code of docs/reference/errors.md. */
  code: string
  passed: boolean
  because: string
  /** How it is known. */
  tier: 'observed' | 'declared' | 'verified'
  /** A stage, a path, a source. */
  subject?: string
}>

export type Answer = Readonly<{
  /** Every finding passed, and the level is at least the policy's minimum. */
  trusted: boolean
  /** 0 to 4: docs/formats/trust-policy.md. */
  level: 0 | 1 | 2 | 3 | 4
  /** What would earn the next level. */
  whyNotHigher: readonly string[]
  /** `path`: as the evidence calls it. */
  subject: Readonly<{ path: string; digest: ArtifactDigest }>
  /** All of them, those that passed too. */
  findings: readonly Finding[]
  properties: Readonly<{
    isolated: boolean
    hermetic: boolean
    inputsApproved: boolean
    locked: boolean
    validated: boolean
    reproduced: boolean
  }>
  /** Commits that the chain spans. */
  commits: readonly string[]
}>

/**
 * May this artifact be believed, back to its sources?
 *
 * Pure: nothing is fetched, read or run, whatever the evidence names; time and memory are bounded by the limits of
 * docs/formats/stage-provenance.md. Evidence that is broken, forged or of somebody else is an answer, never an exception.
 *
 * Signatures are checked by WebCrypto, which browsers have on pages of `https:` and `localhost` only.
 *
 * @throws an Error with `code` ERR_POLICY_MALFORMED, ERR_KEY_MALFORMED or ERR_INPUT_MALFORMED, for what *you* gave
 */
export type Verify = (question: Question) => Promise<Answer>
