import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import sharp from 'sharp'
import { defaultLimits } from '../run-validator.fs.ts'
import { drawPictures } from './draw-pictures.ts'

test('THREAT an image is drawn, and no page that shows files beside it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-draw-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const [image, page] = [join(folder, 'grey.png'), join(folder, 'page.png')]
  await sharp(Buffer.alloc(256, 99), { raw: { width: 16, height: 16, channels: 1 } }).toFile(image)
  const shown = '<image href="grey.png" width="16" height="16"/>'
  writeFileSync(page, `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">${shown}</svg>`)
  const images = [image, page].map((path) => ({ path, side: 8 }))
  const { pictures } = await drawPictures({ task: 'pictures', images, pixels: 1e6, limits: defaultLimits.limits })
  assert.deepEqual(
    pictures.map((picture) => picture?.width),
    [8, undefined],
  )
})

test('THREAT colours behind transparency are drawn: trainers read them', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-draw-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'clear.png')
  const clear = Buffer.from(Array.from({ length: 64 }, () => [200, 10, 10, 0]).flat())
  await sharp(clear, { raw: { width: 8, height: 8, channels: 4 } }).toFile(path)
  const images = [{ path, side: 8 }]
  const { pictures } = await drawPictures({ task: 'pictures', images, pixels: 1e6, limits: defaultLimits.limits })
  const colours = Buffer.from(pictures[0]?.rgb ?? '', 'base64')
  assert.deepEqual([...colours.subarray(0, 3), colours.length], [200, 10, 10, 192])
})
