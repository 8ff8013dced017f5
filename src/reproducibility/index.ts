/** The only file of `reproducibility` that other domains import. */
export * from './causes.ts'
export * from './compare/index.ts'
export * from './determinism.ts'
export type { Linter, LintFinding, StageCode, StageLint } from './lint/index.ts'
export { isRule, lintRules, type RuleName, ruleNames } from './lint/rules.ts'
export { observeMachine } from './machine.fs.ts'
export * from './record.ts'
export * from './seeds.ts'
export * from './stage-key.ts'

/** The linter brings two parsers: it is loaded by whoever asks for it. */
export const loadLinter = async (): Promise<typeof import('./lint/index.ts')> => await import('./lint/index.ts')
