/**
 * Evidence beside what it is about, in a registry: one manifest a bundle, each naming its subject, and one with the proofs of
 * transparency logs. The same evidence makes the same bytes: what is there already is not added again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { predicateTypeOf } from '../../attestation/index.ts'
import { eachBounded, remoteFault } from '../../data/index.ts'
import type { TravelledEvidence } from '../import-evidence.ts'
import { printProofs } from '../log-trust.ts'
import {
  type Descriptor,
  type Document,
  descriptorOf,
  emptyBlob,
  mediaTypes,
  referrerOf,
  referrersIndex,
  referrersTag,
} from './documents.ts'
import { type OciRepository, referrersByTag } from './repository.http.ts'

/** LIMIT: requests at a time; tries to write a list that others write too. */
const jobs = 4
const maxTries = 8
/** How long after its own write another's may still be under way, milliseconds; the half of it to the whole, by chance. */
const settleMs = 1000

export type PutEvidence = Readonly<{
  referrers: number
  /** Who lists them: the registry by itself, or we under a tag. */
  listed: 'referrers' | 'tag'
}>

/** @throws ERR_REMOTE_FAILED, ERR_REMOTE_UNSAFE, ERR_REMOTE_CORRUPT */
export async function putEvidence(
  repository: OciRepository,
  subject: Descriptor,
  { bundles, proofs }: TravelledEvidence,
): Promise<PutEvidence> {
  const lines = printProofs(proofs)
  const items = [
    ...bundles.map(({ bytes }) => ({ bytes, type: mediaTypes.bundle, predicateType: predicateTypeOf(bytes) })),
    ...(lines.length === 0
      ? []
      : [{ bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')), type: mediaTypes.logProofs }]),
  ]
  await putBytes(repository, emptyBlob)
  const documents: Document[] = []
  let isListed = true
  await eachBounded(items, jobs, async ({ bytes, type, ...rest }) => {
    const document = referrerOf(subject, type, { bytes, ...rest })
    await putBytes(repository, bytes)
    const listed = await repository.putDocument(document.descriptor.digest, document)
    isListed &&= listed
    documents.push(document)
  })
  if (!isListed) await listByTag(repository, subject, documents)
  return { referrers: documents.length, listed: isListed ? 'referrers' : 'tag' }
}

export async function putBytes({ has, putBlob }: OciRepository, bytes: Uint8Array): Promise<void> {
  const { digest, size } = descriptorOf('', bytes)
  if (await has(digest)) return
  await putBlob({ digest, sizeBytes: size, read: (start, end) => bytes.subarray(start, end) })
}

/**
 * A registry without the API. LIMIT: it knows no conditional write: of two who write at once one is overwritten. Each looks
 * again after its write, and once more a while later, when a write that began before it has ended; what takes longer than
 * that is not seen, and must be exported again.
 */
async function listByTag(
  repository: OciRepository,
  subject: Descriptor,
  documents: readonly Document[],
): Promise<void> {
  let waited: 'nothing' | 'written' | 'settled' = 'nothing'
  for (let tries = 0; tries < maxTries; ) {
    const listed = await referrersByTag(repository, subject.digest)
    const known = new Set(listed.map(({ digest }) => digest))
    const missing = documents.filter(({ descriptor }) => !known.has(descriptor.digest))
    if (missing.length === 0) {
      if (waited !== 'written') return
      await sleep(settleMs * (0.5 + Math.random() / 2))
      waited = 'settled'
      continue
    }
    const index = referrersIndex([...listed, ...missing.map(({ descriptor }) => descriptor)])
    await repository.putDocument(referrersTag(subject.digest), index)
    waited = 'written'
    tries += 1
  }
  throw remoteFault('ERR_REMOTE_FAILED', `others write the list of evidence at \`${repository.address}\` all the time`)
}
