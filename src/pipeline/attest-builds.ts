/** From what was built before a stage to the signed statement of it: one for each environment and each wheel from source, made once. */
import {
  certifiedBuilder,
  type EnvironmentBuild,
  type Signer,
  type StatedFact,
  verifyEnvironmentBuild,
  verifySourceBuild,
} from '../attestation/index.ts'
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

/**
 * @param builds of the wheels that are its materials
 * @returns nothing for what nobody put together
 */
export async function attestEnvironment(
  project: Project,
  signer: Pick<Signer, 'sign' | 'identity'>,
  environment: Environment,
  { builds, at, isThrowAway }: Readonly<{ builds: AttestedBuilds; at: Date; isThrowAway: boolean }>,
): Promise<Sha256 | undefined> {
  if (environment.kind === 'host') return undefined
  const builderId = certifiedBuilder(signer.identity)
  const build = { ...(await statedEnvironment(project, environment, builds, at)), builderId }
  const key = environmentKeyOf(build)
  const known = isThrowAway ? undefined : believedEnvironment(project, build, key)
  if (known !== undefined) return known
  const { bytes } = await signer.sign({ kind: 'environment-build', build })
  return project.evidence.save(bytes, { key, subjects: [build.digest] })
}

async function statedEnvironment(
  { id, version, principal }: Project,
  { name, kind, digest, materials, packages, facts }: Environment,
  builds: AttestedBuilds,
  at: Date,
): Promise<Omit<EnvironmentBuild, 'builderId'>> {
  return {
    project: id,
    ...{ name, kind, digest },
    materials: materials.map((one) => ({ name: one.name, digest: one.digest, ...buildOf(builds.get(one.digest)) })),
    packages: packages.map(({ name: own, version: pinned }) => ({ name: own, version: pinned })),
    facts: facts.map((fact): StatedFact => ({ name: fact.name, value: fact.value, tier: fact.tier })),
    principal: await principal(),
    builderVersion: version,
    at: at.toISOString(),
  }
}

export function buildOf(build: Sha256 | undefined): Readonly<{ build?: Sha256 }> {
  return build === undefined ? {} : { build }
}

function environmentKeyOf({ name, digest, materials }: EnvironmentBuild): Sha256 {
  return digestOfJson({ kind: 'environment-build', name, digest, materials })
}

function believedEnvironment({ evidence, trust }: Project, build: EnvironmentBuild, key: Sha256): Sha256 | undefined {
  return evidence.byKey(key).find((attestation) => {
    const bytes = evidence.bundle(attestation)
    const verdict = bytes === undefined ? undefined : verifyEnvironmentBuild(bytes, trust)
    if (verdict?.trusted !== true) return false
    const { build: stated } = verdict.statement
    return stated.project === build.project && environmentKeyOf(stated) === key && stated.at <= build.at
  })
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
