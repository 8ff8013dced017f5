/** The user's keys and pinned policies, by project: the nouns. `key-home.fs.ts` keeps them in the user's own folder. */
import type { KeySource, KeyType } from './key.ts'

/** The caller's environment; only HOME, XDG_CONFIG_HOME and the ASSAY_ variables of the keys are looked at. */
export type KeyEnvironment = Readonly<Record<string, string | undefined>>

export type RevokedKey = Readonly<{
  publicPem: string
  hint: string
  /** RFC 3339, UTC. */
  revokedAt: string
  /** RFC 3339, UTC: from when its signatures are void; all of them when missing. */
  since?: string
  because: string
}>

/** `publicPem` and `hint` as the holder showed them when the key was chosen. */
export type HeldKeyRecord = Readonly<{ address: string; publicPem?: string; hint?: string }>

export type KeyRecord = Readonly<{
  project: string
  /** Missing when the key was revoked and no new one was made. */
  key?: Readonly<{ publicPem: string; hint: string; encrypted: boolean; createdAt: string }>
  /** A key that is kept elsewhere, and signs instead; without `publicPem` an identity that is certified anew. */
  held?: HeldKeyRecord
  /** Real paths of the checkouts that may use it. */
  checkouts: readonly string[]
  revoked: readonly RevokedKey[]
  /** Keys that others came after. */
  retired?: readonly Readonly<{ publicPem: string; hint: string; retiredAt: string }>[]
  /** Real paths of the checkouts that the pinned policy judges, whatever project they say they are. */
  pinned?: readonly string[]
}>

export type KeyHome = Readonly<{
  /** Absolute. */
  folder: string
  /** Makes the project's key, ECDSA on P-256 when left out, for the checkout that is open. @throws ERR_KEY_EXISTS */
  createKey(project: string, now: Date, type?: KeyType): KeyRecord
  /**
   * Where the signer finds the key.
   *
   * @throws ERR_KEY_HOME when there is none, ERR_KEY_CHECKOUT when it was not made for this checkout, ERR_KEY_REVOKED,
   *   ERR_KEY_LOCKED when it is encrypted and ASSAY_KEY_PASSPHRASE is not set, ERR_KEY_EXPOSED
   */
  loadKey(project: string): KeySource
  /** Lets a key that is kept elsewhere sign for the project in the open checkout; undefined: the file's key again. */
  useHeld(project: string, held: HeldKeyRecord | undefined): KeyRecord
  /** Every project that has a record here, by id. */
  listKeys(): readonly KeyRecord[]
  /** The public PEM. @throws ERR_KEY_HOME */
  exportPublic(project: string): string
  /** Copies the private key as it is, encrypted or not, to a new file that only its owner may read. @throws ERR_KEY_HOME, ERR_IO */
  backup(project: string, target: string): void
  /** Takes the key out of use; a new one can be made afterwards. `retired`: the hint of one that others came after. @throws ERR_KEY_HOME */
  markRevoked(
    project: string,
    revocation: Readonly<{ because: string; since?: string; now: Date; retired?: string }>,
  ): RevokedKey
  /** Takes the key out of use, so that another can be made: what it signed stays what it is. @throws ERR_KEY_HOME */
  retireKey(project: string, now: Date): Readonly<{ publicPem: string; hint: string }>
  /** Lets this checkout use the project's key (`assay key use`). @throws ERR_KEY_HOME */
  registerCheckout(project: string): KeyRecord
  /** Keeps a policy for the project, and for the open checkout (`assay trust pin`). @throws ERR_POLICY_MALFORMED */
  pinPolicy(project: string, policy: Uint8Array): void
  /** What was pinned for the open checkout, else for the project that it says it is. */
  readPin(project: string): Uint8Array | undefined
}>
