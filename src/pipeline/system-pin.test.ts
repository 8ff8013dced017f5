import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Sha256, sha256Of } from '../core/index.ts'
import { parseLock, printLock, type Systems } from './lock.ts'
import { decideSystem, mergedSystems, unreviewedSystems } from './system-pin.ts'

const [first, other] = [sha256Of('first'), sha256Of('other')]
const accepting = (...digests: readonly Sha256[]): Systems =>
  new Map([['host', new Map(digests.map((digest) => [digest, 'a system']))]])
const none: Systems = new Map()

test('pins the first system, takes what the lock accepts, refuses another; the commit stands in for a lock that is gone', () => {
  assert.equal(decideSystem('host', first, { working: none, committed: none }), 'first')
  assert.equal(decideSystem('train', first, { working: accepting(first), committed: none }), 'first')
  assert.equal(decideSystem('host', first, { working: accepting(first), committed: none }), 'lock')
  assert.equal(decideSystem('host', first, { working: accepting(first), committed: accepting(first) }), 'commit')
  assert.equal(decideSystem('host', other, { working: accepting(first), committed: none }), 'other')
  assert.equal(decideSystem('host', other, { working: none, committed: accepting(first) }), 'other')
  assert.equal(decideSystem('host', other, { working: accepting(other), committed: accepting(first) }), 'lock')
})

test('what the lock accepts beyond its commit is unreviewed, unless the commit accepts nothing yet', () => {
  assert.deepEqual(unreviewedSystems({ working: accepting(other), committed: accepting(first) }), ['host'])
  assert.deepEqual(unreviewedSystems({ working: accepting(first, other), committed: accepting(first) }), ['host'])
  assert.deepEqual(unreviewedSystems({ working: accepting(first), committed: accepting(first, other) }), [])
  assert.deepEqual(unreviewedSystems({ working: accepting(first), committed: none }), [])
  assert.deepEqual(unreviewedSystems({ working: none, committed: accepting(first) }), [])
})

test('a lock keeps its systems, sorted; one without reads as before', () => {
  const systems = mergedSystems({ working: none, committed: accepting(other, first) })
  const text = printLock({ stages: new Map(), systems })
  assert.deepEqual(parseLock(Buffer.from(text)), {
    stages: new Map(),
    systems: accepting(...[first, other].toSorted()),
  })
  assert.equal(printLock({ stages: new Map(), systems: none }).includes('systems'), false)
  assert.deepEqual(parseLock(Buffer.from('assay: 1\nstages: {}\n')).systems, none)
})
