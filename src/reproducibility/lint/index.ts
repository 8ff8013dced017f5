/** The linter, loaded when it is asked for (`loadLinter`): it brings two parsers. */
export {
  type Linter,
  type LintFinding,
  openLinter,
  type StageCode,
  type StageCommand,
  type StageLint,
} from './linter.ts'
export { isRule, lintRules, type RuleName, ruleNames } from './rules.ts'
export type { SourceFiles } from './source.ts'
