import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type Compared, comparedVerdicts, worstVerdict } from './compared.ts'
import { addPair, kept, measureOf, mergeTallies, newTally } from './tally.ts'
import { type Bytes, comparer } from './testing.ts'
import { exact } from './tolerance.ts'

const everything = [{ path: '**', abs: 1e300, rel: 1e300, ulp: 1e300, because: 'all' }]

function safetensors(header: unknown, dataBytes: number, length?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(length ?? BigInt(text.length))
  return Buffer.concat([size, text, Buffer.alloc(dataBytes, 1)])
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4]): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

test('headers of safetensors that lie are incomparable, and say why', async (context) => {
  const compare = comparer(context)
  const honest = safetensors({ w: tensor(0, 8) }, 8)
  assert.equal(
    (await compare(honest, safetensors({ w: tensor(0, 8) }, 8).fill(2, 62), 'm.safetensors', everything)).verdict,
    'within-tolerance',
  )
  for (const [bytes, because] of [
    [Buffer.alloc(0), 'ends before the length of its header'],
    [honest.subarray(0, 20), 'ends early: it has 20 bytes of at least 62'],
    [honest.subarray(0, -1), 'has 7 bytes of tensors where its header promises 8'],
    [Buffer.concat([honest, Buffer.alloc(1)]), 'has 9 bytes of tensors where its header promises 8'],
    [
      safetensors({ w: tensor(0, 8) }, 8, 2n ** 63n),
      'claims a header of 9223372036854775808 bytes, the limit is 33554432',
    ],
    [safetensors('[]', 0), 'has a header that is no JSON object'],
    [safetensors('{"w":1}', 8), 'has the tensor `w` without dtype, shape and offsets'],
    [safetensors({ w: tensor(0, 8, [3]) }, 8), 'has the tensor `w` in 8 bytes, which is not the size of its shape'],
    [
      safetensors({ w: tensor(0, 8, [2 ** 52, 2 ** 52]) }, 8),
      'has the tensor `w` in 8 bytes, which is not the size of its shape',
    ],
    [safetensors({ w: tensor(8, 0, [-2]) }, 8), 'has the tensor `w` without dtype, shape and offsets'],
    [
      safetensors({ v: tensor(0, 8), w: tensor(4, 12) }, 12),
      'has the tensor `w` where it overlaps another one or leaves a hole',
    ],
    [safetensors({ w: tensor(4, 12) }, 12), 'has the tensor `w` where it overlaps another one or leaves a hole'],
    [safetensors({ w: { ...tensor(0, 8), dtype: 'F31' } }, 8), 'has the tensor `w` of a type that is not known'],
    [
      safetensors(
        '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        8,
      ),
      'has a key twice, line 1',
    ],
    [safetensors({ __metadata__: { a: 1 }, w: tensor(0, 8) }, 8), 'has metadata that are not texts'],
  ] as const) {
    const found = await compare(honest, bytes, 'm.safetensors', everything)
    assert.deepEqual([found.verdict, found.detail], ['incomparable', `the second file ${because}`])
  }
})

function npy(header: string, data: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(header.length)
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), data])
}

