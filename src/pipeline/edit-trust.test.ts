/** What `key rotate` and `key revoke` write into a policy, and what they leave as it is. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { parseTrustPolicy } from '../attestation/index.ts'
import { nextName, withRevokedKey, withSuccessor } from './edit-trust.ts'

const newPem = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'pem' }).toString()
const indented = (pem: string): string => pem.trim().replaceAll('\n', '\n      ')
const text = `# kept by the security team
trust: 1
project: p
keys:
  ada: # since 2025
    publicKey: |
      ${indented(newPem())}
    principal: Ada <ada@example.org>
  eve:
    publicKey: |
      ${indented(newPem())}
roles:
  builder: [{key: ada, builder: local/sandboxed, maxLevel: 1}, {key: eve, builder: local/sandboxed, maxLevel: 1}]
  source-approver: {anyOf: [ada, eve], threshold: 2} # two of them
  reviewer: [eve]
minimumLevel: 1
`
const read = (changed: string) => parseTrustPolicy(Buffer.from(changed), 'file')

test('a successor is believed for all that the other is believed for, and for no more; the rest stays, comments too', () => {
  const changed = withSuccessor(
    text,
    'ada',
    { name: 'ada-2', publicPem: newPem(), principal: 'Ada <ada@example.org>' },
    '2026-12-31',
  )
  const { builders, roles, keys } = read(changed)
  assert.deepEqual(
    builders.map(({ key, maxLevel }) => `${key} ${maxLevel}`),
    ['ada 1', 'eve 1', 'ada-2 1'],
  )
  assert.deepEqual(roles.get('source-approver')?.anyOf, ['ada', 'eve', 'ada-2'])
  assert.equal(roles.get('source-approver')?.threshold, 2)
  assert.deepEqual(roles.get('reviewer')?.anyOf, ['eve'])
  assert.equal(keys.get('ada-2')?.principal, 'Ada <ada@example.org>')
  assert.deepEqual([keys.get('ada')?.until, keys.get('ada-2')?.until], [new Date('2027-01-01T00:00:00Z'), undefined])
  for (const comment of ['# kept by the security team', '# since 2025', '# two of them'])
    assert.ok(changed.includes(comment))
})

test('a revocation stands at its key, and of a key that is revoked again the last word counts', () => {
  const once = withRevokedKey(text, 'eve', { because: 'left' })
  assert.deepEqual(read(once).keys.get('eve')?.revoked, { because: 'left' })
  const again = withRevokedKey(once, 'eve', { since: '2026-11-20T14:00:00.000Z', because: 'laptop lost' })
  assert.deepEqual(read(again).keys.get('eve')?.revoked, {
    since: new Date('2026-11-20T14:00:00Z'),
    because: 'laptop lost',
  })
  assert.equal(read(again).keys.get('ada')?.revoked, undefined)
})

test('the next name counts up and takes none that is there', () => {
  assert.equal(nextName('ada', new Set(['ada'])), 'ada-2')
  assert.equal(nextName('ada-2', new Set(['ada', 'ada-2', 'ada-3'])), 'ada-4')
})
