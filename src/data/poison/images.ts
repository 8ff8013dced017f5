/**
 * Decoded images as a table, so that the checks of tables look at them too: patches as values (a patch tied to one label
 * is a trigger), a small grey picture and its roughness as numbers (labels that models take for wrong, outliers).
 *
 * It does not see a trigger that is blended faintly over the whole picture, or that moves about by less than a patch.
 */
import { type Column, type Columns, codedColumn, numericColumn } from '../table/columns.ts'
import type { Matrix } from './encode.ts'

/** Every image is looked at in this size: 32 x 32 grey levels, 8 bits each, row-major. */
export const side = 32
export type Grey = Uint8Array
/** A patch is so many pixels wide; there are 8 x 8 of them. */
const patchSide = 4
const patches = side / patchSide

/** @param labels one an image, null for none */
export function tableOfImages(greys: readonly Grey[], labels: readonly (string | null)[]): Columns {
  const columns: Column[] = []
  for (let top = 0; top < patches; top += 1) {
    for (let left = 0; left < patches; left += 1) {
      const name = `patch ${top},${left}`
      columns.push(
        codedColumn(
          'category',
          name,
          greys.map((grey) => patchOf(grey, top, left)),
        ),
        numericColumn(
          `light ${top},${left}`,
          greys.map((grey) => mean(pixelsOf(grey, top, left))),
        ),
      )
    }
  }
  columns.push(
    numericColumn('lightness', greys.map(mean)),
    numericColumn('contrast', greys.map(contrastOf)),
    numericColumn('roughness', greys.map(roughnessOf)),
    codedColumn('category', 'label', labels),
  )
  return { rows: greys.length, label: 'label', columns }
}

/** Fields around one, and itself. */
export function around(field: number): readonly number[] {
  const [top, left] = [Math.floor(field / patches), field % patches]
  return Array.from({ length: patches * patches }, (_, other) => other).filter(
    (other) => Math.abs(Math.floor(other / patches) - top) <= 1 && Math.abs((other % patches) - left) <= 1,
  )
}

/** Lightness of each field, 0 to 255. */
export function lightFields({ rows, columns }: Columns): Matrix {
  const lights = columns.flatMap((column) =>
    column.kind === 'numeric' && fieldOf(column.name) !== undefined ? [column.values] : [],
  )
  const width = lights.length
  const values = new Float32Array(rows * width)
  for (const [at, light] of lights.entries())
    for (let row = 0; row < rows; row += 1) values[row * width + at] = light[row] ?? 0
  return { rows, width, values }
}

/** The field that a column tells of, row-major; undefined where it tells of the whole picture. */
export function fieldOf(column: string | null): number | undefined {
  const [, top, left] = /^(?:patch|light) (\d),(\d)$/.exec(column ?? '') ?? []
  return top === undefined ? undefined : Number(top) * patches + Number(left)
}

/** Of a table of images what models learn from: numbers, of which each has its place or is of the whole picture. */
export function smallPicturesOf(images: Columns): Columns {
  return { ...images, columns: images.columns.filter(({ kind, name }) => kind === 'numeric' || name === images.label) }
}

const ofTheWhole: ReadonlySet<string> = new Set(['lightness', 'contrast', 'roughness', 'label'])

/** Of a table of images what is told of each as a whole. */
export function overviewOf(images: Columns): Columns {
  return { ...images, columns: images.columns.filter(({ name }) => ofTheWhole.has(name)) }
}

function pixelsOf(grey: Grey, top: number, left: number): Uint8Array {
  return Uint8Array.from({ length: patchSide * patchSide }, (_, index) => {
    const row = top * patchSide + Math.floor(index / patchSide)
    return grey[row * side + left * patchSide + (index % patchSide)] ?? 0
  })
}

/** How light the patch is, in eight steps, and which of its pixels are lighter than its middle by a visible step. */
function patchOf(grey: Grey, top: number, left: number): string {
  const pixels = pixelsOf(grey, top, left)
  const middle = mean(pixels)
  const pattern = pixels.reduce((bits, value, at) => bits | (value > middle + 8 ? 1 << at : 0), 0)
  return `${Math.round(middle / 32)}_${pattern.toString(16)}` // one word: patches share nothing
}

function mean(values: Uint8Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Standard deviation of the levels. */
function contrastOf(grey: Grey): number {
  const middle = mean(grey)
  return Math.sqrt(grey.reduce((sum, value) => sum + (value - middle) ** 2, 0) / grey.length)
}

/** Mean absolute difference of a pixel from its four neighbours: the high end of the spectrum. */
function roughnessOf(grey: Grey): number {
  let sum = 0
  for (let row = 1; row < side - 1; row += 1) {
    for (let column = 1; column < side - 1; column += 1) {
      const at = row * side + column
      const around = (grey[at - 1] ?? 0) + (grey[at + 1] ?? 0) + (grey[at - side] ?? 0) + (grey[at + side] ?? 0)
      sum += Math.abs((grey[at] ?? 0) - around / 4)
    }
  }
  return sum / (side - 2) ** 2
}
