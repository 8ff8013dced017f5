import assert from 'node:assert/strict'
import type { BigIntStats } from 'node:fs'
import { test } from 'node:test'
import { isSettled, statKeyOf } from './file-stat.ts'

const second = 1_000_000_000n
const seen = { size: 5n, mtimeNs: 100n * second, ctimeNs: 100n * second, ino: 7n, dev: 9n }
const keyOf = (changed: Partial<typeof seen>): string => statKeyOf({ ...seen, ...changed } as BigIntStats) // as: all that a key is made of

test('a nanosecond, a byte, another inode or device is another key, whatever the values are', () => {
  const others = [
    keyOf({ mtimeNs: seen.mtimeNs + 1n }),
    keyOf({ ctimeNs: seen.ctimeNs - 1n }),
    keyOf({ size: 7n, ino: 5n }),
    keyOf({ ino: 2n ** 64n - 1n }),
    keyOf({ dev: 2n ** 63n }),
    keyOf({ mtimeNs: -second }),
  ]
  assert.equal(keyOf({}), keyOf({ size: 5n }))
  assert.equal(new Set([keyOf({}), ...others]).size, 1 + others.length)
})

test('what changed two seconds before it was read, or later, may change again unseen', () => {
  const at = (times: Partial<typeof seen>): boolean => isSettled(keyOf(times), 102_000)
  assert.equal(at({ mtimeNs: 100n * second - 1n, ctimeNs: 100n * second - 1n }), true)
  assert.equal(at({ mtimeNs: -second, ctimeNs: 0n }), true)
  assert.equal(at({ ctimeNs: 0n }), false, 'its content')
  assert.equal(at({ mtimeNs: 0n }), false, 'its inode')
  assert.equal(isSettled(keyOf({ mtimeNs: 0n, ctimeNs: 0n }).slice(2), 102_000), false, 'no key')
})
