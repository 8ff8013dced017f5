/** `assay data verify`: whether the sources in the working tree are, byte for byte, those that were approved. */
import { DomainError, printable } from '../../core/index.ts'
import { type ListedSource, openProject, type Project, type SourceFinding, verifySource } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

export async function dataVerify(context: CliContext, ids: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context, { rehash: true })
  const findings: SourceFinding[] = []
  for (const listed of chosen(project, ids)) {
    output.progress(`reading ${printable(listed.source.path)}`)
    findings.push(await verifySource(project, listed))
  }
  const verified = findings.every(({ passed }) => passed)
  output.document({ verified, sources: findings.map(documentOf) })
  const rows = findings.map(({ id, path, status, bytes, digest, refusal }) => [
    refusal === undefined ? '  ok' : '  NO',
    id,
    path,
    status,
    bytes === 'on record' ? 'the bytes on record' : bytes === 'others' ? 'OTHER BYTES' : 'not here',
    refusal === undefined ? digest : `${refusal.message} (${refusal.code})`,
  ])
  for (const line of table(rows)) output.line(line)
  const help = findings.find(({ refusal }) => refusal !== undefined)?.refusal?.help
  if (help !== undefined) output.line(`next: ${printable(help)}`)
  if (findings.length === 0) output.line('no sources: assay data add ID PATH registers one')
  return verified ? 0 : 1
}

function chosen({ sources }: Project, ids: readonly string[]): readonly ListedSource[] {
  if (ids.length === 0) return [...sources.values()]
  return ids.map((id) => {
    const listed = sources.get(id)
    if (listed !== undefined) return listed
    throw new DomainError('ERR_SOURCE_NOT_LISTED', `no source is called \`${id}\``, {
      help: 'assay data list shows them',
    })
  })
}

function documentOf({ refusal, ...finding }: SourceFinding): object {
  return refusal === undefined
    ? finding
    : { ...finding, code: refusal.code, because: refusal.message, help: refusal.help }
}
