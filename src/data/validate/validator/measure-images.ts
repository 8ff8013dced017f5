/**
 * Two images, sample by sample, as they decode; of animations every frame. Runs in the sandboxed process.
 *
 * THREAT: a small file may stand for a huge image. The decoder refuses by the size that the header claims before it
 * takes memory. LIMIT: 50 megapixels, all frames together, and 30 s a file.
 *
 * Samples are those of the file: applying its colour profile makes different ones equal. Profiles are compared as bytes.
 */
import type { Sharp } from 'sharp'
import {
  type Allowance,
  type DatasetMeasure,
  type DifferenceAnswer,
  type DifferenceRequest,
  faultOf,
  sameContent,
} from '../difference.ts'
import { picturesOf } from './pictures.ts'

const maxPixels = 50_000_000
const secondsPerImage = 30
/** Others are converted while they decode, and samples that differ may come out equal. */
const comparedSpaces: ReadonlySet<string> = new Set(['b-w', 'srgb', 'rgb16', 'grey16'])

export async function measureImages({
  left,
  right,
  allowances,
  pictures,
}: DifferenceRequest): Promise<DifferenceAnswer> {
  const before = await decode(left[0]?.path ?? '')
  if ('because' in before) return faultOf('first', before.because)
  const after = await decode(right[0]?.path ?? '')
  if ('because' in after) return faultOf('second', after.because)
  const others = Object.keys(before.facts).flatMap((name) =>
    before.facts[name] === after.facts[name] ? [] : [tell(name, before.facts[name], after.facts[name])],
  )
  const shown = pictures === undefined ? {} : { pictures: picturesOf(before, after) }
  if (others.length > 0) return { ...sameContent, others, otherCount: others.length, ...shown }
  const measure = measureSamples(before, after, allowances)
  return { ...sameContent, measures: measure.differing === 0 ? [] : [measure], ...shown }
}

function tell(name: string, before: Fact, after: Fact): string {
  const isNumber = typeof before === 'number' && typeof after === 'number'
  return isNumber ? `its ${name} was ${before} and is ${after}` : `its ${name} differs`
}

type Fact = string | number | undefined
type Samples = Uint8Array | Uint16Array
/** `height` of the first frame; the others lie below it. */
type Decoded = Readonly<{
  samples: Samples
  width: number
  height: number
  channels: number
  facts: Readonly<Record<string, Fact>>
}>

async function decode(path: string): Promise<Decoded | Readonly<{ because: string }>> {
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  const open = (): Sharp => sharp(path, { limitInputPixels: maxPixels, failOn: 'warning', pages: -1, ignoreIcc: true })
  try {
    const { width, height, channels, depth, space, orientation, pages, icc, delay } = await open().metadata()
    if (width * height > maxPixels) return { because: `it has more than ${maxPixels} pixels` }
    if (depth !== 'uchar' && depth !== 'ushort') return { because: `it has samples of the type ${depth}` }
    if (!comparedSpaces.has(space)) return { because: 'its colour space is not compared' }
    const isWide = depth === 'ushort'
    const { data, info } = await open()
      .timeout({ seconds: secondsPerImage })
      .toColourspace(isWide ? (channels < 3 ? 'grey16' : 'rgb16') : channels < 3 ? 'b-w' : 'srgb')
      .raw({ depth: isWide ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const samples = isWide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data
    const facts = {
      width,
      height,
      channels: info.channels,
      'kind of samples': depth,
      'colour space': space,
      orientation,
      'number of frames': pages,
      timing: delay?.join(' '),
      'colour profile': icc?.toString('base64'),
    }
    const frame = Math.floor(info.height / Math.max(1, pages ?? 1))
    return { samples, width: info.width, height: Math.max(1, frame), channels: info.channels, facts }
  } catch (error) {
    const [because = ''] = (error instanceof Error ? error.message : String(error)).replaceAll(path, 'it').split('\n')
    return { because: `it does not decode: ${because.slice(0, 200)}` }
  }
}

function measureSamples(left: Decoded, right: Decoded, allowances: readonly Allowance[]): DatasetMeasure {
  const allowed = Math.max(0, ...allowances.map(({ abs }) => abs))
  const bins = new Map<number, number>()
  let [differing, outside, maxAbs, maxRel, worst] = [0, 0, 0, 0, 0]
  for (const [at, before] of left.samples.entries()) {
    const after = right.samples[at] ?? 0
    if (before === after) continue
    const distance = Math.abs(before - after)
    differing += 1
    if (distance > allowed) outside += 1
    if (distance > maxAbs) {
      maxAbs = distance
      worst = at
    }
    maxRel = Math.max(maxRel, distance / Math.max(before, after))
    const bin = Math.floor(Math.log2(distance)) // exact for integers of 16 bits
    bins.set(bin, (bins.get(bin) ?? 0) + 1)
  }
  return {
    name: 'pixels',
    type: left.samples instanceof Uint16Array ? 'u16' : 'u8',
    elements: left.samples.length,
    differing,
    outside,
    bitsOnly: 0,
    withoutDistance: 0,
    maxAbs,
    maxRel,
    maxUlp: null,
    ...(differing === 0 ? {} : { worst }),
    histogram: [...bins].toSorted(([a], [b]) => a - b),
  }
}
