/**
 * A large object to an S3 store in parts, each checked by the store; what was sent before a break is not sent again.
 *
 * A note beside the project says which parts of which upload have arrived, and the digest of each. It is a hint: the
 * object is read, and digested, from its beginning each time, and a part that had other bytes is sent again.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { hexOf, sha256Of } from '../../core/index.ts'
import { withIoFaults } from '../io-fault.ts'
import { corruptObject, type Outgoing, remoteFault } from './remote.ts'

/** The few requests that it takes. */
export type Upload = Readonly<{
  address: string
  /** Absolute folder. */
  notes: string
  jobs: number
  begin(name: string): Promise<string>
  /** @returns the part's ETag; undefined when the store does not know the upload (any more) */
  part(name: string, part: Readonly<{ id: string; number: number; bytes: Uint8Array }>): Promise<string | undefined>
  /** @returns false when the store does not know the upload, or one of its parts (any more) */
  complete(name: string, id: string, etags: readonly string[]): Promise<boolean>
  sizeOf(name: string): Promise<number | undefined>
}>

const leastPartBytes = 16 * 1024 * 1024
/** LIMIT: S3 takes 10,000 parts of at most 5 GiB. */
const mostParts = 9000
/** LIMIT: so many parts are in memory at once. */
const partsAtOnce = 4

const noteShape = z.strictObject({
  upload: z.literal(2),
  id: z.string().regex(/^[\x21-\x7e]{1,1024}$/),
  partBytes: z.int().positive(),
  parts: z.record(
    z.string().regex(/^\d{1,5}$/),
    z.strictObject({ etag: z.string().max(1024), digest: z.string().max(100) }),
  ),
})
type Note = z.infer<typeof noteShape>

/** @throws ERR_REMOTE_FAILED, ERR_REMOTE_CORRUPT; ERR_STORE_CORRUPT when the object is not what its name says */
export async function uploadInParts(upload: Upload, file: Outgoing & Readonly<{ path: string }>): Promise<void> {
  await withIoFaults(file.path, async () => {
    mkdirSync(upload.notes, { recursive: true, mode: 0o700 })
    const place = join(upload.notes, `${hexOf(sha256Of(`${upload.address} ${file.name}`)).slice(0, 32)}.json`)
    const known = readNote(place)
    const isSent = known !== undefined && (await sendParts(upload, file, { place, note: known }))
    if (!isSent) {
      const partBytes = Math.max(leastPartBytes, Math.ceil(file.sizeBytes / mostParts))
      const note: Note = { upload: 2, id: await upload.begin(file.name), partBytes, parts: {} }
      writeFileSync(place, JSON.stringify(note), { mode: 0o600 })
      if (!(await sendParts(upload, file, { place, note })))
        throw remoteFault('ERR_REMOTE_FAILED', `\`${upload.address}\` forgets an upload that it began`)
    }
    rmSync(place, { force: true })
    const size = await upload.sizeOf(file.name)
    if (size !== file.sizeBytes)
      throw remoteFault(
        'ERR_REMOTE_CORRUPT',
        `\`${file.name}\` has ${size} bytes at \`${upload.address}\`, not ${file.sizeBytes}`,
      )
  })
}

/** @returns false when the store does not know the upload */
async function sendParts(
  upload: Upload,
  file: Outgoing & Readonly<{ path: string }>,
  { place, note }: Readonly<{ place: string; note: Note }>,
): Promise<boolean> {
  const { id, partBytes } = note
  const sent = new Map(Object.entries(note.parts))
  const fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const open = new Set<Promise<void>>()
  let isKnown = true
  let fault: unknown
  try {
    const count = Math.ceil(fstatSync(fd).size / partBytes)
    const hasher = createHash('sha256')
    for (let number = 1; number <= count && isKnown && fault === undefined; number += 1) {
      const bytes = partOf(fd, (number - 1) * partBytes, partBytes)
      hasher.update(bytes)
      const digest = sha256Of(bytes)
      if (sent.get(String(number))?.digest === digest) continue
      const sending = upload
        .part(file.name, { id, number, bytes })
        .then((etag) => {
          if (etag === undefined) isKnown = false
          else sent.set(String(number), { etag, digest })
          writeFileSync(place, JSON.stringify({ ...note, parts: Object.fromEntries(sent) }), { mode: 0o600 })
        })
        .catch((error: unknown) => {
          fault ??= error
        })
        .finally(() => open.delete(sending))
      open.add(sending)
      if (open.size >= Math.min(partsAtOnce, upload.jobs)) await Promise.race(open)
    }
    await Promise.all(open)
    if (fault !== undefined) throw fault
    if (!isKnown) return false
    if (`sha256:${hasher.digest('hex')}` !== file.digest) throw corruptObject(file.digest)
    const etags = Array.from({ length: count }, (_, index) => sent.get(String(index + 1))?.etag ?? '')
    return await upload.complete(file.name, id, etags)
  } finally {
    await Promise.all(open)
    closeSync(fd)
  }
}

function partOf(fd: number, start: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, start + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

/** INVARIANT: a note that cannot be read only means that the upload begins anew. */
function readNote(place: string): Note | undefined {
  if (!existsSync(place)) return undefined
  try {
    return noteShape.safeParse(JSON.parse(readFileSync(place, 'utf8'))).data
  } catch {
    return undefined
  }
}
