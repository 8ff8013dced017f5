import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDomainError } from '../../core/index.ts'
import { isFolder, isPlainFile, kinds, message, parseAnswer, parseVersion } from './sftp-packets.ts'

/** Without the length. */
const answer = (kind: number, ...fields: Parameters<typeof message>[1]): Buffer => message(kind, fields).subarray(4)

test('writes a message as the draft has it: length, kind, id, and fields with their lengths', () => {
  const bytes = message(kinds.open, [7, 'a/é', 1n, Buffer.from([9])])
  const parts = ['0000001a', '03', '00000007', '00000004', '612fc3a9', '0000000000000001', '00000001', '09']
  assert.equal(bytes.toString('hex'), parts.join(''))
})

test('reads what a server says of a file, a folder, and a list of names', () => {
  assert.deepEqual(parseAnswer(answer(kinds.status, 3, 2, 'no', 'en')), { kind: 'status', id: 3, code: 2 })
  const found = parseAnswer(answer(kinds.attrs, 4, 1 + 4, 12n, 0o100644))
  assert.deepEqual(found, { kind: 'attributes', id: 4, attributes: { sizeBytes: 12, mode: 0o100644 } })
  assert.deepEqual(
    [isPlainFile({ mode: 0o100644 }), isFolder({ mode: 0o120777 }), isFolder({ mode: 0o040755 })],
    [true, false, true],
  )
  const names = parseAnswer(answer(kinds.name, 5, 1, 'a', '-rw a', 4, 0o100600))
  assert.deepEqual(names, { kind: 'names', id: 5, names: [{ name: 'a', attributes: { mode: 0o100600 } }] })
  assert.deepEqual(parseVersion(answer(kinds.version, 3, 'fsync@openssh.com', '1')), new Set(['fsync@openssh.com']))
})

test('whatever comes is an answer or is refused by code', () => {
  assert.throws(() => parseVersion(answer(kinds.version, 4)), { code: 'ERR_REMOTE_UNSAFE' })
  assert.throws(() => parseAnswer(answer(kinds.name, 5, 4_000_000_000)), { code: 'ERR_REMOTE_UNSAFE' })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...Object.values(kinds)), (bytes, kind) => {
      for (const read of [parseAnswer, parseVersion]) {
        try {
          read(Buffer.from([kind, ...bytes]))
        } catch (error) {
          assert.ok(isDomainError(error, 'ERR_REMOTE_UNSAFE'))
        }
      }
    }),
  )
})
