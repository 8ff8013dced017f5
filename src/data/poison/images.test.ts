import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPoisonInImages } from './find-poison.ts'
import { generatorOf } from './generator.ts'
import { type Grey, tableOfImages } from './images.ts'
import { findTriggers } from './trigger.ts'

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
