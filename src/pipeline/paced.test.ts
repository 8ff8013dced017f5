import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { paced } from './paced.ts'

/** As long as a slow write. */
function spend(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

test('what costs nothing is written each time; what costs much is written once for many, and in the end', async () => {
  let cheap = 0
  using quick = paced(() => (cheap += 1))
  for (let time = 0; time < 5; time += 1) {
    quick.soon()
    spend(2)
  }
  assert.equal(cheap, 5)

  let dear = 0
  using slow = paced(() => {
    dear += 1
    spend(20)
  })
  for (let time = 0; time < 5; time += 1) slow.soon()
  assert.equal(dear, 1)
  slow.now()
  assert.equal(dear, 2)
  slow.now()
  assert.equal(dear, 2, 'nothing was left')
})

test('what waits is written by itself; a fault of it is told to the next caller', async () => {
  let writes = 0
  const failing = paced(() => {
    writes += 1
    spend(2)
    if (writes === 2) throw new Error('the disk is full')
  })
  failing.soon()
  failing.soon()
  while (writes < 2) await wait(5)
  assert.throws(() => failing.soon(), /the disk is full/)
  assert.throws(() => failing.now(), /the disk is full/)
})

test('what is left for something later is not written after it', () => {
  let writes = 0
  const left = paced(() => {
    writes += 1
    spend(20)
  })
  left.soon()
  left.soon()
  left[Symbol.dispose]()
  left.now()
  assert.equal(writes, 1)
})
