/**
 * A document of ours that is no statement about an artifact: one payload, signed by as many as the policy's root asks for.
 *
 * Written as bundles, one a line, each over the same payload. Lines of keys that are not of the root say nothing: another
 * root may count them.
 * Order: signatures before the payload is parsed, as everywhere.
 */
import type { z } from 'zod'
import { DomainError, isDomainError, parseStrictJson } from '../core/index.ts'
import { type Bundle, bundleLimits, parseBundle } from './bundle.ts'
import { isSignedBy } from './dsse.ts'
import { allPassed, type Finding, passed, refused } from './finding.ts'
import { keyFindings } from './key-validity.ts'
import { bundlesInLines } from './travelled.ts'
import { countSigners, type TrustedKey, type TrustPolicy } from './trust-policy.ts'

export type SignedDocument<T> = Readonly<{ findings: readonly Finding[]; document?: T }>

export type DocumentKind<T> = Readonly<{ payloadType: string; shape: z.ZodType<T>; what: string }>

/** LIMIT: 32 signatures, 16 MiB. */
const maxSignatures = 32

/** Trust: `bytes` are hostile; the policy says who is root. `document` only when every finding passed. */
export function verifyDocument<T>(
  bytes: Uint8Array,
  { payloadType, shape, what }: DocumentKind<T>,
  policy: TrustPolicy,
): SignedDocument<T> {
  const no = (because: string, code: Finding['code'] = 'ERR_STATUS_MALFORMED'): SignedDocument<T> => ({
    findings: [{ ...refused(what, 'ERR_STATUS_MALFORMED', because), code }],
  })
  const rule = policy.roles.get('root')
  if (rule === undefined) return no('the policy lists no root that could have signed it', 'ERR_SIGNER_ROLE')
  if (bytes.length > bundleLimits.maxBytes)
    return no(`it has ${bytes.length} bytes, the limit is ${bundleLimits.maxBytes}`)
  const lines = bundlesInLines(bytes)
  if (lines.length === 0 || lines.length > maxSignatures) return no(`it has ${lines.length} signatures`)
  try {
    const signed = lines.flatMap((line) => signerOf(parseBundle(line.bytes), payloadType, policy) ?? [])
    const signers = signed.map(({ signer }) => signer)
    const enough = countSigners(rule, signers)
    const findings = [
      ...signed.flatMap((one) => one.findings),
      enough >= rule.threshold
        ? passed(what, `is signed by ${signers.map(({ name }) => `\`${name}\``).join(', ')}`)
        : refused(what, 'ERR_SIGNER_ROLE', `${enough} of the root signed it, and ${rule.threshold} are asked for`),
    ]
    const [first, ...others] = signed.map(({ payload }) => payload)
    if (first === undefined || !allPassed(findings)) return { findings }
    if (others.some((payload) => Buffer.compare(payload, first) !== 0))
      return no('its signatures are over different texts')
    const parsed = shape.safeParse(parseStrictJson(first, what, bundleLimits))
    if (!parsed.success) return no(`it has another shape at \`${parsed.error.issues[0]?.path.join('.') ?? ''}\``)
    return { findings, document: parsed.data }
  } catch (error) {
    if (isDomainError(error)) return no(error.message, error.code)
    throw error
  }
}

type Signed = Readonly<{ signer: TrustedKey; payload: Uint8Array; findings: readonly Finding[] }>

function signerOf(bundle: Bundle, payloadType: string, policy: TrustPolicy): Signed | undefined {
  const { envelope, hint, timestamps = [] } = bundle
  const { payload, signature } = envelope
  const signer = [...policy.keys.values()].find((key) => key.hint === hint)
  if (signer === undefined || policy.roles.get('root')?.anyOf.includes(signer.name) !== true) return undefined
  if (envelope.payloadType !== payloadType || !isSignedBy(envelope, signer.key)) {
    const because = `is not signed by \`${signer.name}\`, as it says`
    return { signer, payload, findings: [refused('root', 'ERR_SIGNATURE_INVALID', because)] }
  }
  if (timestamps.length > 0 && policy.times?.timestamp === undefined)
    throw new DomainError('ERR_BUNDLE_TIMESTAMP', 'it holds a timestamp, and the policy lists no authority for one')
  const [proven] = timestamps
    .flatMap((timestamp) => policy.times?.timestamp?.(timestamp, signature) ?? [])
    .toSorted((left, right) => left.at.getTime() - right.at.getTime())
  return { signer, payload, findings: keyFindings(signer, proven, policy.times) }
}
