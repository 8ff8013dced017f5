/** The only file of `attestation` that other domains import. */
export * from './chain.ts'
export * from './finding.ts'
export type * from './source-approval-facts.ts'
export type * from './stage-facts.ts'
export type * from './trust-policy.ts'
export type * from './verify.ts'
