/** `assay data verify`: whether the sources in the working tree are, byte for byte, those that were approved. */
import { DomainError, printable } from '../../core/index.ts'
import { type ListedSource, openProject, type Project } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'

type Finding = Readonly<{
  id: string
  path: string
  passed: boolean
  status: ListedSource['status']
  bytes: 'on record' | 'others' | 'missing'
  digest: string
  because: string
}>

export async function dataVerify(context: CliContext, ids: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context, { rehash: true })
  const findings: Finding[] = []
  for (const listed of chosen(project, ids)) {
    output.progress(`reading ${printable(listed.source.path)}`)
    findings.push(await look(project, listed))
  }
  const verified = findings.every(({ passed }) => passed)
  output.document({ verified, sources: findings })
  const rows = findings.map(({ id, path, passed, status, bytes, because, digest }) => [
    passed ? '  ok' : '  NO',
    id,
    path,
    status,
    bytes === 'on record' ? 'the bytes on record' : bytes === 'others' ? 'OTHER BYTES' : 'not here',
    passed ? digest : because,
  ])
  for (const line of table(rows)) output.line(line)
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

async function look(project: Project, { source, status, because }: ListedSource): Promise<Finding> {
  const content = await project.contents.ingest(source.path)
  const bytes = content === undefined ? 'missing' : content.digest === source.digest ? 'on record' : 'others'
  const passed = status === 'approved' && bytes === 'on record'
  const changed = content === undefined ? 'nothing is at its path' : `they are ${shortDigest(content.digest)}`
  return {
    id: source.id,
    path: source.path,
    passed,
    status,
    bytes,
    digest: source.digest,
    because: bytes === 'on record' ? because : `${changed}, on record is ${shortDigest(source.digest)}`,
  }
}
