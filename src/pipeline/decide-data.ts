/** Signs what a person decides about data: a check waived, a baseline fixed as the anchor, rows judged one by one. */

import {
  type DataAnchor,
  type DataReview,
  type DataWaiver,
  type SignRequest,
  verifyDataDecision,
} from '../attestation/index.ts'
import { type Digest, DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'
import { keepFindable } from './resolve-inputs.ts'

type Common = 'project' | 'at' | 'by'
export type DataDecisionRequest =
  | Readonly<{ kind: 'data-waiver'; decision: Omit<DataWaiver, Common> }>
  | Readonly<{ kind: 'data-anchor'; decision: Omit<DataAnchor, Common> }>
  | Readonly<{ kind: 'data-review'; decision: Omit<DataReview, Common> }>

export type SignedDataDecision = Readonly<{ file: string; attestation: Sha256 }>

/**
 * The bundle goes into `attestations/`, to be committed. What the trust policy would not believe is not kept.
 *
 * @throws ERR_SIGNER_ROLE and what else the policy refuses the key for, ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_STATEMENT_MALFORMED
 */
export async function decideAboutData(project: Project, request: DataDecisionRequest): Promise<SignedDataDecision> {
  await using signer = await openProjectSigner(project)
  const { name, email } = await project.principal()
  const common = { project: project.id, at: project.now().toISOString(), by: { name, email } }
  const { bytes } = await signer.sign(withCommon(request, common))
  refuseUnbelieved(project, request.kind, bytes)
  const attestation = sha256Of(bytes)
  const stem = request.decision.subject.path.replace(/[^\p{L}\p{N}._-]+/gu, '-')
  const file = project.evidence.saveApproval(
    `${stem}-${request.kind.slice('data-'.length)}-${attestation.slice(7, 19)}`,
    bytes,
  )
  await enterLog(project, signer, attestationsOf(project))
  return { file, attestation }
}

function refuseUnbelieved({ trust }: Project, kind: DataDecisionRequest['kind'], bytes: Uint8Array): void {
  const fault = verifyDataDecision(kind, bytes, trust).findings.find(({ passed }) => !passed)
  if (fault === undefined || fault.code === 'OK' || fault.code === 'CAVEAT') return
  throw new DomainError(fault.code, `your decision would count nowhere: ${fault.because}`, {
    help: 'let somebody decide whose key trust.yaml lists under reviewer',
  })
}

function withCommon(request: DataDecisionRequest, common: Pick<DataWaiver, Common>): SignRequest {
  switch (request.kind) {
    case 'data-waiver':
      return { kind: request.kind, decision: { ...request.decision, ...common } }
    case 'data-anchor':
      return { kind: request.kind, decision: { ...request.decision, ...common } }
    case 'data-review':
      return { kind: request.kind, decision: { ...request.decision, ...common } }
  }
}

/** Every byte is read: a decision is about what its author can look at. @throws ERR_DATA_MISSING */
export async function digestHere(project: Project, path: string): Promise<Digest> {
  const digest = await project.contents.rehash(path)
  if (digest !== undefined) return digest
  throw new DomainError('ERR_DATA_MISSING', `\`${path}\` is not there`, {
    help: 'name a file or folder of the project',
  })
}

/** As `digestHere`, and keeps the bytes: later versions are compared with these rows. */
export async function keepHere(project: Project, path: string): Promise<Digest> {
  const content = await project.contents.ingest(path)
  if (content !== undefined) await keepFindable(project, content)
  const digest = await digestHere(project, path)
  if (content?.digest === digest) return digest
  throw new DomainError('ERR_DATA_CHANGED', `\`${path}\` changed while it was being read`)
}

/** The anchor that counts now for a dataset, the newest first. */
export function currentAnchor(project: Project, dataset: string): DataAnchor | undefined {
  const [newest] = project
    .dataDecisions()
    ['data-anchor'].map(({ decision }) => decision)
    .filter((anchor) => anchor.dataset.path === dataset)
    .toSorted((left, right) => (left.at < right.at ? 1 : -1))
  return newest
}
