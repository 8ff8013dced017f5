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
  /** Of images: small ones to look at are wanted too. */
  pictures?: true
  limits: ValidatorLimits
}>

/** LIMIT: of each side of a picture that is shown, in pixels; larger images are made smaller. */
export const shownPixels = 320

/** `rgb`: base64 of width * height * 3 bytes, row by row; transparent pixels lie on white. */
export const pictureShape = z
  .strictObject({
    width: z.int().min(1).max(shownPixels),
    height: z.int().min(1).max(shownPixels),
    rgb: z.base64().max(Math.ceil(shownPixels ** 2 * 4) + 4),
  })
  .refine(({ width, height, rgb }) => Buffer.from(rgb, 'base64').length === width * height * 3, 'it has other pixels')

const countShape = z.number().min(0)

/** Of a column, or of the samples of an image. LIMIT: cells that have no distance count in `differing` and `outside`. */
const measureShape = z.strictObject({
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
  /** The first frame of both; `difference`: red where they differ, on a pale copy; missing where they have other sizes. */
  pictures: z
    .strictObject({ left: pictureShape, right: pictureShape, difference: pictureShape.exactOptional() })
    .exactOptional(),
})
export type Picture = Readonly<z.infer<typeof pictureShape>>
export type DifferenceAnswer = Readonly<z.infer<typeof differenceAnswerShape>>
export type DatasetMeasure = Readonly<z.infer<typeof measureShape>>

export const sameContent: DifferenceAnswer = { others: [], otherCount: 0, isReordered: false, measures: [] }

export function faultOf(side: 'first' | 'second', because: string): DifferenceAnswer {
  return { ...sameContent, fault: { side, because: because.slice(0, 2000) } }
}
