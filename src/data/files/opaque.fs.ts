/**
 * The pixels that trainers read: as the bytes say, without what the file says of showing them. Runs in the sandboxed process.
 *
 * THREAT: making an image smaller weighs colours by their transparency, and a colour profile may map a level to another one, so
 * that a patch is not seen here. Pillow, OpenCV and TensorFlow drop transparency and ignore profiles.
 */
import type { Sharp, SharpOptions } from 'sharp'

/** @param asked.isGrey of its pixels nothing but the lightness is wanted */
export type Wanted = Readonly<{ options: SharpOptions; seconds: number; isGrey: boolean }>

/**
 * What has transparency is unpacked first, and a second pipeline makes it smaller: in one the weighing comes before the drop.
 * LIMIT: that takes a byte a pixel, or three, of at most so many as `options` allows.
 */
export async function opaque(
  sharp: (input: string | Buffer, options: SharpOptions) => Sharp,
  path: string,
  { options, seconds, isGrey }: Wanted,
): Promise<Sharp> {
  const open = (): Sharp => sharp(path, { ...options, ignoreIcc: true }).timeout({ seconds })
  const { hasAlpha } = await open().metadata()
  if (hasAlpha !== true) return open()
  const plain = isGrey ? open().greyscale().extractChannel(0) : open().removeAlpha().toColourspace('srgb')
  const { data, info } = await plain.raw().toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  return sharp(data, { raw: { width, height, channels } }).timeout({ seconds })
}
