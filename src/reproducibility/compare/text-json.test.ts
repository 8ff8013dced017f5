import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { parseJsonValue } from './json-value.ts'
import { comparer, shortly } from './testing.ts'
import { Unreadable } from './unreadable.ts'

test('files of the same bytes are identical, whatever they are', async (context) => {
  const compare = comparer(context)
  for (const [bytes, path, format] of [
    ['', 'empty', 'bytes'],
    ['a\n', 'a.txt', 'text'],
    ['{"broken"', 'a.json', 'json'],
  ] as const) {
    assert.deepEqual(await compare(bytes, bytes, path), {
      path,
      format,
      verdict: 'identical',
      detail: 'the same bytes',
      unmeasured: 0,
      measures: [],
    })
  }
})

test('bytes that differ are counted, and the first is named', async (context) => {
  const compare = comparer(context)
  const told = async (left: readonly number[], right: readonly number[]): Promise<readonly string[]> => {
    const { format, verdict, detail } = await compare(Uint8Array.from(left), Uint8Array.from(right), 'model.bin')
    return [format, verdict, detail]
  }
  assert.deepEqual(await told([0, 1, 2, 3], [0, 9, 2, 9]), [
    'bytes',
    'diverged',
    '2 of 4 bytes differ; the first that differs is byte 1',
  ])
  assert.deepEqual(await told([0, 1, 2, 3], [0, 1]), [
    'bytes',
    'diverged',
    'the first file has 4 bytes, the second 2; the shorter one is the beginning of the longer one',
  ])
  assert.deepEqual(await told([0, 1, 2, 3], []), [
    'bytes',
    'diverged',
    'the first file has 4 bytes, the second 0; the shorter one is the beginning of the longer one',
  ])
})

test('text is told by lines, and never with the text itself', async (context) => {
  const compare = comparer(context)
  for (const [left, right, detail] of [
    ['a\nb\nc\n', 'a\nsecret\nc\n', '1 of 3 lines differs, the first is line 2'],
    ['a\nb\n', 'a\nx\nc\nd\n', '1 of 2 lines differs, the first is line 2; the second file has 2 lines more'],
    ['a\nb\nc\n', 'a\nb\n', 'the first file has 1 line more, all else is the same'],
    ['a\nb\n', 'a\r\nb\r\n', 'the same lines with other line ends, in 2 lines'],
    ['a\nb\n', 'a\nb', 'the same lines with other line ends, in 1 line'],
  ] as const) {
    const found = await compare(left, right, 'log.txt')
    assert.deepEqual([found.format, found.verdict, found.detail], ['text', 'diverged', detail])
  }
})

test('text with a line of more than a megabyte is compared as bytes', async (context) => {
  const compare = comparer(context)
  const long = 'x'.repeat(3_000_000)
  const found = await compare(`${long}a\n`, `${long}b\n`, 'log.txt')
  assert.equal(found.detail, '1 of 3,000,002 bytes differs; the first that differs is byte 3000000')
})

test('numbers of JSON are measured by key', async (context) => {
  const compare = comparer(context)
  const found = await compare(
    '{"auc": 0.5, "folds": [{"loss": 1.0}, {"loss": 2.0}], "n": 3}',
    '{"n": 3, "folds": [{"loss": 1.5}, {"loss": 2.0}], "auc": 0.5}',
    'metrics.json',
  )
  assert.deepEqual([found.format, found.verdict], ['json', 'diverged'])
  // 1.0 and 1.5 have the exponent 0 and fractions 0 and 2^51: 2^51 steps
  assert.deepEqual(found.measures, [
    {
      name: 'folds[*].loss',
      type: 'number',
      elements: 2,
      differing: 1,
      outside: 1,
      bitsOnly: 0,
      withoutDistance: 0,
      maxAbs: 0.5,
      maxRel: 0.5 / 1.5,
      maxUlp: 2 ** 51,
      worst: 0,
      histogram: [[-1, 1]],
    },
  ])
  assert.equal(found.detail, '`folds[*].loss` differs: 1 of 2 numbers, by at most 0.5 (relative 0.333, 2.25e15 ulp)')
})

test('JSON that is written in another way is equal, and not identical', async (context) => {
  const found = await comparer(context)('{"a": 1.0, "b": "x"}', '{"b":"\\u0078","a":1}\n', 'metrics.json')
  assert.deepEqual([found.verdict, found.detail], ['equal', 'the same values, written in another way'])
})

