/** Projects that are signed with another key than the one that `init` made: who is listed, and how they are driven. */
import assert from 'node:assert/strict'
import { parseDocument } from 'yaml'
import { type Document, runAssay, type Scratch, scratchEnvironment } from './scratch.ts'

/** The project's trust policy with one more signer under every role, committed. */
export function listSigner(
  project: Scratch,
  signer: Readonly<{ key: string } | { identity: string; issuer: string; principal?: string; trustedRoots?: unknown }>,
  builder: Readonly<{ builder: string; maxLevel: number }> = { builder: 'local/sandboxed', maxLevel: 1 },
): void {
  const policy = parseDocument(project.read('trust.yaml'))
  const name = 'elsewhere'
  if ('key' in signer) policy.setIn(['keys', name], { publicKey: signer.key })
  else {
    const { trustedRoots, ...identity } = signer
    policy.setIn(['identities', name], identity)
    if (trustedRoots !== undefined) policy.set('trustedRoots', JSON.parse(JSON.stringify(trustedRoots)))
  }
  policy.addIn(['roles', 'builder'], { ['key' in signer ? 'key' : 'identity']: name, ...builder })
  for (const role of ['source-approver', 'data-validator', 'reviewer', 'reproducer'])
    policy.addIn(['roles', role], name)
  project.write({ 'trust.yaml': policy.toString() })
  project.commit('list another signer')
}

export type Driven = (exit: number, ...args: readonly string[]) => Promise<Document>

/** Verbs with `--json`, in an environment with these variables too. */
export function driven(project: Scratch, more: Readonly<Record<string, string>>): Driven {
  const environment = { ...scratchEnvironment(project.keys), ...more }
  return async (exit, ...args) => {
    const ran = await runAssay([...args, '--json'], project.root, environment)
    assert.equal(ran.code, exit, `assay ${args.join(' ')} exited ${ran.code}:\n${ran.stdout}\n${ran.stderr}`)
    return JSON.parse(ran.stdout) as Document
  }
}
