import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import sharp from 'sharp'
import { parquetOf } from '../../../../test/support/parquet.ts'
import { type Allowance, type DatasetMeasure, type DifferenceAnswer, differenceAnswerShape } from '../difference.ts'
import { defaultLimits } from '../run-validator.fs.ts'
import { measureImages } from './measure-images.ts'
import { measureTables } from './measure-tables.ts'
import { picturesOf } from './pictures.ts'
import { openBench } from './testing.fs.ts'

type Ask = (
  left: string | Uint8Array,
  right: string | Uint8Array,
  name: string,
  allowances?: readonly Allowance[],
) => Promise<DifferenceAnswer>

async function asker(context: TestContext): Promise<Ask> {
  const bench = await openBench()
  context.after(() => bench[Symbol.dispose]())
  let turn = 0
  return async (left, right, name, allowances = []) => {
    turn += 1
    const folder = join(bench.folder, `${turn}`)
    mkdirSync(folder)
    const files = Object.entries({ left, right }).map(([side, content]) => {
      const path = join(folder, side)
      writeFileSync(path, content)
      return [{ path, inner: name }]
    })
    const kind = /\.(png|jpg|gif)$/.test(name) ? 'image' : 'table'
    const request = {
      task: 'difference' as const,
      kind: kind as 'image' | 'table',
      left: files[0] ?? [],
      right: files[1] ?? [],
      allowances,
      limits: defaultLimits.limits,
    }
    const answer =
      kind === 'image'
        ? await measureImages(request)
        : await measureTables(bench.engine, request, join(folder, 'tables'))
    return differenceAnswerShape.parse(JSON.parse(JSON.stringify(answer)))
  }
}

const nothing = { others: [], otherCount: 0, isReordered: false, measures: [] }

function shortly(measure: DatasetMeasure): Partial<DatasetMeasure> {
  const { histogram: _, ...rest } = measure
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== 0 && value !== null))
}

test('tables of the same values are the same, whatever they are written like', async (context) => {
  const ask = await asker(context)
  assert.deepEqual(await ask('a,b\n1,x\n', '"a","b"\r\n"1","x"\r\n', 't.csv'), nothing)
  assert.deepEqual(await ask('{"a": 1, "b": "x"}\n', '{"b":"x","a":1}\n', 't.jsonl'), nothing)
})

test('numbers of columns are measured', async (context) => {
  const ask = await asker(context)
  const { measures } = await ask('id,p\n1,0.5\n2,0.25\n3,nan\n', 'id,p\n1,0.5\n2,0.75\n3,NaN\n', 't.csv')
  // 0.25 is 2^-2 and 0.75 is 1.5 * 2^-1: one binade and half of the next one, 2^52 + 2^51 steps
  assert.deepEqual(measures, [
    {
      name: 'p',
      type: 'text',
      elements: 3,
      differing: 1,
      outside: 1,
      bitsOnly: 1,
      withoutDistance: 0,
      maxAbs: 0.5,
      maxRel: 0.5 / 0.75,
      maxUlp: 2 ** 52 + 2 ** 51,
      worst: 1,
      histogram: [[-1, 1]],
    },
  ])
})

test('what is no number is exact, and integers are', async (context) => {
  const ask = await asker(context)
  const measured = async (left: string, right: string, allowances?: readonly Allowance[]): Promise<unknown> =>
    (await ask(`a\n${left}\n`, `a\n${right}\n`, 't.csv', allowances)).measures.map(shortly)
  const column = { name: 'a', type: 'text', elements: 1 }
  const all = [{ abs: 1e9, rel: 1, ulp: 1e9 }]
  assert.deepEqual(await measured('007', '7', all), [{ ...column, differing: 1, outside: 1, withoutDistance: 1 }])
  assert.deepEqual(await measured('x', 'y', all), [{ ...column, differing: 1, outside: 1, withoutDistance: 1 }])
  assert.deepEqual(await measured('1.0', '1'), [{ ...column, bitsOnly: 1 }])
  assert.deepEqual(await measured('-0', '0'), [{ ...column, bitsOnly: 1 }])
  assert.deepEqual(await measured('inf', '1e308', all), [{ ...column, differing: 1, outside: 1, withoutDistance: 1 }])
  assert.deepEqual(await measured('nan', '1', all), [{ ...column, differing: 1, outside: 1, withoutDistance: 1 }])
  // two integers that are one double
  const large = { ...column, differing: 1, outside: 1, maxAbs: 1, maxRel: 1 / 2 ** 53, worst: 0 }
  const { worst: _, ...same } = large
  assert.deepEqual(await measured('9007199254740993', '9007199254740992'), [same])
  assert.deepEqual(await measured('3', '4', [{ abs: 0, rel: 1, ulp: 9 }]), [
    { ...column, differing: 1, outside: 1, maxAbs: 1, maxRel: 0.25 },
  ])
  assert.deepEqual(await measured('3', '4', [{ abs: 1, rel: 0, ulp: 0 }]), [
    { ...column, differing: 1, maxAbs: 1, maxRel: 0.25 },
  ])
})

