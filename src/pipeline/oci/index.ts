/** Artifacts and their evidence in OCI registries. */
export { isOciAddress, parseOciAddress } from './address.ts'
export type { NamedDigest } from './take-evidence.ts'
export { artifactInRegistry, evidenceInRegistry, exportToRegistry, type RegistryExport } from './travel.ts'
