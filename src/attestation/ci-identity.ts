/**
 * A run of a CI, as the certificate of its identity tells it: which builder that is, what is recorded of who set it off, and
 * whether a statement says the same. Pure.
 *
 * The claims are the CI's own (GitHub, GitLab and others, by the names of Fulcio's extensions), which the authority read in a
 * token that it verified. Source: trust.md section 3, level 2; sigstore/fulcio docs/oid-info.md.
 */
import { builderIds, namespace } from '../core/index.ts'
import { type Finding, passed, refused } from './finding.ts'
import { triggerFacts } from './responsible.ts'
import type { StageFacts, StatedFact } from './stage-facts.ts'

export type CertifiedIdentity = Readonly<{
  identity: string
  issuer: string
  claims: Readonly<Record<string, string>>
}>

/** The builder of what is signed for an identity: a person's own machine unless a CI vouches for repository and commit. */
export function certifiedBuilder(of: CertifiedIdentity | undefined): string {
  const isOfCi = of?.claims['source-repository'] !== undefined && of.claims['source-digest'] !== undefined
  return isOfCi ? `${namespace}/builder/ci/${of.issuer.replace(/^https:\/\//, '')}` : builderIds.sandboxed
}

/** Nothing of a person, who is named by git. */
export function triggerFactsOf(of: CertifiedIdentity | undefined): readonly StatedFact[] {
  if (of === undefined || certifiedBuilder(of) === builderIds.sandboxed) return []
  const fact = (name: string, value: string): StatedFact => ({ name, value, tier: 'verified' })
  return [
    fact(triggerFacts.issuer, of.issuer),
    fact(triggerFacts.subject, of.identity),
    ...Object.entries(of.claims).map(([name, value]) => fact(`${triggerFacts.claim}${name}`, value)),
  ]
}

/**
 * THREAT: the run that asked for the signature may be taken over, and say that another CI, another commit or another person
 * stands behind it. What the certificate does not bear out is refused.
 */
export function certifiedFindings(stated: StageFacts, of: CertifiedIdentity): readonly Finding[] {
  const { builderId, facts, source, principal } = stated
  const builder = otherBuilder(builderId, of)
  if (builder.length > 0) return builder
  const known = new Map(triggerFactsOf(of).map(({ name, value }) => [name, value]))
  const other = facts.find(({ name, value }) => name.startsWith('trigger/') && known.get(name) !== value)
  if (other !== undefined) return no(`says \`${other.name}\`, and its certificate does not`)
  // THREAT: who leaves out that a CI set it off is asked for no person who answers for that CI.
  const silent = [triggerFacts.issuer, triggerFacts.subject].find(
    (name) => known.has(name) && !facts.some((fact) => fact.name === name),
  )
  if (silent !== undefined) return no(`does not say \`${silent}\`, and its certificate does`)
  if (principal.tier === 'verified' && principal.email !== of.identity)
    return no(`says that \`${principal.email}\` was verified, and its certificate does not`)
  if (known.size === 0) return []
  const { 'source-digest': commit = '', 'source-repository': repository = '', run } = of.claims
  if (source.uri !== undefined && repositoryOf(source.uri) !== repositoryOf(repository))
    return no(`ran the code of \`${source.uri}\`, and the CI vouches for \`${repository}\``)
  return source.commit === commit
    ? [passed('certified', `ran at the commit that the CI vouches for${run === undefined ? '' : `, in ${run}`}`)]
    : no(`ran at the commit \`${source.commit ?? 'none'}\`, and the CI vouches for \`${commit}\``)
}

/** Of statements that name a builder and nothing else that a certificate could bear out. */
export function otherBuilder(builderId: string, of: CertifiedIdentity): readonly Finding[] {
  const builder = certifiedBuilder(of)
  return builderId === builder || builderId === builderIds.unisolated
    ? []
    : no(`says that \`${builderId}\` made it, and its certificate is of \`${builder}\``)
}

function no(because: string): readonly Finding[] {
  return [refused('certified', 'ERR_IDENTITY_MISMATCH', because)]
}

/** Host and path: `https://host/o/r` and `ssh://host/o/r.git` are one repository. */
function repositoryOf(address: string): string {
  return address
    .replace(/^[a-z]+:\/\//, '')
    .replace(/(\.git)?\/*$/, '')
    .toLowerCase()
}
