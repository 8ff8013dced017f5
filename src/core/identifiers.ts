/**
 * Names that assay puts into evidence. They are identifiers, not addresses: nothing is ever fetched from them.
 *
 * DECISION 0003: one namespace, versioned per type.
 */
export const namespace = 'https://assay.dev'

/** buildType of a stage's provenance; docs/formats/stage-provenance.md. */
export const stageBuildType = `${namespace}/stage/v1`
/** buildType of a wheel's provenance; docs/formats/source-build.md. */
export const sourceBuildType = `${namespace}/source-build/v1`
/** buildType of an environment's provenance; docs/formats/environment-build.md. */
export const environmentBuildType = `${namespace}/environment-build/v1`
export const sourceApprovalType = `${namespace}/attestation/source-approval/v1`
export const builderIds = {
  unisolated: `${namespace}/builder/local/unisolated`,
  sandboxed: `${namespace}/builder/local/sandboxed`,
} as const

/**
 * What can isolate a stage, and how strongly: an engine stands in for each one that is not stronger.
 *
 * 0: not at all. 1: namespaces of this machine's kernel, which every stage can call. 2: hardened, a kernel of its own.
 */
export const engineStrengths = { none: 0, bubblewrap: 1, podman: 1, gvisor: 2 } as const
export type EngineName = Exclude<keyof typeof engineStrengths, 'none'>
export const engineNames: readonly EngineName[] = ['bubblewrap', 'podman', 'gvisor']

/** @returns false for a name that this version does not know, which proves nothing */
export function isAtLeastEngine(name: string, least: EngineName): boolean {
  const known = Object.entries(engineStrengths).find(([each]) => each === name)
  return known !== undefined && known[1] >= engineStrengths[least]
}

/** A stage had a kernel of its own: what it reaches of this machine's is what that kernel hands on. */
export function isHardenedEngine(name: string): boolean {
  return isAtLeastEngine(name, 'gvisor')
}

/** What stands before an out's path in the name of a fact that says that the out is nothing new. */
export const launderingFact = 'laundering/'

/** The fact that a stage's log and outs were searched for credentials; what stands before each declaration that one is harmless. */
export const searchedFact = 'credentials/searched'
export const harmlessCredentialFact = 'credentials/harmless/'

/** Where a fact in evidence comes from. */
export type Tier = 'observed' | 'declared' | 'verified'

/** Instants are `Date` in memory; a clock is a parameter, so that tests can choose the time. */
export type Clock = () => Date