test('a tolerance allows what it names and nothing else', async (context) => {
  const compare = comparer(context)
  const because = 'threads'
  const verdict = async (tolerance: object, left = '{"auc": 0.50, "n": 3}'): Promise<string> =>
    (await compare(left, '{"auc": 0.51, "n": 3}', 'out/m.json', [{ path: 'out/*.json', because, ...tolerance }]))
      .verdict
  assert.equal(await verdict({ abs: 0.02 }), 'within-tolerance')
  assert.equal(await verdict({ abs: 0.001 }), 'diverged')
  assert.equal(await verdict({ rel: 0.02 }), 'within-tolerance')
  assert.equal(await verdict({ metric: 'a*', abs: 0.02 }), 'within-tolerance')
  assert.equal(await verdict({ metric: 'loss', abs: 0.02 }), 'diverged')
  assert.equal(await verdict({ tensor: '*', abs: 0.02 }), 'diverged')
  assert.equal(await verdict({ tensor: 'auc', metric: 'auc', column: 'auc', abs: 0.02 }), 'within-tolerance')
  assert.equal(await verdict({ path: '*.json', abs: 0.02 }), 'diverged')
  assert.equal(await verdict({ path: '**', abs: 0.02 }), 'within-tolerance')
  assert.equal(await verdict({}), 'diverged')
  assert.equal(await verdict({ abs: Number.POSITIVE_INFINITY, rel: Number.NaN, ulp: -1 }), 'diverged')
  assert.equal(await verdict({ abs: 100 }, '{"auc": NaN, "n": 3}'), 'diverged')
  assert.equal(await verdict({ abs: 100, rel: 1, ulp: 1e300 }, '{"auc": 1e999, "n": 3}'), 'diverged')
  assert.equal(await verdict({ abs: 100 }, '{"auc": 0.5, "m": 3}'), 'diverged')
  assert.equal(await verdict({ abs: 100 }, '{"auc": 0.5, "n": "3"}'), 'diverged')
})

test('NaN and infinities as Python writes them are values, integers are exact', async (context) => {
  const compare = comparer(context)
  const same = await compare('[NaN, -Infinity, Infinity]', '[ NaN,-Infinity,Infinity]', 'm.json')
  assert.equal(same.verdict, 'equal')
  const other = await compare('[NaN, 1, -Infinity]', '[NaN, NaN, Infinity]', 'm.json')
  assert.deepEqual(other.measures.map(shortly), [
    { name: '[*]', type: 'number', elements: 3, differing: 2, outside: 2, withoutDistance: 2 },
  ])
  const large = await compare('{"ns": 9007199254740993}', '{"ns": 9007199254740992}', 'm.json')
  assert.deepEqual([large.verdict, large.measures[0]?.maxAbs], ['diverged', 1])
})

test('JSON that is not whole is incomparable, and no tolerance makes it pass', async (context) => {
  const compare = comparer(context)
  for (const [broken, because] of [
    ['{"a": 1', 'the second file is not JSON, line 1, column 8'],
    ['{"a": 1, "a": 2}', 'the second file has a key twice, line 1'],
    ['{"a": -  Infinity}', 'the second file is not JSON, line 1, column 10'],
    ['{"a": 1} // x', 'the second file is not JSON, line 1, column 10'],
    ['[1,]', 'the second file is not JSON, line 1, column 4'],
    ['', 'the second file is not JSON, line 1, column 1'],
    ['['.repeat(100_000), 'the second file is nested deeper than 64 levels'],
    [' '.repeat(17 * 1024 * 1024), 'the second file has 17825792 bytes, the limit for JSON is 16777216'],
    [Uint8Array.from([0x22, 0xff, 0x22]), 'the second file is not UTF-8'],
  ] as const) {
    const found = await compare('{"a": 1}', broken, 'm.json', [{ path: '**', abs: 1e9, because: 'all' }])
    assert.deepEqual([found.verdict, found.detail], ['incomparable', because])
  }
})

test('a tolerance for the items of a list is none for lists within them', async (context) => {
  const verdict = async (metric: string, key: string): Promise<string> => {
    const of = (auc: number): string => JSON.stringify({ folds: [key === '' ? { auc } : { [key]: [{ auc }] }] })
    return (await comparer(context)(of(1), of(2), 'm.json', [{ path: '**', metric, abs: 5, because: 'b' }])).verdict
  }
  assert.equal(await verdict('folds[*].auc', ''), 'within-tolerance')
  assert.equal(await verdict('folds[*].auc', 'x'), 'diverged')
  assert.equal(await verdict('folds[*].x[*].auc', 'x'), 'within-tolerance')
  assert.equal(await verdict('folds*auc', 'x'), 'within-tolerance')
})

