/** May this data be trained on: contract, format, and what the validator found. Entry: `validateDataset`. */

export type { Version } from '../poison/index.ts'
export { type Baseline, parseBaseline, printBaseline } from './baseline.ts'
export type { BoxRunner, BoxTask } from './box.ts'
export { type CheckVerdict, type DataCheck, worstOf } from './check.ts'
export type { Dataset } from './dataset.fs.ts'
export { type DatasetDiff, type DiffOptions, diffDatasets } from './diff-datasets.fs.ts'
export { type DatasetProfile, profileDataset } from './profile-dataset.fs.ts'
export type { JudgedRows, RowVerdict, SuspectRow, ValidateAnswer } from './request.ts'
export { defaultLimits, type ValidatorOptions } from './run-validator.fs.ts'
export { type DatasetReport, type Findings, findIn, type Questions, validateDataset } from './validate-dataset.fs.ts'
export { validatorEngine } from './validator-program.fs.ts'