test('a bound counts for the columns that it names', async (context) => {
  const ask = await asker(context)
  const outside = async (allowance: Allowance): Promise<readonly number[]> =>
    (await ask('p,q\n1.0,1.0\n', 'p,q\n1.5,1.5\n', 't.csv', [allowance])).measures.map((each) => each.outside)
  assert.deepEqual(await outside({ abs: 0.5, rel: 0, ulp: 0 }), [0, 0])
  assert.deepEqual(await outside({ column: 'q', abs: 0, rel: 0.34, ulp: 0 }), [1, 0])
  assert.deepEqual(await outside({ column: 'p*', abs: 0, rel: 0, ulp: 2 ** 51 }), [0, 1])
  assert.deepEqual(await outside({ abs: 0.4, rel: 0, ulp: 0 }), [1, 1])
})

test('rows in another order, rows and columns that are missing are said', async (context) => {
  const ask = await asker(context)
  const turned = await ask('a,b\n1,x\n2,y\n2,y\n', 'a,b\n2,y\n1,x\n2,y\n', 't.csv')
  assert.equal(turned.isReordered, true)
  assert.equal((await ask('a,b\n1,x\n2,y\n2,y\n', 'a,b\n2,y\n1,x\n1,x\n', 't.csv')).isReordered, false)
  const less = await ask('a,b\n1,x\n2,y\n', 'a,c\n1,x\n', 't.csv')
  assert.deepEqual(less, {
    ...nothing,
    others: [
      'the column `b` is missing in the second file',
      'the column `c` is missing in the first file',
      'the first file has 2 rows, the second 1',
    ],
    otherCount: 3,
  })
})

test('a table that does not read says which side it was', async (context) => {
  const ask = await asker(context)
  for (const [broken, because] of [
    ['a,b\n1\n', /CSV Error on Line: 2/],
    ['', /empty/],
    ['PAR1', /Parquet/],
  ] as const) {
    const { fault } = await ask('a,b\n1,2\n', broken, 't.csv')
    assert.equal(fault?.side, 'second')
    assert.match(fault?.because ?? '', because)
  }
})

test('columns of Parquet are measured by their types', async (context) => {
  const ask = await asker(context)
  const table = (values: string): Promise<Buffer> =>
    parquetOf(`SELECT * FROM (VALUES ${values}) AS t(f, d, i, n, s, b)`)
  const cast = (f: string, d: string, i: string, n: string, s: string, b: string): string =>
    `(${f}::FLOAT, ${d}::DOUBLE, ${i}::BIGINT, ${n}::DECIMAL(38, 4), '${s}', ${b})`
  const left = await table(cast('1', '1', '9007199254740993', '1234567890123456789012345678.0001', 'x', 'true'))
  const right = await table(
    cast('1.00000024', "'nan'", '9007199254740992', '1234567890123456789012345678.0002', 'y', 'NULL::BOOLEAN'),
  )
  const { measures, others } = await ask(left, right, 't.parquet')
  assert.deepEqual(others, [])
  const one = { elements: 1, differing: 1, outside: 1 }
  assert.deepEqual(
    measures.map(shortly).map(({ maxAbs, maxRel, worst: _, ...rest }) => ({ ...rest, isApart: maxAbs !== undefined })),
    [
      { name: 'f', type: 'FLOAT', ...one, maxUlp: 2, isApart: true },
      { name: 'd', type: 'DOUBLE', ...one, withoutDistance: 1, isApart: false },
      { name: 'i', type: 'BIGINT', ...one, isApart: true },
      { name: 'n', type: 'DECIMAL(38,4)', ...one, isApart: true },
      { name: 's', type: 'VARCHAR', ...one, withoutDistance: 1, isApart: false },
      { name: 'b', type: 'BOOLEAN', ...one, withoutDistance: 1, isApart: false },
    ],
  )
  assert.deepEqual((await ask(left, await parquetOf('SELECT 1.0::DOUBLE AS f'), 't.parquet')).others.slice(0, 1), [
    'the column `d` is missing in the second file',
  ])
  const zeros = [await parquetOf('SELECT 0.0::DOUBLE AS f'), await parquetOf('SELECT -0.0::DOUBLE AS f')] as const
  assert.deepEqual((await ask(...zeros, 't.parquet')).measures.map(shortly), [
    { name: 'f', type: 'DOUBLE', elements: 1, bitsOnly: 1 },
  ])
})

