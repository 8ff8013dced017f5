/** Environments: the machine's own (`host`), or from a hash-locked list of Python packages. */

export { condaPlatform } from './conda-lock.ts'
export { resolveCondaLock } from './conda-resolver.exec.ts'
export { type CondaWanted, isForConda, readCondaWanted } from './conda-wanted.ts'
export { type InspectedTree, inspectEnvironmentTree } from './inspect.ts'
export type { LockAdapter, LockedArtefacts, LockedRequirement } from './lock.ts'
export { maxPackageLockBytes } from './lock-text.ts'
export { lockAdapters, parseLock } from './locks.ts'
export { readNetworkSettings } from './network-settings.fs.ts'
export type { NetworkSettings } from './network-settings.ts'
export { condaLockNames, type OtherLock, readOtherLock } from './other-locks.ts'
export { prepareEnvironment } from './prepare.ts'
export { type EnvironmentProgress, type OnProgress, progressText } from './progress.ts'
export { examineLock, type LockHere, type LockQuestion, readLockHere } from './read-lock.fs.ts'
export type { EnvironmentPurpose, EnvironmentRequest } from './request.ts'
export { type ResolveRequest, resolveLock } from './resolver.exec.ts'
export { makeRunners } from './runners.fs.ts'
export { isConda, type RunnerCall, runnersIn, runnersTarget } from './runners.ts'
export { adaptersFor, usualName } from './usual-name.ts'
export {
  joinWanted,
  nothingWanted,
  type ReadWanted,
  requirementsWanted,
  type Wanted,
  wantedRequirement,
} from './wanted.ts'
export { condaPipWanted, pipfileWanted, pyprojectWanted, versionsIn } from './wanted-project.ts'
export { parseWheelName } from './wheel-name.ts'
