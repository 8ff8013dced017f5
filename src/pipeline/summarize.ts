/** `assay attest vsa`: the verdict on an artifact, signed for those who do not verify themselves. */
import type { VerificationSummary } from '../attestation/index.ts'
import { DomainError, namespace, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { openProject } from './project.fs.ts'
import type { Caller } from './project.ts'
import { openSigner } from './run-tools.ts'
import type { ArtifactVerdict } from './verify.ts'
import { verifyByPolicy } from './verify-artifact.fs.ts'

/** `policy`: a file, and the digest of its bytes. */
export type SummaryOptions = Readonly<{ policy?: Readonly<{ file: string; digest: Sha256 }>; resourceUri?: string }>

/**
 * Verifies first, then signs what it came to, refusal or not.
 *
 * @returns the bare envelope's bytes, one for the one artifact
 * @throws ERR_USAGE when it is not one artifact, ERR_ARTIFACT_MISSING, ERR_KEY_HOME, ERR_KEY_LOCKED
 */
export async function summarizeVerdict(
  caller: Caller,
  artifact: string | undefined,
  { policy, resourceUri }: SummaryOptions,
): Promise<Readonly<{ verdict: ArtifactVerdict; bytes: Uint8Array; summary: VerificationSummary }>> {
  const [verdict, ...more] = await verifyByPolicy(caller, artifact, policy === undefined ? {} : { policy: policy.file })
  if (verdict === undefined || more.length > 0)
    throw new DomainError('ERR_USAGE', 'a summary is of one artifact', { help: 'name one of the outs' })
  const { path, digest } = verdict.subject
  if (digest === null) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
  const project = await openProject(caller)
  const judgedBy = policy?.digest ?? project.trust.digest
  const summary: VerificationSummary = {
    subject: { path, digest },
    resourceUri:
      resourceUri ?? `${namespace}/project/${project.id}/${path.split('/').map(encodeURIComponent).join('/')}`,
    policy: {
      uri: `${namespace}/policy/${project.id}`,
      ...(judgedBy === undefined ? {} : { digest: judgedBy }),
    },
    trusted: verdict.trusted,
    level: verdict.trusted ? verdict.level : 0,
    properties: verdict.trusted ? earnedOf(verdict) : [],
    version: project.version,
    at: project.now().toISOString(),
  }
  await using signer = await openSigner(project, { draft: false, unsafeNoSandbox: false })
  const { bytes } = await signer.sign({ kind: 'verification-summary', summary })
  await enterLog(project, signer, [...attestationsOf(project), sha256Of(bytes)])
  return { verdict, bytes, summary }
}

function earnedOf({ properties }: ArtifactVerdict): VerificationSummary['properties'] {
  const names = ['isolated', 'hermetic', 'inputsApproved', 'locked', 'validated', 'reproduced'] as const
  return names.filter((name) => properties[name])
}
