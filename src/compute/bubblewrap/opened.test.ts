import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as soon } from 'node:timers/promises'
import { collectEvents } from './opened.exec.ts'

const marks = { begin: '/w/begin', end: '/w/end', looking: '/w/looking', looked: '/w/looked' }

type Reading = Readonly<{ events: ReturnType<typeof collectEvents>; tell(...paths: readonly string[]): Promise<void> }>

function reading(maxQueuedEvents = 100): Reading {
  const stream = new PassThrough()
  return {
    events: collectEvents(stream, marks, maxQueuedEvents),
    async tell(...paths) {
      stream.write(paths.map((path) => `OPEN${path.endsWith('/') ? ',ISDIR' : ''}|${path}\0`).join(''))
      await soon()
    },
  }
}

const look = [marks.looking, '/s/0/', marks.looked]

test('a look of our own is no look of the stage, whose own one before, between or after is', async () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['ours alone', look, []],
    ['one before', ['/s/0/', ...look], ['/s/0']],
    ['one after', [...look, '/s/0/'], ['/s/0']],
    ['one meanwhile', [marks.looking, '/s/0/', '/s/0/', marks.looked], ['/s/0']],
    ['another folder meanwhile', [marks.looking, '/s/1/', '/s/0/', marks.looked], ['/s/1']],
  ]
  for (const [name, paths, seen] of cases) {
    const { events, tell } = reading()
    events.expectLook('/s/0')
    await tell(marks.begin, ...paths, marks.end)
    assert.ok(events.isDrained())
    assert.deepEqual(
      [...events.paths().keys()].filter((path) => !path.startsWith('/w/')),
      seen,
      name,
    )
  }
})

test('what was opened before the stage began and after it ended does not count', async () => {
  const { events, tell } = reading()
  await tell('/v/before', marks.begin, '/v/a', marks.end, '/v/after')
  assert.deepEqual([...events.paths().keys()], [marks.begin, '/v/a', marks.end])
})

test('as many events as are queued may have lost some; any number that were read between our looks have not', async () => {
  const tooMany = reading(10)
  await tooMany.tell(...Array.from({ length: 10 }, (_, index) => `/v/${index}`))
  assert.ok(tooMany.events.mayBeLost())

  const slowly = reading(10)
  for (let round = 0; round < 20; round += 1) {
    slowly.events.expectLook('/s/0')
    await slowly.tell(`/v/${round}`, ...look)
  }
  assert.ok(!slowly.events.mayBeLost())

  const stalled = reading(10)
  for (let round = 0; round < 3; round += 1) stalled.events.expectLook('/s/0')
  await stalled.tell(...look, ...look, ...look, '/v/1')
  assert.ok(stalled.events.mayBeLost(), 'all were opened before one was read')
})
