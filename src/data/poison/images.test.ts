import assert from 'node:assert/strict'
import { test } from 'node:test'
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
