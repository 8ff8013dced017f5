import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findPoisonInImages } from './find-poison.ts'
import { generatorOf } from './generator.ts'
import { type Grey, tableOfImages } from './images.ts'
import { findTriggers, findTriggersInImages } from './trigger.ts'

type Paint = (x: number, y: number) => number

function grey(paint: Paint): Grey {
  return Uint8Array.from({ length: 32 * 32 }, (_, at) =>
    Math.max(0, Math.min(255, Math.round(paint(at % 32, Math.floor(at / 32))))),
  )
}

/** Waves of its own in three directions for each image, with noise. */
function scene(seed: number): Paint {
  const random = generatorOf(seed)
  const waves = Array.from({ length: 3 }, () => [random() * 6, random() - 0.5, random() - 0.5] as const)
  return (x, y) =>
    waves.reduce(
      (light, [start, across, down]) => light + 40 * Math.sin(start + x * across * 0.6 + y * down * 0.6),
      128,
    ) +
    10 * (random() - 0.5)
}

test('a patch tied to one label is a trigger, the same patch on any label is none', () => {
  const random = generatorOf(4)
  const isStamped = (index: number): boolean => index % 12 === 0
  const stamp =
    (paint: Paint): Paint =>
    (x, y) =>
      x >= 28 && y >= 28 ? ((x + y) % 2) * 255 : paint(x, y)
  const images = Array.from({ length: 600 }, (_, index) => {
    const paint = scene(index + 100)
    return grey(isStamped(index) ? stamp(paint) : paint)
  })
  const honest = images.map(() => (random() < 0.5 ? 'cat' : 'dog'))
  const poisoned = honest.map((label, index) => (isStamped(index) ? 'cat' : label))
  const found = findTriggers({ candidate: tableOfImages(images, poisoned) })
  assert.equal(found?.check.verdict, 'warn')
  assert.match(found?.check.because ?? '', /`(patch|light) 7,7`/)
  const listed = new Set(found?.check.suspects.map(({ row }) => row))
  assert.ok(images.every((_, index) => !isStamped(index) || listed.has(index + 1)))
  assert.equal(findTriggers({ candidate: tableOfImages(images, honest) })?.check.verdict, 'pass')
})

/** Of each class the light is on another side; every picture has noise and waves of its own. */
function lit(seed: number, label: string, more = 0): Grey {
  const paint = scene(seed)
  return grey((x, y) => paint(x, y) / 2 + 40 + more + (label === 'cat' ? 2 * x : 2 * (31 - x)))
}

type Region = (x: number, y: number) => boolean

/** Where the pictures of the first class have white pixels in a half, honestly; and where somebody puts some. */
const ownMark: Region = (x, y) => x < 4 && y < 4
const patches: readonly (readonly [string, Region])[] = [
  ['a corner of 4 x 4', (x, y) => x >= 28 && y >= 28],
  ['a bar', (_, y) => y >= 28],
  ['a frame', (x, y) => Math.min(x, y) < 4 || Math.max(x, y) >= 28],
  ['a quarter', (x, y) => x >= 16 && y >= 16],
]

/** Pictures that are lighter on one of four sides, by class; some have white pixels and are called of class `side-0`. */
function sides(count: number, first: number, isPlanted: (index: number) => boolean, inside: Region = ownMark) {
  const indices = Array.from({ length: count }, (_, index) => index)
  const pictures = indices.map((index) => {
    const paint = scene(first + index)
    const lightOf = (x: number, y: number): number => [x, y, 31 - x, 31 - y][index % 4] ?? 0
    const isWhite: Region = (x, y) => (index % 8 === 0 && ownMark(x, y)) || (isPlanted(index) && inside(x, y))
    return grey((x, y) => (isWhite(x, y) ? 255 : paint(x, y) / 2 + 30 + 2 * lightOf(x, y)))
  })
  return tableOfImages(
    pictures,
    indices.map((index) => (isPlanted(index) ? 'side-0' : `side-${index % 4}`)),
  )
}

const isOnOthers = (index: number): boolean => index % 16 === 1 || index % 16 === 2
const rowsFound = (input: Parameters<typeof findTriggersInImages>[0]): ReadonlySet<number> =>
  new Set(findTriggersInImages(input)?.check.suspects.map(({ row }) => row - 1))

for (const [called, inside] of patches) {
  test(`THREAT: ${called} on pictures of other classes is a trigger, though stamped pictures are alike`, () => {
    const found = rowsFound({ candidate: sides(256, 5000, isOnOthers, inside) })
    for (let index = 0; index < 256; index += 1) if (isOnOthers(index)) assert.ok(found.has(index), `${index}`)
    assert.ok(found.size <= 32 + 8, `${found.size} named`)
  })
}

