import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { lookAtFiles } from './look-at-files.fs.ts'
import { packedFault } from './packed.fs.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-packed-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function lookAt(bytes: Buffer, pixels = 1): Promise<Readonly<Record<string, unknown>>> {
  const path = join(folder, 'one')
  writeFileSync(path, bytes)
  return { ...(await lookAtFiles([{ path, inner: 'one' }], { pixels, parallel: 1 }))[0] }
}

const zeros = deflateRawSync(Buffer.alloc(1e6))
const hi = Buffer.from('hi')

test('THREAT a zip that readers read differently is refused', async () => {
  const stored = { listed: { method: 0, size: zeros.length }, own: { method: 8, size: zeros.length } }
  const described = 0x0008
  const lying = {
    'a method of the directory alone': zipOf([{ bytes: zeros, ...stored }]),
    'the same, with sizes told behind': zipOf([{ bytes: zeros, ...stored, flags: described, tail: behind(zeros) }]),
    'a member that is not listed': zipOf([{ bytes: zeros, size: 1e6, isHidden: true }, { bytes: hi }]),
    'bytes before the first member': Buffer.concat([hi, zipOf([{ bytes: hi }])]),
    'bytes after a member': zipOf([{ bytes: hi, tail: Buffer.alloc(16) }]),
    'another name in the local header': zipOf([{ bytes: hi, own: { name: 'other' } }]),
    'another checksum in the local header': zipOf([{ bytes: hi, own: { crc: 7 } }]),
    'encrypted in one header': zipOf([{ bytes: hi, own: { flags: 1 } }]),
    'sizes told behind, of one header': zipOf([{ bytes: hi, own: { flags: described } }]),
    'sizes told behind, that lie': zipOf([{ bytes: hi, flags: described, tail: behind(zeros) }]),
    'two members of one name': zipOf([
      { bytes: hi, name: 'a' },
      { bytes: hi, name: 'a' },
    ]),
    'more members than are counted': zipOf([{ bytes: hi }, { bytes: hi }], { count: 1 }),
    'bytes between the wide end and its locator': wideZip({ between: Buffer.alloc(8) }),
    'two wide ends, each of its own members': twoWideEnds(),
    'a wide end that says it is longer': wideZip({ length: 52 }),
    'a locator that points elsewhere': wideZip({ at: 0 }),
    'another directory in the short end': wideZip({ start: 1 }),
    'an end on another disk': otherByte(zipOf([{ bytes: hi }]), 18, 1),
    'a directory on another disk': otherByte(zipOf([{ bytes: hi }]), 16, 1),
    'a wide archive on another disk': otherByte(wideZip(), 18, 1),
    'a wide end on another disk': otherByte(wideZip(), 82, 1),
    'a wide directory on another disk': otherByte(wideZip(), 78, 1),
    'a locator that points to another disk': otherByte(wideZip(), 38, 1),
    'a locator of two disks': otherByte(wideZip(), 26, 2),
    'a locator of no disk': otherByte(wideZip(), 26, 0),
  }
  for (const [what, bytes] of Object.entries(lying)) assert.equal((await lookAt(bytes))['isLying'], true, what)
  const honest = [
    zipOf([{ bytes: zeros, method: 8, size: 1e6 }, { bytes: hi }]),
    zipOf([{ bytes: hi, flags: described, tail: behind(hi) }, { bytes: hi }]),
    zipOf([{ bytes: hi, flags: described, tail: behind(hi).subarray(4) }]),
    wideZip(),
    Buffer.concat([wideZip({ comment: 9 }), Buffer.from('a comment')]),
  ]
  for (const bytes of honest) assert.deepEqual(await lookAt(bytes), { type: 'zip' })
})

test('THREAT a zip with something before it is found by its end, whatever it begins with', async () => {
  const zip = zipOf([{ bytes: hi }])
  assert.deepEqual(await lookAt(Buffer.concat([Buffer.from([0]), zip])), { type: 'unknown', isLying: true })
  assert.deepEqual(await lookAt(Buffer.concat([Buffer.alloc(600, 'x'), zip])), { type: 'text', isLying: true })
  const npy = Buffer.from('\x93NUMPY and more', 'latin1')
  assert.deepEqual(await lookAt(Buffer.concat([Buffer.from('BM'), zip])), { type: 'bmp', isLying: true })
  assert.deepEqual(await lookAt(Buffer.concat([npy, zip])), { type: 'npy', isLying: true })
  const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const looked = [await lookAt(png, 4), await lookAt(Buffer.concat([png, zip]), 4)]
  assert.deepEqual(
    looked.map(({ type, width, fault, isLying }) => ({ type, width, fault, isLying })),
    [undefined, true].map((isLying) => ({ type: 'png', width: 2, fault: undefined, isLying })),
  )
  // gzip too, also where its own last eight bytes are the comment of the zip
  const holding = gzipSync(zipOf([{ bytes: hi }], { comment: 8 }), { level: 0 })
  for (const bytes of [Buffer.concat([gzipSync(hi), zip]), holding])
    assert.deepEqual(await lookAt(bytes), { type: 'gzip', isLying: true })
  assert.deepEqual(await lookAt(gzipSync(zip, { level: 0 })), { type: 'gzip' })
  const mark = Buffer.from('\0 PK\x05\x06 is how a zip ends, says this file, which is none')
  assert.deepEqual(await lookAt(mark), { type: 'unknown' })
  assert.deepEqual(await lookAt(Buffer.from('PK\x05\x06 is text')), { type: 'text' })
  assert.deepEqual(await lookAt(zipOf([])), { type: 'zip' })
})

