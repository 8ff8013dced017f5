/** Small copies of two images, and where they differ: pixels for people to look at. Pure; runs in the sandboxed process. */
import { type DifferenceAnswer, type Picture, shownPixels } from '../difference.ts'

/** Samples row by row, pixel by pixel; 1 or 3 channels, and one more for what is transparent. Height of the first frame. */
export type Raster = Readonly<{ samples: Uint8Array | Uint16Array; width: number; height: number; channels: number }>

export function picturesOf(left: Raster, right: Raster): NonNullable<DifferenceAnswer['pictures']> {
  const both = { left: pictureOf(left), right: pictureOf(right) }
  const isAlike = left.width === right.width && left.height === right.height && left.channels === right.channels
  return isAlike ? { ...both, difference: differenceOf(left, right) } : both
}

/** Each shown pixel stands for a block of them. */
type Grid = Readonly<{ width: number; height: number; from(x: number, y: number): readonly [x: number, y: number] }>

function gridOf({ width, height }: Raster): Grid {
  const scale = Math.max(1, width / shownPixels, height / shownPixels)
  const shown = { width: Math.max(1, Math.floor(width / scale)), height: Math.max(1, Math.floor(height / scale)) }
  return {
    ...shown,
    from: (x, y) => [Math.floor((x * width) / shown.width), Math.floor((y * height) / shown.height)],
  }
}

function pictureOf(raster: Raster): Picture {
  return draw(gridOf(raster), (x, y) => meanOf(raster, x, y))
}

/** Red by the largest difference in the block, so that one pixel of many is seen; else a pale copy. */
function differenceOf(left: Raster, right: Raster): Picture {
  const grid = gridOf(left)
  const most = mostOf(left, right)
  return draw(grid, (x, y) => {
    const largest = largestIn(left, right, x, y)
    if (largest > 0) return [255, 0, 0].map((full) => mixed(full, 255, 0.35 + 0.65 * (largest / most)))
    return meanOf(left, x, y).map((value) => mixed(value, 255, 0.25))
  })
}

/** A block: from (x, y) up to, and without, the beginning of the next. */
type Block = readonly [fromX: number, toX: number, fromY: number, toY: number]
type Paint = (x: readonly [number, number], y: readonly [number, number]) => readonly number[]

function draw({ width, height, from }: Grid, paint: Paint): Picture {
  const rgb = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [startX, startY] = from(x, y)
      const [endX, endY] = from(x + 1, y + 1)
      rgb.set(paint([startX, Math.max(startX + 1, endX)], [startY, Math.max(startY + 1, endY)]), (y * width + x) * 3)
    }
  }
  return { width, height, rgb: rgb.toString('base64') }
}

function meanOf(raster: Raster, xs: readonly [number, number], ys: readonly [number, number]): readonly number[] {
  const sums = [0, 0, 0]
  let count = 0
  for (const at of pixelsOf(raster, [...xs, ...ys])) {
    for (const [channel, value] of colourAt(raster, at).entries()) sums[channel] = (sums[channel] ?? 0) + value
    count += 1
  }
  return sums.map((sum) => Math.round(sum / Math.max(1, count)))
}

function* pixelsOf({ width, channels }: Raster, [fromX, toX, fromY, toY]: Block): Generator<number> {
  for (let y = fromY; y < toY; y += 1) for (let x = fromX; x < toX; x += 1) yield (y * width + x) * channels
}

/** Red, green and blue of 0 to 255, on white. */
function colourAt({ samples, channels }: Raster, at: number): readonly [number, number, number] {
  const full = samples instanceof Uint16Array ? 65_535 : 255
  const sample = (offset: number): number => ((samples[at + offset] ?? 0) / full) * 255
  const isGrey = channels < 3
  const alpha = channels === 2 || channels === 4 ? sample(channels - 1) / 255 : 1
  const on = (value: number): number => mixed(value, 255, alpha)
  return [on(sample(0)), on(sample(isGrey ? 0 : 1)), on(sample(isGrey ? 0 : 2))]
}

function mixed(value: number, ground: number, share: number): number {
  return Math.round(value * share + ground * (1 - share))
}

function largestIn(left: Raster, right: Raster, xs: readonly [number, number], ys: readonly [number, number]): number {
  let largest = 0
  for (const at of pixelsOf(left, [...xs, ...ys])) {
    for (let channel = 0; channel < left.channels; channel += 1)
      largest = Math.max(largest, distanceAt(left, right, at + channel))
  }
  return largest
}

function mostOf(left: Raster, right: Raster): number {
  let most = 1
  const end = left.width * left.height * left.channels
  for (let at = 0; at < end; at += 1) most = Math.max(most, distanceAt(left, right, at))
  return most
}

function distanceAt(left: Raster, right: Raster, at: number): number {
  return Math.abs((left.samples[at] ?? 0) - (right.samples[at] ?? 0))
}
