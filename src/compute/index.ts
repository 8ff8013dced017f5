/** The only file of `compute` that other domains import. */

export * from './bubblewrap/index.ts'
export { egressLimitsOf, parseSubnets, proxyVariables } from './egress/index.ts'
export * from './engines.ts'
export * from './environment/index.ts'
export type * from './environment.ts'
export * from './gpu/index.ts'
export {
  digestOfTag,
  type ImageName,
  type ImageReference,
  imageText,
  parseImageName,
  parseImageReference,
  type RegistrySession,
  readRegistryBytes,
  registrySessionFor,
} from './image/index.ts'
export { removeTree } from './remove-tree.fs.ts'
export type * from './sandbox.ts'
export * from './secrets/index.ts'
export * from './system/index.ts'
