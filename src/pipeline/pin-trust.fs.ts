/** `assay trust pin` and `assay trust sign`: which policy this user believes, and that root keys stand behind it. */
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { judgeSuccession, openKeyHome, parseTrustPolicy, type Signer, type TrustPolicy } from '../attestation/index.ts'
import { DomainError, type Sha256, sha256Of } from '../core/index.ts'
import { attestationsOf, enterLog } from './enter-log.ts'
import { writeDurably } from './evidence.fs.ts'
import { policyInForce } from './policy-in-force.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller } from './project.ts'
import { openSigner } from './run-tools.ts'
import { requireRoot } from './workspace.fs.ts'

/** LIMIT: a policy and its signatures are at most 1 MiB each. */
const maxPolicyBytes = 1024 * 1024

/** Where the signatures of a policy lie: bundles, one a line. */
function signaturesOf(file: string): string {
  return `${file}.signatures.jsonl`
}

/**
 * Keeps a policy for the project and the checkout; one that names root keys, or comes after one that does, must be signed.
 *
 * @throws ERR_POLICY_MALFORMED, ERR_POLICY_UNSIGNED, ERR_POLICY_ROLLBACK, ERR_SIGNER_ROLE, ERR_SIGNATURE_INVALID
 */
export async function pinTrust(caller: Caller, file: string): Promise<Readonly<{ project: string; file: string }>> {
  const bytes = bytesOf(file, 'ERR_POLICY_MALFORMED')
  if (bytes === undefined) throw new DomainError('ERR_POLICY_MALFORMED', `\`${file}\` is not a policy file`)
  const next = parseTrustPolicy(bytes, 'file', file)
  const { project } = next
  if (project === undefined) throw new DomainError('ERR_POLICY_MALFORMED', `\`${file}\` names no project`)
  const home = openKeyHome({ environment: caller.environment, projectRoot: requireRoot(caller.workingFolder) })
  const pinned = home.readPin(project)
  const before = pinned === undefined ? undefined : parseTrustPolicy(pinned, 'file')
  const inForce = (policy: TrustPolicy): TrustPolicy => policyInForce(policy, caller)
  const signatures = bytesOf(signaturesOf(file), 'ERR_POLICY_UNSIGNED')
  const findings = judgeSuccession(before === undefined ? undefined : inForce(before), inForce(next), signatures)
  const fault = findings.find(({ passed }) => !passed)
  if (fault !== undefined && fault.code !== 'OK' && fault.code !== 'CAVEAT')
    throw new DomainError(fault.code, `\`${file}\` is not pinned: ${fault.because}`)
  home.pinPolicy(project, bytes)
  return { project, file: `${home.folder}/projects/${project}/policy.yaml` }
}

function bytesOf(file: string, code: 'ERR_POLICY_MALFORMED' | 'ERR_POLICY_UNSIGNED'): Buffer | undefined {
  const status = existsSync(file) ? lstatSync(file) : undefined
  if (status === undefined) return undefined
  if (!status.isFile() || status.size > maxPolicyBytes) throw new DomainError(code, `\`${file}\` is not a policy file`)
  return readFileSync(file)
}

export type SignedPolicy = Readonly<{ file: string; policy: Sha256; version: number; signatures: number }>

/**
 * Signs the policy with the user's key, beside what others signed of this very text.
 *
 * @throws ERR_POLICY_MALFORMED where it names no root or no version, ERR_SIGNER_ROLE when the key is not of the root
 */
export async function signTrust(caller: Caller, file: string): Promise<SignedPolicy> {
  const bytes = bytesOf(file, 'ERR_POLICY_MALFORMED')
  if (bytes === undefined) throw new DomainError('ERR_POLICY_MALFORMED', `\`${file}\` is not there`)
  const policy = parseTrustPolicy(bytes, 'file', file)
  const { project, version } = policy
  if (project === undefined || version === undefined || !policy.roles.has('root'))
    throw new DomainError('ERR_POLICY_MALFORMED', `\`${file}\` names no root, or no version that they could sign`, {
      help: 'add `version: 1` and `root: [NAME]` under roles; the next version counts one up',
    })
  const opened = await openProject(caller)
  await using signer = await openSigner(opened, { draft: false, unsafeNoSandbox: false })
  const digest = sha256Of(bytes)
  const signed = await signer.sign({ kind: 'trust-policy', signature: { project, policy: digest, version } })
  const target = signaturesOf(file)
  const lines = appendOwn(bytesOf(target, 'ERR_POLICY_UNSIGNED'), signed.bytes, signer)
  refuseNoRoot(policy, signer)
  writeDurably(target, lines.bytes)
  await enterLog(opened, signer, [...attestationsOf(opened), sha256Of(signed.bytes)])
  return { file: target, policy: digest, version, signatures: lines.count }
}

/** @throws ERR_SIGNER_ROLE */
export function refuseNoRoot({ roles, keys }: TrustPolicy, { hint }: Pick<Signer, 'hint'>): void {
  const listed = [...keys.values()].find((key) => key.hint === hint)
  if (listed !== undefined && roles.get('root')?.anyOf.includes(listed.name) === true) return
  throw new DomainError(
    'ERR_SIGNER_ROLE',
    `${listed === undefined ? 'your key' : `\`${listed.name}\``} is not listed as root`,
    {
      help: 'who keeps the policy lists it in trust.yaml, under roles.root',
    },
  )
}

/** Signatures of other texts, and an older one of this key, make room. */
export function appendOwn(
  known: Uint8Array | undefined,
  own: Uint8Array,
  { hint }: Pick<Signer, 'hint'>,
): Readonly<{ bytes: Uint8Array; count: number }> {
  const payloadOf = (line: string): string | undefined => /"payload":"([^"]*)"/.exec(line)?.[1]
  const text = Buffer.from(own).toString('utf8')
  const others = Buffer.from(known ?? new Uint8Array())
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && payloadOf(line) === payloadOf(text) && !line.includes(JSON.stringify(hint)))
  const lines = [...others, text]
  return { bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')), count: lines.length }
}
