/** Whatever bytes a log, a witness or a monitor's file has: a code, never a crash, and nothing that was changed is believed. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { DomainError, type ErrorCode } from '../../core/index.ts'
import { parseCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { checkpointText } from './checkpoint-text.ts'
import { parseLogProof, printLogProof, verifyLogProof } from './log-proof.ts'
import { leafHashOf } from './merkle.ts'
import { nothingSeen, observeLog, parseSeen, printSeen } from './monitor.ts'
import { cosignNote, noteKeyOf, printNote, printNoteKey, rawPublic, signNote } from './note.ts'
import { parseNote, parseNoteKey, verifyNote } from './read-note.ts'
import { parseEntries, printEntries } from './tile.ts'
import { growTree, proveInclusion } from './tree.ts'

const pair = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const origin = 'example.org/log'
const log = noteKeyOf(origin, 'log', rawPublic(createPublicKey(pair.privateKey)))
const witness = noteKeyOf('witness.example.org', 'witness', rawPublic(createPublicKey(other.privateKey)))
const trust = { log, witnesses: [witness], threshold: 1 }
const entries = ['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(text))
const tree = growTree(0, entries.map(leafHashOf), [])
const text = checkpointText(origin, tree.head)
const at = new Date('2026-11-26T04:00:00Z')
const own = signNote(text, log, pair.privateKey)
const seen = cosignNote(text, witness, { privateKey: other.privateKey, at })
const checkpoint = Buffer.from(printNote({ text, signatures: [own, seen] }))
const readTile = () => entries.map(leafHashOf)
const proof = Buffer.from(printLogProof({ index: 2, path: proveInclusion(2, 5, { size: 5, readTile }), checkpoint }))

/** The codes that a hostile file may come to. */
function codeOf(attempt: () => unknown): ErrorCode | 'accepted' {
  try {
    attempt()
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof DomainError, String(error))
    return error.code
  }
}

test('the example of C2SP signed-note verifies, and no other text under its signature', () => {
  const key = parseNoteKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')
  const line =
    '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
  const note = (said: string) => parseNote(Buffer.from(`${said}\n\n${line}`))
  assert.deepEqual(verifyNote(note('This is an example message.'), [key]), [{ key }])
  assert.equal(
    codeOf(() => verifyNote(note('This is an example massage.'), [key])),
    'ERR_TLOG_SIGNATURE',
  )
  assert.equal(printNoteKey(key), 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')
})

test('a checkpoint is believed with its log and its witness, and with each of them alone it is not', () => {
  const verified = verifyCheckpoint(checkpoint, trust)
  assert.deepEqual([verified.size, verified.witnesses], [5, [{ name: witness.name, at }]])
  const only = (signature: typeof own) => Buffer.from(printNote({ text, signatures: [signature] }))
  assert.equal(
    codeOf(() => verifyCheckpoint(only(own), trust)),
    'ERR_TLOG_WITNESS',
  )
  assert.equal(
    codeOf(() => verifyCheckpoint(only(seen), trust)),
    'ERR_TLOG_SIGNATURE',
  )
  const twice = Buffer.from(printNote({ text, signatures: [own, seen, seen] }))
  assert.equal(
    codeOf(() => verifyCheckpoint(twice, { ...trust, threshold: 2 })),
    'ERR_TLOG_WITNESS',
  )
})

test('no flipped bit of a checkpoint or a proof is believed', () => {
  assert.equal(verifyLogProof(proof, Buffer.from('c'), trust).index, 2)
  for (const [bytes, verify] of [
    [checkpoint, (changed: Buffer) => verifyCheckpoint(changed, trust)],
    [proof, (changed: Buffer) => verifyLogProof(changed, Buffer.from('c'), trust)],
  ] as const) {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.notEqual(
        codeOf(() => verify(changed)),
        'accepted',
        `bit ${bit}`,
      )
    }
  }
})

test('any bytes at all come to a code', () => {
  const readers = [parseNote, parseCheckpoint, parseLogProof, parseSeen]
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(checkpoint, proof), fc.nat(), fc.uint8Array({ maxLength: 8 }))
      .map(([base, place, put]) => {
        const at = place % base.length
        return Buffer.concat([base.subarray(0, at), put, base.subarray(at + put.length)])
      }),
  )
  fc.assert(
    fc.property(hostile, (bytes) => {
      for (const read of readers) codeOf(() => read(bytes))
      codeOf(() => parseEntries(bytes, { level: 'entries', index: 0, width: 3 }))
      codeOf(() => parseNoteKey(Buffer.from(bytes).toString('utf8')))
    }),
    { numRuns: 300 },
  )
})

test('what a monitor remembers reads as it was written; a log that holds something else is a fork', async () => {
  const reader = (held: readonly Buffer[]) => ({
    checkpoint: async () => checkpoint,
    read: async () => printEntries(held),
  })
  const { seen: now } = await observeLog(reader(entries), nothingSeen(origin), trust)
  assert.deepEqual(parseSeen(Buffer.from(printSeen(now))), now)
  const swapped = [...entries.slice(0, 3), ...entries.slice(3).reverse()]
  await assert.rejects(observeLog(reader(swapped), nothingSeen(origin), trust), { code: 'ERR_TLOG_FORK' })
})
