/** T4: a stolen key dates what it signs as it likes, and keeps its own log: only others prove when it signed. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import {
  cosignNote,
  leafHashOf,
  noteKeyOf,
  policyFromKey,
  printLogProof,
  printNoteKey,
} from '../../src/attestation/index.ts'
import { checkpointText } from '../../src/attestation/tlog/checkpoint-text.ts'
import { type NoteRole, printNote, rawPublic, signNote } from '../../src/attestation/tlog/note.ts'
import type { Sha256 } from '../../src/core/index.ts'
import { entryOf, witnessedBy } from '../../src/pipeline/log-trust.ts'

const attestation: Sha256 = `sha256:${'a'.repeat(64)}`

function signerOf(name: string, role: NoteRole) {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = noteKeyOf(name, role, rawPublic(createPublicKey(privateKey)))
  return { key, privateKey, printed: printNoteKey(key) }
}

test('as many witnesses as the policy asks for must have seen it by then; a log alone proves no time', () => {
  const log = signerOf('assay.dev/log/p', 'log')
  const witnesses = ['w1', 'w2', 'w3'].map((name) => signerOf(name, 'witness'))
  const times = [10, 30, 20].map((minute) => new Date(Date.UTC(2026, 10, 22, 10, minute)))
  const text = checkpointText(log.key.name, { size: 1, root: leafHashOf(entryOf(attestation)) })
  const cosigned = witnesses.map(({ key, privateKey }, index) =>
    cosignNote(text, key, { privateKey, at: times[index] ?? new Date() }),
  )
  const proofBy = (signatures: typeof cosigned): Uint8Array => {
    const note = printNote({ text, signatures: [signNote(text, log.key, log.privateKey), ...signatures] })
    return Buffer.from(printLogProof({ index: 0, path: [], checkpoint: Buffer.from(note) }))
  }
  const provenAt = (threshold: number, proof: Uint8Array | undefined, of = attestation): string | undefined => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const logs = [{ key: log.printed, witnesses: witnesses.map(({ printed }) => printed), threshold }]
    const policy = { ...policyFromKey(publicKey.export({ type: 'spki', format: 'pem' }).toString()), logs }
    return witnessedBy(policy, () => (proof === undefined ? [] : [proof]))
      .witnessed?.(of)
      ?.at.toISOString()
      .slice(11, 16)
  }
  const proof = proofBy(cosigned)
  assert.deepEqual(
    [1, 2, 3].map((threshold) => provenAt(threshold, proof)),
    ['10:10', '10:20', '10:30'],
  )
  assert.equal(provenAt(0, proof), undefined, 'nobody else is asked for')
  assert.equal(provenAt(2, proofBy(cosigned.slice(0, 1))), undefined, 'too few')
  assert.equal(provenAt(1, proof, `sha256:${'b'.repeat(64)}`), undefined, 'another statement')
  assert.equal(provenAt(1, undefined), undefined)
  const stranger = signerOf('w1', 'witness')
  assert.equal(provenAt(1, proofBy([cosignNote(text, stranger.key, { ...stranger, at: new Date() })])), undefined)
})
