/**
 * What a registry holds of an artifact, and the evidence beside it.
 *
 * Trust: all of it is hostile. Every document and bundle is held to its digest and size, every referrer to the subject that
 * was asked for; what is of another kind is passed over, what lies is refused. What comes out is still only evidence as it
 * travelled: the trust policy decides what is believed.
 */
import { bundlesInLines, type NamedBundle } from '../../attestation/index.ts'
import { type Digest, type DomainError, folderOf, type Sha256, sha256Of } from '../../core/index.ts'
import { eachBounded, remoteFault } from '../../data/index.ts'
import type { TravelledEvidence } from '../import-evidence.ts'
import { parseProofLines } from '../log-trust.ts'
import type { OciAddress } from './address.ts'
import {
  type Descriptor,
  descriptorOf,
  filesOf,
  type Manifest,
  maxDescriptors,
  mediaTypes,
  parseManifest,
} from './documents.ts'
import type { OciRepository } from './repository.http.ts'

/** LIMIT: a bundle is at most 16 MiB, all evidence of an artifact 512 MiB, as in a file. */
const maxBundleBytes = 16 * 1024 * 1024
const maxEvidenceBytes = 512 * 1024 * 1024
/** LIMIT: lines of proofs, as in a file. */
const maxLines = 250_000
const jobs = 4

export type FoundArtifact = Readonly<{ descriptor: Descriptor; manifest: Manifest }>

/** @throws ERR_REMOTE_MISSING, ERR_REMOTE_UNSAFE when it is no manifest, ERR_REMOTE_CORRUPT */
export async function findArtifact(repository: OciRepository, { tag, digest }: OciAddress): Promise<FoundArtifact> {
  const reference = digest ?? tag ?? ''
  const bytes = await repository.document(reference)
  if (bytes === undefined) throw remoteFault('ERR_REMOTE_MISSING', `\`${repository.address}\` has no \`${reference}\``)
  return {
    descriptor: descriptorOf(mediaTypes.manifest, bytes),
    manifest: parseManifest(bytes, `\`${repository.address}\``),
  }
}

/** @throws ERR_REMOTE_CORRUPT, ERR_REMOTE_UNSAFE, ERR_REMOTE_MISSING, ERR_REMOTE_FAILED */
export async function takeEvidence(repository: OciRepository, subject: Sha256): Promise<TravelledEvidence> {
  const listed = (await repository.referrers(subject)).filter(isEvidence)
  const wanted = [...new Map(listed.map((descriptor) => [descriptor.digest, descriptor])).values()]
  const layers = new Map<Sha256, Descriptor>()
  let total = 0
  await eachBounded(wanted, jobs, async (descriptor) => {
    for (const layer of await layersOf(repository, descriptor, subject)) {
      if (layers.has(layer.digest)) continue
      layers.set(layer.digest, layer)
      total += layer.size
      // THREAT: manifests that each name thousands of pieces: counted before the next is asked for
      if (layers.size > maxDescriptors || total > maxEvidenceBytes) throw tooMuch(repository.address)
    }
  })
  const taken = new Map<Sha256, Uint8Array>()
  await eachBounded([...layers.values()], jobs, async (layer) => {
    taken.set(layer.digest, await repository.blob(layer, maxBundleBytes))
  })
  const bundles: NamedBundle[] = []
  const lines: Uint8Array[] = []
  // Order: of the digests, so that the same evidence comes in the same order
  for (const [name, bytes] of [...taken].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    if (layers.get(name)?.mediaType === mediaTypes.bundle) bundles.push({ name, bytes })
    else for (const line of bundlesInLines(bytes)) lines.push(line.bytes)
    if (lines.length > maxLines) throw tooMuch(repository.address)
  }
  return { bundles, proofs: parseProofLines(lines) }
}

function tooMuch(address: string): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` names more evidence than one artifact can have`)
}

function isEvidence({ artifactType, mediaType }: Descriptor): boolean {
  return (
    mediaType === mediaTypes.manifest && (artifactType === mediaTypes.bundle || artifactType === mediaTypes.logProofs)
  )
}

/** THREAT: evidence of another artifact, shown beside this one. */
async function layersOf(
  repository: OciRepository,
  { digest, size }: Descriptor,
  subject: Sha256,
): Promise<readonly Descriptor[]> {
  const { address } = repository
  const bytes = await repository.document(digest)
  if (bytes === undefined) throw remoteFault('ERR_REMOTE_MISSING', `\`${address}\` lists ${digest} and has it not`)
  if (bytes.length !== size || sha256Of(bytes) !== digest)
    throw remoteFault('ERR_REMOTE_CORRUPT', `\`${address}\` gives other bytes for ${digest}`)
  const manifest = parseManifest(bytes, `the evidence ${digest} at \`${address}\``)
  if (manifest.subject !== subject)
    throw remoteFault(
      'ERR_REMOTE_CORRUPT',
      `\`${address}\` lists ${digest} as evidence of ${subject}, and it is of ${manifest.subject ?? 'nothing'}`,
    )
  return manifest.layers.filter(
    ({ mediaType }) => mediaType === mediaTypes.bundle || mediaType === mediaTypes.logProofs,
  )
}

export type NamedDigest = Readonly<{ path: string; digest: Digest }>

/**
 * What the artifact is to evidence: the folder that its files make, and each file alone.
 *
 * @throws ERR_REMOTE_UNSAFE for a manifest whose layers are no files as they are
 */
export function contentsOf(
  { manifest }: FoundArtifact,
  where: string,
): Readonly<{ folder: NamedDigest; files: readonly NamedDigest[] }> {
  const files = filesOf(manifest, `\`${where}\``)
  if (files === undefined)
    throw remoteFault('ERR_REMOTE_UNSAFE', `\`${where}\` is no model: its layers are not files as they are`)
  const { digest } = folderOf(files.map((file) => ({ ...file, executable: false })))
  return { folder: { path: where, digest }, files }
}