test('THREAT a place beyond the end of the file is not there', async () => {
  const field = Buffer.alloc(12)
  field.writeUInt16LE(1, 0)
  field.writeUInt16LE(8, 2)
  field.writeBigUInt64LE(2n ** 64n - 1n, 4)
  const zip = zipOf([{ bytes: hi, listed: { extra: field, offset: 0xffffffff } }])
  assert.deepEqual(await lookAt(zip), { type: 'zip', isLying: true })
  field.writeBigUInt64LE(0n, 4)
  assert.deepEqual(await lookAt(zipOf([{ bytes: hi, listed: { extra: field, offset: 0xffffffff } }])), { type: 'zip' })
})

test('zips as they are written pass: stored, deflated, streamed, wide, empty, of many members', async () => {
  const script = `
import io, zipfile
class Stream(io.RawIOBase):
    def __init__(self, file): self.file = file
    def writable(self): return True
    def write(self, some): return self.file.write(some)
for method in (0, 8, 12):
    for streamed in (False, True):
        for wide in (False, True):
            with open(f'{method}-{streamed}-{wide}.zip', 'wb') as file:
                with zipfile.ZipFile(Stream(file) if streamed else file, 'w', method) as archive:
                    for name in ('a/x.npy', 'a/\\u00e4.npy'):
                        with archive.open(name, 'w', force_zip64=wide) as member: member.write(b'x' * 3000)
                    archive.writestr('none', b'')
zipfile.ZipFile('empty.zip', 'w').close()
with zipfile.ZipFile('many.zip', 'w') as archive:
    for index in range(66000): archive.writestr(str(index), b'')
with zipfile.ZipFile('later.zip', 'w') as archive: archive.writestr('a', b'1')
with zipfile.ZipFile('later.zip', 'a') as archive:
    archive.writestr('b', b'2')
    archive.comment = b'a comment'
`
  const place = mkdtempSync(join(folder, 'written-'))
  const python = spawnSync('python3', ['-c', script], { cwd: place, encoding: 'utf8' })
  assert.equal(python.status, 0, python.stderr)
  writeFileSync(join(place, 'n.txt'), 'some\n'.repeat(5000))
  // where it is installed
  const shell =
    'if command -v zip; then zip -q i.zip n.txt && zip -q -P word e.zip n.txt && (zip -q - n.txt | cat >s.zip) && zip -qfz f.zip n.txt; fi'
  spawnSync('sh', ['-c', shell], { cwd: place })
  const names = readdirSync(place).filter((name) => name.endsWith('.zip'))
  assert.ok(names.length >= 15)
  for (const name of names) {
    const isUnknown = name.startsWith('12-') || name === 'e.zip'
    const fault = await packedFault(join(place, name), 'zip', { bytes: 1e9 })
    assert.equal(fault, isUnknown ? 'believed' : undefined, name)
  }
})

test('THREAT what is made of torn members uses up the budget, and a budget ends what is unpacked', async () => {
  const path = join(folder, 'one')
  const charged = async (type: string, bytes: Buffer, budget: number) => {
    writeFileSync(path, bytes)
    const left = { bytes: budget }
    return { fault: await packedFault(path, type, left), used: budget - left.bytes }
  }
  const whole = deflateRawSync(Buffer.alloc(1e6), { finishFlush: constants.Z_FULL_FLUSH })
  const torn = zipOf([{ bytes: Buffer.concat([whole, Buffer.from([7, 0, 0])]), method: 8, size: 1e6 }])
  const ofTorn = await charged('zip', torn, 1e9)
  assert.equal(ofTorn.fault, undefined)
  assert.ok(ofTorn.used >= 1e6)
  const large = Buffer.alloc(5e6)
  const zip = zipOf([{ bytes: deflateRawSync(large), method: 8, size: large.length }])
  for (const [type, bytes] of [
    ['zip', zip],
    ['zip', zipOf([{ bytes: zeros, method: 8, size: 1e6 }])],
    ['gzip', gzipSync(large)],
  ] as const) {
    const short = await charged(type, bytes, 300_000)
    assert.equal(short.fault, 'unread', type)
    assert.ok(short.used < 500_000, type)
    assert.equal((await charged(type, bytes, 1e9)).fault, undefined, type)
    assert.deepEqual(await charged(type, bytes, 0), { fault: 'unread', used: 0 }, type)
  }
})

