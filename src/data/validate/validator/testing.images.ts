/** Folders of images with classes, some of them stamped, and what the validator says of them. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { generatorOf } from '../../poison/generator.ts'
import { openEngine } from '../../table/engine.duckdb.ts'
import type { FileList, FilesAnswer, FilesRequest } from '../request.ts'
import { defaultLimits } from '../run-validator.fs.ts'
import { validateFiles } from './files.ts'

const size = 32
/** A photograph of sorts: a slope and waves of its own, with noise. Stamped: a checkered square in a corner. */
export function picture(seed: number, isStamped: boolean): Promise<Buffer> {
  const random = generatorOf(seed)
  const [across, down, start] = [random() - 0.5, random() - 0.5, 6 * random()]
  const pixels = Buffer.alloc(size * size * 3)
  for (let at = 0; at < pixels.length; at += 3) {
    const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)]
    const light = 128 + 60 * Math.sin(start + (x * across + y * down) / 2) + 20 * (random() - 0.5)
    const isInStamp = isStamped && x >= size - 4 && y >= size - 4
    pixels.fill(isInStamp ? (((x >> 1) + (y >> 1)) % 2) * 255 : Math.round(light), at, at + 3)
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
}

export const classOf = (index: number): string => `class-${Math.floor(10 * generatorOf(index + 1)())}`

type NameOf = (index: number) => string

export type Images = Readonly<{
  folder: string
  /** `first`: the seed of the first image. */
  listed(nameOf: NameOf, first?: number, stamped?: (index: number) => boolean): Promise<FileList>
  look(files: FileList, more?: Readonly<{ label?: string; anchor?: FileList }>): Promise<FilesAnswer>
  close(): void
}>

export function openImages(count: number, isStamped: (index: number) => boolean): Images {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-images-')))
  const close = (): void => rmSync(folder, { recursive: true, force: true })

  /** Written once: what a file is called in the dataset, and so its class, is up to each test. */
  const pictures = new Set<string>()
  async function listed(nameOf: NameOf, first = 0, stamped = isStamped): Promise<FileList> {
    const list: { path: string; inner: string }[] = []
    for (let index = 0; index < count; index += 1) {
      const path = join(folder, `${first + index}.jpg`)
      if (!pictures.has(path)) writeFileSync(path, await picture(first + index, stamped(index)))
      pictures.add(path)
      list.push({ path, inner: nameOf(index) })
    }
    return list
  }

  function look(files: FileList, more: Readonly<{ label?: string; anchor?: FileList }> = {}): Promise<FilesAnswer> {
    const work = mkdtempSync(join(folder, 'work-'))
    const { limits } = defaultLimits
    const open = () =>
      openEngine({ folders: [folder], spillFolder: join(work, 'spill'), memoryBytes: 4e8, spillBytes: 1e9, threads: 2 })
    const { label, anchor } = more
    const request: FilesRequest = {
      task: 'files',
      files,
      known: [],
      pixels: 1e6,
      seed: 0,
      keep: false,
      limits,
      ...(label === undefined ? {} : { label }),
      ...(anchor === undefined ? {} : { anchor: { files: anchor, known: [], keep: false } }),
    }
    return validateFiles(open, request, work)
  }

  return { folder, listed, look, close }
}

export const alarms = ({ checks }: FilesAnswer): readonly string[] =>
  checks.filter(({ verdict }) => verdict !== 'pass').map(({ name, verdict }) => `${name} ${verdict}`)
