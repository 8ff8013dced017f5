/** The only file of `reproducibility` that other domains import. */
export * from './compare/index.ts'
export * from './determinism.ts'
export { observeMachine } from './machine.fs.ts'
export * from './record.ts'
export * from './stage-key.ts'
