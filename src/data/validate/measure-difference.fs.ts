/** How two files of a table, or of an image, differ in value, as the sandboxed process says it. */
import { type Allowance, type DifferenceAnswer, type DifferenceRequest, differenceAnswerShape } from './difference.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'

export type DifferenceOptions = Readonly<{
  kind: 'table' | 'image'
  /** What both are called: the ending says which table it is. */
  name: string
  allowances: readonly Allowance[]
  /** Of images: to be looked at. */
  pictures?: true
}>

/**
 * @param left absolute, plain file
 * @param right absolute, plain file
 * @throws ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED, ERR_SANDBOX_UNAVAILABLE, ERR_IO
 */
export function measureDifference(
  left: string,
  right: string,
  { kind, name, allowances, pictures }: DifferenceOptions,
  options: ValidatorOptions,
): Promise<DifferenceAnswer> {
  return runValidator(
    [left, right].map((path) => ({ kind: 'file', path, name })),
    ([leftFiles = [], rightFiles = []]): DifferenceRequest => ({
      task: 'difference',
      kind,
      left: leftFiles,
      right: rightFiles,
      allowances,
      ...(pictures === undefined ? {} : { pictures }),
      limits: options.limits,
    }),
    differenceAnswerShape,
    options,
  )
}