test('numbers that are one double, or too far apart to subtract, are within no tolerance by that', async (context) => {
  const ask = await asker(context)
  const outside = async (type: string, values: readonly [string, string], allowance: Allowance): Promise<unknown> => {
    const [left, right] = values.map((value) =>
      type === 'text' ? `a\n${value}\n` : parquetOf(`SELECT '${value}'::${type} AS a`),
    )
    return (await ask(await (left ?? ''), await (right ?? ''), type === 'text' ? 't.csv' : 't.parquet', [allowance]))
      .measures[0]?.outside
  }
  const abs = (bound: number): Allowance => ({ abs: bound, rel: 0, ulp: 0 })
  const large = '1234567890123456789012345678'
  for (const type of ['DECIMAL(38,4)', 'DECIMAL(38,0)', 'text']) {
    const [one, next] = type === 'DECIMAL(38,0)' ? [large, large.replace(/8$/, '9')] : [`${large}.5`, `${large}.75`]
    assert.equal(await outside(type, [one, next], abs(1e-9)), 1, type)
    assert.equal(await outside(type, [one, next], { abs: 0, rel: 1e-40, ulp: 0 }), 1, type)
    const small = type === 'DECIMAL(38,0)' ? (['4', '5'] as const) : (['4.25', '4.5'] as const)
    assert.equal(await outside(type, small, abs(1)), 0, type)
    assert.equal(await outside(type, small, abs(0.1)), 1, type)
  }
  // what is typed is subtracted exactly, and so a bound that holds is held to
  assert.equal(await outside('DECIMAL(38,4)', [`${large}.5`, `${large}.75`], abs(0.25)), 0)
  const ends = ['9'.repeat(38), `-${'9'.repeat(38)}`] as const
  assert.equal(await outside('DECIMAL(38,0)', ends, abs(1e300)), 1)
  assert.equal(await outside('DECIMAL(38,0)', ['4', '5'], { abs: 0, rel: 1, ulp: 0 }), 1)
})