test('a long key above many members is incomparable before their names are made, one above few is not', async (context) => {
  const compare = comparer(context)
  const of = (count: number, value: number): string =>
    JSON.stringify({ ['k'.repeat(100_000)]: Object.fromEntries(Array.from({ length: count }, (_, at) => [at, value])) })
  const many = await compare(of(2000, 1), of(2000, 2), 'm.json')
  assert.deepEqual(
    [many.verdict, many.detail],
    ['incomparable', 'the files have more than 67108864 characters of keys'],
  )
  assert.equal((await compare(of(10, 1), of(10, 2), 'm.json')).verdict, 'diverged')
})

test('names from a file are printable and short', async (context) => {
  const key = `\u001b]0;x\u0007${'k'.repeat(500)}`
  const found = await comparer(context)(JSON.stringify({ [key]: 1 }), '{}', 'm.json')
  assert.equal(found.detail, `the second file has no \`\\u{1b}]0;x\\u{7}${'k'.repeat(105)}…\``)
})

test('JSON is read as JSON.parse reads it', () => {
  const plain = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]))
      : Array.isArray(value)
        ? value.map(plain)
        : typeof value === 'bigint'
          ? Number(value)
          : value
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      if (text.includes('__proto__')) return
      assert.deepEqual(plain(parseJsonValue(Buffer.from(text))), JSON.parse(text))
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:.-+0123eEntrufalsNIiy \n\\') }), (text) => {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        value = undefined
      }
      if (value !== undefined) assert.deepEqual(plain(parseJsonValue(Buffer.from(text))), value)
      else if (!/NaN|Infinity/.test(text)) assert.throws(() => parseJsonValue(Buffer.from(text)), Unreadable)
    }),
    { numRuns: 2000 },
  )
})

test('a difference of integers that no double holds is a number all the same, and outside of any bound', async (context) => {
  const compare = comparer(context)
  const big = `15${'0'.repeat(307)}`
  const found = async (left: string, right: string): Promise<unknown> => {
    const tolerances = [{ path: 'm.json', abs: Number.MAX_VALUE, because: 'of a test' }]
    const { verdict, measures } = await compare(`{"n": ${left}}`, `{"n": ${right}}`, 'm.json', tolerances)
    const [measure] = JSON.parse(JSON.stringify(measures))
    return [verdict, measure.maxAbs, measure.histogram]
  }
  assert.deepEqual(await found(big, `-${big}`), ['diverged', Number.MAX_VALUE, [[1023, 1]]])
  assert.deepEqual(await found(big, `${big.slice(0, -1)}1`), ['within-tolerance', 1, [[0, 1]]])
})

test('integers that no double holds are compared with doubles exactly, and with infinities', async (context) => {
  const compare = comparer(context)
  const verdict = async (left: string, right: string, abs = 0): Promise<string> =>
    (
      await compare(`{"n":${left}}`, `{"n":${right}}`, 'm.json', [
        { path: '**', abs, rel: 1, ulp: 1e300, because: 'all' },
      ])
    ).verdict
  const long = '9'.repeat(401)
  for (const [left, right, found, abs] of [
    ['10000000000000001', '1e16', 'diverged', 0],
    ['10000000000000001', '1e16', 'within-tolerance', 1],
    ['10000000000000000', '1e16', 'equal', 0],
    ['9007199254740993', '9007199254740990', 'within-tolerance', 3],
    ['9007199254740993', '9007199254740990', 'diverged', 2],
    [long, 'Infinity', 'diverged', 1e300],
    [long, '1e999', 'diverged', 1e300],
    [long, `${long}1`, 'diverged', 1e300],
    [long, ` ${long}`, 'equal', 0],
    ['10000000000000001', 'NaN', 'diverged', 1e300],
  ] as const) {
    assert.equal(await verdict(left, right, abs), found, `${left.slice(0, 30)} against ${right.slice(0, 30)}`)
    assert.equal(await verdict(right, left, abs), found, `${right.slice(0, 30)} against ${left.slice(0, 30)}`)
  }
})
