/**
 * How two tables, or two images, differ in value: what the sandboxed process is asked, and what it answers.
 *
 * Trust: as `request.ts` has it.
 */
import { z } from 'zod'
import type { FileList, ValidatorLimits } from './request.ts'

/** Widest counts: any of the bounds given allows a difference. Without `column` it counts for all of them. */
export type Allowance = Readonly<{ column?: string; abs: number; rel: number; ulp: number }>

export type DifferenceRequest = Readonly<{
  task: 'difference'
  /** What both sides are. */
  kind: 'table' | 'image'
  left: FileList
  right: FileList
  allowances: readonly Allowance[]
  limits: ValidatorLimits
}>

const countShape = z.number().min(0)

/** Of a column, or of the samples of an image. LIMIT: cells that have no distance count in `differing` and `outside`. */
export const measureShape = z.strictObject({
  name: z.string().max(1000),
  type: z.string().max(200),
  elements: countShape,
  differing: countShape,
  outside: countShape,
  bitsOnly: countShape,
  withoutDistance: countShape,
  maxAbs: countShape,
  maxRel: countShape,
  maxUlp: countShape.nullable(),
  worst: z.int().min(0).exactOptional(),
  histogram: z.array(z.tuple([z.int(), countShape])).max(2100),
})

export const differenceAnswerShape = z.strictObject({
  /** Set when a side could not be read, or is beyond a limit: nothing else counts then. */
  fault: z.strictObject({ side: z.enum(['first', 'second']), because: z.string().max(2000) }).optional(),
  /** What differs beside the values: one clause each, in words of ours, with names from the files in backticks. */
  others: z.array(z.string().max(3000)).max(100),
  otherCount: countShape,
  /** As many rows with the same values, in another order. */
  isReordered: z.boolean(),
  measures: z.array(measureShape).max(5000),
})
export type DifferenceAnswer = Readonly<z.infer<typeof differenceAnswerShape>>
export type DatasetMeasure = Readonly<z.infer<typeof measureShape>>

export const sameContent: DifferenceAnswer = { others: [], otherCount: 0, isReordered: false, measures: [] }

export function faultOf(side: 'first' | 'second', because: string): DifferenceAnswer {
  return { ...sameContent, fault: { side, because: because.slice(0, 2000) } }
}