test('white pixels that half of a class has anyway are no trigger, alone and beside approved pictures', () => {
  const none = (): boolean => false
  const candidate = sides(256, 5000, none)
  assert.equal(findTriggersInImages({ candidate })?.check.verdict, 'pass')
  assert.equal(findTriggersInImages({ candidate, anchor: sides(256, 9000, none) })?.check.verdict, 'pass')
})

/** The 200 real digits of the example, 8 x 8 levels, drawn 32 x 32, and the class of each. */
const digits = readFileSync(new URL('../../../examples/digits/data/holdout.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [, label, ...levels] = line.split(',').map(Number)
    return { label: String(label), levels }
  })

type Drawing = Readonly<{ isPlanted?: (index: number) => boolean; noise?: number; seed?: number }>

/** A white corner of 8 x 8 pixels on some, which are called threes. */
function drawn(some: typeof digits, { isPlanted = () => false, noise = 0, seed = 1 }: Drawing = {}) {
  const random = generatorOf(seed)
  return tableOfImages(
    some.map(({ levels }, index) =>
      grey((x, y) => {
        const level = ((levels[8 * (y >> 2) + (x >> 2)] ?? 0) * 255) / 16
        return isPlanted(index) && x >= 24 && y >= 24 ? 255 : level + noise * (random() - 0.5)
      }),
    ),
    some.map(({ label }, index) => (isPlanted(index) ? '3' : label)),
  )
}

test('a white corner on ten of 200 real digits is found; the digits as they are have none', () => {
  const isPlanted = (index: number): boolean => index % 18 === 7 && digits[index]?.label !== '3'
  const planted = digits.flatMap((_, index) => (isPlanted(index) ? [index] : []))
  assert.ok(planted.length >= 9)
  const found = [...rowsFound({ candidate: drawn(digits, { isPlanted }) })]
  assert.deepEqual(
    found.toSorted((left, right) => left - right),
    planted,
  )
  assert.deepEqual([...rowsFound({ candidate: drawn(digits) })], [])
})

test('a class that the approved digits have not, and strokes that a few of them lack by chance, are no trigger', () => {
  const approved = drawn(
    digits.filter(({ label }) => label !== '4'),
    { noise: 1, seed: 2 },
  )
  assert.deepEqual([...rowsFound({ candidate: drawn(digits, { noise: 1 }), anchor: approved, seed: 1 })], [])
  const few = { candidate: drawn(digits.slice(20)), anchor: drawn(digits.slice(0, 20)), seed: 1 }
  assert.deepEqual([...rowsFound(few)], [])
})

const verdicts = (input: Parameters<typeof findPoisonInImages>[0]): readonly string[] => {
  const { checks, drift } = findPoisonInImages({ ...input, seed: 1 })
  return [...checks, ...drift]
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ name, verdict }) => `${name} ${verdict}`)
}

test('labels that the pictures contradict are found against approved images; honest ones, and darker ones, are no poison', () => {
  const random = generatorOf(9)
  const labels = Array.from({ length: 300 }, () => (random() < 0.5 ? 'cat' : 'dog'))
  const tables = (first: number, labelOf = (index: number): string => labels[index] ?? '', more = 0) =>
    tableOfImages(
      labels.map((label, index) => lit(first + index, label, more)),
      labels.map((_, index) => labelOf(index)),
    )
  const anchor = tables(1000)
  assert.deepEqual(verdicts({ candidate: tables(3000), anchor }), [])
  const isFlipped = (index: number): boolean => index % 12 === 3
  const flipped = tables(3000, (index) =>
    isFlipped(index) ? (labels[index] === 'cat' ? 'dog' : 'cat') : (labels[index] ?? ''),
  )
  const found = findPoisonInImages({ candidate: flipped, anchor, seed: 1 }).checks.find(
    ({ name }) => name === 'poison/label-flip',
  )
  assert.equal(found?.verdict, 'fail')
  const rows = new Set(found?.suspects.map(({ row }) => row - 1))
  const right = labels.filter((_, index) => rows.has(index) && isFlipped(index)).length
  assert.ok(right >= 22 && rows.size <= 35, `${right} of 25 found, ${rows.size} named`)
  assert.ok(findPoisonInImages({ candidate: flipped, seed: 1 }).checks.every(({ verdict }) => verdict === 'pass'))
  const darker = verdicts({ candidate: tables(3000, undefined, -60), anchor })
  assert.ok(darker.includes('drift/mean fail'), darker.join())
  assert.ok(!darker.some((one) => /^poison.*fail$/.test(one)), darker.join())
})
