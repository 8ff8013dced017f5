import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenedEvents, readOpenedEvents } from './opened-events.ts'

const marks = { begin: '/w/begin', end: '/w/end', looking: '/w/looking', looked: '/w/looked' }

function tell(events: OpenedEvents, ...paths: readonly string[]): void {
  events.read(paths.map((path) => `OPEN${path.endsWith('/') ? ',ISDIR' : ''}|${path}\0`).join(''))
}

const look = [marks.looking, '/s/0/', marks.looked]

test('a look of our own is no look of the stage, whose own one before, between or after is', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['ours alone', look, []],
    ['one before', ['/s/0/', ...look], ['/s/0']],
    ['one after', [...look, '/s/0/'], ['/s/0']],
    ['one meanwhile', [marks.looking, '/s/0/', '/s/0/', marks.looked], ['/s/0']],
    ['another folder meanwhile', [marks.looking, '/s/1/', '/s/0/', marks.looked], ['/s/1']],
  ]
  for (const [name, paths, seen] of cases) {
    const events = readOpenedEvents(marks, 100)
    events.expectLook('/s/0')
    tell(events, marks.begin, ...paths, marks.end)
    assert.ok(events.isOver())
    assert.deepEqual([...events.opened().keys()], seen, name)
  }
})

test('what was opened before the stage began and after it ended does not count', () => {
  const events = readOpenedEvents(marks, 100)
  tell(events, '/v/before', marks.begin, '/v/a', marks.end, '/v/after')
  assert.deepEqual([...events.opened().keys()], ['/v/a'])
})

test('as many events as are queued may have lost some; any number that were read between our looks have not', () => {
  const tooMany = readOpenedEvents(marks, 10)
  tell(tooMany, ...Array.from({ length: 10 }, (_, index) => `/v/${index}`))
  assert.ok(tooMany.mayBeLost())

  const slowly = readOpenedEvents(marks, 10)
  for (let round = 0; round < 20; round += 1) {
    slowly.expectLook('/s/0')
    tell(slowly, `/v/${round}`, ...look)
  }
  assert.ok(!slowly.mayBeLost())

  const stalled = readOpenedEvents(marks, 10)
  for (let round = 0; round < 3; round += 1) stalled.expectLook('/s/0')
  tell(stalled, ...look, ...look, ...look, '/v/1')
  assert.ok(stalled.mayBeLost(), 'all were opened before one was read')
})
