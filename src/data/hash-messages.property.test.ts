import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HashOutcome } from './hash-file.fs.ts'
import { decodeFiles, decodeOutcomes, encodeFiles, encodeOutcomes } from './hash-messages.ts'

const text = fc.string({ unit: 'binary' }).map((value) => `/${value.replaceAll('\0', '\n')}`)

test('files arrive as they were sent', () => {
  const file = fc.oneof(text, fc.nat())
  fc.assert(fc.property(fc.array(file), (files) => assert.deepEqual(decodeFiles(encodeFiles(files)), files)))
})

test('outcomes come back as they were sent', () => {
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
