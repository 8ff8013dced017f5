/** Images of OCI registries: their names, their documents, their bytes, and the tree that they make. */
export { type Asker, digestOfTag, registryFor, registrySessionFor } from './ask.fs.ts'
export * from './documents.ts'
export { type ImageName, type ImageReference, imageText, parseImageName, parseImageReference } from './reference.ts'
export type { Registry } from './registry.http.ts'
export { type RegistrySession, readBytes as readRegistryBytes } from './registry-session.http.ts'
