import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isConsistent, isIncluded, leafHashOf, nodeHashOf } from './merkle.ts'

type Case = Readonly<
  Record<'name' | 'desc' | 'root' | 'leafHash' | 'root1' | 'root2' | 'leafIdx' | 'treeSize' | 'size1' | 'size2', string>
> &
  Readonly<{ proof: readonly string[] | null; wantErr: boolean }>

const vectors: Readonly<Record<'inclusion' | 'consistency', readonly Case[]>> = JSON.parse(
  readFileSync(new URL('../../../test/vectors/tlog/proofs.json', import.meta.url), 'utf8'),
)
const bytes = (text: string | null | undefined): Buffer => Buffer.from(text ?? '', 'base64')

test('leaves and nodes hash as the vectors of RFC 6962 say', () => {
  assert.equal(hex(leafHashOf(Buffer.of())), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  assert.equal(
    hex(leafHashOf(Buffer.from('L123456'))),
    '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
  )
  assert.equal(
    hex(nodeHashOf(Buffer.from('N123'), Buffer.from('N456'))),
    'aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb',
  )
})

test('all inclusion proofs of transparency-dev are accepted and refused as they say', () => {
  const wrong = vectors.inclusion.filter((each) => {
    const proof = (each.proof ?? []).map(bytes)
    const question = { index: BigInt(each.leafIdx), size: BigInt(each.treeSize), leaf: bytes(each.leafHash) }
    return isIncluded({ ...question, root: bytes(each.root), proof }) === each.wantErr
  })
  assert.deepEqual(
    wrong.map(({ name }) => name),
    [],
  )
  assert.deepEqual(tally(vectors.inclusion), { accept: 6, refuse: 92 })
})

test('all consistency proofs of transparency-dev are accepted and refused as they say', () => {
  const wrong = vectors.consistency.filter((each) => {
    const from = { size: BigInt(each.size1), root: bytes(each.root1) }
    const to = { size: BigInt(each.size2), root: bytes(each.root2) }
    return isConsistent({ from, to, proof: (each.proof ?? []).map(bytes) }) === each.wantErr
  })
  assert.deepEqual(
    wrong.map(({ name }) => name),
    [],
  )
  assert.deepEqual(tally(vectors.consistency), { accept: 6, refuse: 92 })
})

function tally(cases: readonly Case[]): Readonly<{ accept: number; refuse: number }> {
  const refuse = cases.filter(({ wantErr }) => wantErr).length
  return { accept: cases.length - refuse, refuse }
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
