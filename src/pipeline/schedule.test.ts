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

type Given = { fails?: readonly string[]; keepGoing?: boolean; capacity?: number; signal?: AbortSignal }

async function outcomeOf(edges: Record<string, readonly string[]>, given: Given = {}): Promise<Record<string, string>> {
  let running = 0
  const results = await runSchedule<string>(planOf(edges), {
    capacity: { cpus: given.capacity ?? 1, memoryBytes: 10 },
    costOf: () => ({ cpus: 1, memoryBytes: 1 }),
    execute: async (name) => {
      running += 1
      await wait(2)
      const peak = running
      running -= 1
      return given.fails?.includes(name) ? 'failed' : `ran beside ${peak - 1}`
    },
    skip: (_, upstream) => `skipped for ${upstream}`,
    succeeded: (result) => result.startsWith('ran'),
    keepGoing: given.keepGoing ?? false,
    signal: given.signal ?? new AbortController().signal,
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

test('a stage that needs more than the machine has runs alone', async () => {
  assert.deepEqual(await outcomeOf({ a: [], b: [] }, { capacity: 0 }), { a: 'ran beside 0', b: 'ran beside 0' })
})
