/** Bills of materials: what a model was made of, in the words of CycloneDX and SPDX. */
export { type CycloneDxVersion, cycloneDxOf, cycloneDxVersions } from './cyclonedx.ts'
export { type BomFacts, type BomQuestion, bomFactsOf, purlOf } from './facts.ts'
export { spdxOf } from './spdx.ts'
