import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepProfile } from './profile.ts'

test('a long run keeps a bounded number of looks over its whole length, at equal distances', () => {
  const keeper = keepProfile(250)
  let atMs = 0
  while (atMs < 24 * 3600_000) {
    atMs += keeper.everyMs()
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
