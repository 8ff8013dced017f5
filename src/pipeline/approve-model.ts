/** `assay model approve`: a promoter's signed word that these bytes, as this statement made them, may go to production. */
import { type DataDecisions, type Finding, promoterFault, verifyChain } from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { chainEvidenceOf, withDefinitions } from './chain-facts.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { listedSigner, openProjectSigner } from './open-signer.ts'
import type { Project } from './project.ts'
import { chainOf, verifyContent } from './verify.ts'
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
  const { findings } = await verifyContent(unasked, path, digest)
  refuse(findings, 'the model is not trusted')
  const chain = await chainOf(unasked, path, digest, chainEvidenceOf(project))
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
  const standing = await standingWith(project, approval, bytes)
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

/** @throws ERR_SIGNER_ROLE when this approval alone would count for nothing */
async function standingWith(
  project: Project,
  { subject, made }: SignedApproval['approval'],
  bytes: Uint8Array,
): Promise<string> {
  const judged = async (approvals: readonly Uint8Array[], threshold?: number): Promise<Finding | undefined> => {
    const rule = project.trust.roles.get('promoter')
    const roles = rule === undefined ? [] : [['promoter', { ...rule, threshold: threshold ?? rule.threshold }] as const]
    const policy = { ...project.trust, roles: new Map([...project.trust.roles, ...roles]) }
    const own = chainEvidenceOf(project)
    const beside = approvals.map((one) => ({ name: 'new', bytes: one, committed: false }))
    const evidence = { ...own, approvals: threshold === undefined ? [...own.approvals, ...beside] : beside }
    const { findings } = await withDefinitions(project, (surroundings) =>
      verifyChain({ subject, entries: [made], evidence, policy, surroundings }),
    )
    return findings.find(({ check }) => check === 'model-approval')
  }
  const alone = await judged([bytes], 1)
  if (alone?.code !== 'OK') throw uncounted(alone?.because ?? 'trust.yaml lists no promoter')
  return (await judged([bytes]))?.because ?? ''
}

function uncounted(because: string): DomainError {
  return new DomainError('ERR_SIGNER_ROLE', `your approval would count nowhere: ${because}`, {
    help: 'let somebody approve whom trust.yaml lists as promoter, with a principal, and who neither built nor ran it',
  })
}
