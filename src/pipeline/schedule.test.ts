import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import { runSchedule } from './schedule.ts'

const planOf = (edges: Record<string, readonly string[]>): Plan => ({
  order: Object.keys(edges).map((name) => ({
    name,
    file: 'dvc.yaml',
    commands: [],
    workingDirectory: '.',
    deps: [],
    params: {},
    outs: [],
    frozen: false,
    alwaysChanged: false,
  })),
  after: new Map(Object.entries(edges)),
})

type Given = {
  throws?: string
  fails?: readonly string[]
  keepGoing?: boolean
  capacity?: number
  signal?: AbortSignal
  onEnd?(name: string): void
  abandon?(): void
}

async function outcomeOf(edges: Record<string, readonly string[]>, given: Given = {}): Promise<Record<string, string>> {
  let running = 0
  const results = await runSchedule<string>(planOf(edges), {
    capacity: { cpus: given.capacity ?? 1, memoryBytes: 10 },
    costOf: () => ({ cpus: 1, memoryBytes: 1 }),
    execute: async (name) => {
      running += 1
      if (given.throws === name) throw new Error(`${name} broke`)
      await wait(2)
      given.onEnd?.(name)
      const peak = running
      running -= 1
      return given.fails?.includes(name) ? 'failed' : `ran beside ${peak - 1}`
    },
    skip: (_, upstream) => `skipped for ${upstream}`,
    succeeded: (result) => result.startsWith('ran'),
    keepGoing: given.keepGoing ?? false,
    signal: given.signal ?? new AbortController().signal,
    abandon: () => given.abandon?.(),
  })
  return Object.fromEntries(results)
}

test('runs independent stages side by side as far as the capacity allows', async () => {
  assert.deepEqual(await outcomeOf({ a: [], b: [], c: ['a', 'b'] }, { capacity: 2 }), {
    a: 'ran beside 1',
    b: 'ran beside 0',
    c: 'ran beside 0',
  })
})

test('a failure stops what depends on it and nothing else', async () => {
  assert.deepEqual(await outcomeOf({ a: [], b: ['a'], c: ['b'], d: [] }, { fails: ['a'] }), {
    a: 'failed',
    b: 'skipped for a',
    c: 'skipped for b',
    d: 'ran beside 0',
  })
})

test('a second failure starts nothing new unless told to keep going', async () => {
  const edges = { a: [], b: [], c: [] }
  assert.deepEqual(await outcomeOf(edges, { fails: ['a', 'b'] }), {
    a: 'failed',
    b: 'failed',
    c: 'skipped for undefined',
  })
  assert.deepEqual(await outcomeOf(edges, { fails: ['a', 'b'], keepGoing: true }), {
    a: 'failed',
    b: 'failed',
    c: 'ran beside 0',
  })
})

test('starts nothing after it was stopped', async () => {
  assert.deepEqual(await outcomeOf({ a: [], b: ['a'] }, { signal: AbortSignal.abort() }), {
    a: 'skipped for undefined',
    b: 'skipped for a',
  })
})

test('a fault is thrown when the stages beside it were stopped and have ended', async () => {
  const seen: string[] = []
  const given = {
    throws: 'b',
    capacity: 2,
    onEnd: (name: string) => seen.push(`${name} ended`),
    abandon: () => seen.push('abandoned'),
  }
  await assert.rejects(outcomeOf({ a: [], b: [], c: ['a'] }, given), /b broke/)
  assert.deepEqual(seen, ['abandoned', 'a ended'])
})

test('a stage that needs more than the machine has runs alone', async () => {
  assert.deepEqual(await outcomeOf({ a: [], b: [] }, { capacity: 0 }), { a: 'ran beside 0', b: 'ran beside 0' })
})

test('while the evidence of a stage is made the next one runs, and only so many wait for theirs', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`)
  let boxes = 0
  let settling = 0
  const peaks = { boxes: 0, settling: 0 }
  const results = await runSchedule<string>(planOf(Object.fromEntries(names.map((name) => [name, []]))), {
    capacity: { cpus: 1, memoryBytes: 1 },
    costOf: () => ({ cpus: 1, memoryBytes: 1 }),
    execute: async (name, release) => {
      boxes += 1
      peaks.boxes = Math.max(peaks.boxes, boxes)
      await wait(1)
      boxes -= 1
      settling += 1
      peaks.settling = Math.max(peaks.settling, settling)
      release()
      release() // twice gives nothing twice
      await wait(30)
      settling -= 1
      return name
    },
    skip: () => 'skipped',
    succeeded: () => true,
    keepGoing: false,
    signal: new AbortController().signal,
    abandon: () => undefined,
  })
  assert.deepEqual([...results.values()], names)
  assert.equal(peaks.boxes, 1)
  assert.ok(peaks.settling > 1 && peaks.settling <= 9, `${peaks.settling} waited`)
})

test('a stage that waits for evidence alone is not overtaken by what comes after it in the plan', async () => {
  const started: string[] = []
  await runSchedule<string>(planOf({ a: [], b: ['a'], c: [], d: [] }), {
    capacity: { cpus: 1, memoryBytes: 1 },
    costOf: () => ({ cpus: 1, memoryBytes: 1 }),
    execute: async (name, release) => {
      started.push(name)
      await wait(1)
      release()
      await wait(20)
      return name
    },
    skip: () => 'skipped',
    succeeded: () => true,
    keepGoing: false,
    signal: new AbortController().signal,
    abandon: () => undefined,
  })
  assert.deepEqual(started, ['a', 'b', 'c', 'd'])
})
