import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { partsOf, resultsIn } from './compile.fs.ts'
import { scratchFolder } from './testing.exec.ts'

const framed = (...parts: readonly string[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [Buffer.of(0, 0, 0, part.length), Buffer.from(part)]))

test('what one process compiled comes back in order, nothing for what does not compile', () => {
  const parts = partsOf(framed('one', '', 'three'), 3)
  assert.deepEqual(
    parts?.map((part) => part.toString()),
    ['one', '', 'three'],
  )
  assert.deepEqual(partsOf(Buffer.alloc(0), 0), [])
})

const whole = framed('one', 'two')
const hostile: Readonly<Record<string, readonly [Buffer | undefined, number]>> = {
  'nothing at all': [undefined, 2],
  'fewer than were asked for': [whole, 3],
  'more than were asked for': [whole, 1],
  'bytes behind the last': [Buffer.concat([whole, Buffer.of(0)]), 2],
  'a length beyond the end': [Buffer.concat([Buffer.of(255, 255, 255, 255), Buffer.from('one')]), 1],
  'half of a length': [Buffer.concat([framed('one'), Buffer.of(0, 0)]), 2],
  'a last one that was cut': [whole.subarray(0, -1), 2],
}
for (const [what, [bytes, count]] of Object.entries(hostile))
  test(`results with ${what} are none`, () => assert.equal(partsOf(bytes, count), undefined))

test('results that are too large to be read at once are refused in words, and those that are not are read', (context) => {
  const root = scratchFolder(context)
  const path = join(root, 'results')
  writeFileSync(path, whole)
  assert.equal(resultsIn(path, 2).length, 2)
  truncateSync(path, 3 * 1024 ** 3) // takes no room
  assert.throws(
    () => resultsIn(path, 2),
    (error) => isDomainError(error, 'ERR_ENV_BUILD') && /over 512 MiB/.test(error.message),
  )
})
