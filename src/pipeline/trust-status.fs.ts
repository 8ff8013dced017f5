/** `assay trust status`: what was taken back since the policy was written, made and shown. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Finding,
  freshness,
  loadForeign,
  momentOf,
  type TrustPolicy,
  type TrustStatus,
  verifyStatus,
} from '../attestation/index.ts'
import { DomainError, isSha256, parseDigest, parseDurationMs, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { writeDurably } from './evidence.fs.ts'
import { appendOwn, refuseNoRoot } from './pin-trust.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { openSigner } from './run-tools.ts'
import { readSmall } from './small-file.fs.ts'

/** LIMIT: a status is at most 16 MiB. */
const maxStatusBytes = 16 * 1024 * 1024

export type StatusChange = Readonly<{
  /** Names in trust.yaml, or hints. */
  revokeKey?: readonly string[]
  /** Names in trust.yaml. */
  revokeIdentity?: readonly string[]
  since?: string
  /** Digests of bundles that are at hand, or files of bundles. */
  revokeStatement?: readonly string[]
  recall?: readonly string[]
  because?: string
  /** How long the next version counts: `30d`. */
  validFor?: string
}>

export type ShownStatus = Readonly<{ file: string; status?: TrustStatus; findings: readonly Finding[] }>

/** What a status says, and whether it is believed here. @throws ERR_INPUT_MALFORMED when it is no file */
export async function readStatus(caller: Caller, file: string): Promise<ShownStatus> {
  const { trust } = await openProject(caller)
  const { findings, document } = verifyStatus(readSmall(file, maxStatusBytes), trust)
  if (document === undefined) return { file, findings }
  return { file, status: document, findings: [...findings, freshness(document, caller.now())] }
}

const defaultValidFor = '30d'

/**
 * The next version: all that was taken back before, and what is taken back now; signed by the user's key.
 *
 * Where the root asks for several signatures, the others add theirs with `cosign`, which changes nothing of it.
 *
 * @throws ERR_SIGNER_ROLE when the key is not of the root; ERR_USAGE; ERR_EVIDENCE_MISSING when a statement is not here; ERR_STATUS_MALFORMED and what else a status before it is refused for
 */
export async function changeStatus(
  caller: Caller,
  file: string,
  change: StatusChange | 'cosign',
): Promise<ShownStatus & Readonly<{ status: TrustStatus }>> {
  const project = await openProject(caller)
  const before = existsSync(file) ? readSmall(file, maxStatusBytes) : undefined
  const status =
    change === 'cosign' ? cosigned(project, before, file) : await nextOf(project, caller, { before, change })
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  refuseNoRoot(project.trust, signer)
  const { bytes } = await signer.sign({ kind: 'trust-status', status })
  const lines = appendOwn(before, bytes, signer)
  writeDurably(file, lines.bytes)
  await enterLog(project, signer, [...attestationsOf(project), sha256Of(bytes)])
  return { file, status, findings: verifyStatus(lines.bytes, project.trust).findings }
}

/** One signature of a root key is enough to look at it: the others are what is being asked for. */
function believedOnce(trust: TrustPolicy, bytes: Uint8Array, file: string): TrustStatus {
  const root = trust.roles.get('root')
  const once =
    root === undefined
      ? trust
      : { ...trust, roles: new Map([...trust.roles, ['root', { ...root, threshold: 1 }] as const]) }
  const { document, findings } = verifyStatus(bytes, once)
  if (document !== undefined) return document
  const fault = findings.find(({ passed }) => !passed)
  throw new DomainError('ERR_STATUS_MALFORMED', `\`${file}\` is not believed: ${fault?.because ?? 'it is empty'}`)
}

function cosigned({ trust }: Project, before: Uint8Array | undefined, file: string): TrustStatus {
  if (before === undefined) throw new DomainError('ERR_USAGE', `there is no status at \`${file}\` to be signed`)
  return believedOnce(trust, before, file)
}

