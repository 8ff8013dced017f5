/**
 * Files that a lock names by address and digest, into the object store: each is fetched once, and kept only when its bytes
 * have the digest. For locks that leave nothing to choose (npm, conda).
 */
import { createHash, randomUUID } from 'node:crypto'
import { closeSync, createReadStream, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, isSha256, type Sha256 } from '../../core/index.ts'
import { jsonFact, withoutCredentials } from '../../data/index.ts'
import type { FetchClient } from './fetch.http.ts'
import { mapPooled } from './pool.ts'
import type { EnvironmentRequest } from './request.ts'
import type { TreeArtefact } from './tree.fs.ts'

export type WantedFile = Readonly<{
  fileName: string
  /** Absolute http(s) address, where it is asked for. */
  url: string
  algorithm: 'sha256' | 'sha384' | 'sha512'
  /** Lower case. */
  hex: string
  /** `path:line` of the lock. */
  place: string
}>

export type FetchPlace = Pick<
  EnvironmentRequest,
  'store' | 'cacheFolder' | 'memory' | 'network' | 'onProgress' | 'signal'
>

const parallelFetches = 8

/**
 * @param key under which it is remembered which objects they were
 * @param credentials address -> value of Authorization for what is below it
 * @returns in the order of `files`
 * @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_ENV_HASH_MISMATCH
 */
export async function fetchByDigest(
  files: readonly WantedFile[],
  place: FetchPlace,
  { key, credentials }: Readonly<{ key: Sha256; credentials?: ReadonlyMap<string, string> }>,
): Promise<readonly TreeArtefact[]> {
  const remembered = new Map(remembering(place, key).map((one) => [one.word, one]))
  const abort = new AbortController()
  const signal = AbortSignal.any([place.signal, abort.signal])
  let client: FetchClient | undefined
  const open = async (): Promise<FetchClient> => {
    const { openFetchClient } = await import('./fetch.http.ts')
    client ??= openFetchClient(place.network, signal, credentials)
    return client
  }
  try {
    const found = await mapPooled(files, parallelFetches, async (file) => {
      try {
        const hint = remembered.get(wordOf(file))
        const kept = await fromStore(file, hint?.digest, place)
        return kept === undefined ? await download(file, await open(), place) : { ...kept, source: hint?.source ?? '' }
      } catch (error) {
        abort.abort(error) // The other downloads are of no use any more.
        throw error
      }
    })
    const lines = found.map(({ digest, source }, index) => ({ word: wordOf(files[index]), digest, source }))
    place.memory?.recordFact(`fetched:${key}`, JSON.stringify(lines))
    return found
  } finally {
    abort.abort()
    await client?.close()
  }
}

const rememberedShape = z.array(z.strictObject({ word: z.string(), digest: z.string(), source: z.string() }))

/** A hint alone: the bytes are read again. */
function remembering({ memory }: FetchPlace, key: Sha256): z.infer<typeof rememberedShape> {
  const parsed = rememberedShape.safeParse(jsonFact(memory, `fetched:${key}`))
  return parsed.success ? parsed.data : []
}

function wordOf(file: Pick<WantedFile, 'algorithm' | 'hex'> | undefined): string {
  return `${file?.algorithm}:${file?.hex}`
}

/** Every byte is read again: what is in the store may have been changed, and a hint may lie. */
async function fromStore(
  file: WantedFile,
  hint: string | undefined,
  { store, onProgress }: FetchPlace,
): Promise<Omit<TreeArtefact, 'source'> | undefined> {
  const digest = file.algorithm === 'sha256' ? `sha256:${file.hex}` : hint
  if (!isSha256(digest) || !store.has(digest) || (await store.verify([digest])).length > 0) return undefined
  if (file.algorithm !== 'sha256' && (await hexOfFile(store.pathOf(digest), file.algorithm)) !== file.hex)
    return undefined
  onProgress({ kind: 'fetched', fileName: file.fileName, sizeBytes: 0, fromStore: true })
  return { name: file.fileName, digest }
}

async function hexOfFile(path: string, algorithm: WantedFile['algorithm']): Promise<string> {
  const hasher = createHash(algorithm)
  for await (const piece of createReadStream(path)) hasher.update(piece)
  return hasher.digest('hex')
}

async function download(file: WantedFile, client: FetchClient, place: FetchPlace): Promise<TreeArtefact> {
  const { store, cacheFolder, onProgress } = place
  const { fileName, url, algorithm, hex } = file
  const temporary = join(cacheFolder, `tmp-${process.pid}-${randomUUID()}.part`)
  const fd = openSync(temporary, 'wx+', 0o600)
  try {
    const { digest, sizeBytes } = await client.download(url, fd, (receivedBytes, totalBytes) =>
      onProgress({ kind: 'downloading', fileName, receivedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
    )
    const found = algorithm === 'sha256' ? digest.slice('sha256:'.length) : await hexOfFile(temporary, algorithm)
    // INVARIANT: bytes enter the store only after their digest was found in the lock.
    if (found !== hex) throw otherBytes(file, found)
    const kept = await store.putFile(fd)
    if (kept.digest !== digest) throw otherBytes(file, kept.digest)
    onProgress({ kind: 'fetched', fileName, sizeBytes, fromStore: false })
    return { name: fileName, digest, source: withoutCredentials(url) }
  } finally {
    closeSync(fd)
    rmSync(temporary, { force: true })
  }
}

function otherBytes({ fileName, algorithm, place }: WantedFile, found: string): DomainError {
  const what = `${place}: the bytes of \`${fileName}\` have the ${algorithm} ${found}, which the lock does not pin`
  return new DomainError('ERR_ENV_HASH_MISMATCH', what, { details: { file: place.slice(0, place.lastIndexOf(':')) } })
}
