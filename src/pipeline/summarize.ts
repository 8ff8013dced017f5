/** `assay attest vsa`: the verdict on an artifact, signed for those who do not verify themselves. */
import { dirname, resolve } from 'node:path'
import type { VerificationSummary } from '../attestation/index.ts'
import { DomainError, namespace, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { openSigner } from './run-tools.ts'
import { realOf } from './small-file.fs.ts'
import type { ArtifactVerdict } from './verify.ts'
import { chosenPolicy, verifyByPolicy } from './verify-artifact.fs.ts'
import { findRoot } from './workspace.fs.ts'

/** `policy`: a file; the caller's own when left out. */
export type SummaryOptions = Readonly<{ policy?: string; resourceUri?: string }>

/**
 * Verifies first, then signs what it came to, refusal or not.
 *
 * THREAT: an artifact in somebody else's project brings its own trust.yaml: the caller's key signs for the caller's alone.
 *
 * @returns the bare envelope's bytes, one for the one artifact
 * @throws ERR_USAGE when it is not one artifact, or lies outside of the project and has no resource URI
 * @throws ERR_ARTIFACT_MISSING, ERR_POLICY_MALFORMED, ERR_KEY_HOME, ERR_KEY_LOCKED
 */
export async function summarizeVerdict(
  caller: Caller,
  artifact: string | undefined,
  { policy, resourceUri }: SummaryOptions,
): Promise<Readonly<{ verdict: ArtifactVerdict; bytes: Uint8Array; summary: VerificationSummary }>> {
  const project = await openProject(caller)
  const judge = chosenPolicy(caller, policy === undefined ? {} : { policy }) ?? project.trust
  const [verdict, ...more] = await verifyByPolicy(caller, artifact, {}, judge)
  if (verdict === undefined || more.length > 0)
    throw new DomainError('ERR_USAGE', 'a summary is of one artifact', { help: 'name one of the outs' })
  const { path, digest } = verdict.subject
  if (digest === null) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
  if (resourceUri === undefined && artifact !== undefined)
    refuseOutside(project, resolve(caller.workingFolder, artifact))
  const summary: VerificationSummary = {
    subject: { path, digest },
    resourceUri:
      resourceUri ?? `${namespace}/project/${project.id}/${path.split('/').map(encodeURIComponent).join('/')}`,
    policy: {
      uri: `${namespace}/policy/${judge.project ?? project.id}`,
      ...(judge.digest === undefined ? {} : { digest: judge.digest }),
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

/** Its path is of another project, or of none: under this project's name it would be another file. */
function refuseOutside({ root }: Project, file: string): void {
  if (findRoot(realOf(dirname(file))) === root) return
  throw new DomainError('ERR_USAGE', `\`${file}\` does not lie in the project that would sign for it`, {
    help: 'say what to call it with --resource-uri, or summarize it in its own project',
  })
}

function earnedOf({ properties }: ArtifactVerdict): VerificationSummary['properties'] {
  const names = ['isolated', 'hermetic', 'inputsApproved', 'locked', 'validated', 'reproduced'] as const
  return names.filter((name) => properties[name])
}
