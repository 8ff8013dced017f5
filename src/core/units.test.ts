import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from './error.ts'
import { formatDuration, formatSize, parseDurationMs, parseRateBytes, parseSizeBytes } from './units.ts'

test('reads sizes and durations as people write them', () => {
  assert.equal(parseSizeBytes('4GiB'), 4 * 1024 ** 3)
  assert.equal(parseSizeBytes('1.5 GB'), 1_500_000_000)
  assert.equal(parseRateBytes('100MiB/s'), 100 * 1024 ** 2)
  for (const text of ['100MiB', '100/s', '/s', '100MiB/min'])
    assert.throws(() => parseRateBytes(text), { code: 'ERR_INPUT_MALFORMED' }, text)
  assert.equal(parseDurationMs('30m'), 1_800_000)
  assert.equal(parseDurationMs('250ms'), 250)
})

test('refuses a number without a unit, an unknown unit, zero, a sign, and more than is exact', () => {
  for (const text of ['4', '4 gib', '4GiBs', '0B', '-1GB', '1e3B', '999999999999TiB', '', 'GiB', '４GiB']) {
    assert.throws(
      () => parseSizeBytes(text),
      (error) => isDomainError(error, 'ERR_INPUT_MALFORMED'),
      text,
    )
  }
  assert.throws(() => parseDurationMs('5 minutes'), /is not a duration/)
})

test('writes them short', () => {
  assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3].map(formatSize), ['0 B', '1023 B', '1.5 KiB', '5.0 GiB'])
  assert.deepEqual([12, 1500, 90_500, 3_700_000].map(formatDuration), ['12 ms', '1.5 s', '1 min 31 s', '1 h 1 min'])
})
