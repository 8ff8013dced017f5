import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HashOutcome } from './hash-file.fs.ts'
import { decodeOutcomes, encodeOutcomes } from './hash-reply.ts'

test('outcomes come back as they were sent', () => {
  const text = fc.string({ unit: 'binary' }).map((value) => `/${value.replaceAll('\0', '\n')}`)
  const outcome: fc.Arbitrary<HashOutcome> = fc.oneof(
    fc.record({ kind: fc.constantFrom('missing' as const, 'not-plain' as const, 'changed' as const) }),
    fc.record(
      {
        kind: fc.constant('hashed' as const),
        digest: text,
        sizeBytes: fc.maxSafeNat(),
        executable: fc.boolean(),
        stat: text,
        temp: text,
        md5: fc.constant('md5:acbd18db4cc2f85cedef654fccc4a4d8' as const),
      },
      { requiredKeys: ['kind', 'digest', 'sizeBytes', 'executable', 'stat'], noNullPrototype: true },
    ),
  )
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      assert.equal(
        JSON.stringify(decodeOutcomes(encodeOutcomes(outcomes))),
        JSON.stringify(outcomes.map((one) => ({ ...one }))),
      )
    }),
  )
  assert.throws(() => decodeOutcomes('hashed\0x'))
})
