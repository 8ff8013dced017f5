import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unexpected } from './expected.ts'
import { type UsualRun, unusual } from './unusual.ts'

const usual: UsualRun = {
  wallMs: 600_000,
  cpuMs: 1_100_000,
  memoryPeakBytes: 2 * 1024 ** 3,
  deniedAttempts: 0,
  programs: ['python3.11', 'sh'],
  inputBytes: 1e9,
}
/** Six runs, within a few percent of each other. */
const earlier = [0.97, 1, 1.01, 1.02, 0.99, 1.03].map((factor) => ({ ...usual, wallMs: usual.wallMs * factor }))

test('a run like the others is nothing to tell; on a busy machine neither', () => {
  assert.deepEqual(unusual(usual, earlier, 'dash'), [])
  assert.deepEqual(unusual({ ...usual, wallMs: usual.wallMs * 1.8 }, earlier, 'dash'), [])
})

test('what a taken-over stage shows is told in words', () => {
  assert.deepEqual(unusual({ ...usual, wallMs: 18_000 }, earlier, 'dash'), ['time: 3 % of the usual'])
  assert.deepEqual(unusual({ ...usual, memoryPeakBytes: 30 * 1024 ** 3 }, earlier, 'dash'), [
    'memory: 15.0 times the usual',
  ])
  assert.deepEqual(unusual({ ...usual, deniedAttempts: 14 }, earlier, 'dash'), ['network attempts: 14, usual 0'])
  const sending = earlier.map((each) => ({ ...each, sentBytes: 40_000, ioReadBytes: 2e9 }))
  assert.deepEqual(unusual({ ...usual, sentBytes: 4_000_000, ioReadBytes: 20e9 }, sending, 'dash'), [
    'bytes read: 10.0 times the usual',
    'bytes sent: 100.0 times the usual',
  ])
  assert.deepEqual(unusual({ ...usual, sentBytes: 400_000, ioReadBytes: 2e9 }, sending, 'dash'), [], 'a trifle')
  assert.deepEqual(unusual({ ...usual, programs: ['dash', 'xmrig'] }, earlier, 'dash'), [
    'started `xmrig`, never seen before',
  ])
})

test('too few runs, or runs on data of another size, are no measure', () => {
  const odd = { ...usual, wallMs: 1000, programs: ['xmrig'] }
  assert.deepEqual(unusual(odd, earlier.slice(0, 4), 'dash'), [])
  assert.deepEqual(unusual({ ...odd, inputBytes: 1e7 }, earlier, 'dash'), [])
})

test('trifles are not told: seconds and a few MiB vary by any factor', () => {
  const small = { ...usual, wallMs: 40, cpuMs: 20, memoryPeakBytes: 1024 ** 2 }
  assert.deepEqual(
    unusual({ ...small, wallMs: 900, memoryPeakBytes: 30 * 1024 ** 2 }, [small, small, small, small, small], 'dash'),
    [],
  )
})

test('property: the further from the usual, the more surely it is told', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 100, noNaN: true }),
      fc.double({ min: 1, max: 10, noNaN: true }),
      (factor, more) => {
        const told = (by: number): number => unusual({ ...usual, wallMs: usual.wallMs * by }, earlier, 'dash').length
        assert.ok(told(factor * more) >= told(factor))
      },
    ),
  )
})

test('a stage is held to what it is expected to use, from its first run on', () => {
  const used = {
    wallMs: 600_000,
    cpuMs: 1_100_000,
    memoryPeakBytes: 2 * 1024 ** 3,
    programs: ['python3.11', 'sh'],
    heldBy: 'cgroup-v2',
  }
  const expected = {
    timeMs: { least: 300_000, most: 1_200_000 },
    memoryBytes: { most: 4 * 1024 ** 3 },
    programs: ['python3.11'],
  }
  assert.deepEqual(unexpected(expected, used, 'dash'), [])
  assert.match(
    unexpected(expected, { ...used, wallMs: 9000 }, 'dash')[0] ?? '',
    /^it took 9(\.0)? s, .*\.\..* is expected$/,
  )
  assert.equal(unexpected(expected, { ...used, memoryPeakBytes: 5 * 1024 ** 3 }, 'dash').length, 1)
  assert.deepEqual(unexpected(expected, { ...used, programs: ['python3.11', 'curl'] }, 'dash'), ['it started `curl`'])
  const { memoryPeakBytes: _, ...unknown } = used
  assert.match(unexpected(expected, unknown, 'dash')[0] ?? '', /nobody knows/)
  const { programs: __, ...unseen } = used
  assert.deepEqual(unexpected(expected, unseen, 'dash'), [
    'nobody saw which programs ran, since it ran without a sandbox, and only python3.11 may',
  ])
  assert.deepEqual(
    unexpected({ timeMs: expected.timeMs }, unseen, 'dash'),
    [],
    'who expects no programs need not know them',
  )
})

test('programs are as expected by their name, with or without a version, beside the shell; nothing else is', () => {
  const wrong = (seen: readonly string[] | undefined, programs: readonly string[]): readonly string[] =>
    unexpected(
      { programs },
      { wallMs: 1, heldBy: 'rlimits', ...(seen === undefined ? {} : { programs: seen }) },
      'dash',
    )
  for (const name of ['python', 'python3', 'python3.11'])
    assert.deepEqual(wrong(['dash', 'python3.11'], [name]), [], `expected ${name}`)
  assert.deepEqual(wrong(['dash'], ['python']), [], 'a stage that was over before it was looked at')
  assert.deepEqual(wrong(['python3.11', 'python4', '/tmp/python3'], ['python3']), [
    'it started `python4`',
    'it started `/tmp/python3`',
  ])
  assert.deepEqual(
    wrong(['bash', 'busybox', 'dash', 'sh'], ['python']),
    ['it started `bash`', 'it started `busybox`'],
    'another shell is a program as any other',
  )
  assert.match(wrong(undefined, ['python']).join(), /nobody saw which programs ran/)
})
