/**
 * What is taken back since the policy was written: keys, statements, models and data; signed by root keys, numbered, expiring.
 *
 * It reaches who verifies offline, and says for how long it may be relied on. THREAT: an older one shown again (rollback),
 * or the same for ever (freeze). Format: docs/formats/trust-status.md. Source: trust.md section 4.
 */
import { canonicalJson, isDomainError, parseStrictJson, type Sha256, sha256Of } from '../core/index.ts'
import { bundleLimits, parseBundle, statedPayload } from './bundle.ts'
import { type Finding, passed, refused } from './finding.ts'
import { type SignedDocument, verifyDocument } from './signed-document.ts'
import { bundlesInLines } from './travelled.ts'
import { statusPayloadType, statusShape, type TrustStatus } from './trust-documents.ts'
import { type Revocation, stricter, type TrustedIdentity, type TrustPolicy, withRevocations } from './trust-policy.ts'

/** What is believed of a status; expiry is asked apart. @param bytes bundles, one a line; hostile */
export function verifyStatus(bytes: Uint8Array, policy: TrustPolicy): SignedDocument<TrustStatus> {
  const read = verifyDocument(bytes, { payloadType: statusPayloadType, shape: statusShape, what: 'status' }, policy)
  if (read.document === undefined) return read
  const { project } = read.document
  if (policy.project === project) return read
  const because = `the status is of the project \`${project}\`, not of \`${policy.project ?? 'any'}\``
  return { findings: [...read.findings, refused('status', 'ERR_CHAIN_PROJECT', because)] }
}

/** The statuses in a file of several, each with all its lines; nothing is verified. */
export function statusesIn(bytes: Uint8Array): readonly Uint8Array[] {
  const byText = new Map<Sha256, Uint8Array[]>()
  for (const { bytes: line } of bundlesInLines(bytes)) {
    const text = sha256Of(textIn(line))
    const lines = byText.get(text) ?? []
    lines.push(line, Buffer.from('\n'))
    byText.set(text, lines)
  }
  return [...byText.values()].map((lines) => Buffer.concat(lines))
}

function textIn(line: Uint8Array): Uint8Array {
  try {
    return statedPayload(line)
  } catch (error) {
    if (isDomainError(error)) return line // what cannot be read is told by `verifyStatus`
    throw error
  }
}

/** What a status says that was believed when it was kept, whoever is root now; nothing is verified. */
export function statedStatus(bytes: Uint8Array): TrustStatus | undefined {
  const [line] = bundlesInLines(bytes)
  if (line === undefined) return undefined
  try {
    const payload = parseStrictJson(parseBundle(line.bytes).envelope.payload, 'status', bundleLimits)
    return statusShape.safeParse(payload).data
  } catch (error) {
    if (isDomainError(error)) return undefined // what cannot be read is told by `verifyStatus`
    throw error
  }
}

/** THREAT: a status shown for ever keeps the next one away. */
export function freshness({ version, expiresAt }: TrustStatus, now: Date): Finding {
  return now.getTime() < Date.parse(expiresAt)
    ? passed('status', `the status ${version} counts until ${expiresAt}`)
    : refused('status', 'ERR_STATUS_EXPIRED', `the status ${version} expired at ${expiresAt}`)
}

/** The newest that this user has seen; an older one, or another one of the same number, is refused. */
export function notOlder(given: TrustStatus, seen: TrustStatus | undefined): Finding {
  if (seen === undefined || given.version > seen.version)
    return passed('status-version', `is the newest that was seen here`)
  const isSame = canonicalJson(given) === canonicalJson(seen)
  if (isSame) return passed('status-version', 'is the newest that was seen here')
  const because =
    given.version < seen.version
      ? `the status ${given.version} is older than ${seen.version}, which was seen here`
      : `there are two statuses ${given.version}`
  return refused('status-version', 'ERR_STATUS_ROLLBACK', because)
}

/**
 * What one that was seen takes back and the given one does not, or not as much of: by hint and digest.
 *
 * THREAT: a root that was talked into signing a status without a recall, so that nobody is told of it any more.
 */
export function takenBackNoMore(given: TrustStatus, seen: TrustStatus): readonly string[] {
  type Since = Readonly<{ since?: string }>
  const isAsMuch = (now: Since, then: Since): boolean =>
    now.since === undefined || (then.since !== undefined && Date.parse(now.since) <= Date.parse(then.since))
  const isKept = (then: TrustStatus['keys'][number]): boolean =>
    given.keys.some((key) => key.hint === then.hint && isAsMuch(key, then))
  const isOut = (then: NonNullable<TrustStatus['identities']>[number]): boolean =>
    given.identities?.some(
      (now) => now.identity === then.identity && now.issuer === then.issuer && isAsMuch(now, then),
    ) === true
  const statements = new Set(given.statements.map(({ attestation }) => attestation))
  const recalls = new Set(given.recalls.map(({ digest }) => digest))
  return [
    ...seen.keys.flatMap((key) => (isKept(key) ? [] : [`the key ${key.hint}`])),
    ...(seen.identities ?? []).flatMap((each) => (isOut(each) ? [] : [`the identity ${each.identity}`])),
    ...seen.statements.flatMap(({ attestation }) => (statements.has(attestation) ? [] : [attestation])),
    ...seen.recalls.flatMap(({ digest }) => (recalls.has(digest) ? [] : [digest])),
  ]
}

/** The policy with all that the status takes back, beside what it knew before. */
export function withStatus(
  policy: TrustPolicy,
  { keys, identities = [], statements, recalls }: TrustStatus,
): TrustPolicy {
  const revocations = keys.map((key): readonly [string, Revocation] => [key.hint, revocationOf(key)])
  const { takenBack: before } = policy
  const takenBack = {
    statements: new Map([
      ...(before?.statements ?? []),
      ...statements.map(({ attestation, because }) => [attestation, because] as const),
    ]),
    recalled: new Map([
      ...(before?.recalled ?? []),
      ...recalls.map(({ digest, because }) => [digest, because] as const),
    ]),
  }
  // One key may stand there twice: each makes it stricter.
  const revoked = revocations.reduce((known, revocation) => withRevocations(known, new Map([revocation])), policy)
  return { ...revoked, ...withoutIdentities(policy, identities), takenBack }
}

function withoutIdentities(
  { identities }: TrustPolicy,
  takenBack: NonNullable<TrustStatus['identities']>,
): Pick<TrustPolicy, 'identities'> {
  if (identities === undefined) return {}
  const strictest = (listed: TrustedIdentity): TrustedIdentity => {
    const revoked = takenBack
      .filter(({ identity, issuer }) => identity === listed.identity && issuer === listed.issuer)
      .reduce((known, each) => stricter(known, revocationOf(each)), listed.revoked)
    return revoked === undefined ? listed : { ...listed, revoked }
  }
  return { identities: new Map([...identities].map(([name, listed]) => [name, strictest(listed)])) }
}

function revocationOf({ since, because }: Readonly<{ since?: string; because: string }>): Revocation {
  return { because, ...(since === undefined ? {} : { since: new Date(since) }) }
}
