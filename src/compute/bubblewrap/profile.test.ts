import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepProfile } from './profile.ts'

test('a long run keeps a bounded number of looks over its whole length, at equal distances', () => {
  const keeper = keepProfile(250)
  let atMs = 0
  while (atMs < 24 * 3600_000) {
    atMs += keeper.everyMs()
    assert.ok(keeper.everyMs() <= 1000, 'looked at each second or oftener')
    keeper.add({ cpuMs: atMs / 2, memoryBytes: 7 })
  }
  const { everyMs, cpuMs = [], memoryBytes = [], processes } = keeper.profile() ?? assert.fail()
  assert.ok(cpuMs.length >= 120 && cpuMs.length < 240, `${cpuMs.length}`)
  assert.equal(cpuMs.length, memoryBytes.length)
  assert.equal(processes, undefined, 'what was not told is missing, not zero')
  const steps = new Set(cpuMs.slice(1).map((value, index) => value - (cpuMs[index] ?? 0)))
  assert.deepEqual([...steps], [everyMs / 2])
})

test('a stage that ended before the first look has no profile', () => {
  assert.equal(keepProfile(250).profile(), undefined)
})

test('of several looks that become one point the highest of what is held counts, and the last of what grows', () => {
  const keeper = keepProfile(1000)
  for (let second = 1; second <= 480; second += 1)
    keeper.add({ memoryBytes: second === 100 ? 9000 : 10, ioReadBytes: 5 * second })
  const { everyMs, memoryBytes = [], ioReadBytes = [] } = keeper.profile() ?? assert.fail()
  assert.equal(everyMs, 4000)
  assert.equal(memoryBytes.length, 120)
  assert.deepEqual(
    memoryBytes.flatMap((bytes, index) => (bytes === 9000 ? [index] : [])),
    [24],
    'the look after 100 s lies in the point of 97 to 100 s',
  )
  assert.deepEqual(ioReadBytes.slice(0, 3), [20, 40, 60])
  assert.equal(ioReadBytes.at(-1), 2400)
})
