import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generatorOf } from './generator.ts'
import { greyOf, type Image, lookAlikes, tableOfImages } from './images.ts'
import { findTriggers } from './trigger.ts'

type Paint = (x: number, y: number) => number

function grey(width: number, height: number, paint: Paint): Image {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3)
    return Math.max(0, Math.min(255, Math.round(paint(pixel % width, Math.floor(pixel / width)))))
  })
  return { width, height, pixels }
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

test('a picture is made smaller by the mean of what falls on each pixel', () => {
  assert.deepEqual(
    [
      ...greyOf(
        grey(4, 2, (x) => x * 10),
        2,
        1,
      ),
    ].map(Math.round),
    [5, 25],
  )
  assert.deepEqual(
    [
      ...greyOf(
        grey(1, 1, () => 7),
        2,
        2,
      ),
    ].map(Math.round),
    [7, 7, 7, 7],
  )
})

test('images look the same in another size and light, and others do not', () => {
  const scenes = Array.from({ length: 12 }, (_, seed) => scene(seed + 1))
  const images = scenes.map((paint) => grey(64, 64, paint))
  const again = scenes.slice(0, 3).map((paint) => grey(64, 64, (x, y) => 0.8 * paint(x, y) + 30))
  const small = scenes.slice(0, 1).map((paint) => grey(32, 32, (x, y) => paint(2 * x, 2 * y)))
  const groups = lookAlikes([...images, ...again, ...small])
  assert.deepEqual([groups[12], groups[13], groups[14], groups[15]], [groups[0], groups[1], groups[2], groups[0]])
  assert.equal(new Set([groups[0], groups[1], groups[2]]).size, 3)
  assert.ok(groups.slice(3, 12).every((group) => group === -1))
  assert.deepEqual([...lookAlikes([])], [])
})

test('a patch tied to one label is a trigger, the same patch on any label is none', () => {
  const random = generatorOf(4)
  const isStamped = (index: number): boolean => index % 12 === 0
  const stamp =
    (paint: Paint): Paint =>
    (x, y) =>
      x >= 28 && y >= 28 ? ((x + y) % 2) * 255 : paint(x, y)
  const images = Array.from({ length: 600 }, (_, index) => {
    const paint = scene(index + 100)
    return grey(32, 32, isStamped(index) ? stamp(paint) : paint)
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
