/**
 * A remote in a folder of another machine, over SFTP: `sftp-session.exec.ts` speaks, this says what.
 *
 * Written aside, flushed where the far end can, read back, renamed. THREAT: the far end follows links; folders on the way
 * to a name are looked at first, and every byte that comes is compared by whoever asked for it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { type DomainError, hexOf, nameFault, sha256Of } from '../../core/index.ts'
import { bytesFrom } from './object-bytes.fs.ts'
import {
  abandonedMs,
  corruptObject,
  eachBounded,
  largeBytes,
  maxListed,
  type Outgoing,
  occupied,
  type Remote,
  remoteFault,
  remoteMark,
} from './remote.ts'
import {
  type Answer,
  type Attributes,
  type Field,
  isFolder,
  isPlainFile,
  kinds,
  openFlags,
  statuses,
} from './sftp-packets.ts'
import type { SftpSession } from './sftp-session.exec.ts'

/** What every server takes in one request, and how many are under way together. */
const chunkBytes = 32 * 1024
const requestsAtOnce = 64

export type SftpRemoteOptions = Readonly<{
  address: string
  /** Absolute at the far end. */
  path: string
  /** Names this checkout on this machine: what it began and did not end, it takes up. */
  client: string
  jobs: number
  connect(): Promise<SftpSession>
}>

type Far = Readonly<{ options: SftpRemoteOptions; session(): Promise<SftpSession>; made: Map<string, Promise<void>> }>

export function openSftpRemote(options: SftpRemoteOptions): Remote {
  let session: Promise<SftpSession> | undefined
  const far: Far = {
    options,
    session: () => {
      session ??= options.connect()
      return session
    },
    made: new Map(),
  }
  return {
    address: options.address,
    sizes: async (names) => {
      const found = new Map<string, number>()
      await eachBounded(names, requestsAtOnce, async (name) => {
        if (!(await isReachable(far, name))) return
        const attributes = await lookAt(far, name)
        if (attributes === undefined) return
        if (!isPlainFile(attributes) || attributes.sizeBytes === undefined) throw notPlain(far, name)
        found.set(name, attributes.sizeBytes)
      })
      return found
    },
    list: async (folder) => {
      if (!(await isReachable(far, `${folder}/x`))) return []
      const names = await listed(far, folder)
      return names.flatMap(({ name, attributes }) =>
        isPlainFile(attributes) && nameFault(name) === undefined ? [name] : [],
      )
    },
    read: (name, start) => chunksOf(far, name, start),
    put: (files, onSent) =>
      eachBounded(files, options.jobs, async (file) => {
        await putOne(far, file)
        onSent(file)
      }),
    prepare: () => prepare(far),
    close: async () => {
      if (session === undefined) return
      const opened = await session.catch(() => undefined)
      await opened?.close()
    },
  }
}

const at = ({ options }: Far, name: string): string => (name === '.' ? options.path : `${options.path}/${name}`)
const parentOf = (name: string): string => (name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '.')

async function ask(far: Far, kind: number, fields: readonly Field[]): Promise<Answer> {
  return (await far.session()).ask(kind, fields)
}

/** @throws ERR_REMOTE_FAILED, ERR_REMOTE_MISSING */
async function must(far: Far, kind: number, fields: readonly Field[], name: string): Promise<Answer> {
  const answer = await ask(far, kind, fields)
  if (answer.kind === 'status' && answer.code !== statuses.ok) throw faultOf(far, answer.code, name)
  return answer
}

function faultOf({ options: { address } }: Far, code: number, name: string): DomainError {
  if (code === statuses.noSuchFile) return remoteFault('ERR_REMOTE_MISSING', `\`${name}\` is not at \`${address}\``)
  const because = code === statuses.permissionDenied ? 'permission denied' : `SFTP says ${code}; is its disk full?`
  return remoteFault('ERR_REMOTE_FAILED', `\`${name}\` at \`${address}\` cannot be read or written: ${because}`)
}

function notPlain({ options: { address } }: Far, name: string): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `\`${name}\` of \`${address}\` is neither a plain file nor a folder`)
}

/** THREAT: answers without an end in them would be asked for without an end. */
function silent({ options: { address } }: Far, name: string): DomainError {
  return remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` says that there is more of \`${name}\`, and gives nothing`)
}

async function lookAt(far: Far, name: string): Promise<Attributes | undefined> {
  const answer = await ask(far, kinds.lstat, [at(far, name)])
  if (answer.kind === 'attributes') return answer.attributes
  if (answer.kind === 'status' && answer.code === statuses.noSuchFile) return undefined
  throw answer.kind === 'status' ? faultOf(far, answer.code, name) : notPlain(far, name)
}

