/**
 * `assay verify`: which of two questions is asked. What answers it is loaded then: a bundle alone needs no project, and
 * takes half of the time without one.
 */
import { DomainError } from '../core/index.ts'
import type { Caller } from './project.ts'
import type { ArtifactVerdict } from './verify.ts'
import type { ForeignOptions } from './verify-foreign.fs.ts'

export type VerifyOptions = ForeignOptions &
  Readonly<{
    policy?: string
    bundle?: string
    evidence?: string
    status?: string
    rehash?: boolean
  }>

/** One verdict an artifact; without `artifact` those of the project's model, else of its final outs. */
export async function verifyArtifact(
  caller: Caller,
  artifact: string | undefined,
  options: VerifyOptions,
): Promise<readonly ArtifactVerdict[]> {
  const { bundle } = options
  if (bundle !== undefined && isForeign(options)) {
    if (artifact === undefined) throw new DomainError('ERR_USAGE', '--bundle is about one artifact: name it')
    // THREAT: what was taken back, given and not looked at.
    if (options.status !== undefined)
      throw new DomainError('ERR_USAGE', '--status is about a policy, which says who signs it', {
        help: 'give the policy with --policy, or leave --status out',
      })
    const { verifyForeign } = await import('./verify-foreign.fs.ts')
    return [await verifyForeign(caller, { artifact, bundle }, options)]
  }
  refuseWithoutBundle(options)
  const { verifyByPolicy } = await import('./verify-artifact.fs.ts')
  return await verifyByPolicy(caller, artifact, options)
}

/** A bundle by a policy is evidence of a project; by anything else it may be anybody's. */
function isForeign({ policy, key, ca, identity, issuer }: VerifyOptions): boolean {
  return policy === undefined && [key, ca, identity, issuer].some((each) => each !== undefined)
}

function refuseWithoutBundle({ ca, identity, issuer, ignore, ignoreUnsigned }: VerifyOptions): void {
  if ([ca, identity, issuer, ignore, ignoreUnsigned].every((each) => each === undefined)) return
  throw new DomainError('ERR_USAGE', '--ca, --identity, --issuer and --ignore are about one --bundle', {
    help: 'name it with --bundle, and leave --policy out',
  })
}
