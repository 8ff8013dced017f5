/** Small copies of images, drawn by the sandboxed process that alone decodes them. */
import { type Dataset, namesOf, partOfDataset } from './dataset.fs.ts'
import type { Picture } from './difference.ts'
import { picturesAnswerShape } from './draw-request.ts'
import { maxPixels } from './look-at.fs.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'

/**
 * @param wanted by path in the dataset: pixels of the longer side, at most 320
 * @returns those that decode
 * @throws ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED, ERR_SANDBOX_UNAVAILABLE, ERR_IO
 */
export async function drawImages(
  dataset: Exclude<Dataset, { kind: 'file' }>,
  wanted: ReadonlyMap<string, number>,
  options: ValidatorOptions,
): Promise<ReadonlyMap<string, Picture>> {
  const places = namesOf(dataset).flatMap((inner, place) => (wanted.has(inner) ? [place] : []))
  if (places.length === 0) return new Map()
  const part = partOfDataset(dataset, places)
  const { pictures } = await runValidator(
    [part],
    ([files = []]) => ({
      task: 'pictures',
      images: files.map(({ path, inner }) => ({ path, side: wanted.get(inner) ?? 1 })),
      pixels: maxPixels,
      limits: options.limits,
    }),
    picturesAnswerShape,
    options,
  )
  return new Map(namesOf(part).flatMap((inner, index) => (pictures[index] ? [[inner, pictures[index]]] : [])))
}
