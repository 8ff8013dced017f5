/** Pictures of suspect images and of those that look most like them, for the page of a review. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSecret } from '../attestation/index.ts'
import { defaultLimits, drawImages, type Picture } from '../data/index.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'
import type { Triage } from './review-data.ts'
import { maxPaged } from './review-page.ts'
import { datasetOf } from './stored-dataset.ts'
import { boxRunner } from './validate-data.fs.ts'

/** LIMIT: pixels of the longer side. */
const [ownSide, nearSide] = [240, 120]

/**
 * By path in the folder. THREAT: a picture of restricted data is a value of it: none is drawn, for any page.
 *
 * @throws ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED, ERR_SANDBOX_UNAVAILABLE, ERR_IO
 */
export async function drawSuspects(
  project: Project,
  { kind, classification, content, suspects, path }: Triage,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Picture>> {
  if (kind === 'rows' || isSecret(classification)) return new Map()
  const wanted = new Map<string, number>()
  for (const { rows, nearest = [] } of suspects.slice(0, maxPaged)) {
    for (const { file } of nearest) wanted.set(file, Math.max(nearSide, wanted.get(file) ?? 0))
    wanted.set(String(rows[0]), ownSide)
  }
  const scratchRoot = mkdtempSync(join(tmpdir(), 'assay-review-'))
  try {
    const dataset = datasetOf(content, path.split('/').at(-1) ?? path, project.store)
    return await drawImages(dataset, wanted, {
      ...defaultLimits,
      runBox: boxRunner(boxesOf(project)),
      scratchRoot,
      signal,
    })
  } finally {
    rmSync(scratchRoot, { recursive: true, force: true })
  }
}
