import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { DomainError } from '../core/index.ts'
import type { Repository } from '../data/index.ts'
import { takenAway } from './taken-away.ts'

const oidOf = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** A repository in whose history these files lay in `attestations/`. */
function holding(files: Readonly<Record<string, Uint8Array>>, more: object = {}): Repository {
  const blobs = new Map(Object.values(files).map((bytes) => [oidOf(bytes), Buffer.from(bytes)]))
  const onceIn = async (): ReturnType<Repository['onceIn']> => ({
    files: Object.entries(files).map(([name, bytes]) => ({ name, blob: oidOf(bytes) })),
    isWhole: true,
  })
  const readBlobs = async (): Promise<typeof blobs> => blobs
  // as: all that is asked of a repository
  return { objectFormat: 'sha1', onceIn, readBlobs, ...more } as unknown as Repository
}

test('THREAT what speaks against data and was taken away by a commit still counts; what speaks for it does not', async () => {
  const counts = (bytes: Uint8Array): boolean => bytes.length > 3
  const files = {
    'bad.sigstore.json': Buffer.from('against'),
    'ok.sigstore.json': Buffer.from('for'),
    other: Buffer.from('no bundle'),
  }
  const { approvals, findings } = await takenAway(holding(files), [], counts)
  const [{ name, bytes, isTaken } = assert.fail(), ...rest] = approvals
  assert.match(name, /^attestations\/taken-[0-9a-f]{12}-bad\.sigstore\.json$/)
  assert.deepEqual([String(bytes), isTaken, rest], ['against', true, []])
  assert.deepEqual(findings, ['a commit took attestations/bad.sigstore.json away, and it still counts: put it back'])
  // the honest twin: it lies there, under another name
  const present = [{ name: 'attestations/moved.sigstore.json', bytes: Buffer.from('against') }]
  assert.deepEqual(await takenAway(holding(files), present, counts), { approvals: [], findings: [] })
  assert.deepEqual(await takenAway(undefined, [], counts), { approvals: [], findings: [] })
})

test('a history that is not here to the end is told', async () => {
  const cut = { onceIn: async () => ({ files: [], isWhole: false }) }
  const partial = { onceIn: () => Promise.reject(new DomainError('ERR_GIT_FAILED', 'not here')) }
  for (const more of [cut, partial]) {
    const { findings } = await takenAway(holding({}, more), [], () => true)
    assert.match(findings.join(), /not all that commits took out of attestations\/ is here/)
  }
})
