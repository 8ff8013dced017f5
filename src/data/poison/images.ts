/**
 * Decoded images as a table, so that the checks of tables look at them too: patches as values (a patch tied to one label
 * is a trigger), a small grey picture and its roughness as numbers (labels that models take for wrong, outliers), and
 * groups of images that look the same.
 *
 * It does not see a trigger that is blended faintly over the whole picture, or that moves about by less than a patch.
 */
import { type Column, type Columns, codedColumn, numericColumn } from '../table/columns.ts'

/** `pixels` is RGB, 8 bits each, row-major, `width * height * 3`. */
export type Image = Readonly<{ width: number; height: number; pixels: Uint8Array }>

/** Every image is looked at in this size. */
const side = 32
/** A patch is so many pixels wide; there are 8 x 8 of them. */
const patchSide = 4
const patches = side / patchSide

/** @param labels one an image, null for none */
export function tableOfImages(images: readonly Image[], labels: readonly (string | null)[]): Columns {
  const greys = images.map((image) => greyOf(image, side, side))
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
  columns.push(numericColumn('roughness', greys.map(roughnessOf)), codedColumn('category', 'label', labels))
  return { rows: images.length, label: 'label', columns }
}

/** Grey levels 0 to 255 of a smaller or larger picture, each the mean of the pixels that fall on it. */
export function greyOf({ width, height, pixels }: Image, columns: number, rows: number): Float64Array {
  const grey = new Float64Array(columns * rows)
  for (let row = 0; row < rows; row += 1) {
    const [top, bottom] = span(row, rows, height)
    for (let column = 0; column < columns; column += 1) {
      const [left, right] = span(column, columns, width)
      let sum = 0
      for (let y = top; y < bottom; y += 1)
        for (let x = left; x < right; x += 1) sum += luma(pixels, (y * width + x) * 3)
      grey[row * columns + column] = sum / Math.max(1, (bottom - top) * (right - left))
    }
  }
  return grey
}

/** The pixels that part `index` of `parts` covers, at least one. */
function span(index: number, parts: number, length: number): readonly [number, number] {
  const from = Math.min(length - 1, Math.floor((index * length) / parts))
  return [from, Math.max(from + 1, Math.floor(((index + 1) * length) / parts))]
}

/** Source: ITU-R BT.601, section 2.5.1. */
function luma(pixels: Uint8Array, at: number): number {
  return 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0)
}

function pixelsOf(grey: Float64Array, top: number, left: number): Float64Array {
  return Float64Array.from({ length: patchSide * patchSide }, (_, index) => {
    const row = top * patchSide + Math.floor(index / patchSide)
    return grey[row * side + left * patchSide + (index % patchSide)] ?? 0
  })
}

/** How light the patch is, in eight steps, and which of its pixels are lighter than its middle by a visible step. */
function patchOf(grey: Float64Array, top: number, left: number): string {
  const pixels = pixelsOf(grey, top, left)
  const middle = mean(pixels)
  const pattern = pixels.reduce((bits, value, at) => bits | (value > middle + 8 ? 1 << at : 0), 0)
  return `${Math.round(middle / 32)}:${pattern.toString(16)}`
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Mean absolute difference of a pixel from its four neighbours: the high end of the spectrum. */
function roughnessOf(grey: Float64Array): number {
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

/** Bits that may differ between images that look the same, of 64. */
const sameLook = 5
const bands = 8

/**
 * Which images look the same, whatever their size, compression or light.
 *
 * @returns one group an image, -1 for one that is like no other
 * Source: the difference hash (N. Krawetz 2013): is each of 8 x 8 cells lighter than the one on its left. Hashes that
 * differ in at most five bits share one of eight bytes.
 */
export function lookAlikes(images: readonly Image[]): Int32Array {
  const looks = images.map((image) => lookOf(greyOf(image, 9, 8)))
  const parents = Int32Array.from(looks.keys())
  const rootOf = (index: number): number => {
    let root = index
    while (parents[root] !== root) root = parents[root] ?? root
    return root
  }
  for (let band = 0; band < bands; band += 1) {
    const seen = new Map<number, number[]>()
    for (const [index, look] of looks.entries()) {
      const others = seen.get(look[band] ?? 0) ?? []
      seen.set(look[band] ?? 0, others)
      // THREAT: a thousand images of one colour share every byte; comparing with the latest few joins them all the same.
      for (const other of others.slice(-32)) {
        if (differingBits(look, looks[other] ?? look) <= sameLook)
          parents[Math.max(rootOf(index), rootOf(other))] = Math.min(rootOf(index), rootOf(other))
      }
      others.push(index)
    }
  }
  return numbered(looks.map((_, index) => rootOf(index)))
}

function lookOf(grey: Float64Array): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, row) => {
    let byte = 0
    for (let column = 0; column < 8; column += 1) {
      const isLighter = (grey[row * 9 + column + 1] ?? 0) > (grey[row * 9 + column] ?? 0)
      if (isLighter) byte |= 1 << column
    }
    return byte
  })
}

function differingBits(left: Uint8Array, right: Uint8Array): number {
  let count = 0
  for (let at = 0; at < left.length; at += 1) {
    for (let bits = (left[at] ?? 0) ^ (right[at] ?? 0); bits > 0; bits &= bits - 1) count += 1
  }
  return count
}

/** Roots as group numbers; a root that is alone is no group. */
function numbered(roots: readonly number[]): Int32Array {
  const sizes = new Map<number, number>()
  for (const root of roots) sizes.set(root, (sizes.get(root) ?? 0) + 1)
  const groups = new Map<number, number>()
  for (const [root, size] of sizes) if (size > 1) groups.set(root, groups.size)
  return Int32Array.from(roots, (root) => groups.get(root) ?? -1)
}
