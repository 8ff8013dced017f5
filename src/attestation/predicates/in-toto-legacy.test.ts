/** A layout without an inspection would hold no artifact to anything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainError } from '../../core/index.ts'
import { exampleFacts } from '../fixtures/examples.ts'
import { layoutOf } from './in-toto-legacy.ts'

test('a layout is only made of an artifact that one of its stages made', () => {
  const digest = `sha256:${'0'.repeat(64)}` as const
  const facts = exampleFacts(digest, digest)
  const key = { id: 'k', object: {} }
  const layout = (artifact: string) =>
    layoutOf([{ attestation: digest, facts }], artifact, { key, expires: '2027-11-26T00:00:00Z' })
  assert.match(JSON.stringify(layout(facts.outputs[0]?.path ?? '')), /"inspect":\[\{/)
  assert.throws(
    () => layout('elsewhere.bin'),
    (error) => error instanceof DomainError && error.code === 'ERR_SIGN_REFUSED',
  )
})
