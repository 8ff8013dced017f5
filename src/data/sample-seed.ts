/**
 * Chooses the rows, images and folds that a dataset is searched in, where it is too large to be searched whole. Pure.
 *
 * THREAT: whoever contributes data and knows the choice puts poison where nobody looks: it follows from a secret of the
 * user. It is another one for other bytes: what was missed once is looked at the next time, and rows that were found in
 * one version tell nothing of where the next one is looked into. The same bytes are asked the same, so that nobody can
 * ask until the answer is to his liking.
 */
import { createHmac } from 'node:crypto'
import type { Digest } from '../core/index.ts'

/** @returns an integer from 0 to below 2^48 */
export function sampleSeed(secret: Uint8Array, path: string, digest: Digest): number {
  return createHmac('sha256', secret).update(`sample of data\n${digest}\n${path}`).digest().readUIntBE(0, 6)
}
