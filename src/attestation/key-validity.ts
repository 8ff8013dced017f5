/**
 * Was the key in force when it signed?
 *
 * A signature whose time nobody proves counts as made now, and before no revocation: a stolen key dates what it signs as it
 * likes. A proven time is the latest at which it can have been made. Source: trust.md section 4 (a stolen key).
 */
import { type Finding, passed, refused } from './finding.ts'
import type { ProvenTime, SigningTimes, TrustedSigner } from './trust-policy.ts'

/**
 * @param proven the earliest of the times that were proven of the signature
 * @returns nothing for a key without validity and revocation
 */
export function keyFindings(
  key: TrustedSigner,
  proven: ProvenTime | undefined,
  times: SigningTimes | undefined,
): readonly Finding[] {
  const { name, revoked, from, until } = key
  if (revoked === undefined && from === undefined && until === undefined) return []
  const said =
    proven === undefined ? 'and nothing proves when it signed' : `and ${proven.by} proves ${textOf(proven.at)}`
  if (revoked !== undefined && !isBefore(proven, revoked.since)) {
    const since = revoked.since === undefined ? '' : ` since ${textOf(revoked.since)}, ${said}`
    const because = `is signed by \`${name}\`, a key that was revoked${since}: ${revoked.because}`
    return [refused('signature', 'ERR_KEY_REVOKED', because)]
  }
  const at = proven?.at ?? times?.now
  if (until !== undefined && !(at !== undefined && at < until))
    return [refused('key', 'ERR_KEY_EXPIRED', `\`${name}\` counts until ${textOf(until)}, ${said}`)]
  if (from !== undefined && !(at !== undefined && at >= from))
    return [refused('key', 'ERR_KEY_EXPIRED', `\`${name}\` counts from ${textOf(from)}, ${said}`)]
  return [passed('key', `\`${name}\` was in force${proven === undefined ? '' : `, ${said}`}`)]
}

function isBefore(proven: ProvenTime | undefined, since: Date | undefined): boolean {
  return proven !== undefined && since !== undefined && proven.at < since
}

function textOf(at: Date): string {
  return at.toISOString().replace('.000Z', 'Z')
}