async function nextOf(
  project: Project,
  caller: Caller,
  { before, change }: Readonly<{ before: Uint8Array | undefined; change: StatusChange }>,
): Promise<TrustStatus> {
  const { id, trust } = project
  const known = before === undefined ? undefined : believedOnce(trust, before, 'the status before')
  const { because = '', revokeKey = [], revokeIdentity = [], revokeStatement = [], recall = [], since } = change
  if (revokeKey.length + revokeIdentity.length + revokeStatement.length + recall.length > 0 && because === '')
    throw new DomainError('ERR_USAGE', 'what is taken back needs its reason', { help: "--because 'laptop lost'" })
  const now = caller.now()
  const from = since === undefined ? {} : { since: instantOf(since, now) }
  const identities = [
    ...(known?.identities ?? []),
    ...revokeIdentity.map((name) => ({ ...identityOf(trust, name), ...from, because })),
  ]
  const forged = await Promise.all(revokeStatement.map((text) => spellingsOf(project, caller, text)))
  return {
    project: id,
    version: (known?.version ?? 0) + 1,
    issuedAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + parseDurationMs(change.validFor ?? defaultValidFor)).toISOString(),
    keys: [...(known?.keys ?? []), ...revokeKey.map((name) => ({ hint: hintOf(trust, name), ...from, because }))],
    ...(identities.length === 0 ? {} : { identities }),
    statements: [...(known?.statements ?? []), ...forged.flat().map((attestation) => ({ attestation, because }))],
    recalls: [...(known?.recalls ?? []), ...recall.map((text) => ({ digest: parseDigest(text), because }))],
  }
}

/** The bundle, and what it says: anybody can spell a bundle anew, under another digest. */
async function spellingsOf(project: Project, caller: Caller, text: string): Promise<readonly Sha256[]> {
  const { foreignBundleLimits, parseForeignBundle, saidBy } = await loadForeign()
  const bytes = isSha256(text)
    ? bundleAtHand(project, text)
    : readSmall(resolve(caller.workingFolder, text), foreignBundleLimits.maxBytes)
  const said = saidBy(parseForeignBundle(bytes))
  return [isSha256(text) ? text : sha256Of(bytes), ...(said === undefined ? [] : [sha256Of(said)])]
}

function bundleAtHand({ evidence }: Project, text: Sha256): Uint8Array {
  const bytes = evidence.bundle(text) ?? evidence.approvals().find((one) => sha256Of(one.bytes) === text)?.bytes
  if (bytes !== undefined) return bytes
  throw new DomainError('ERR_EVIDENCE_MISSING', `the statement \`${text}\` is not at hand`, {
    help: 'give its file, or import it (assay attest import): only its contents tell it again when somebody spells the bundle anew',
  })
}

/** THREAT: a revocation from tomorrow on would leave a thief the rest of the day. */
function instantOf(text: string, now: Date): string {
  const at = momentOf(text)
  if (Number.isNaN(at.getTime()))
    throw new DomainError('ERR_USAGE', `\`${text}\` is not a day or an instant in UTC`, { help: '--since 2026-11-20' })
  if (at > now)
    throw new DomainError('ERR_USAGE', `\`${text}\` is yet to come`, { help: 'say since when the key may have leaked' })
  return at.toISOString()
}

function identityOf({ identities }: TrustPolicy, name: string): Readonly<{ identity: string; issuer: string }> {
  const listed = identities?.get(name)
  if (listed !== undefined) return { identity: listed.identity, issuer: listed.issuer }
  throw new DomainError('ERR_SIGNER_UNKNOWN', `trust.yaml lists no identity \`${name}\``, {
    help: 'assay trust show lists them',
  })
}

/** A key need not be listed any more to be revoked: its hint is then asked for. */
function hintOf({ keys }: TrustPolicy, name: string): string {
  const listed = keys.get(name)
  if (listed !== undefined) return listed.hint
  if (/^[A-Za-z0-9+/]{43}=$/.test(name)) return name
  throw new DomainError('ERR_SIGNER_UNKNOWN', `trust.yaml lists no key \`${name}\``, {
    help: 'assay trust show lists them; of another key give its hint',
  })
}