/** Folders between the remote's own, which is trusted as it is, and the name are real ones. */
async function isReachable(far: Far, name: string): Promise<boolean> {
  const folder = parentOf(name)
  if (folder === '.') return true
  const known = far.made.get(folder)
  if (known !== undefined) return known.then(() => true)
  if (!(await isReachable(far, folder))) return false
  const attributes = await lookAt(far, folder)
  if (attributes === undefined) return false
  if (!isFolder(attributes)) throw notPlain(far, folder)
  far.made.set(folder, Promise.resolve())
  return true
}

/** Made once, however many ask for it. */
function makeFolder(far: Far, folder: string): Promise<void> {
  if (folder === '.') return Promise.resolve()
  const known = far.made.get(folder)
  if (known !== undefined) return known
  const making = (async () => {
    await makeFolder(far, parentOf(folder))
    const before = await lookAt(far, folder)
    if (before !== undefined && isFolder(before)) return
    if (before !== undefined) throw notPlain(far, folder)
    const answer = await ask(far, kinds.mkdir, [at(far, folder), 0])
    if (answer.kind === 'status' && answer.code === statuses.ok) return
    const attributes = await lookAt(far, folder) // another may have made it
    if (attributes !== undefined && isFolder(attributes)) return
    throw answer.kind === 'status' && attributes === undefined
      ? faultOf(far, answer.code, folder)
      : notPlain(far, folder)
  })()
  far.made.set(folder, making)
  making.catch(() => far.made.delete(folder)) // who waits for it is told; who asks later looks again
  return making
}

async function open(far: Far, name: string, flags: number): Promise<Buffer> {
  const answer = await must(far, kinds.open, [at(far, name), flags, 0], name)
  if (answer.kind === 'handle') return answer.handle
  throw notPlain(far, name)
}

/** In order, with several requests under way. */
async function* chunksOf(far: Far, name: string, start: number): AsyncGenerator<Uint8Array> {
  if (!(await isReachable(far, name))) throw faultOf(far, statuses.noSuchFile, name)
  const handle = await open(far, name, openFlags.read)
  const ahead: Promise<Answer>[] = []
  let asked = start
  let given = start
  let window = 2 // most files are small
  try {
    for (;;) {
      while (ahead.length < window) {
        const next = ask(far, kinds.read, [handle, BigInt(asked), chunkBytes])
        next.catch(() => undefined) // told when its turn comes
        ahead.push(next)
        asked += chunkBytes
      }
      const answer = await ahead.shift()
      if (answer?.kind === 'status' && answer.code === statuses.eof) return
      if (answer?.kind !== 'data') throw faultOf(far, answer?.kind === 'status' ? answer.code : statuses.failure, name)
      if (answer.bytes.length === 0) throw silent(far, name)
      given += answer.bytes.length
      yield answer.bytes
      window = Math.min(requestsAtOnce, window * 2)
      if (answer.bytes.length === chunkBytes) continue
      // less than was asked for: what is under way lies behind a hole
      await Promise.allSettled(ahead.splice(0))
      asked = given
    }
  } finally {
    await Promise.allSettled(ahead)
    await ask(far, kinds.close, [handle]).catch(() => undefined)
  }
}

async function putOne(far: Far, file: Outgoing): Promise<void> {
  const isLarge = 'path' in file && file.sizeBytes >= largeBytes
  const own = `${far.options.client}-${sha256Of(file.name).slice(7, 39)}.part`
  const temp = `tmp/${isLarge ? own : `${randomBytes(12).toString('hex')}.tmp`}`
  await makeFolder(far, 'tmp')
  await makeFolder(far, parentOf(file.name))
  const before = isLarge ? await lookAt(far, temp) : undefined
  if (before !== undefined && !isPlainFile(before)) throw notPlain(far, temp)
  await write(far, temp, file, Math.min(before?.sizeBytes ?? 0, file.sizeBytes))
  await refuseOther(far, temp, file)
  await rename(far, temp, file)
}

async function write(far: Far, temp: string, file: Outgoing, start: number): Promise<void> {
  const handle = await open(far, temp, openFlags.write | openFlags.create)
  const underWay = new Set<Promise<void>>()
  const faults: unknown[] = []
  try {
    const hasher = createHash('sha256')
    let offset = 0
    for (const chunk of bytesFrom(file, chunkBytes)) {
      if (faults.length > 0) break

      hasher.update(chunk)
      offset += chunk.length
      if (offset <= start) continue
      const writing = must(far, kinds.write, [handle, BigInt(offset - chunk.length), chunk], file.name)
      const settled: Promise<void> = writing
        .then(
          () => undefined,
          (fault: unknown) => void faults.push(fault),
        )
        .finally(() => underWay.delete(settled))
      underWay.add(settled)
      if (underWay.size >= requestsAtOnce) await Promise.race(underWay)
    }
    await Promise.all(underWay)
    if (faults.length > 0) throw faults[0]
    if (`sha256:${hasher.digest('hex')}` !== file.digest) throw corruptObject(file.digest)
    const { extensions } = await far.session()
    if (extensions.has('fsync@openssh.com')) await must(far, kinds.extended, ['fsync@openssh.com', handle], file.name)
  } finally {
    await Promise.allSettled(underWay)
    await ask(far, kinds.close, [handle]).catch(() => undefined)
  }
}

