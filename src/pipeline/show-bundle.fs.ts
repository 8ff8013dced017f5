/** A bundle that lies somewhere, as `assay attest show` tells it: ours or anybody's, believed or not. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type BundleDescription, loadForeign } from '../attestation/index.ts'
import { isDomainError } from '../core/index.ts'
import type { Caller } from './project.ts'
import { readSmall } from './small-file.fs.ts'

export type ShownBundle = Readonly<{ description: BundleDescription; bytes: Uint8Array }>

/** LIMIT: larger files are taken for artifacts, which they are nearly always. */
const maxShownBytes = 64 * 1024 * 1024

/** Undefined when the file is no bundle: then it is an artifact, which evidence is looked up for. */
export async function bundleAt(caller: Caller, given: string): Promise<ShownBundle | undefined> {
  const file = resolve(caller.workingFolder, given)
  const stats = existsSync(file) ? statSync(file) : undefined
  if (stats?.isFile() !== true || stats.size > maxShownBytes) return undefined
  const bytes = readSmall(file, maxShownBytes)
  if (!bytes.includes('sigstore.bundle')) return undefined
  const foreign = await loadForeign()
  try {
    const { describeBundle } = await foreign.loadDescriptions()
    return { description: describeBundle(foreign.parseForeignBundle(bytes)), bytes }
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}