test('headers of npy that lie are incomparable, and say why', async (context) => {
  const compare = comparer(context)
  const header = (descr: string, shape: string): string =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`
  const honest = npy(header("'<f4'", '(2,)'), Buffer.alloc(8))
  for (const [bytes, because] of [
    [npy(header("'<f4'", '(3,)'), Buffer.alloc(8, 1)), 'has 8 bytes of elements where its header promises 12'],
    [
      npy(header("'<f4'", '(99999999999, 99999999999)'), Buffer.alloc(8, 1)),
      'has 8 bytes of elements where its header promises 39999999999200000000004',
    ],
    [npy(header("'<f4'", '(__import__("os"),)'), Buffer.alloc(8, 1)), 'has a header that is no literal of Python'],
    [npy('{'.repeat(5000), Buffer.alloc(8)), 'has a header that is no literal of Python'],
    [npy('{}', Buffer.alloc(8)), 'has a header without descr, fortran_order and shape'],
    [npy(header("'<U3'", '(5,)'), Buffer.alloc(8)), 'has 8 bytes of elements where its header promises 5'],
    [honest.subarray(0, 40), 'ends early: it has 40 bytes of at least 68'],
    [Buffer.from('\x93NUMPY\x09\x00', 'latin1'), 'is of version 9.0 of npy, which is not known'],
  ] as const) {
    const found = await compare(honest, bytes, 'm.npy', everything)
    assert.deepEqual([found.verdict, found.detail], ['incomparable', `the second file ${because}`])
  }
})

function tar(members: Readonly<Record<string, string>>, change: (header: Buffer) => void = () => undefined): Buffer {
  const blocks = Object.entries(members).flatMap(([name, text]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('0000644\0', 100)
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('ustar\0', 257)
    header.write('00', 263)
    header.write('0', 156)
    change(header)
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [header, Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)])]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

test('archives are compared by member, whatever they are packed in', async (context) => {
  const compare = comparer(context)
  const told = async (left: Bytes, right: Bytes, path: string): Promise<readonly unknown[]> => {
    const { format, verdict, detail } = await compare(left, right, path, [
      { path: 'a.*/m.json', abs: 0.1, because: 'b' },
    ])
    return [format, verdict, detail]
  }
  const left = tar({ 'm.json': '[0.5]', 'a.txt': 'x\n' })
  assert.deepEqual(await told(left, tar({ 'a.txt': 'x\n', './m.json': '[0.5]' }), 'a.tar'), [
    'archive',
    'equal',
    'the same members, in another order',
  ])
  assert.deepEqual(await told(left, tar({ 'm.json': '[0.6]', 'a.txt': 'x\n' }), 'a.tar'), [
    'archive',
    'within-tolerance',
    '`m.json`: `[*]` differs by at most 0.1 (relative 0.167, 9.01e14 ulp); 1 of 2 members differs',
  ])
  assert.deepEqual(await told(gzipSync(left), gzipSync(tar({ 'm.json': '[0.5]', 'a.txt': 'y\n' })), 'a.tgz'), [
    'archive',
    'diverged',
    '`a.txt`: 1 of 1 line differs, the first is line 1; 1 of 2 members differs',
  ])
  assert.deepEqual(await told(left, tar({ 'm.json': '[0.5]' }), 'a.tar'), [
    'archive',
    'diverged',
    '`a.txt`: is missing in the second file; 1 of 2 members differs',
  ])
  const executable = tar({ 'm.json': '[0.5]', 'a.txt': 'x\n' }, (header) => header.write('0000755\0', 100))
  assert.equal((await compare(left, executable, 'a.tar', everything)).verdict, 'diverged')
})

test('archives that are broken, or that two readers could read as two things, are incomparable', async (context) => {
  const compare = comparer(context)
  const honest = tar({ a: 'x' })
  const wrongSum = Buffer.from(honest)
  wrongSum[0] = 0x62
  for (const [bytes, because] of [
    [wrongSum, 'has a header with a wrong checksum'],
    [honest.subarray(0, 700), 'ends early, in the middle of a member'],
    [honest.subarray(0, 1024), 'ends early: it has 1024 bytes of at least 1536'],
    [honest.subarray(0, 1536), 'ends early: it has 1536 bytes of at least 2048'],
    [honest.subarray(0, 512), 'ends early, in the middle of a member'],
    [Buffer.concat([tar({ a: 'y' }).subarray(0, 1024), tar({ a: 'x' })]), 'has two members `a`'],
    [Buffer.concat([honest, Buffer.alloc(512, 7)]), 'has bytes behind its end'],
    [tar({ a: '' }, (header) => header.write('S', 156)), 'has a member of a kind that is not known'],
    [tar({ a: 'x' }, (header) => header.write('2', 156)), 'has a member without content that has some'],
    [tar({ g: '10 path=b\n' }, (header) => header.write('g', 156)), 'names all its members at once'],
    [tar({ a: 'x' }, (header) => header.write('zzzzzzz', 124)), 'has a header with a number that is none'],
  ] as const) {
    const found = await compare(honest, bytes, 'a.tar', everything)
    assert.deepEqual([found.verdict, found.detail], ['incomparable', `the second file ${because}`])
  }
  const packed = gzipSync(honest)
  assert.equal((await compare(packed, packed.subarray(0, -9), 'a.tgz', everything)).verdict, 'incomparable')
  assert.equal(
    (await compare(packed, Buffer.concat([packed, Buffer.alloc(9)]), 'a.tgz', everything)).verdict,
    'incomparable',
  )
})

test('archives in archives are opened three deep, and no deeper', async (context) => {
  const compare = comparer(context)
  const wrap = (inner: Buffer, times: number): Buffer => (times === 0 ? inner : wrap(gzipSync(inner), times - 1))
  const deep = async (times: number): Promise<Compared> =>
    await compare(wrap(Buffer.from('[1]'), times), wrap(Buffer.from('[1.0]'), times), `m.json${'.gz'.repeat(times)}`)
  assert.deepEqual([(await deep(3)).format, (await deep(3)).verdict], ['json', 'equal'])
  assert.deepEqual([(await deep(4)).format, (await deep(4)).verdict], ['bytes', 'diverged'])
})

test('no byte that is changed, cut or added makes a crash, or a pass by tolerance where nothing is read', async (context) => {
  const compare = comparer(context)
  const vectors = join(import.meta.dirname, '../../../test/vectors/comparison/cases.json')
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as {
    cases: readonly Readonly<{ name: string; path: string; left: string }>[]
  }
  const chosen = cases.filter(({ name }) =>
    ['safetensors F32', 'npy f8', 'npz', 'npz, compressed', 'onnx'].includes(name),
  )
  const files = [
    ...chosen.map(({ path, left }) => ({ path, bytes: Buffer.from(left, 'base64') })),
    { path: 'a.tar', bytes: tar({ 'm.json': '[0.5]' }) },
    { path: 'a.tgz', bytes: gzipSync(tar({ 'm.json': '[0.5]' })) },
    { path: 'm.json', bytes: Buffer.from('{"a": [1.5, "x", {"b": null}]}') },
    { path: 'raw', bytes: deflateRawSync('x'.repeat(100)) },
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('change', 'cut', 'add', 'fill'),
      async ({ path, bytes }, where, byte, how) => {
        const at = where % bytes.length
        const changed = Buffer.from(bytes)
        if (how === 'fill') changed.fill(byte, at, Math.min(bytes.length, at + 8))
        else changed[at] = byte
        const other =
          how === 'cut' ? bytes.subarray(0, at) : how === 'add' ? Buffer.concat([bytes, Buffer.of(byte)]) : changed
        const found = await compare(bytes, other, path, everything)
        assert.ok(comparedVerdicts.includes(found.verdict))
        assert.equal(found.verdict === 'identical', other.equals(bytes))
        assert.doesNotMatch(found.detail, /[\u0000-\u001f\u007f]/)
        // bytes that nothing reads differ, and no tolerance is for them
        if (path === 'raw' && found.verdict !== 'identical') assert.equal(found.verdict, 'diverged')
        if (how === 'cut' && path !== 'raw')
          assert.ok(found.verdict === 'incomparable' || found.verdict === 'diverged', found.detail)
      },
    ),
    { numRuns: 100 },
  )
})

/** A pair is told apart; its twin, the same difference where it means nothing, is not. */
async function tellsApart(
  context: TestContext,
  path: string,
  pairs: readonly (readonly [left: Bytes, right: Bytes, verdict: string, detail: RegExp])[],
): Promise<void> {
  const compare = comparer(context)
  for (const [left, right, verdict, detail] of pairs) {
    const found = await compare(left, right, path, everything)
    assert.equal(found.verdict, verdict, found.detail)
    assert.match(found.detail, detail)
  }
}

test('arrays whose elements are as long as their file are of one length, or differ', async (context) => {
  const header = (descr: string, more = ''): string =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': (4,)${more}}\n`
  const of = (descr: string, bytes: number, more = ''): Buffer => npy(header(descr, more), Buffer.alloc(bytes, 1))
  await tellsApart(context, 'm.npy', [
    ...["'|O'", "'|S1'", "'|V1'", "[('a', '|i1')]"].flatMap((descr) => [
      [of(descr, 4), of(descr, 8), 'diverged', /^`array` had 4 bytes and has 8$/] as const,
      [of(descr, 4), of(descr, 4, ', '), 'equal', /^the same array/] as const,
    ]),
    [of("'|b1'", 4), of("'|b1'", 8), 'incomparable', /8 bytes of elements where its header promises 4/],
    [of("'|b1'", 4), of("'|b1'", 4, ', '), 'equal', /^the same array/],
    [of("'|constructor'", 4), of("'|constructor'", 8), 'diverged', /had 4 bytes and has 8/],
  ])
})