/** INVARIANT: what has a name at the remote was read back with the bytes of that name. */
async function refuseOther(far: Far, temp: string, file: Outgoing): Promise<void> {
  if (await isSame(far, temp, file)) return
  await ask(far, kinds.remove, [at(far, temp)])
  const { address } = far.options
  throw remoteFault('ERR_REMOTE_CORRUPT', `\`${address}\` gave other bytes back for \`${file.name}\` than were written`)
}

/** Reads all of it back. */
async function isSame(far: Far, name: string, file: Outgoing): Promise<boolean> {
  const hasher = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of chunksOf(far, name, 0)) {
    sizeBytes += chunk.length
    if (sizeBytes > file.sizeBytes) return false
    hasher.update(chunk)
  }
  return sizeBytes === file.sizeBytes && hasher.digest('hex') === hexOf(file.digest)
}

async function rename(far: Far, temp: string, file: Outgoing): Promise<void> {
  const { extensions } = await far.session()
  const [from, to] = [at(far, temp), at(far, file.name)]
  const answer = extensions.has('posix-rename@openssh.com')
    ? await ask(far, kinds.extended, ['posix-rename@openssh.com', from, to])
    : await ask(far, kinds.rename, [from, to])
  if (answer.kind === 'status' && answer.code === statuses.ok) return
  // A plain rename takes no name that is there: another push was faster, or it is the one that is to be replaced.
  const there = await lookAt(far, file.name)
  if (there !== undefined && isPlainFile(there)) {
    if (await isSame(far, file.name, file)) {
      await ask(far, kinds.remove, [from])
      return
    }
    await ask(far, kinds.remove, [to])
    const again = await ask(far, kinds.rename, [from, to])
    if (again.kind === 'status' && again.code === statuses.ok) return
  }
  throw faultOf(far, answer.kind === 'status' ? answer.code : statuses.failure, file.name)
}

async function listed(
  far: Far,
  folder: string,
): Promise<readonly Readonly<{ name: string; attributes: Attributes }>[]> {
  const opened = await must(far, kinds.opendir, [at(far, folder)], folder)
  if (opened.kind !== 'handle') throw notPlain(far, folder)
  const found: Readonly<{ name: string; attributes: Attributes }>[] = []
  let told = 0
  try {
    for (;;) {
      const answer = await ask(far, kinds.readdir, [opened.handle])
      if (answer.kind === 'status' && answer.code === statuses.eof) return found
      if (answer.kind !== 'names') throw faultOf(far, answer.kind === 'status' ? answer.code : statuses.failure, folder)
      if (answer.names.length === 0) throw silent(far, folder)
      told += answer.names.length
      for (const entry of answer.names) if (entry.name !== '.' && entry.name !== '..') found.push(entry)
      if (told > maxListed)
        throw remoteFault('ERR_REMOTE_UNSAFE', `\`${far.options.address}\` lists more than ${maxListed} names`)
    }
  } finally {
    await ask(far, kinds.close, [opened.handle]).catch(() => undefined)
  }
}

async function prepare(far: Far): Promise<void> {
  const { address } = far.options
  const root = await lookAt(far, '.')
  if (root === undefined) await must(far, kinds.mkdir, [at(far, '.'), 0], address)
  const names = (await listed(far, '.')).map(({ name }) => name)
  const isOurs = names.includes(remoteMark) || names.every((name) => name === 'tmp' || name.startsWith(remoteMark))
  if (!isOurs) throw occupied(address)
  if (!names.includes('tmp') || !(await isReachable(far, 'tmp/x'))) return
  const limitSeconds = (Date.now() - abandonedMs) / 1000
  for (const { name, attributes } of await listed(far, 'tmp')) {
    const isOld = attributes.modifiedSeconds !== undefined && attributes.modifiedSeconds < limitSeconds
    if (isOld && isPlainFile(attributes) && /^[0-9a-f-]{1,80}\.(tmp|part)$/.test(name))
      await ask(far, kinds.remove, [at(far, `tmp/${name}`)])
  }
}
