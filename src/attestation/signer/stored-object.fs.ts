/**
 * Objects of the store as the signer sees them: by digest, hashed again, whatever anybody says they are.
 *
 * The signer trusts neither the run that asks nor the store: it reads `<root>/<2 hex>/<62 hex>` itself,
 * or below `<root>/closed/<classification>`. A folder is
 * opened through its list, and every file of it is hashed. Layout: src/data/object-store.ts; list: docs/formats.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import {
  DomainError,
  type FileEntry,
  folderOf,
  hexOf,
  isDomainError,
  isSha256,
  parseStrictJson,
  type Sha256,
  sha256Of,
} from '../../core/index.ts'
import { countShape, pathShape, sha256Shape } from '../shapes.ts'
import type { StatedOutput } from '../stage-facts.ts'

/** LIMIT: a folder's list is at most 512 MiB, some three million files. */
const maxListBytes = 512 * 1024 * 1024
const chunkBytes = 1024 * 1024

const listShape = z.strictObject({
  assayFolder: z.literal(1),
  files: z.array(
    z.strictObject({ digest: sha256Shape, executable: z.boolean(), path: pathShape, sizeBytes: countShape }),
  ),
})

/** @throws ERR_SIGN_REFUSED when the stored bytes are not what `output` says */
export async function refuseFalseOutput(root: string, output: StatedOutput): Promise<void> {
  const { path, digest, sizeBytes, list } = output
  if (isSha256(digest)) return refuseFalseObject(root, digest, sizeBytes, path)
  if (list === undefined) throw refusal(path, 'is a folder without a list')
  const folder = folderOf(await readList(root, list, path))
  if (folder.digest !== digest) throw refusal(path, 'has a list that makes another folder')
  if (folder.sizeBytes !== sizeBytes) throw refusal(path, `has ${folder.sizeBytes} bytes, not ${sizeBytes}`)
  for (const file of folder.files) await refuseFalseObject(root, file.digest, file.sizeBytes, `${path}/${file.path}`)
}

/** @throws ERR_SIGN_REFUSED when the object is missing, or its bytes have another digest or size */
export async function refuseFalseObject(root: string, digest: Sha256, sizeBytes: number, name: string): Promise<void> {
  await using file = await openObject(root, digest, name)
  const hasher = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkBytes, sizeBytes + 1)))
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) break
    length += bytesRead
    hasher.update(buffer.subarray(0, bytesRead))
  }
  if (`sha256:${hasher.digest('hex')}` !== digest) throw refusal(name, 'is not in the store as it is said to be')
  if (length !== sizeBytes) throw refusal(name, `has ${length} bytes, not ${sizeBytes}`)
}

async function readList(root: string, list: Sha256, name: string): Promise<readonly FileEntry[]> {
  await using file = await openObject(root, list, name)
  const { size } = await file.stat()
  if (size > maxListBytes) throw refusal(name, 'has a list that is too large')
  const bytes = await file.readFile()
  if (sha256Of(bytes) !== list) throw refusal(name, 'has a list that is not in the store as it is said to be')
  const parsed = listShape.safeParse(parseStrictJson(bytes, 'folder list', { maxBytes: maxListBytes, maxDepth: 8 }))
  if (!parsed.success) throw refusal(name, 'has a list that is not a list of files')
  const { files } = parsed.data
  if (new Set(files.map(({ path }) => path)).size !== files.length)
    throw refusal(name, 'has a list that names a file twice')
  return files
}

async function openObject(root: string, digest: Sha256, name: string): Promise<FileHandle> {
  const hex = hexOf(digest)
  let fault: unknown
  // in this order, and the strictest again: an object is moved that way while we look
  for (const folder of ['.', 'closed/confidential', 'closed/restricted']) {
    try {
      const path = join(root, folder, hex.slice(0, 2), hex.slice(2))
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
      if ((await file.stat()).isFile()) return file
      await file.close()
      throw refusal(name, 'is not a file in the store')
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'))
        throw isDomainError(cause) ? cause : refusal(name, 'is not in the store', cause)
      fault = cause
    }
  }
  throw refusal(name, 'is not in the store', fault)
}

function refusal(name: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_SIGN_REFUSED', `\`${name}\` ${what}`, { cause })
}