test('names of prototypes are no types and no endings', async (context) => {
  const honest = safetensors({ w: tensor(0, 8) }, 8)
  const proto = safetensors({ w: { ...tensor(0, 8), dtype: 'constructor' } }, 8)
  await tellsApart(context, 'm.safetensors', [[honest, proto, 'incomparable', /of a type that is not known$/]])
  await tellsApart(context, 'm.constructor', [[Buffer.of(0, 1), Buffer.of(0, 2), 'diverged', /^1 of 2 bytes differ/]])
})

test('members of a tar archive differ in every byte of their names and in what they are', async (context) => {
  const kind = (type: string, link = ''): Buffer =>
    tar({ a: '' }, (header) => {
      header.write(type, 156)
      header.write(link, 157)
    })
  const named = (name: Buffer): Buffer => tar({ x: 'x' }, (header) => name.copy(header, 0))
  const cafe = (byte: number): Buffer => Buffer.concat([Buffer.from('caf'), Buffer.of(byte)])
  const record = (byte: number): Buffer =>
    tar({ x: `13 path=caf_\n` }, (header) => header.write('x', 156)).map((each) =>
      each === 0x5f ? byte : each,
    ) as Buffer
  const timed = (what: Buffer): Buffer => {
    const copy = Buffer.from(what)
    copy.write('1', 136 + 10) // the time of change, which is not content
    const sum = copy.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return copy
  }
  await tellsApart(context, 'a.tar', [
    [named(cafe(0xe9)), named(cafe(0xe8)), 'incomparable', /^the first file has a name that is not UTF-8$/],
    [named(Buffer.from('café')), timed(named(Buffer.from('café'))), 'equal', /^the same members/],
    [named(Buffer.from('café')), named(Buffer.from('cafè')), 'diverged', /missing in the/],
    [record(0xe9), record(0xe8), 'incomparable', /^the first file has a name that is not UTF-8$/],
    [kind('1', 'b'), kind('2', 'b'), 'diverged', /^`a`: is of another kind/],
    [kind('2', 'b'), kind('2', 'c'), 'diverged', /^`a`: is of another kind/],
    [kind('1', 'b'), timed(kind('1', 'b')), 'equal', /^the same members/],
    [kind('3'), kind('6'), 'incomparable', /^the first file has a device or a fifo, which is not compared$/],
  ])
})

