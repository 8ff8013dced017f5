/** `assay trust status` and `assay trust sign`: what those who keep a policy sign, and how it is looked at. */
import { resolve } from 'node:path'
import { DomainError, oneLine } from '../../core/index.ts'
import { changeStatus, readStatus, type ShownStatus, type StatusChange, signTrust } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

type StatusOptions = StatusChange & Readonly<{ renew?: boolean; sign?: boolean }>

export async function trustStatus(
  context: CliContext,
  [file = '']: readonly string[],
  { renew = false, sign = false, ...change }: StatusOptions,
): Promise<Exit> {
  const path = resolve(context.workingFolder, file)
  const { revokeKey = [], revokeIdentity = [], revokeStatement = [], recall = [] } = change
  const isChange = renew || [revokeKey, revokeIdentity, revokeStatement, recall].some((given) => given.length > 0)
  if (sign && isChange)
    throw new DomainError('ERR_USAGE', '--sign changes nothing of a status', { help: 'leave the other options out' })
  if (!sign && !isChange) return show(context, await readStatus(context, path))
  const changed = await changeStatus(context, path, sign ? 'cosign' : change)
  context.output.document(changed)
  const { status, findings } = changed
  context.output.line(
    `status ${status.version} of the project ${status.project}, until ${status.expiresAt}: ${oneLine(file)}`,
  )
  const missing = findings.find(({ passed }) => !passed)
  context.output.line(
    missing === undefined
      ? `next: give it to those who verify (assay verify --status ${oneLine(file)})`
      : `next: ${missing.because} (assay trust status ${oneLine(file)} --sign)`,
  )
  return 0
}

function show({ output }: CliContext, shown: ShownStatus): Exit {
  output.document(shown)
  const { status, findings } = shown
  const isBelieved = findings.every(({ passed }) => passed)
  if (status !== undefined) {
    output.line(`status ${status.version} of ${status.issuedAt}, until ${status.expiresAt}`)
    const rows = [
      ...status.keys.map(({ hint, since, because }) => ['key', hint, since ?? 'all that it signed', because]),
      ...(status.identities ?? []).map(({ identity, issuer, since, because }) => [
        'identity',
        `${identity} (${issuer})`,
        since ?? 'all that it signed',
        because,
      ]),
      ...status.statements.map(({ attestation, because }) => ['statement', attestation, '', because]),
      ...status.recalls.map(({ digest, because }) => ['recalled', digest, '', because]),
    ]
    for (const line of table(rows)) output.line(line)
  }
  for (const { passed, because, code } of findings)
    output.line(`${passed ? '  ok' : '  NO'}  ${oneLine(because)}${passed ? '' : ` (${code})`}`)
  return isBelieved ? 0 : 1
}

export async function trustSign(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ policy: string }>,
): Promise<Exit> {
  const signed = await signTrust(context, resolve(context.workingFolder, options.policy))
  context.output.document(signed)
  context.output.line(
    `version ${signed.version} of ${oneLine(options.policy)}, with ${signed.signatures} signatures: ${oneLine(signed.file)}`,
  )
  context.output.line('next: commit both, and let those who verify pin it (assay trust pin)')
  return 0
}
