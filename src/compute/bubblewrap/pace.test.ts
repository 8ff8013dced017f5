import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { paceOf } from './pace.ts'

test('who reads no more than a second of its rate at once is never held; who reads more waits until it has come even', () => {
  const pace = paceOf(1000)
  assert.equal(pace.look(900, 0), 'go')
  assert.equal(pace.look(1900, 1000), 'go')
  assert.equal(pace.look(4900, 2000), 'wait', 'three seconds of its rate in one')
  assert.equal(pace.look(4900, 3000), 'wait')
  assert.equal(pace.look(4900, 4000), 'go')
})

test('time without reading saves up no more than a second', () => {
  const pace = paceOf(1000)
  pace.look(0, 0)
  assert.equal(pace.look(0, 3_600_000), 'go')
  assert.equal(pace.look(1100, 3_600_000), 'wait')
})

test('a stage that goes on although it is to wait is told; one whose last calls end late is not', () => {
  const pace = paceOf(1000)
  const told = Array.from({ length: 40 }, (_, look) => pace.look(100_000 + look * 1000, look * 50))
  assert.ok(told.includes('escaped'))
  const late = paceOf(1000)
  const others = Array.from({ length: 200 }, (_, look) => late.look(100_000 + Math.min(look, 10) * 1000, look * 50))
  assert.ok(!others.includes('escaped'))
})

test('property: whoever waits when told to is held to its rate, and the first second', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 50, maxLength: 200 }), (wishes) => {
      const pace = paceOf(1000)
      let bytes = 0
      let isHeld = false
      for (const [look, wish] of wishes.entries()) {
        if (!isHeld) bytes += wish
        isHeld = pace.look(bytes, look * 100) !== 'go'
        assert.ok(isHeld || bytes <= 1000 + look * 100)
      }
    }),
  )
})
