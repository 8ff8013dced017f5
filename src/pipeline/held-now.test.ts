import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAsHeldNow, notComparedThen } from './held-now.ts'
import { defaultLimits } from './stage-task.ts'

const then: Parameters<typeof notAsHeldNow>[0] = {
  resources: { wallMs: 60_000, memoryPeakBytes: 2e9, programs: ['dash', 'python3.11'], heldBy: 'rlimits', unusual: [] },
  network: { deniedAttempts: 1, destinations: [], tier: 'observed' },
  limits: { ...defaultLimits, cpus: 1, timeMs: 3_600_000 },
}
const now: Parameters<typeof notAsHeldNow>[1] = { harmlessAttempts: 'telemetry', limits: { timeMs: 3_600_000 } }
const unusual = { ...then, resources: { ...then.resources, unusual: ['started `sleep`, never seen before'] } }
const wide = { ...then, limits: { ...then.limits, memoryBytes: 2 ** 33 } }

const gib = 2 ** 30
/** Of a stage that was let out, with these limits. */
const letOut = (limits: (typeof now)['limits']) => ({
  ...then,
  network: { ...then.network, allowed: ['example.org'] },
  limits: { ...then.limits, ...limits },
})

const rows: readonly (readonly [
  name: string,
  ran: typeof then,
  asked: typeof now,
  asksForUsual: boolean,
  expected: RegExp | undefined,
])[] = [
  ['nothing changed', then, now, true, undefined],
  ['another reason', then, { ...now, harmlessAttempts: 'another' }, false, undefined],
  ['attempts do harm', then, { limits: now.limits }, false, /attempts to reach the network/],
  ['usual ones are asked for', unusual, now, true, /unlike its earlier runs/],
  ['nobody asks', unusual, now, false, undefined],
  [
    'expected, its shell too',
    then,
    { ...now, expect: { programs: ['python3'], timeMs: { most: 60_000 } } },
    true,
    undefined,
  ],
  ['another program', then, { ...now, expect: { programs: ['cp'] } }, false, /it started `python3\.11`/],
  ['less memory', then, { ...now, expect: { memoryBytes: { most: 1e9 } } }, false, /it used memory of/],
  [
    'two shells',
    { ...then, resources: { ...then.resources, programs: ['bash', 'dash'] } },
    { ...now, expect: { programs: [] } },
    false,
    /it started `(ba|da)sh`/,
  ],
  ['time that it did not need', then, { ...now, limits: { timeMs: 60_000 } }, false, undefined],
  ['time that it needed', then, { ...now, limits: { timeMs: 59_000 } }, false, /a wider limit of time/],
  ['more time', then, { ...now, limits: { timeMs: 7_200_000 } }, false, undefined],
  ['a first limit of I/O', then, { ...now, limits: { ioBytes: 2 ** 30 } }, false, /a wider limit of io$/],
  ['its wider limit is gone', wide, now, false, /a wider limit of memory/],
  ['what it might send is gone', letOut({ sentBytes: 10 * gib }), now, false, /a wider limit of sent$/],
  ['as the usual one', letOut({ sentBytes: gib }), now, false, undefined],
  ['it may send more', letOut({}), { ...now, limits: { sentBytes: 10 * gib } }, false, undefined],
  ['it may send less', letOut({}), { ...now, limits: { sentBytes: gib / 2 } }, false, /a wider limit of sent$/],
  ['its network is gone', letOut({ networkBytes: 1024 * gib }), now, false, /a wider limit of network$/],
  ['less than usual', letOut({ networkBytes: gib / 2 }), now, false, undefined],
  ['it may receive more', letOut({}), { ...now, limits: { networkBytes: 1024 * gib } }, false, undefined],
  ['more than usual both together', letOut({}), { ...now, limits: { networkBytes: 64.5 * gib } }, false, /network$/],
  ['it may receive less', letOut({}), { ...now, limits: { networkBytes: 50 * gib } }, false, /network$/],
  ['a first limit of connections', letOut({}), { ...now, limits: { connections: 9 } }, false, /of connections$/],
  ['its limit of connections is gone', letOut({ connections: 9 }), now, false, undefined],
  [
    'it is let out nowhere',
    { ...then, limits: { ...then.limits, sentBytes: 10 * gib, connections: 99 } },
    { ...now, limits: { connections: 9 } },
    false,
    undefined,
  ],
  ['its wider limit', wide, { ...now, limits: { memoryBytes: 2 ** 33 } }, false, undefined],
]

for (const [name, ran, asked, asksForUsual, expected] of rows)
  test(`evidence against what its stage is held to now: ${name}`, () => {
    const why = notAsHeldNow(ran, asked, asksForUsual)
    if (expected === undefined) assert.equal(why, undefined)
    else assert.match(why ?? '', expected)
  })

test('evidence that nobody compared is worth another run where that would be compared, and is kept where it would not', () => {
  const run = { wallMs: 60_000, deniedAttempts: 0, programs: [], inputBytes: 1 }
  const after = (runs: number, unusual?: readonly string[]): string | undefined =>
    notComparedThen(
      unusual === undefined ? {} : { unusual },
      Array.from({ length: runs }, () => run),
    )
  assert.deepEqual(
    [after(5), after(4), after(0), after(5, []), after(5, ['started `sleep`, never seen before'])],
    ['nobody compared it when it ran', undefined, undefined, undefined, undefined],
  )
})
