/**
 * May a bundle that anybody made be believed about these bytes? Signature first; the payload is read afterwards.
 *
 * Pure: neither files nor network, and nothing that the bundle names is fetched. What a payload says: `../model/`. The
 * libraries for certificates, logs and digests are loaded by the bundles that need them.
 */
import type { KeyObject } from 'node:crypto'
import { DomainError, isDomainError } from '../../core/index.ts'
import { allPassed, type Finding, passed, refused } from '../finding.ts'
import type { ForeignBundle } from './foreign-bundle.ts'
import { type ForeignTrust, isMeantBy, parseCertificate } from './foreign-trust.ts'
import type { LogQuestion } from './log-evidence.ts'
import { isEnvelopeSigned, isSignedByOldTool } from './signature.ts'
import type { TrustedRoot } from './trusted-root.ts'

export type ForeignQuestion = Readonly<{
  bundle: ForeignBundle
  trust: ForeignTrust
  root?: TrustedRoot | undefined
  now: Date
  /** Raw digest of the artifact by the hash that the message signature names; left out for a statement. */
  digest?: Uint8Array | undefined
}>

/**
 * Decides who signed, by what the user trusts.
 *
 * Trust: `bundle` is hostile; `trust` and `root` are the user's word.
 *
 * @returns every finding in the order made; believed only when all passed
 */
export async function judgeSigner(question: ForeignQuestion): Promise<readonly Finding[]> {
  const { bundle, trust, root } = question
  const kind = fittingTrust(bundle, trust)
  if (!kind.passed) return [kind]
  const digest = digestFinding(question)
  if (digest.some((finding) => !finding.passed)) return [kind, ...digest]
  if (trust.kind === 'identity') {
    if (root === undefined) throw new DomainError('ERR_USAGE', 'an identity is judged by a trusted root')
    const { judgeIdentity } = await import('./log-evidence.ts')
    return [kind, ...digest, ...judgeIdentity(logQuestion(question, root), trust)]
  }
  const [key, findings] =
    trust.kind === 'key' ? judgeKey(bundle, trust.key) : await judgeAuthorities(question, trust.roots)
  if (key === undefined || !allPassed([kind, ...findings])) return [kind, ...digest, ...findings]
  const signed = [kind, ...digest, ...findings, await judgeSignature(question, key)]
  if (!allPassed(signed) || root === undefined || bundle.logEntries.length + bundle.timestamps === 0) return signed
  const { judgeEntries } = await import('./log-evidence.ts')
  return [...signed, ...judgeEntries(logQuestion(question, root), key)]
}

function logQuestion({ bundle, digest }: ForeignQuestion, root: TrustedRoot): LogQuestion {
  return { bundle, root, digest: digest ?? new Uint8Array() }
}

const trustNames = { key: 'a key', authorities: 'an authority', identity: 'an identity' } as const

/** THREAT: a bundle chooses the weakest way in which it may be judged. The user chooses, and the other way refuses. */
function fittingTrust({ material }: ForeignBundle, { kind }: ForeignTrust): Finding {
  return (material.kind === 'key') === (kind === 'key')
    ? passed('trust', `is judged by ${trustNames[kind]}`)
    : refused(
        'trust',
        'ERR_TRUST_KIND',
        `is signed by ${material.kind === 'key' ? 'a key' : 'a certificate'}, and was to be judged by ${trustNames[kind]}`,
      )
}

/** A message signature says which digest it is about; an artifact with another one needs no look at the signature. */
function digestFinding({ bundle: { content }, digest }: ForeignQuestion): readonly Finding[] {
  if (content.kind === 'statement') return []
  return digest !== undefined && Buffer.from(digest).equals(content.digest)
    ? [passed('subject', 'the signature is about these bytes')]
    : [refused('subject', 'ERR_SUBJECT_MISMATCH', 'the signature is about other bytes')]
}

type Judged = readonly [key: KeyObject | undefined, findings: readonly Finding[]]

function judgeKey({ material }: ForeignBundle, key: KeyObject): Judged {
  if (material.kind !== 'key') return [undefined, []]
  const isMeant = isMeantBy(material, key)
  return [
    key,
    [
      isMeant
        ? passed('signer', 'names no other key')
        : refused('signer', 'ERR_SIGNER_UNKNOWN', 'says that another key signed it'),
    ],
  ]
}

async function judgeAuthorities({ bundle: { material }, now }: ForeignQuestion, roots: ForeignRoots): Promise<Judged> {
  if (material.kind !== 'certificates') return [undefined, []]
  const { judgeChain, nameOf } = await import('./certificate-chain.ts')
  try {
    const [leaf, ...others] = material.certificates.map(parseCertificate)
    if (leaf === undefined) return [undefined, []]
    const findings = judgeChain({ leaf, others, roots, at: now })
    return [leaf.publicKey, [...findings, passed('signer', `the certificate is of \`${nameOf(leaf)}\``)]]
  } catch (error) {
    if (!isDomainError(error)) throw error
    return [undefined, [refused('certificate', error.code, error.message)]]
  }
}

type ForeignRoots = Extract<ForeignTrust, { kind: 'authorities' }>['roots']

async function judgeSignature(question: ForeignQuestion, key: KeyObject): Promise<Finding> {
  return (await isSigned(question, key))
    ? passed('signature', 'is signed by that key')
    : refused(
        'signature',
        'ERR_SIGNATURE_INVALID',
        'is not signed by that key: it was changed, or somebody else signed',
      )
}

async function isSigned({ bundle: { content }, digest }: ForeignQuestion, key: KeyObject): Promise<boolean> {
  if (content.kind === 'statement')
    return isEnvelopeSigned(content.envelope, key) || isSignedByOldTool(content.envelope, key)
  const { isDigestSigned } = await import('./digest-signature.ts')
  return digest !== undefined && isDigestSigned(digest, content.signature, key)
}
