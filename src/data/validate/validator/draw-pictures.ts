/**
 * Small copies of images, as pixels. Runs in the sandboxed process.
 *
 * THREAT: what a browser is shown must hold nothing of a hostile file but colours. Only pixels leave this process, of the
 * first frame; whoever wants a picture of them writes it anew (`pngOf`).
 */
import { imageTypes } from '../../files/file-type.ts'
import { typeAt } from '../../files/look-at-files.fs.ts'
import { opaque } from '../../files/opaque.fs.ts'
import type { Picture } from '../difference.ts'
import type { PicturesAnswer, PicturesRequest } from '../draw-request.ts'

const secondsPerImage = 20

export async function drawPictures({ images, pixels }: PicturesRequest): Promise<PicturesAnswer> {
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  const draw = async ({ path, side }: PicturesRequest['images'][number]): Promise<Picture | null> => {
    // THREAT: libvips reads more than is looked at: an SVG takes what it shows from files beside it
    if (!imageTypes.has(typeAt(path))) return null
    try {
      const options = { limitInputPixels: pixels, failOn: 'warning', pages: 1 } as const
      const image = await opaque(sharp, path, { options, seconds: secondsPerImage, isGrey: false })
      const { data, info } = await image
        .resize(side, side, { fit: 'inside', withoutEnlargement: true })
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true })
      const { width, height, channels } = info
      return { width, height, rgb: rgbOf(data, channels).toString('base64') }
    } catch {
      return null // it does not decode: checks of files say so
    }
  }
  const pictures: (Picture | null)[] = []
  for (const image of images) pictures.push(await draw(image))
  return { pictures }
}

/** @param samples of 1 or 3 channels, 8 bits each */
function rgbOf(samples: Buffer, channels: number): Buffer {
  if (channels === 3) return samples
  const rgb = Buffer.alloc((samples.length / channels) * 3)
  for (let at = 0; at < rgb.length; at += 1) rgb[at] = samples[Math.floor(at / 3) * channels] ?? 0
  return rgb
}
