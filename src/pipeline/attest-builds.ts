/** From a wheel that was built from source to the signed statement of its build: one for each, made once. */
import { certifiedBuilder, type Signer, verifySourceBuild } from '../attestation/index.ts'
import type { BuiltWheel, Environment } from '../compute/index.ts'
import { digestOfJson, type Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

/** Digest of a wheel -> digest of the bundle that says how it was built. */
export type AttestedBuilds = ReadonlyMap<Sha256, Sha256>

/** @param isThrowAway what is signed now is believed by nobody later, and stands in for nothing */
export async function attestBuilds(
  project: Project,
  signer: Pick<Signer, 'sign' | 'identity'>,
  { built = [] }: Environment,
  isThrowAway: boolean,
): Promise<AttestedBuilds> {
  const found = new Map<Sha256, Sha256>()
  for (const one of built) {
    const known = isThrowAway ? undefined : believedBuild(project, one)
    found.set(one.wheel.digest, known ?? (await attestBuild(project, signer, one)))
  }
  return found
}

/** A statement of this very build that the project's policy believes. */
function believedBuild({ evidence, trust, id }: Project, built: BuiltWheel): Sha256 | undefined {
  return evidence.byKey(keyOf(built)).find((attestation) => {
    const bytes = evidence.bundle(attestation)
    const verdict = bytes === undefined ? undefined : verifySourceBuild(bytes, trust)
    if (verdict?.trusted !== true) return false
    const { build } = verdict.statement
    const isIts = build.wheel.digest === built.wheel.digest && build.source.digest === built.source.digest
    return isIts && build.project === id && build.environment === built.environment
  })
}

function keyOf({ wheel, source, environment, startedAt }: BuiltWheel): Sha256 {
  return digestOfJson({ kind: 'source-build', wheel: wheel.digest, source: source.digest, environment, startedAt })
}

async function attestBuild(
  { evidence, id, version }: Project,
  signer: Pick<Signer, 'sign' | 'identity'>,
  { sandbox, ...built }: BuiltWheel,
): Promise<Sha256> {
  const build = {
    project: id,
    ...built,
    sandbox: { ...sandbox, facts: { network: 'none' } },
    builderId: certifiedBuilder(signer.identity),
    builderVersion: version,
  }
  const { bytes } = await signer.sign({ kind: 'source-build', build })
  return evidence.save(bytes, { key: keyOf({ ...built, sandbox }), subjects: [built.wheel.digest] })
}
