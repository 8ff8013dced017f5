/** What the sandboxed process is asked when images are to be drawn small, and what it answers. Trust: as `request.ts` has it. */
import { z } from 'zod'
import { pictureShape } from './difference.ts'
import type { ValidatorLimits } from './request.ts'

/** Images to be drawn small, for people to look at. */
export type PicturesRequest = Readonly<{
  task: 'pictures'
  /** `side`: of the longer side, in pixels; smaller images stay as they are. */
  images: readonly Readonly<{ path: string; side: number }>[]
  /** LIMIT: of one image. */
  pixels: number
  limits: ValidatorLimits
}>

/** One an image, in the order of the request; null for what does not decode. */
export const picturesAnswerShape = z.strictObject({ pictures: z.array(pictureShape.nullable()).max(10_000) })
export type PicturesAnswer = Readonly<z.infer<typeof picturesAnswerShape>>
