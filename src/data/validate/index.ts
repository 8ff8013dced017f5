/** May this data be trained on: contract, format, and what the validator found. Entry: `validateDataset`. */
export type { BoxRunner, BoxTask } from './box.ts'
export { type CheckVerdict, type DataCheck, worstOf } from './check.ts'
export { defaultLimits, type ValidatorOptions } from './run-validator.fs.ts'
export { type DatasetReport, type ValidateOptions, validateDataset } from './validate-dataset.fs.ts'
export { validatorProgram } from './validator-program.fs.ts'
