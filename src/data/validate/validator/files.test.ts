/** Folders of images with classes: a patch on one in fifty, all of one class, and the honest twin; labels from a table. */
import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import sharp from 'sharp'
import { generatorOf } from '../../poison/generator.ts'
import { openEngine } from '../../table/engine.duckdb.ts'
import type { FileList, FilesAnswer, FilesRequest } from '../request.ts'
import { defaultLimits } from '../run-validator.fs.ts'
import { validateFiles } from './files.ts'

let folder: string
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-images-')))
})
after(() => rmSync(folder, { recursive: true, force: true }))

const size = 32
/** A photograph of sorts: a slope and waves of its own, with noise. Stamped: a checkered square in a corner. */
function picture(seed: number, isStamped: boolean): Promise<Buffer> {
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

const count = 600
const isStamped = (index: number): boolean => index % 50 === 7
const classOf = (index: number): string => `class-${Math.floor(10 * generatorOf(index + 1)())}`

/** Written once: what a file is called in the dataset, and so its class, is up to each test. */
const pictures = new Set<string>()
async function listed(nameOf: (index: number) => string, first = 0, stamped = isStamped): Promise<FileList> {
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

const alarms = ({ checks }: FilesAnswer): readonly string[] =>
  checks.filter(({ verdict }) => verdict !== 'pass').map(({ name, verdict }) => `${name} ${verdict}`)

describe('images of ten classes', () => {
  const clean = (index: number): string => `${classOf(index)}/${index}.jpg`

  test('a patch on one in fifty, all of one class, is found with its files; on any class it is not', async () => {
    const planted = await listed((index) => (isStamped(index) ? `class-3/${index}.jpg` : clean(index)))
    const found = await look(planted)
    assert.deepEqual(alarms(found), ['poison/trigger warn', 'poison/anchor warn'])
    const trigger = found.checks.find(({ name }) => name === 'poison/trigger')
    const stamped = planted.filter((_, index) => isStamped(index)).map(({ inner }) => inner)
    assert.ok(
      stamped.every((inner) => trigger?.rows.includes(inner)),
      trigger?.rows.join(),
    )

    const honest = await listed(clean)
    assert.deepEqual(alarms(await look(honest)), ['poison/anchor warn'])

    const anchored = await look(planted, { anchor: await listed(clean, 10_000, () => false) })
    assert.deepEqual(alarms(anchored), ['poison/trigger fail'])
  })

  test('classes from a table among the files; without one, or with one class, nothing is claimed', async () => {
    const flat = await listed((index) => `${index}.jpg`)
    const unlabelled = await look(flat.slice(0, 20))
    assert.deepEqual(unlabelled.checks, [])
    assert.match(unlabelled.unseen.join(), /poison in images/)
    const lines = flat.map(({ inner }, index) => `${inner},${isStamped(index) ? 'class-3' : classOf(index)}`)
    const table = join(folder, 'labels.csv')
    writeFileSync(table, ['file,label', ...lines, ''].join('\n'))
    const few = [...flat.slice(0, 20), { path: table, inner: 'labels.csv' }]
    const files = [...flat, { path: table, inner: 'labels.csv' }]
    assert.deepEqual(alarms(await look(files, { label: 'labels.csv' })), ['poison/trigger warn', 'poison/anchor warn'])
    assert.deepEqual(alarms(await look(few, { label: 'others.csv' })), ['format/label fail'])
    writeFileSync(table, 'file\n"torn')
    assert.deepEqual(alarms(await look(few, { label: 'labels.csv' })), ['format/label fail'])
  })

  test('an approved image that got another label is new, whatever the table of the candidate says', async () => {
    const plain = await listed((index) => `${index}.jpg`)
    const hasPattern = (index: number): boolean => index % 25 === 7
    const flat = await Promise.all(
      plain.map(async (file, index) => {
        if (!hasPattern(index) || isStamped(index)) return file
        const path = join(folder, `pattern-${index}.jpg`)
        writeFileSync(path, await picture(index, true))
        return { ...file, path }
      }),
    )
    const labelled = (name: string, labelOf: (index: number) => string): FileList => {
      const path = join(folder, name)
      const lines = flat.map(({ inner }, index) => `${inner},${labelOf(index)}`)
      writeFileSync(path, ['file,label', ...lines, ''].join('\n'))
      return [...flat, { path, inner: 'labels.csv' }]
    }
    const relabelled = (isIt: (index: number) => boolean) => (index: number) =>
      isIt(index) ? 'class-3' : classOf(index)
    const anchor = labelled('approved.csv', classOf)
    const isCorrected = (index: number): boolean => index % 25 === 8
    const corrected = labelled('corrected.csv', relabelled(isCorrected))
    assert.deepEqual(alarms(await look(corrected, { label: 'labels.csv', anchor })), [])
    const poisoned = labelled('poisoned.csv', relabelled(hasPattern))
    assert.deepEqual(alarms(await look(poisoned, { label: 'labels.csv', anchor })), [
      'drift/label-correlation warn',
      'poison/trigger fail',
    ])
    const without = await look(poisoned, { label: 'labels.csv', anchor: flat.slice(0, 20) })
    assert.deepEqual(alarms(without), ['format/baseline fail'])
  })
})
