/** `attest export --out oci://...`, `attest import oci://...`, `verify oci://...`: one visit to a registry each. */
import { homedir } from 'node:os'
import { registrySessionFor } from '../../compute/index.ts'
import { type Content, type Digest, DomainError, type Sha256 } from '../../core/index.ts'
import { classifications } from '../../data/index.ts'
import { classificationBehind } from '../data-question.ts'
import { networkRouteOf } from '../fetch-source.fs.ts'
import type { TravelledEvidence } from '../import-evidence.ts'
import type { Caller, Project } from '../project.ts'
import { type OciAddress, ociText } from './address.ts'
import { type Document, type ModelFile, modelDocuments } from './documents.ts'
import { type PutEvidence, putBytes, putEvidence } from './put-evidence.ts'
import { readPart } from './read-part.fs.ts'
import { type OciRepository, openOciRepository } from './repository.http.ts'
import { contentsOf, type FoundArtifact, findArtifact, type NamedDigest, takeEvidence } from './take-evidence.ts'

type Asking = Pick<Caller, 'environment' | 'signal'>

async function visiting<Result>(
  { environment, signal }: Asking,
  address: OciAddress,
  rights: 'pull' | 'pull,push',
  work: (repository: OciRepository) => Promise<Result>,
): Promise<Result> {
  const home = environment['HOME'] ?? homedir()
  const settings = networkRouteOf(environment, home)
  const asker = { settings, caller: environment, home, signal: signal ?? new AbortController().signal }
  const session = await registrySessionFor(address, asker, { rights, failed: 'ERR_REMOTE_FAILED' })
  const repository = openOciRepository(ociText(address), session)
  try {
    return await work(repository)
  } finally {
    await repository.close()
  }
}

/** The evidence of an artifact. @throws ERR_REMOTE_MISSING, ERR_REMOTE_CORRUPT, ERR_REMOTE_UNSAFE, ERR_REMOTE_FAILED */
export function evidenceInRegistry(asking: Asking, address: OciAddress): Promise<TravelledEvidence> {
  return visiting(asking, address, 'pull', async (repository) => {
    const { descriptor } = await findArtifact(repository, address)
    return await takeEvidence(repository, descriptor.digest)
  })
}

/** What is at a registry, by digest: not one byte of it is fetched but its manifest and its evidence. */
export type ArtifactInRegistry = TravelledEvidence &
  Readonly<{ manifest: Sha256; folder: NamedDigest; files: readonly NamedDigest[] }>

/** @throws as `evidenceInRegistry` */
export function artifactInRegistry(asking: Asking, address: OciAddress): Promise<ArtifactInRegistry> {
  return visiting(asking, address, 'pull', async (repository) => {
    const found = await findArtifact(repository, address)
    const contents = contentsOf(found, repository.address)
    return {
      ...contents,
      ...(await takeEvidence(repository, found.descriptor.digest)),
      manifest: found.descriptor.digest,
    }
  })
}

export type RegistryExport = PutEvidence & Readonly<{ manifest: Sha256; pushed: boolean }>

export type OutgoingArtifact = Readonly<{
  /** Project path. */
  path: string
  /** That the evidence speaks of. */
  digest: Digest
  /** Attestations behind it. */
  chain: readonly Sha256[]
  evidence: TravelledEvidence
}>

/**
 * With a tag alone the artifact is pushed, its evidence beside it, and the tag set last; with a digest the evidence is put
 * beside what is there.
 *
 * @throws ERR_SUBJECT_MISMATCH when what is there are other bytes; ERR_REMOTE_CLASSIFIED, ERR_REMOTE_FAILED,
 * ERR_REMOTE_MISSING, ERR_REMOTE_CORRUPT, ERR_REMOTE_UNSAFE
 */
export function exportToRegistry(
  project: Project,
  asking: Asking,
  address: OciAddress,
  artifact: OutgoingArtifact,
): Promise<RegistryExport> {
  return visiting(asking, address, 'pull,push', async (repository) => {
    const { tag, digest } = address
    if (digest !== undefined) {
      const found = await findArtifact(repository, address)
      refuseOther(found, artifact, repository.address)
      return {
        ...(await putEvidence(repository, found.descriptor, artifact.evidence)),
        manifest: digest,
        pushed: false,
      }
    }
    refuseSecret(project, artifact)
    const manifest = await pushModel(project, repository, artifact)
    const put = await putEvidence(repository, manifest.descriptor, artifact.evidence)
    // Order: who finds the tag finds all of its evidence
    await repository.putDocument(tag ?? '', manifest)
    return { ...put, manifest: manifest.descriptor.digest, pushed: true }
  })
}

async function pushModel(
  project: Project,
  repository: OciRepository,
  { path, digest }: OutgoingArtifact,
): Promise<Document> {
  const content = await project.contents.ingest(path)
  if (content?.digest !== digest) throw new DomainError('ERR_SUBJECT_MISMATCH', `\`${path}\` was changed meanwhile`)
  const { store } = project
  const files = modelFiles(path, content)
  const { manifest, config } = modelDocuments(project.settings.model?.name ?? lastName(path), files)
  for (const file of files) {
    if (await repository.has(file.digest)) continue
    const place = store.pathOf(file.digest)
    await repository.putBlob({ ...file, read: (start, end) => readPart(place, start, end) })
  }
  await putBytes(repository, config.bytes)
  await repository.putDocument(manifest.descriptor.digest, manifest)
  return manifest
}

function modelFiles(path: string, content: Content): readonly ModelFile[] {
  if (content.kind === 'folder') return content.files
  return [{ path: lastName(path), digest: content.digest, sizeBytes: content.sizeBytes }]
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** THREAT: evidence hung on something else, for people who read no more than that there is evidence. */
function refuseOther(found: FoundArtifact, { path, digest }: OutgoingArtifact, where: string): void {
  const { layers } = found.manifest
  if (layers.some((layer) => layer.digest === digest)) return
  if (digest.startsWith('dirHash1:') && contentsOf(found, where).folder.digest === digest) return
  throw new DomainError('ERR_SUBJECT_MISMATCH', `what is at \`${where}\` does not hold the bytes of \`${path}\``, {
    help: 'a layer must be the file as it is, not an archive of it; with a tag, assay pushes it so',
  })
}

/** THREAT: what was made of secret data, to a registry that is cleared for nothing. The evidence alone tells no values. */
function refuseSecret(project: Project, { path, chain }: OutgoingArtifact): void {
  const found = classificationBehind(project, ...chain)
  if (classifications.indexOf(found) <= classifications.indexOf('internal')) return
  throw new DomainError(
    'ERR_REMOTE_CLASSIFIED',
    `\`${path}\` was made of ${found} data: no registry is cleared for it`,
    {
      help: 'push it yourself where it may lie, and put its evidence beside it: --out oci://host/repository@sha256:...',
      details: { path, classification: found },
    },
  )
}