/** What stands behind a member whose sizes its local header does not tell. */
function behind(bytes: Buffer): Buffer {
  const told = Buffer.alloc(16)
  told.writeUInt32LE(0x08074b50)
  told.writeUInt32LE(crc32(bytes), 4)
  told.writeUInt32LE(bytes.length, 8)
  told.writeUInt32LE(bytes.length, 12)
  return told
}

type Told = Readonly<{ name?: string; method?: number; flags?: number; crc?: number; size?: number }>
type Member = Told &
  Readonly<{
    bytes: Buffer
    /** What the local header alone says, and the directory alone. */
    own?: Told
    listed?: Told & Readonly<{ extra?: Buffer; offset?: number }>
    tail?: Buffer
    isHidden?: boolean
  }>

/** Sizes and checksums are the truth where nothing else is said. */
function zipOf(
  members: readonly Member[],
  { count, comment = 0 }: Readonly<{ count?: number; comment?: number }> = {},
): Buffer {
  const parts: Buffer[] = []
  const listed: Buffer[] = []
  let at = 0
  for (const [
    index,
    { bytes, tail = Buffer.alloc(0), own = {}, listed: also = {}, isHidden, ...both },
  ] of members.entries()) {
    const told = {
      name: `m${index}`,
      method: 0,
      flags: 0,
      crc: crc32(bytes),
      size: bytes.length,
      packed: bytes.length,
      ...both,
    }
    if (isHidden !== true) {
      const { extra = Buffer.alloc(0), offset = at } = also
      const fields = headerOf(Buffer.alloc(46), 0x02014b50, { ...told, ...also })
      fields.header.writeUInt16LE(extra.length, 30)
      fields.header.writeUInt32LE(offset, 42)
      listed.push(fields.header, fields.name, extra)
    }
    const local = headerOf(Buffer.alloc(30), 0x04034b50, { ...told, ...own })
    const next = Buffer.concat([local.header, local.name, bytes, tail])
    parts.push(next)
    at += next.length
  }
  const directory = Buffer.concat(listed)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  for (const field of [8, 10]) end.writeUInt16LE(count ?? listed.length / 3, field)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  end.writeUInt16LE(comment, 20)
  return Buffer.concat([...parts, directory, end])
}

type Wide = Readonly<{ between?: Buffer; length?: number; at?: number; start?: number; comment?: number }>

/** The same with an end for large archives, as it is written, where nothing else is said. */
function wideZip(
  { between = Buffer.alloc(0), length = 44, at, start = 0xffffffff, comment = 0 }: Wide = {},
  zip = zipOf([{ bytes: hi }]),
): Buffer {
  const [before, end] = [zip.subarray(0, -22), Buffer.from(zip.subarray(-22))]
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50)
  record.writeBigUInt64LE(BigInt(length), 4)
  for (const field of [24, 32]) record.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), field)
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40)
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(16)), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50)
  locator.writeBigUInt64LE(BigInt(at ?? before.length), 8)
  locator.writeUInt32LE(1, 16)
  end.fill(0xff, 8, 16)
  end.writeUInt32LE(start, 16)
  end.writeUInt16LE(comment, 20)
  return Buffer.concat([before, record, between, locator, end])
}

/** The same bytes but for one. @param behind counted from the end */
function otherByte(zip: Buffer, behind: number, value: number): Buffer {
  return Buffer.concat([zip.subarray(0, -behind), Buffer.from([value]), zip.subarray(1 - behind)])
}

/** The locator points to the first, which lists one member; readers that look before the locator find the second. */
function twoWideEnds(): Buffer {
  const first = wideZip()
  const body = first.subarray(0, -42)
  const prefix = { bytes: zeros, method: 8, size: 1e6, listed: { offset: body.length } }
  const second = wideZip({}, zipOf([prefix]))
  const shifted = second.subarray(0, -42)
  const start = shifted.length - 8
  shifted.writeBigUInt64LE(shifted.readBigUInt64LE(start) + BigInt(body.length), start)
  return Buffer.concat([body, shifted, first.subarray(-42)])
}

function headerOf(header: Buffer, mark: number, told: Required<Told> & Readonly<{ packed: number }>) {
  const name = Buffer.from(told.name)
  const from = header.length === 46 ? 8 : 6
  header.writeUInt32LE(mark)
  header.writeUInt16LE(told.flags, from)
  header.writeUInt16LE(told.method, from + 2)
  header.writeUInt32LE(told.crc, from + 8)
  header.writeUInt32LE(told.packed, from + 12)
  header.writeUInt32LE(told.size, from + 16)
  header.writeUInt16LE(name.length, from + 20)
  return { header, name }
}
