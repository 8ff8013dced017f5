/**
 * Names that assay puts into evidence. They are identifiers, not addresses: nothing is ever fetched from them.
 *
 * DECISION 0003: one namespace, versioned per type.
 */
export const namespace = 'https://assay.dev'

/** buildType of a stage's provenance; docs/formats/stage-provenance.md. */
export const stageBuildType = `${namespace}/stage/v1`
export const sourceApprovalType = `${namespace}/attestation/source-approval/v1`
export const builderIds = {
  unisolated: `${namespace}/builder/local/unisolated`,
  sandboxed: `${namespace}/builder/local/sandboxed`,
} as const

/** Where a fact in evidence comes from. */
export type Tier = 'observed' | 'declared' | 'verified'

/** Instants are `Date` in memory; a clock is a parameter, so that tests can choose the time. */
export type Clock = () => Date
