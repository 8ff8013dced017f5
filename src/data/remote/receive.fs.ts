/**
 * Objects of a remote into the store: each is counted and digested on its way, and only the right one gets a name here.
 *
 * Trust: the remote is hostile. More bytes than are wanted are not read; fewer, or others, are refused by name, and what
 * else arrived is kept. A large object that broke off is taken up where it was.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { hexOf, isDomainError, type Sha256, sha256Of } from '../../core/index.ts'
import { digestFd } from '../digest-fd.fs.ts'
import { withIoFaults } from '../io-fault.ts'
import type { ObjectBatch, ObjectStore } from '../object-store.ts'
import { eachBounded, objectName, type Remote, remoteFault } from './remote.ts'

/** `sizeBytes`: as evidence has it, else as the remote says. */
export type Incoming = Readonly<{ digest: Sha256; sizeBytes: number }>

export type ReceiveOptions = Readonly<{
  /** Absolute folder for what broke off; nobody else writes to it. */
  parts: string
  jobs: number
  onReceived(object: Incoming): void
}>

/** Up to this size an object is held in memory. */
const smallBytes = 1024 * 1024
/** What is made durable together: LIMIT of what a killed pull has to fetch again, unless one object is larger. */
const groupFiles = 4096
const groupBytes = 64 * 1024 * 1024

/**
 * @throws ERR_REMOTE_CORRUPT naming the first, when all others have arrived; ERR_REMOTE_MISSING, ERR_REMOTE_FAILED,
 * ERR_REMOTE_UNSAFE, ERR_DISK_FULL
 */
export async function receiveObjects(
  remote: Remote,
  store: ObjectStore,
  wanted: readonly Incoming[],
  options: ReceiveOptions,
): Promise<void> {
  const bad: unknown[] = []
  for (const group of groupsOf(wanted)) {
    using batch = store.batch()
    try {
      await eachBounded(group, options.jobs, async (object) => {
        try {
          await receiveOne(remote, batch, object, options.parts)
          options.onReceived(object)
        } catch (error) {
          if (!isDomainError(error, 'ERR_REMOTE_CORRUPT', 'ERR_REMOTE_UNSAFE')) throw error
          bad.push(error)
        }
      })
    } finally {
      await batch.commit() // what arrived before a break stays
    }
  }
  if (bad.length > 0) throw bad[0]
}

function* groupsOf(wanted: readonly Incoming[]): Generator<readonly Incoming[]> {
  let group: Incoming[] = []
  let bytes = 0
  for (const object of wanted) {
    if (group.length >= groupFiles || (group.length > 0 && bytes + object.sizeBytes > groupBytes)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(object)
    bytes += object.sizeBytes
  }
  if (group.length > 0) yield group
}

async function receiveOne(remote: Remote, batch: ObjectBatch, object: Incoming, parts: string): Promise<void> {
  const { digest, sizeBytes } = object
  if (sizeBytes > smallBytes) return receiveLarge(remote, batch, object, parts)
  const bytes = await readWhole(remote, objectName(digest), sizeBytes)
  if (bytes === undefined || bytes.length !== sizeBytes || sha256Of(bytes) !== digest) throw lied(remote, digest)
  batch.addBytes(bytes)
}

/** A small file of a remote. @returns undefined when it has more bytes than `maxBytes` */
export async function readWhole(remote: Remote, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of remote.read(name, 0)) {
    length += chunk.length
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function receiveLarge(
  remote: Remote,
  batch: ObjectBatch,
  { digest, sizeBytes }: Incoming,
  parts: string,
): Promise<void> {
  const part = join(parts, `${hexOf(digest)}.part`)
  await withIoFaults(part, async () => {
    mkdirSync(parts, { recursive: true, mode: 0o700 })
    const fd = openSync(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    try {
      const before = fstatSync(fd).size
      await takeUp(remote, fd, { digest, sizeBytes, start: before <= sizeBytes ? before : 0 })
      let isRight = digestFd(fd).digest === digest
      if (!isRight && before > 0) {
        // what was here may be of another day: once more, from the beginning
        await takeUp(remote, fd, { digest, sizeBytes, start: 0 })
        isRight = digestFd(fd).digest === digest
      }
      if (!isRight) {
        rmSync(part, { force: true })
        throw lied(remote, digest)
      }
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    await batch.adopt(part, { digest, sizeBytes })
  })
}

async function takeUp(
  remote: Remote,
  fd: number,
  { digest, sizeBytes, start }: Incoming & Readonly<{ start: number }>,
): Promise<void> {
  ftruncateSync(fd, start)
  let at = start
  if (at === sizeBytes) return
  for await (const chunk of remote.read(objectName(digest), start)) {
    const taken = chunk.subarray(0, sizeBytes + 1 - at)
    for (let done = 0; done < taken.length; ) done += writeSync(fd, taken, done, taken.length - done, at + done)
    at += taken.length
    if (at > sizeBytes) return // one byte too many: it is not what is wanted
  }
}

function lied(remote: Remote, digest: Sha256): Error {
  return remoteFault(
    'ERR_REMOTE_CORRUPT',
    `\`${remote.address}\` holds other bytes than its name says for the object \`${digest}\``,
  )
}
