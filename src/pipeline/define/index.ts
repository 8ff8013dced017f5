/** The only file of `define` that the rest of the pipeline imports. */
export * from './limits.ts'
export { type Overrides, parseOverrides } from './overrides.ts'
export { paramValues, readParams } from './params.ts'
export type { ParamsTree } from './params-tree.ts'
export { definePipeline } from './pipeline.ts'
export { type PlanDocument, type PlannedStage, planDocument } from './plan-document.ts'
export type { DefineOptions, ProjectReader } from './project-source.ts'
export { defineSettings } from './settings.ts'
