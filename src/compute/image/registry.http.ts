/**
 * Documents and layers of an image, from the registry that its name gives.
 *
 * Trust: each byte is kept only when it has the digest and the size that were pinned.
 * SOURCE: OCI Distribution 1.1, "Pull".
 */
import { DomainError, type Sha256, sha256Of } from '../../core/index.ts'
import type { HttpAnswer } from '../../data/index.ts'
import { isGone, writeBody } from '../environment/fetch.http.ts'
import { documentTypes, maxDocumentBytes } from './documents.ts'
import { type ImageName, imageText } from './reference.ts'
import { openRegistrySession, type RegistryRoute, readBytes, unexpected } from './registry-session.http.ts'

export type Registry = Readonly<{
  /** An index or manifest. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  document(digest: Sha256): Promise<Buffer>
  /** Bytes of a configuration, which are few. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  smallBlob(digest: Sha256): Promise<Buffer>
  /** Writes exactly these bytes from the start of `fd`. @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH */
  blob(
    wanted: Readonly<{ digest: Sha256; sizeBytes: number }>,
    fd: number,
    onBytes: (received: number) => void,
  ): Promise<void>
  /** What the tag stands for now. @throws ERR_ENV_FETCH, ERR_ENV_GONE */
  digestOfTag(tag: string): Promise<Sha256>
  close(): Promise<void>
}>

const errand = { rights: 'pull', failed: 'ERR_ENV_FETCH' } as const

export function openRegistry(name: ImageName, route: RegistryRoute): Registry {
  const { ask, retried, close } = openRegistrySession(name, route, errand)
  const get = async (path: string, accept: string): Promise<HttpAnswer> =>
    present(await ask({ method: 'GET', path, headers: { accept } }), name)
  const bytesOf = (path: string, accept: string): Promise<Buffer> =>
    retried(path, async () => readBytes(await get(path, accept), maxDocumentBytes, errand.failed))
  const pinned = async (path: string, digest: Sha256, accept: string): Promise<Buffer> => {
    const bytes = await bytesOf(path, accept)
    if (sha256Of(bytes) !== digest) throw otherBytes(name, digest, 'has other bytes')
    return bytes
  }
  const accepted = documentTypes.join(', ')
  return {
    document: (digest) => pinned(`manifests/${digest}`, digest, accepted),
    smallBlob: (digest) => pinned(`blobs/${digest}`, digest, '*/*'),
    digestOfTag: async (tag) => sha256Of(await bytesOf(`manifests/${tag}`, accepted)),
    blob: ({ digest, sizeBytes }, fd, onBytes) =>
      retried(`blobs/${digest}`, async () => {
        const answer = await get(`blobs/${digest}`, '*/*')
        const tooMany = (): DomainError => otherBytes(name, digest, `has more than ${sizeBytes} bytes`)
        const got = await writeBody(answer, fd, { maxBytes: sizeBytes, tooMany, onBytes })
        if (got.sizeBytes !== sizeBytes) throw otherBytes(name, digest, `has ${got.sizeBytes} bytes of ${sizeBytes}`)
        if (got.digest !== digest) throw otherBytes(name, digest, 'has other bytes')
      }),
    close,
  }
}

async function present(answer: HttpAnswer, name: ImageName): Promise<HttpAnswer> {
  const { status, discard } = answer
  if (status === 200) return answer
  await discard()
  if (!isGone(status)) throw unexpected(name, errand.failed, status)
  throw new DomainError(
    'ERR_ENV_GONE',
    `the registry ${name.registry} has no such image, or not all of it: \`${imageText(name)}\``,
    { help: 'check the name, and whether the registry still keeps that digest' },
  )
}

function otherBytes(name: ImageName, digest: Sha256, because: string): DomainError {
  return new DomainError(
    'ERR_ENV_HASH_MISMATCH',
    `what the registry gives for \`${imageText(name)}\` ${because}: ${digest}`,
    {
      details: { image: imageText(name), digest },
    },
  )
}