/** A field of protobuf, shorter than 128 bytes. */
const field = (number: number, wire: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of((number << 3) | wire), wire === 2 ? Buffer.of(bytes.length) : Buffer.of(), bytes])

test('parts of an ONNX model differ in every byte of their names and in how they are written', async (context) => {
  const weights = (name: Uint8Array, raw = field(9, 2, Buffer.from('abcd'))): Buffer =>
    Buffer.concat([field(1, 0, Buffer.of(1)), field(2, 0, Buffer.of(1)), field(8, 2, name), raw])
  const model = (initializer: Uint8Array, ...more: readonly Buffer[]): Buffer =>
    Buffer.concat([field(1, 0, Buffer.of(8)), field(7, 2, field(5, 2, initializer)), ...more])
  const w = weights(Buffer.from('w'))
  const moved = Buffer.concat([field(7, 2, field(5, 2, w)), field(1, 0, Buffer.of(8))])
  const four = Buffer.from('abcd')
  await tellsApart(context, 'm.onnx', [
    [model(w), moved, 'equal', /^the same initializers/],
    [model(w, field(2, 2, four)), model(w, field(2, 5, four)), 'diverged', /^`producer_name` differs/],
    [model(w, field(15, 0, Buffer.of(7))), model(w, field(15, 2, Buffer.of(7))), 'diverged', /^`field 15 0` differs/],
    [model(w), model(weights(Buffer.from('w'), field(9, 5, four))), 'diverged', /is missing in the second file/],
    [model(w), model(weights(Buffer.from('w'), field(4, 5, four))), 'equal', /^the same initializers/],
    [
      model(w),
      Buffer.concat([field(7, 1, Buffer.alloc(8)), field(1, 0, Buffer.of(8))]),
      'incomparable',
      /has 0 graphs$/,
    ],
    [model(weights(Buffer.of(0xe9))), model(weights(Buffer.of(0xe8))), 'incomparable', /a name that is not UTF-8$/],
  ])
})

