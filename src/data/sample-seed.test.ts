/** Threat: poison is placed where a sample that everybody can draw does not look. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { maxImages, sampledImages } from './files/sample.ts'
import { sampleSeed } from './sample-seed.ts'

const [one, other] = [sha256Of(Buffer.from('one')), sha256Of(Buffer.from('other'))]

test('the same bytes at the same path are asked the same by one user; other bytes, paths and users are not', () => {
  const [ada, eve] = [randomBytes(32), randomBytes(32)]
  const seed = sampleSeed(ada, 'data/images', one)
  assert.equal(sampleSeed(ada, 'data/images', one), seed)
  assert.ok(Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 48)
  const others = [
    sampleSeed(ada, 'data/images', other),
    sampleSeed(ada, 'data/others', one),
    sampleSeed(eve, 'data/images', one),
  ]
  assert.equal(new Set([seed, ...others]).size, 4)
})

test('images that a public seed leaves out are looked at as often as all others', () => {
  const paths = Array.from({ length: 1.5 * maxImages }, (_, at) => `class/${at}.png`)
  const publicly = sampledImages(paths, 0)
  const hidden = paths.filter((path) => !publicly.has(path))
  const sample = sampledImages(paths, sampleSeed(randomBytes(32), 'class', one))
  const share = hidden.filter((path) => sample.has(path)).length / hidden.length
  assert.ok(Math.abs(share - 2 / 3) < 0.04, String(share)) // eight standard errors
})
