/** Is a source in the working tree, byte for byte, what was approved? The answer of `data verify`, one a source. */
import { type Digest, DomainError, quotedForShell } from '../core/index.ts'
import { decideInput } from '../data/index.ts'
import type { ListedSource, Project } from './project.ts'

export type SourceFinding = Readonly<{
  id: string
  path: string
  passed: boolean
  status: ListedSource['status']
  bytes: 'on record' | 'others' | 'missing'
  /** On record, and what is there now. */
  digest: Digest
  found?: Digest
  /** Why a run would be refused for it; undefined when it passed. */
  refusal?: DomainError
}>

/** Every byte is read. For which pipeline, and how secret it may be, is not asked here. */
export async function verifySource(project: Project, { source, status }: ListedSource): Promise<SourceFinding> {
  const { id, path, digest } = source
  const content = await project.contents.ingest(path)
  const found = content?.digest
  const refusal =
    found === undefined
      ? new DomainError('ERR_DATA_MISSING', `\`${path}\`, the source \`${id}\`, is not there`, {
          help: `fetch it: assay data fetch ${id}, or: dvc pull ${quotedForShell(path)}`,
        })
      : decideInput({ path, sourceId: id, digest: found }, source, status, 'restricted')
  return {
    id,
    path,
    passed: refusal === undefined,
    status,
    bytes: found === undefined ? 'missing' : found === digest ? 'on record' : 'others',
    digest,
    ...(found === undefined ? {} : { found }),
    ...(refusal === undefined ? {} : { refusal }),
  }
}
