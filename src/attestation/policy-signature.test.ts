/** Which policy may take the place of the one that was believed so far. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newPerson, type Person, policyText, project, signPayload } from './fixtures/chain.ts'
import { judgeSuccession } from './policy-signature.ts'
import { type PolicySignature, policyPayloadType, printPolicySignature } from './trust-documents.ts'
import type { TrustPolicy } from './trust-policy.ts'
import { parseTrustPolicy } from './trust-policy-file.ts'

const [ada, eve] = [newPerson(), newPerson()]

/** Ada's policy, of a version, with these keys as root. */
function policyOf(version: number, root: readonly Person[], threshold = 1): TrustPolicy {
  const names = root.map((person) => (person === ada ? 'ada' : 'eve'))
  const rule = `root: {anyOf: [${names.join(', ')}], threshold: ${threshold}, distinct: keys}`
  const eveKey = `eve:\n    publicKey: |\n      ${eve.publicPem.trim().replaceAll('\n', '\n      ')}`
  const text = policyText(ada)
    .replace('trust: 1\n', `trust: 1\nversion: ${version}\n`)
    .replace('keys:\n', `keys:\n  ${eveKey}\n`)
  return parseTrustPolicy(
    Buffer.from(root.length === 0 ? text : text.replace('roles:\n', `roles:\n  ${rule}\n`)),
    'file',
  )
}

function signed(policy: TrustPolicy, people: readonly Person[], more: Partial<PolicySignature> = {}): Uint8Array {
  const { digest, version } = policy
  assert.ok(digest !== undefined && version !== undefined)
  const signature = { project: project.id, policy: digest, version, ...more }
  const payload = printPolicySignature(signature)
  return Buffer.concat(people.flatMap((person) => [signPayload(payload, policyPayloadType, person), Buffer.from('\n')]))
}

const codes = (...[before, next, signatures]: Parameters<typeof judgeSuccession>): readonly string[] => [
  ...new Set(judgeSuccession(before, next, signatures).flatMap(({ passed, code }) => (passed ? [] : [code]))),
]

test('a policy takes the place of another when the root of both signed it, in a later version', () => {
  const [first, second] = [policyOf(1, [ada]), policyOf(2, [eve])]
  assert.deepEqual(codes(undefined, first, signed(first, [ada])), [])
  assert.deepEqual(codes(first, second, signed(second, [ada, eve])), [])
  assert.deepEqual(codes(first, second, signed(second, [eve])), ['ERR_SIGNER_ROLE'], 'the old root did not')
  assert.deepEqual(codes(first, second, signed(second, [ada])), ['ERR_SIGNER_ROLE'], 'the new root did not')
  assert.deepEqual(codes(first, second, undefined), ['ERR_POLICY_UNSIGNED'])
  assert.deepEqual(codes(first, second, signed(first, [ada, eve])), ['ERR_POLICY_UNSIGNED'], 'another text')
  assert.deepEqual(codes(first, second, signed(second, [ada, eve], { version: 3 })), ['ERR_POLICY_UNSIGNED'])
  assert.deepEqual(codes(first, second, signed(second, [ada, eve], { project: 'other' })), ['ERR_POLICY_UNSIGNED'])
})

test('a policy takes no place with an older version, with too few of the root, or when it drops the root', () => {
  const [first, second] = [policyOf(1, [ada]), policyOf(2, [ada])]
  assert.deepEqual(codes(second, first, signed(first, [ada])), ['ERR_POLICY_ROLLBACK'])
  assert.deepEqual(codes(second, second, signed(second, [ada])), [], 'the same again')
  const both = policyOf(3, [ada, eve], 2)
  assert.deepEqual(codes(second, both, signed(both, [ada])), ['ERR_SIGNER_ROLE'])
  assert.deepEqual(codes(second, both, signed(both, [ada, eve])), [])
  const without = policyOf(4, [])
  assert.deepEqual(codes(both, without, signed(without, [ada])), ['ERR_SIGNER_ROLE'])
  assert.deepEqual(codes(both, without, signed(without, [ada, eve])), [])
})

test('a policy without root is the word of its user', () => {
  const [first, second] = [policyOf(1, []), policyOf(1, [])]
  assert.deepEqual(codes(first, second, undefined), [])
})
