/** T2: a log that tells two stories to two readers: whoever holds proofs of both sees it; the honest twin is shown to grow. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  bundlesInLines,
  growTree,
  leafHashOf,
  logOrigin,
  noteKeyOf,
  printLogProof,
  printNoteKey,
  proveConsistency,
  proveInclusion,
  type TrustPolicy,
} from '../../src/attestation/index.ts'
import { signCheckpoint } from '../../src/attestation/signer/log-key.ts'
import { rawPublic } from '../../src/attestation/tlog/note.ts'
import { isDomainError, type Sha256, sha256Of } from '../../src/core/index.ts'
import { joinProofs, keepProofs, keptProofs } from '../../src/pipeline/kept-proofs.fs.ts'
import {
  entryOf,
  historiesIn,
  holdsUnder,
  type LogProofs,
  maxProofsEach,
  parseProofLines,
  printProofs,
} from '../../src/pipeline/log-trust.ts'
import { verifyByPolicy } from '../../src/pipeline/verify-artifact.fs.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const id = 'project/0123456789abcdef'
const origin = logOrigin(id)
const key = printNoteKey(noteKeyOf(origin, 'log', rawPublic(publicKey)))
const policy = { logs: [{ key, witnesses: [], threshold: 0 }] } as unknown as TrustPolicy // the rest is not asked for

/** A log of these entries, and what it hands out of itself. */
function logOf(names: readonly string[], signedWith = privateKey) {
  return logOfEntries(
    names.map((name) => sha256Of(name)),
    signedWith,
  )
}

function logOfEntries(entries: readonly Sha256[], signedWith = privateKey) {
  const leaves = entries.map((entry) => leafHashOf(entryOf(entry)))
  const { head } = growTree(0, leaves, [])
  const tree = { size: leaves.length, readTile: () => leaves }
  const root: Sha256 = `sha256:${Buffer.from(head.root).toString('hex')}`
  const checkpoint = signCheckpoint({ id, size: head.size, root }, signedWith)
  return {
    proofOf: (index: number): LogProofs => {
      const path = proveInclusion(index, tree.size, tree)
      const proof = Buffer.from(printLogProof({ index, path, checkpoint }))
      return { inclusions: new Map([[entries[index] ?? sha256Of(''), [proof]]]), growths: [] }
    },
    growthFrom: (size: number): LogProofs => {
      const hashes = proveConsistency(size, tree.size, tree).map((hash) => Buffer.from(hash).toString('base64'))
      const growth = Buffer.from(`${[`old ${size}`, ...hashes, ''].join('\n')}\n${Buffer.from(checkpoint).toString()}`)
      return { inclusions: new Map(), growths: [growth] }
    },
  }
}

const joined = (...all: readonly LogProofs[]): LogProofs => ({
  inclusions: new Map(all.flatMap(({ inclusions }) => [...inclusions])),
  growths: all.flatMap(({ growths }) => growths),
})

test('T2: two histories of one log are refused, whatever else came with them; growth is shown, and survives its lines', () => {
  const earlier = logOf(['a', 'b', 'c'])
  const later = logOf(['a', 'b', 'c', 'd', 'e'])
  const honest = joined(earlier.proofOf(0), later.proofOf(4), later.growthFrom(3))
  const travelled = parseProofLines(printProofs(honest).map((line) => Buffer.from(line)))
  assert.deepEqual(historiesIn(policy, travelled).shown, [{ origin, checkpoints: 2, grown: 1 }])

  const forked = logOf(['a', 'b', 'X', 'd', 'e'])
  for (const other of [forked.proofOf(3), forked.growthFrom(3)])
    assert.throws(
      () => historiesIn(policy, joined(honest, other)),
      (error) => isDomainError(error, 'ERR_TLOG_FORK'),
    )
  // a growth that does not hold shows nothing, and accuses nobody
  const [growth = Buffer.of()] = later.growthFrom(3).growths
  const changed = Buffer.from(String(growth).replace('old 3', 'old 2'))
  assert.deepEqual(
    historiesIn(policy, joined(earlier.proofOf(0), { inclusions: new Map(), growths: [changed] })).shown,
    [{ origin, checkpoints: 2, grown: 0 }],
  )
  // nor does one in the log's name that another key signed
  const stranger = logOf(['a', 'b', 'Y'], generateKeyPairSync('ed25519').privateKey)
  assert.deepEqual(historiesIn(policy, joined(earlier.proofOf(0), stranger.proofOf(2))).shown, [
    { origin, checkpoints: 1, grown: 0 },
  ])
  for (const hostile of ['', 'old 1', '\n\n', '{"assayLogGrowth":1,"growth":7}', '{"assayLogProof":1'])
    assert.deepEqual(historiesIn(policy, parseProofLines([Buffer.from(hostile)])).shown, [])
})

