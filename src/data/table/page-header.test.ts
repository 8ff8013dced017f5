/** Headers of Parquet pages, byte by byte, and hostile ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPageHeader } from './page-header.ts'

// field 1 i32 0 (data page), 2 i32 300, 3 i32 40, 5 struct {1 i32 1000, 2 i32 0, 3 i32 3, 4 i32 3}; zigzag varints
const version1 = [0x15, 0, 0x15, 0xd8, 0x04, 0x15, 0x50, 0x2c, 0x15, 0xd0, 0x0f, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]
// field 1 i32 3, 2 i32 8, 3 i32 8, 8 struct {1 i32 5, 2 i32 1, 3 i32 4}
const version2 = [0x15, 6, 0x15, 16, 0x15, 16, 0x5c, 0x15, 10, 0x15, 2, 0x15, 8, 0, 0]

test('what a page holds, by its header', () => {
  assert.deepEqual(readPageHeader(Uint8Array.from([...version1, 0xff, 0xff])), {
    kind: 'data',
    values: 1000,
    unpackedBytes: 300,
    packedBytes: 40,
    sizeBytes: version1.length,
  })
  assert.deepEqual(readPageHeader(Uint8Array.from(version2)), {
    kind: 'data',
    values: 5,
    rows: 4,
    unpackedBytes: 8,
    packedBytes: 8,
    sizeBytes: version2.length,
  })
})

test('the type says what a page is, whatever other structs stand in the header; without one it is none', () => {
  // a data page of 5 values, with a dictionary's struct {1 i32 1} in front of its own
  const both = (type: number): Uint8Array =>
    Uint8Array.from([0x15, type, 0x15, 16, 0x15, 16, 0x2c, 0x15, 10, 0, 0x2c, 0x15, 2, 0, 0])
  const told = (bytes: Uint8Array): unknown => {
    const header = readPageHeader(bytes)
    return typeof header === 'object' ? [header.kind, header.values] : header
  }
  assert.deepEqual(told(both(0)), ['data', 5])
  assert.deepEqual(told(both(4)), ['dictionary', 1])
  assert.deepEqual(told(both(2)), ['other', 0])
  assert.equal(told(both(6)), undefined)
  assert.equal(told(Uint8Array.from([0x25, 16, 0x15, 16, 0x2c, 0x15, 10, 0, 0])), undefined)
})

test('a header that is cut off says so, wherever it is cut', () => {
  for (let length = 0; length < version1.length; length += 1)
    assert.equal(readPageHeader(Uint8Array.from(version1.slice(0, length))), 'short')
})

const hostile: readonly (readonly [string, readonly number[]])[] = [
  ['a number of more than 64 bits', [0x15, ...Array.from({ length: 11 }, () => 0xff)]],
  ['structs without end', Array.from({ length: 40 }, () => 0x1c)],
  ['a type that no header has', [0x1b, 0x01]],
  ['sizes below zero', [0x25, 1, 0x15, 1, 0]],
  ['no sizes', [0]],
  ['a data page without a number of values', [0x15, 0, 0x15, 2, 0x15, 2, 0x2c, 0, 0]],
]
for (const [what, bytes] of hostile) {
  test(`refuses ${what}`, () => {
    assert.equal(readPageHeader(Uint8Array.from(bytes)), undefined)
  })
}
