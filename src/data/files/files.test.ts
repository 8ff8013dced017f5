import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { deflateRawSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { sha256Of } from '../../core/index.ts'
import { fileChecks } from './file-checks.ts'
import { fileTypeOf, isMisnamed } from './file-type.ts'
import { lookAtFiles, lookOf } from './look-at-files.fs.ts'
import { readingsCheck, unseenReadings } from './readings.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-files-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** Waves that a smaller copy keeps. */
const picture = (seed: number, width = 64, height = 48) => {
  const pixels = Buffer.alloc(width * height * 3)
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
    pixels[at] = Math.round(127 + 80 * Math.sin((x * (seed + 2)) / 15) + 40 * Math.cos((y * (seed + 1)) / 11 + x / 9))
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

async function checksOf(files: Readonly<Record<string, Buffer>>) {
  const place = mkdtempSync(join(folder, 'set-'))
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true })
    writeFileSync(join(place, path), bytes)
  }
  const list = Object.keys(files).map((inner) => ({ path: join(place, inner), inner }))
  const looked = await lookAtFiles(list, { pixels: 1_000_000, parallel: 2 })
  const seen = Object.entries(files).map(([path, bytes], index) => ({
    ...(looked[index] ?? { type: '' }),
    path,
    digest: sha256Of(bytes),
    sizeBytes: bytes.length,
  }))
  return fileChecks(seen)
}

const troubles = (checks: Awaited<ReturnType<typeof checksOf>>): readonly string[] =>
  checks
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ name, verdict, rows }) => [verdict, name, ...rows].join(' '))

describe('a folder of images', () => {
  test('passes when all decode and none is there twice', async () => {
    const checks = await checksOf({
      'a/1.png': await picture(1).png().toBuffer(),
      'a/2.jpg': await picture(2).jpeg().toBuffer(),
      'b/3.webp': await picture(3).webp().toBuffer(),
    })
    assert.deepEqual(troubles(checks), [])
    assert.equal(checks.find(({ name }) => name === 'files/types')?.observed, '1 jpeg, 1 png, 1 webp')
    assert.equal(
      checks.find(({ name }) => name === 'files/dimensions')?.observed,
      'width 64, 64, 64; height 48, 48, 48',
    )
  })

  test('names what is torn, empty, misnamed, runs, or is there twice under two classes', async () => {
    const one = await picture(1).png().toBuffer()
    const jpeg = await picture(2).jpeg().toBuffer()
    const checks = await checksOf({
      'a/1.png': one,
      'b/same.png': one,
      'b/smaller.jpg': await picture(1).resize(32, 24).jpeg({ quality: 95 }).toBuffer(),
      'a/torn.jpg': jpeg.subarray(0, jpeg.length / 2),
      'a/none.png': Buffer.alloc(0),
      'a/fake.png': Buffer.from('hello'),
      'a/run.sh': Buffer.from('#!/bin/sh\n'),
      'a/drawing.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    })
    assert.deepEqual(troubles(checks), [
      'fail files/empty a/none.png',
      'fail files/decode a/torn.jpg',
      'fail files/name a/fake.png',
      'warn files/running a/run.sh a/drawing.svg',
      'warn files/duplicates b/same.png',
      'warn files/near-duplicates b/same.png b/smaller.jpg',
      'warn poison/contradiction a/1.png b/same.png b/smaller.jpg',
    ])
  })

  test('THREAT decompression bomb: an image of more pixels than the limit is refused before it is unpacked', async () => {
    const bomb = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'black' } })
      .png({ compressionLevel: 9 })
      .toBuffer()
    assert.ok(bomb.length < 600_000)
    const before = process.memoryUsage().rss
    const checks = await checksOf({ 'bomb.png': bomb })
    assert.deepEqual(troubles(checks), ['fail files/pixels bomb.png'])
    assert.equal(checks.find(({ name }) => name === 'files/pixels')?.code, 'ERR_DATA_LIMIT')
    assert.ok(process.memoryUsage().rss - before < 100e6)
  })

  test('a header that lies about its size does not decode', async () => {
    const png = await picture(1).png().toBuffer()
    const lying = Buffer.from(png)
    lying.writeUInt32BE(50_000, 16)
    assert.match(troubles(await checksOf({ 'x.png': lying }))[0] ?? '', /^fail files\/(decode|pixels) x\.png$/)
  })
})