test('T2: one place with two entries is two histories, also of different lengths that no growth connects', () => {
  const [short, long] = [logOf(['a', 'b', 'X']), logOf(['a', 'b', 'c', 'd', 'e'])]
  assert.equal(historiesIn(policy, joined(short.proofOf(0), long.proofOf(4))).shown.length, 1, 'nothing shows it')
  assert.throws(
    () => historiesIn(policy, joined(short.proofOf(2), long.proofOf(2))),
    (error) => isDomainError(error, 'ERR_TLOG_FORK') && error.message.includes('entry 2'),
  )
  // the same entry at one place in both lengths, and at two places of one, is a log as others are
  assert.equal(historiesIn(policy, joined(logOf(['a', 'b', 'c']).proofOf(2), long.proofOf(2))).shown.length, 1)
  const twice = logOf(['a', 'b', 'a'])
  assert.equal(historiesIn(policy, joined(twice.proofOf(0), twice.proofOf(2))).shown.length, 1)
})

test('T2: two proofs of one entry at one place show two histories by what lies beside it', () => {
  const long = logOf(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const forks: readonly (readonly [string, readonly string[]])[] = [
    ['entry 0 is', ['b']],
    ['the entries 0 to 1 are', ['b', 'c']],
    ['the entries 0 to 3 are', ['b', 'c', 'd', 'e']],
  ]
  for (const [said, names] of forks) {
    const both = (first: string): LogProofs =>
      joinProofs(long.proofOf(names.length), logOf([first, ...names]).proofOf(names.length))
    assert.throws(
      () => historiesIn(policy, both('X')),
      (error) => isDomainError(error, 'ERR_TLOG_FORK') && error.message.includes(said),
    )
    assert.deepEqual(historiesIn(policy, both('a')).shown, [{ origin, checkpoints: 2, grown: 0 }], said)
  }
})

test('T2: who verifies evidence whose proofs show two histories refuses it, and believes it with those of one', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-fork-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const artifacts = join(import.meta.dirname, '../artifacts/0.1.0')
  const place = (name: string): string => join(folder, name)
  const read = (name: string): string => readFileSync(join(artifacts, name), 'utf8')
  copyFileSync(join(artifacts, 'count.txt'), place('count.txt'))
  const logs = `logs:\n  - key: ${JSON.stringify(key)}\n    witnesses: []\n`
  writeFileSync(place('policy.yaml'), `${read('trust.yaml')}${logs}`)
  const bundles = read('count.assay.jsonl')
  const made = bundlesInLines(Buffer.from(bundles)).map(({ bytes }) => sha256Of(bytes))
  const honest = made.map((_, index) => logOfEntries(made).proofOf(index))
  const verify = async (...proofs: readonly LogProofs[]) => {
    writeFileSync(place('all.jsonl'), `${bundles}${printProofs(joined(...proofs)).join('\n')}\n`)
    const caller = { workingFolder: folder, environment: {}, now: () => new Date('2026-11-27'), version: 'test' }
    const [verdict] = await verifyByPolicy(caller, 'count.txt', { policy: 'policy.yaml', evidence: 'all.jsonl' })
    const refusals = verdict?.findings.flatMap(({ code, passed }) => (passed ? [] : [code]))
    return [verdict?.trusted, verdict?.level, refusals]
  }
  assert.deepEqual(await verify(...honest), [true, 1, []])
  const other = logOfEntries([...made, sha256Of('later')].toReversed())
  assert.deepEqual(await verify(...honest, other.proofOf(0)), [false, 0, ['ERR_TLOG_FORK']])
})

test('T2: a growth that connects no checkpoints of a log which the policy names is not kept', () => {
  const [earlier, later] = [logOf(['a', 'b', 'c']), logOf(['a', 'b', 'c', 'd', 'e'])]
  const honest = joined(earlier.proofOf(0), later.proofOf(4), later.growthFrom(3))
  const stranger = logOf(['x', 'y', 'z'], generateKeyPairSync('ed25519').privateKey)
  const junk = ['', 'old 3\n\n', ...later.growthFrom(2).growths, ...stranger.growthFrom(1).growths].map((one) =>
    Buffer.from(one),
  )
  const { growths } = historiesIn(policy, joined(honest, { inclusions: new Map(), growths: junk }))
  assert.deepEqual(growths, honest.growths)
})

test('T2: proofs that prove nothing leave room for one that does', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'assay-proofs-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  const log = logOf(['a', 'b', 'c'])
  const attestation = sha256Of('a')
  const holds = holdsUnder(policy)
  const kept = (): readonly string[] => (keptProofs(root).inclusions.get(attestation) ?? []).map(String)
  const keep = (...proofs: readonly Uint8Array[]): void =>
    keepProofs(root, { inclusions: new Map([[attestation, proofs]]), growths: [] }, holds)

  keep(...Array.from({ length: maxProofsEach + 5 }, (_, at) => Buffer.from(`proves nothing ${at}`)))
  assert.equal(kept().length, maxProofsEach)
  const { inclusions } = log.proofOf(0)
  const [proof = Buffer.of()] = inclusions.get(attestation) ?? []
  keep(proof)
  assert.ok(kept().includes(String(proof)))
  // of another entry, or of a log that the policy does not name: no proof of this
  const [ofOther = Buffer.of()] = [...log.proofOf(1).inclusions.values()].flat()
  const [ofStranger = Buffer.of()] = [
    ...logOf(['a'], generateKeyPairSync('ed25519').privateKey).proofOf(0).inclusions.values(),
  ].flat()
  keep(ofOther, ofStranger)
  assert.equal(kept().length, maxProofsEach + 1)
})
