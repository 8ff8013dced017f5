import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partsOf } from './compile.fs.ts'

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
