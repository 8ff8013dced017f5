/**
 * Evidence that others made, and signatures of models: loaded when it is asked for (`loadForeign`), and within it the
 * libraries for certificates and logs once more, since they take longer to load than most verbs run.
 */
export {
  alwaysIgnored,
  isModelPredicate,
  judgeModel,
  type ManifestTerms,
  type ModelManifest,
  parseModelManifest,
  type Resource,
  rootOf,
  sortedResources,
} from '../model/model-manifest.ts'
export { printModelStatement, signModel } from '../model/sign-model.ts'
export type { BundleDescription } from './describe-bundle.ts'
export { saidBy } from './digest-signature.ts'
export * from './foreign-bundle.ts'
export { artifactNeeds, type ForeignStatement, judgeSubjects, parseForeignStatement } from './foreign-statement.ts'
export { type ForeignTrust, parseCertificate, parseCertificates, parseForeignKey } from './foreign-trust.ts'
export type { TrustedRoot } from './trusted-root.ts'
export { judgeSigner } from './verify-foreign.ts'

export function loadTrustedRoots(): Promise<typeof import('./trusted-root.ts')> {
  return import('./trusted-root.ts')
}

export function loadCertificates(): Promise<typeof import('./certified-bundle.ts')> {
  return import('./certified-bundle.ts')
}

export function loadLogEvidence(): Promise<typeof import('./log-evidence.ts')> {
  return import('./log-evidence.ts')
}

export function loadDescriptions(): Promise<typeof import('./describe-bundle.ts')> {
  return import('./describe-bundle.ts')
}