describe('the pixels that trainers read', () => {
  const [width, height] = [32, 32]
  /** A white patch on a slope. */
  const level = (at: number): number => (at % width > 27 && at > 27 * width ? 255 : 2 * (at % width) + 40)
  const raw = (channels: 1 | 2 | 4, alphaOf: (at: number) => number) => {
    const samples = Array.from({ length: width * height }, (_, at) =>
      Array.from({ length: channels }, (_, channel) =>
        channel === channels - 1 && channels > 1 ? alphaOf(at) : level(at),
      ),
    )
    return sharp(Buffer.from(samples.flat()), { raw: { width, height, channels } })
  }
  async function look(bytes: Buffer, pixels = 1_000_000) {
    const path = join(mkdtempSync(join(folder, 'pixels-')), 'x.png')
    writeFileSync(path, bytes)
    const [seen] = await lookAtFiles([{ path, inner: 'x.png' }], { pixels, parallel: 1 })
    assert.ok(seen !== undefined)
    return seen
  }
  const opaque = (): number => 255

  test('THREAT a patch behind transparency or under a colour profile is seen as it is without', async () => {
    const plain = await look(await raw(1, opaque).png().toBuffer())
    assert.equal(plain.readings, undefined)
    assert.equal(plain.grey?.at(-1), 255)
    const hidden = (at: number): number => 255 - (level(at) === 255 ? 255 : 0)
    for (const channels of [2, 4] as const) {
      const clear = await look(await raw(channels, hidden).png().toBuffer())
      assert.deepEqual([clear.grey, clear.look, clear.readings], [plain.grey, plain.look, ['transparency']])
    }
    const red = sharp({ create: { width, height, channels: 3, background: '#c81414' } })
    const profiled = await red.withIccProfile('p3').png().toBuffer()
    const bare = await look(await sharp(profiled, { ignoreIcc: true }).png().toBuffer())
    const other = await look(profiled)
    assert.deepEqual([other.grey, other.readings, bare.readings], [bare.grey, ['colour profile'], undefined])
  })

  test('THREAT decompression bomb: of what is transparent no more is unpacked than the limit', async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 }
    const bomb = sharp({ create: { width: 4000, height: 4000, channels: 4, background: clear } })
    assert.equal((await look(await bomb.png().toBuffer())).isTooLarge, true)
  })

  test('beside an anchor that has none transparency warns and 16 bits fail; told where it has them or is none', async () => {
    const deep = await look(await raw(1, opaque).toColourspace('grey16').png().toBuffer())
    assert.deepEqual(deep.readings, ['more than 8 bits'])
    const files = [
      { path: 'a.png', readings: ['transparency'] as const },
      { path: 'b.png', ...deep },
    ]
    const said = (...asked: Parameters<typeof readingsCheck>): readonly unknown[] =>
      readingsCheck(...asked).map(({ verdict, code, rows }) => [verdict, code, ...rows].join(' '))
    assert.deepEqual(said(files, [{}]), ['fail ERR_DATA_UNREADABLE a.png b.png'])
    assert.deepEqual(said(files.slice(0, 1), [{}]), ['warn  a.png'])
    assert.deepEqual(said(files, files), ['pass '])
    assert.deepEqual(said(files, undefined), ['pass '])
    assert.deepEqual(said([{ path: 'c.png' }], [{}]), [])
    assert.deepEqual([unseenReadings(files).length, unseenReadings(files.slice(0, 1)).length], [1, 0])
  })
})

test('tells types by bytes', () => {
  assert.equal(fileTypeOf(Buffer.from('\u00e4 text')), 'text')
  assert.equal(fileTypeOf(Buffer.from([0, 1, 2, 3])), 'unknown')
  assert.equal(fileTypeOf(Buffer.from('<?xml version="1.0"?>\n<svg width="1">')), 'svg')
  assert.equal(isMisnamed('a/b.JPG', 'jpeg'), false)
  assert.equal(isMisnamed('a/b.jpg', 'png'), true)
  assert.equal(isMisnamed('a/b.weights', 'unknown'), false)
  // what every JavaScript object has is no ending, nor is a name without a dot
  assert.equal(isMisnamed('a/b.constructor', 'png'), false)
  assert.equal(isMisnamed('png', 'text'), false)
})

test('a difference hash has a bit where the left neighbour is brighter', () => {
  // each row of 17 falls from 16 to 0: every pixel is brighter than the one to its right, so all 256 bits are set
  const falling = Uint8Array.from({ length: 272 }, (_, at) => 16 - (at % 17))
  assert.equal(lookOf(falling), 'f'.repeat(64))
  assert.equal(lookOf(new Uint8Array(272)), '0'.repeat(64))
})

