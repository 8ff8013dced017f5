/** May these bytes enter a stage? The inventory decides; here its decision is put to the run. */
import { type Digest, DomainError, quotedForShell } from '../core/index.ts'
import { decideInput } from '../data/index.ts'
import type { Project } from './project.ts'
import { refuseStaleStamps } from './stamps.ts'

/**
 * @param sourceId what assay.yaml says under `data:`; an input without a source runs, and is a finding, unless
 *   `require: [approved-sources]`
 * @throws ERR_SOURCE_UNKNOWN, ERR_SOURCE_UNAPPROVED, ERR_SOURCE_CHANGED, ERR_SOURCE_REVOKED, ERR_SOURCE_EXPIRED,
 *   ERR_SOURCE_OVERCLASSIFIED, ERR_DATA_STAMPS_STALE
 */
export function refuseInput(project: Project, path: string, sourceId: string | undefined, digest: Digest): void {
  refuseRevoked(project, path, digest)
  if (sourceId === undefined) {
    if (!project.settings.require.includes('approved-sources')) return
    throw new DomainError('ERR_SOURCE_UNKNOWN', `\`${path}\` has no source, and assay.yaml requires approved sources`, {
      help: `register it: assay data add ID ${quotedForShell(path)}`,
    })
  }
  const listed = project.sources.get(sourceId)
  const { clearance, name } = project.settings
  const refusal = decideInput({ path, sourceId, digest, pipeline: name }, listed?.source, listed?.status, clearance)
  if (refusal !== undefined) throw refusal
  if (listed !== undefined) refuseStaleStamps(path, listed.source.origin, project.sources)
}

/**
 * Refuses revoked bytes wherever they come from: an input without a source, under another id, a tracked file.
 *
 * LIMIT: bytes are known whole; a copy with a byte changed, or put into a folder, is other data.
 *
 * @throws ERR_SOURCE_REVOKED
 */
export function refuseRevoked(project: Project, path: string, digest: Digest): void {
  const same = project.revokedSources.find((source) => source.digest === digest)
  if (same === undefined) return
  throw new DomainError(
    'ERR_SOURCE_REVOKED',
    `\`${path}\` may not be used: its bytes were revoked as the source \`${same.id}\``,
    { details: { path, source: same.id } },
  )
}