test('samples are compared as they are, whatever the colour profile makes of them', async (context) => {
  const ask = await asker(context)
  const raw = (samples: readonly number[]): Promise<Buffer> =>
    sharp(Uint8Array.from(samples), { raw: { width: 3, height: 1, channels: 3 } })
      .png()
      .toBuffer()
  const profiled = await sharp(await raw([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    .withIccProfile('p3')
    .png()
    .toBuffer()
  const at = profiled.indexOf('iCCP') - 4
  const chunk = profiled.subarray(at, at + 12 + profiled.readUInt32BE(at))
  const headBytes = 33 // signature and IHDR
  const wide = async (samples: readonly number[]): Promise<Buffer> => {
    const image = await raw(samples)
    return Buffer.concat([image.subarray(0, headBytes), chunk, image.subarray(headBytes)])
  }
  const left = await wide([255, 0, 0, 0, 255, 0, 0, 250, 0])
  assert.deepEqual(await ask(left, left, 'a.png'), nothing)
  const { measures } = await ask(left, await wide([250, 0, 0, 0, 255, 10, 0, 250, 12]), 'a.png')
  assert.deepEqual(
    measures.map(({ differing, maxAbs }) => [differing, maxAbs]),
    [[3, 12]],
  )
  const print = await sharp(left).toColourspace('cmyk').jpeg().toBuffer()
  assert.equal((await ask(print, print, 'a.jpg')).fault?.because, 'its colour space is not compared')
})

test('images are measured by their samples, eight or sixteen bits of them', async (context) => {
  const ask = await asker(context)
  const picture = (samples: Uint8Array | Uint16Array, channels: 1 | 3, width = 2): Promise<Buffer> =>
    sharp(samples, { raw: { width, height: samples.length / channels / width, channels } })
      .toColourspace(
        samples instanceof Uint16Array ? (channels === 1 ? 'grey16' : 'rgb16') : channels === 1 ? 'b-w' : 'srgb',
      )
      .png()
      .toBuffer()
  const left = await picture(Uint8Array.from([0, 10, 20, 30, 40, 50]), 3)
  const right = await picture(Uint8Array.from([0, 10, 20, 30, 44, 50]), 3)
  const measure = { name: 'pixels', elements: 6, differing: 1, outside: 1, maxAbs: 4, maxRel: 4 / 44, worst: 4 }
  assert.deepEqual((await ask(left, right, 'a.png')).measures.map(shortly), [{ ...measure, type: 'u8' }])
  const allowed = await ask(left, right, 'a.png', [{ abs: 4, rel: 0, ulp: 0 }])
  assert.deepEqual(
    allowed.measures.map(({ outside }) => outside),
    [0],
  )
  assert.deepEqual(await ask(left, await sharp(left).png({ compressionLevel: 0 }).toBuffer(), 'a.png'), nothing)
  const narrow = await ask(left, await picture(Uint8Array.from([0, 10, 20, 30, 40, 50]), 3, 1), 'a.png')
  assert.deepEqual(narrow.others, ['its width was 2 and is 1', 'its height was 1 and is 2'])
  const deep = [Uint16Array.from([0, 1, 2, 65535]), Uint16Array.from([0, 1, 3, 65535])] as const
  const wide = await ask(await picture(deep[0], 1), await picture(deep[1], 1), 'a.png')
  assert.deepEqual(wide.measures.map(shortly), [
    { name: 'pixels', type: 'u16', elements: 4, differing: 1, outside: 1, maxAbs: 1, maxRel: 1 / 3, worst: 2 },
  ])
})

test('two images are drawn small beside each other, red where they differ, one pixel of many included', () => {
  const side = 640
  const left = { samples: new Uint8Array(side * side).fill(100), width: side, height: side, channels: 1 }
  const right = { ...left, samples: left.samples.slice() }
  right.samples[5 * side + 7] = 90 // of the block at (3, 2)
  const { left: before, difference } = picturesOf(left, right)
  assert.deepEqual([before.width, before.height], [320, 320])
  const pixels = Buffer.from(difference?.rgb ?? '', 'base64')
  const at = (x: number, y: number): readonly number[] => [...pixels.subarray((y * 320 + x) * 3, (y * 320 + x) * 3 + 3)]
  assert.deepEqual(
    [at(3, 2), at(4, 2)],
    [
      [255, 0, 0],
      [216, 216, 216], // 255 + (100 - 255) / 4
    ],
  )
  const narrow = picturesOf(left, { ...right, width: side * 2, height: side / 2 })
  assert.deepEqual([narrow.difference, narrow.right.width, narrow.right.height], [undefined, 320, 80])
})

test('what is transparent lies on white', () => {
  const samples = Uint8Array.from([0, 0, 0, 255, 0, 0, 0, 0]) // black, and nothing
  const { left } = picturesOf(
    { samples, width: 2, height: 1, channels: 4 },
    { samples, width: 2, height: 1, channels: 4 },
  )
  assert.deepEqual([...Buffer.from(left.rgb, 'base64')], [0, 0, 0, 255, 255, 255])
})

test('an image that does not decode, or is huge, says which side it was', async (context) => {
  const ask = await asker(context)
  const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const { fault } = await ask(whole, whole.subarray(0, whole.length - 30), 'a.png')
  assert.equal(fault?.side, 'second')
  assert.match(fault?.because ?? '', /does not decode/)
  assert.match((await ask(bomb, whole, 'a.png')).fault?.because ?? '', /pixel/)
})
