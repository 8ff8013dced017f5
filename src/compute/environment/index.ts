/** Environments: the machine's own (`host`), or from a hash-locked list of Python packages. */
export type { LockAdapter, LockedArtefacts, LockedRequirement } from './lock.ts'
export { lockAdapters, parseLock } from './locks.ts'
export { readNetworkSettings } from './network-settings.fs.ts'
export type { NetworkSettings } from './network-settings.ts'
export { prepareEnvironment } from './prepare.ts'
export { type EnvironmentProgress, type OnProgress, progressText } from './progress.ts'
export type { EnvironmentPurpose, EnvironmentRequest } from './request.ts'
