/** A threshold counts witnesses, not names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noteKeyOf, printNoteKey } from '../attestation/index.ts'
import { isDomainError } from '../core/index.ts'
import { logTrust } from './log-trust.ts'

test('one key of a witness given twice, under whatever names, is refused; two keys are two witnesses', () => {
  const key = (name: string, byte: number) => printNoteKey(noteKeyOf(name, 'witness', new Uint8Array(32).fill(byte)))
  const log = noteKeyOf('log', 'log', new Uint8Array(32).fill(1))
  assert.equal(logTrust(log, [key('one', 2), key('two', 3)], 2).witnesses.length, 2)
  for (const again of [key('one', 2), key('two', 2)])
    assert.throws(
      () => logTrust(log, [key('one', 2), again], 2),
      (error) => isDomainError(error, 'ERR_USAGE'),
    )
})
