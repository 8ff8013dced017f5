/** Threat: bytes made to break their reader. Each honest example is read; whatever is made of it gives a value or a refusal. */
import { test } from 'node:test'
import { fuzzReaders } from '../support/hostile-bytes.ts'

test('mutated and random bytes give a value or a coded refusal from every reader, never a bug, a wait or a heap', () => {
  fuzzReaders(120, Date.now() % 1_000_000)
})
