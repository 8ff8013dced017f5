/** Signs what a person decides about a source: approved for these bytes, or revoked for good. */

import { type SourceApproval, verifySourceApproval } from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { refuseExpired, type Source } from '../data/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'

export type Decision = Readonly<{ decision: SourceApproval['decision']; because?: string }>
export type SignedDecision = Readonly<{ source: Source; file: string; attestation: Sha256 }>

/**
 * Approves or revokes; the bundle goes into `attestations/`, to be committed.
 *
 * @throws ERR_SOURCE_NOT_LISTED, ERR_SOURCE_CHANGED when the working tree holds other bytes than those on record (an
 *   approval is for what the approver can look at), ERR_SOURCE_REVOKED; ERR_SIGNER_ROLE and what else the policy refuses the key
 *   of an approval for: a revocation is listed in sources.yaml, whoever signs it
 */
export async function decideAboutSource(project: Project, id: string, decision: Decision): Promise<SignedDecision> {
  const listed = project.sources.get(id)
  if (listed === undefined)
    throw new DomainError('ERR_SOURCE_NOT_LISTED', `no source is called \`${id}\``, {
      help: 'assay data list shows them',
    })
  const { source } = listed
  if (decision.decision === 'approved') await refuseUnlooked(project, source, listed.status)

  await using signer = await openProjectSigner(project)
  const approval = statementOf(project, source, decision, await project.principal())
  const { bytes } = await signer.sign({ kind: 'source-approval', approval })
  if (decision.decision === 'approved') refuseUnbelieved(project, bytes)
  const attestation = sha256Of(bytes)
  const file = project.evidence.saveApproval(`${id}-${decision.decision}-${attestation.slice(7, 19)}`, bytes)
  await enterLog(project, signer, attestationsOf(project))
  return { source, file, attestation }
}

/** What would count nowhere is not kept: its author would take the data for approved. */
function refuseUnbelieved({ trust }: Project, bytes: Uint8Array): void {
  const fault = verifySourceApproval(bytes, trust).findings.find(({ passed }) => !passed)
  if (fault === undefined || fault.code === 'OK' || fault.code === 'CAVEAT') return
  throw new DomainError(fault.code, `your approval would count nowhere: ${fault.because}`, {
    help: 'let somebody approve whose key trust.yaml lists under source-approver',
  })
}

async function refuseUnlooked(project: Project, source: Source, status: string): Promise<void> {
  if (status === 'revoked') throw new DomainError('ERR_SOURCE_REVOKED', `the source \`${source.id}\` was revoked`)
  refuseExpired(source, project.now())
  const digest = await project.contents.rehash(source.path)
  if (digest === source.digest) return
  const what = digest === undefined ? 'is not there' : 'does not hold the bytes on record'
  throw new DomainError('ERR_SOURCE_CHANGED', `\`${source.path}\` ${what}: there is nothing to look at and approve`)
}

function statementOf(
  project: Project,
  source: Source,
  { decision, because }: Decision,
  { name, email }: Awaited<ReturnType<Project['principal']>>,
): SourceApproval {
  const { id, origin, owner, classification, licence, kind, path, digest, reviewBy } = source
  const told = { id, origin, owner: `${owner.name} <${owner.email}>`, classification, licence, kind }
  return {
    project: project.id,
    source: kind === 'golden' ? { ...told, path } : told,
    digest,
    decision,
    ...(because === undefined ? {} : { because }),
    at: project.now().toISOString(),
    ...(reviewBy === undefined ? {} : { reviewBy }),
    approver: { name, email },
  }
}