/** What Python's zipfile writes for members without compression. */
function zip(members: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(members)) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(0x00210000, 6)
    common.writeUInt32LE(crc32(text), 10)
    common.writeUInt32LE(text.length, 14)
    common.writeUInt32LE(text.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), Buffer.from(text)])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.of(20, 0), common, tail, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}

test('archives differ in their packing and in their folders', async (context) => {
  const plain = zip({ 'a.txt': 'x', 'b.txt': 'y' })
  const folders = zip({ 'f/': '', 'a.txt': 'x', 'b.txt': 'y' })
  const packed = tar({ 'a.txt': 'x', 'b.txt': 'y' })
  await tellsApart(context, 'a.bin', [
    [plain, zip({ 'b.txt': 'y', 'a.txt': 'x' }), 'equal', /^the same members, in another order$/],
    [folders, zip({ 'b.txt': 'y', 'a.txt': 'x', 'f/': '' }), 'equal', /^the same members, in another order$/],
    [plain, folders, 'diverged', /^`f\/`: is missing in the first file; 1 of 3 members differs$/],
    [plain, packed, 'diverged', /^the first file is packed as zip, the second as tar$/],
    [packed, gzipSync(packed), 'diverged', /^the first file is packed as tar, the second as gzip$/],
  ])
})

test('nothing compared is no pass', () => {
  assert.equal(worstVerdict([]), 'incomparable')
  assert.equal(worstVerdict(['identical']), 'identical')
  assert.equal(worstVerdict(['equal', 'diverged', 'within-tolerance']), 'diverged')
})

test('of a tensor that differs, only the bins with something in them are kept', () => {
  const tally = newTally()
  for (const [at, other] of [0.5, 0.5, 8].entries()) addPair(tally, 0, other, 1, at, exact)
  const put = kept(tally)
  assert.equal(put.bins.length, 2)
  const told = measureOf('w', 'F32', mergeTallies([put, put]), true)
  assert.deepEqual(told.histogram, [
    [-1, 4],
    [3, 2],
  ])
})