test('a packed file that stands for hundreds of times its size fails, an honest one passes', async () => {
  const honest = Buffer.concat(Array.from({ length: 60_000 }, (_, index) => Buffer.from(`${index},${index * 7919}\n`)))
  const huge = Buffer.alloc(80e6, 'x')
  const mask = Buffer.alloc(30e6)
  const noise = randomBytes(330_000)
  const checks = await checksOf({
    'good.gz': gzipSync(honest),
    'cut.gz': gzipSync(honest).subarray(0, 100_000),
    'bomb.gz': gzipSync(huge),
    // harmless at its beginning
    'late.gz': gzipSync(Buffer.concat([noise, Buffer.alloc(100e6, 'x')])),
    'good.zip': zipOf(honest),
    'bomb.zip': zipOf(huge),
    'organ.nii.gz': gzipSync(mask),
    'mask.npz': zipOf(mask),
    'claims.zip': claimingDirectory(60e6),
    'none.zip': Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(400)]),
  })
  const found = checks.find(({ name }) => name === 'files/packed')
  assert.deepEqual(
    [found?.verdict, found?.code, found?.rows],
    ['fail', 'ERR_DATA_LIMIT', ['bomb.gz', 'late.gz', 'bomb.zip']],
  )
})

test('THREAT an archive that claims less than it holds is refused, whichever of its headers lies, in bounded memory', async () => {
  const huge = Buffer.alloc(150e6, 'x')
  const some = Buffer.alloc(5000, 'y')
  const before = process.memoryUsage().rss
  const lying = {
    'central.zip': zipOf(huge, { entry: 1000, local: 1000 }),
    'both.npz': zipOf(some, { entry: 10, local: 10 }),
  }
  const local = { 'local.zip': zipOf(huge, { entry: 1000 }), 'streamed.zip': zipOf(some, { local: 10 }) }
  const stored = { 'stored.zip': zipOf(some, { entry: 10, local: 10, isStored: true }) }
  const honest = {
    'good.zip': zipOf(some),
    'large.zip': zipOf(randomBytes(3e6)),
    'stored-well.zip': zipOf(some, { isStored: true }),
    'more.zip': zipOf(some, { entry: 6000, local: 6000 }),
  }
  const checks = await checksOf({ ...lying, ...local, ...stored, ...honest })
  const found = checks.find(({ name }) => name === 'files/claims')
  assert.deepEqual([found?.verdict, found?.code], ['fail', 'ERR_DATA_LIMIT'])
  assert.deepEqual(found?.rows, ['central.zip', 'both.npz', 'local.zip', 'streamed.zip', 'stored.zip'])
  assert.deepEqual(troubles(checks).length, 1)
  assert.ok(process.memoryUsage().rss - before < 100e6, 'what it unpacks to is never there at once')
})

test('THREAT an archive whose directory readers find in other places, or whose members lie on one another, is refused', async () => {
  const some = zipOf(Buffer.alloc(5000, 'y'))
  const commented = (comment: Buffer): Buffer => {
    const length = Buffer.alloc(2)
    length.writeUInt16LE(comment.length)
    return Buffer.concat([some.subarray(0, -2), length, comment])
  }
  const end = some.length - 22
  const entry = some.subarray(end - 46, end)
  const twice = Buffer.concat([some.subarray(0, end), entry, some.subarray(end)])
  twice.writeUInt32LE(2 * entry.length, twice.length - 10)
  for (const field of [14, 12]) twice.writeUInt16LE(2, twice.length - field)
  const checks = await checksOf({
    'before.zip': Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100), some]),
    'two-ends.zip': commented(some.subarray(-22)),
    'twice.zip': twice,
    'cut.zip': some.subarray(0, -30),
    'commented.zip': commented(Buffer.from('PK\x05\x06 is how a directory ends')),
    'good.zip': some,
  })
  const found = checks.find(({ name }) => name === 'files/claims')
  assert.deepEqual(found?.rows, ['before.zip', 'two-ends.zip', 'twice.zip', 'cut.zip'])
})

test('THREAT what is claimed uses up no budget: a liar behind it is found', async () => {
  const place = mkdtempSync(join(folder, 'set-'))
  const claims = zipOf(Buffer.alloc(1000, 'y'), { entry: 60e6, local: 60e6 })
  const liar = zipOf(Buffer.alloc(5000, 'y'), { entry: 10, local: 10 })
  for (const [name, bytes] of [
    ['1.zip', claims],
    ['2.zip', liar],
  ] as const)
    writeFileSync(join(place, name), bytes)
  const list = ['1.zip', '2.zip'].map((inner) => ({ path: join(place, inner), inner }))
  const looked = await lookAtFiles(list, { pixels: 1, parallel: 1, unpackedBytes: 5000 })
  assert.deepEqual(looked, [{ type: 'zip' }, { type: 'zip', isLying: true }])
})

