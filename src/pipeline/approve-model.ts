/** `assay model approve`: a promoter's signed word that these bytes, as this statement made them, may go to production. */
import {
  type ChainVerdict,
  type DataDecisions,
  type Finding,
  judgeApprovals,
  promoterFault,
} from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { chainEvidenceOf } from './chain-facts.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { listedSigner, openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'
import { judgeContent } from './verify.ts'
import { subjectsOf } from './verify-artifact.fs.ts'

export type SignedApproval = Readonly<{
  file: string
  attestation: Sha256
  approval: DataDecisions['model-approval']
  /** How many of how many now approve it, in words. */
  standing: string
}>

/**
 * The bundle goes into `attestations/`, to be committed. What would count nowhere is not kept.
 *
 * @throws ERR_ARTIFACT_MISSING, ERR_SIGNER_ROLE when the key is no promoter's, or its holder built the model or set a run of it off; what `verify` refuses the model for
 */
export async function approveModel(
  project: Project,
  artifact: string | undefined,
  { because, workingFolder }: Readonly<{ because: string; workingFolder: string }>,
): Promise<SignedApproval> {
  const [path, ...more] = subjectsOf(project, artifact, workingFolder)
  if (path === undefined || more.length > 0)
    throw new DomainError('ERR_USAGE', 'an approval is of one artifact: name it', { help: 'assay model approve PATH' })
  const digest = await project.contents.rehash(path)
  if (digest === undefined) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
  const { trust } = project
  const demands = new Set([...(trust.demands ?? [])].filter((demand) => demand !== 'approved-model'))
  const unasked = { ...project, trust: { ...trust, demands } }
  const { chain, verdict } = await judgeContent(unasked, path, digest)
  refuse(verdict.findings, 'the model is not trusted')
  const { entry } = chain
  if (entry === undefined) throw new DomainError('ERR_EVIDENCE_MISSING', `there is no evidence for \`${path}\``)
  const { name, email } = await project.principal()
  const at = project.now().toISOString()
  const approval = { project: project.id, subject: { path, digest }, made: entry, because, at, by: { name, email } }
  await using signer = await openProjectSigner(project)
  const listed = listedSigner(trust, signer)
  const fault =
    listed === undefined
      ? 'trust.yaml does not list your key'
      : promoterFault(trust, { signer: listed, decision: approval }, chain)
  if (fault !== undefined) throw uncounted(fault) // before a key that may cost money signs what counts nowhere
  const { bytes } = await signer.sign({ kind: 'model-approval', decision: approval })
  const standing = standingWith(project, { approval, chain }, bytes)
  const attestation = sha256Of(bytes)
  const file = project.evidence.saveApproval(`model-${digest.slice(-12)}-approval-${attestation.slice(7, 19)}`, bytes)
  await enterLog(project, signer, attestationsOf(project))
  return { file, attestation, approval, standing }
}

function refuse(findings: readonly Finding[], what: string): void {
  const fault = findings.find(({ passed }) => !passed)
  if (fault !== undefined && fault.code !== 'OK' && fault.code !== 'CAVEAT')
    throw new DomainError(fault.code, `${what}: ${fault.because}`, { help: 'assay verify says all that is wrong' })
}

type Judged = Readonly<{ approval: SignedApproval['approval']; chain: ChainVerdict }>

/** @throws ERR_SIGNER_ROLE when this approval alone would count for nothing */
function standingWith(project: Project, { approval, chain }: Judged, bytes: Uint8Array): string {
  const own = chainEvidenceOf(project)
  const added = { name: 'new', bytes, committed: false }
  const judged = (approvals: typeof own.approvals, policy: Project['trust']): Finding | undefined => {
    const { subject, made } = approval
    const surroundings = { now: policy.times?.now ?? project.now() }
    const question = { subject, entries: [made], evidence: { ...own, approvals }, policy, surroundings }
    return judgeApprovals(question, made, chain.stages, chain.gates).findings[0]
  }
  const { trust } = project
  const rule = trust.roles.get('promoter')
  if (rule === undefined) throw uncounted('trust.yaml lists no promoter')
  const roles = new Map([...trust.roles, ['promoter', { ...rule, threshold: 1 }] as const])
  const alone = judged([added], { ...trust, roles })
  if (alone?.code !== 'OK') throw uncounted(alone?.because ?? 'trust.yaml lists no promoter')
  return judged([...own.approvals, added], trust)?.because ?? ''
}

function uncounted(because: string): DomainError {
  return new DomainError('ERR_SIGNER_ROLE', `your approval would count nowhere: ${because}`, {
    help: 'let somebody approve whom trust.yaml lists as promoter, with a principal, and who neither built nor ran it',
  })
}