test('what is beyond the budget of unpacked bytes is believed, and told', async () => {
  const place = mkdtempSync(join(folder, 'set-'))
  const names = ['1.zip', '2.zip', '3.gz']
  const bytes = [
    zipOf(Buffer.alloc(5000, 'y')),
    zipOf(Buffer.alloc(5000, 'y'), { entry: 10, local: 10 }),
    gzipSync('z'),
  ]
  for (const [index, name] of names.entries()) writeFileSync(join(place, name), bytes[index] ?? '')
  const list = names.map((inner) => ({ path: join(place, inner), inner }))
  const looked = await lookAtFiles(list, { pixels: 1, parallel: 1, unpackedBytes: 5000 })
  assert.deepEqual(looked, [
    { type: 'zip' },
    { type: 'zip', isBelieved: true, isUnread: true },
    { type: 'gzip', isBelieved: true, isUnread: true },
  ])
  const seen = looked.map((look, index) => ({
    ...look,
    path: names[index] ?? '',
    digest: sha256Of(Buffer.from(`${index}`)),
    sizeBytes: 1,
  }))
  const unread = fileChecks(seen).find(({ name }) => name === 'files/unpacked')
  assert.deepEqual([unread?.verdict, unread?.rows], ['warn', ['2.zip', '3.gz']])
  assert.ok(!fileChecks(seen.slice(0, 1)).some(({ name }) => name === 'files/unpacked'))
})

/** A small file whose directory is said to be huge. */
function claimingDirectory(sizeBytes: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt32LE(sizeBytes, 12)
  return Buffer.concat([Buffer.from('PK\x03\x04'), end])
}

type Claims = Readonly<{ entry?: number; local?: number; isStored?: boolean }>

/** One member. @param claims what its two headers say that it unpacks to; the truth when left out */
function zipOf(bytes: Buffer, { entry = bytes.length, local = bytes.length, isStored = false }: Claims = {}): Buffer {
  const packed = isStored ? bytes : deflateRawSync(bytes)
  const head = (mark: number, length: number, { sizesAt, claimed }: { sizesAt: number; claimed: number }): Buffer => {
    const header = Buffer.alloc(length)
    header.writeUInt32LE(mark)
    header.writeUInt16LE(isStored ? 0 : 8, sizesAt - 10)
    header.writeUInt32LE(packed.length, sizesAt)
    header.writeUInt32LE(claimed, sizesAt + 4)
    return header
  }
  const own = head(0x04034b50, 30, { sizesAt: 18, claimed: local })
  const listed = head(0x02014b50, 46, { sizesAt: 20, claimed: entry })
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  for (const field of [8, 10]) end.writeUInt16LE(1, field)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(own.length + packed.length, 16)
  return Buffer.concat([own, packed, listed, end])
}

test('names that are right are not called wrong: large TIFF, brands of HEIF, an empty archive, text of an older encoding', () => {
  const typed = (name: string, head: Buffer): readonly [string, boolean] => {
    const type = fileTypeOf(head)
    return [type, isMisnamed(name, type)]
  }
  const latin1 = Buffer.from('Größe, Stückzahl und Preis in der Zeile, wie die Waage sie schreibt\n', 'latin1')
  assert.deepEqual(typed('a.tif', Buffer.from([0x49, 0x49, 0x2b, 0, 8, 0])), ['tiff', false])
  assert.deepEqual(typed('a.tif', Buffer.from([0x4d, 0x4d, 0, 0x2b, 0, 8])), ['tiff', false])
  assert.deepEqual(typed('a.heic', Buffer.from('\0\0\0\x18ftypmif1')), ['heif', false])
  assert.deepEqual(typed('a.zip', Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)])), ['zip', false])
  assert.deepEqual(typed('a.txt', latin1), ['text-8-bit', false])
  // what is none of it stays misnamed, or runs under the same name as before
  assert.deepEqual(typed('a.txt', Buffer.concat([latin1, Buffer.alloc(1)])), ['unknown', true])
  assert.deepEqual(typed('a.txt', Buffer.concat([Buffer.from([0x80, 2, 0x63]), latin1])), ['unknown', true])
  assert.deepEqual(typed('a.json', latin1), ['text-8-bit', true])
  assert.equal(fileTypeOf(Buffer.from('<svg xmlns="x"><text>é</text></svg>', 'latin1')), 'svg')
})
