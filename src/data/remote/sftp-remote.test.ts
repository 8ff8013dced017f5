/** A far end behind SFTP that works, and those that do not: whatever they answer, it comes to an end, and to the truth. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sha256Of } from '../../core/index.ts'
import type { Remote } from './remote.ts'
import { type Answer, kinds, statuses } from './sftp-packets.ts'
import { openSftpRemote } from './sftp-remote.ts'

type Said = Answer extends infer One ? (One extends Answer ? Omit<One, 'id'> : never) : never
type Far = Readonly<{ files: Map<string, Buffer>; asked: number[]; remote: Remote }>

const status = (code: number): Said => ({ kind: 'status', code })
const file = 0o100644
const folder = 0o040755

/** As OpenSSH, in memory. @param answer what it says instead, where it says anything */
function farEnd(
  extensions: readonly string[],
  answer: (kind: number, path: string) => Said | undefined = () => undefined,
): Far {
  const files = new Map<string, Buffer>()
  const folders = new Set(['/r', '/r/tmp', '/r/objects'])
  const asked: number[] = []
  const said = (kind: number, fields: readonly unknown[]): Said => {
    const path = Buffer.isBuffer(fields[0]) ? fields[0].toString() : String(fields[0])
    const instead = answer(kind, path)
    if (instead !== undefined) return instead
    const bytes = files.get(path)
    switch (kind) {
      case kinds.lstat:
        if (folders.has(path)) return { kind: 'attributes', attributes: { mode: folder } }
        return bytes === undefined
          ? status(statuses.noSuchFile)
          : { kind: 'attributes', attributes: { mode: file, sizeBytes: bytes.length } }
      case kinds.open:
        if (bytes === undefined) files.set(path, Buffer.alloc(0))
        return { kind: 'handle', handle: Buffer.from(path) }
      case kinds.read: {
        const start = Number(fields[1])
        const rest = bytes?.subarray(start, start + Number(fields[2])) ?? Buffer.alloc(0)
        return rest.length === 0 ? status(statuses.eof) : { kind: 'data', bytes: Buffer.from(rest) }
      }
      case kinds.write: {
        const [, start, chunk] = fields
        const before = (bytes ?? Buffer.alloc(0)).subarray(0, Number(start))
        files.set(path, Buffer.concat([before, Buffer.from(chunk as Uint8Array)])) // a field of a write
        return status(statuses.ok)
      }
      case kinds.rename: {
        const to = String(fields[1])
        if (files.has(to)) return status(statuses.failure)
        files.set(to, bytes ?? Buffer.alloc(0))
        files.delete(path)
        return status(statuses.ok)
      }
      case kinds.remove:
        files.delete(path)
        return status(statuses.ok)
      default:
        return status(statuses.ok)
    }
  }
  const remote = openSftpRemote({
    ...{ address: 'ssh://test/r', path: '/r', client: 'abc', jobs: 2 },
    connect: async () => ({
      extensions: new Set(extensions),
      ask: async (kind, fields) => {
        asked.push(kind)
        if (asked.length > 10_000) throw new Error('it is asked without end')
        return { id: 0, ...said(kind, fields) } as Answer // what it says has every other member
      },
      close: async () => undefined,
    }),
  })
  return { files, asked, remote }
}

const small = Buffer.from('three\n')
const outgoing = { name: 'objects/x', digest: sha256Of(small), sizeBytes: small.length, bytes: small }

async function readAll(remote: Remote, name: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of remote.read(name, 0)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('what is put is read again, and a name that holds other bytes is replaced though nothing is renamed over', async () => {
  const { files, remote } = farEnd([])
  const sent: string[] = []
  for (const lie of [undefined, 'thref\n', 'a longer lie\n']) {
    if (lie !== undefined) files.set('/r/objects/x', Buffer.from(lie))
    await remote.put([outgoing], ({ name }) => sent.push(name))
    assert.equal(await readAll(remote, 'objects/x'), 'three\n')
  }
  assert.equal(sent.length, 3)
  assert.deepEqual([...files.keys()], ['/r/objects/x'])
})

test('answers without an end are refused', async () => {
  const silent = farEnd([], (kind) => (kind === kinds.read ? { kind: 'data', bytes: Buffer.alloc(0) } : undefined))
  silent.files.set('/r/objects/x', small)
  await assert.rejects(readAll(silent.remote, 'objects/x'), { code: 'ERR_REMOTE_UNSAFE' })
  const lists = farEnd([], (kind) =>
    kind === kinds.opendir
      ? { kind: 'handle', handle: Buffer.from('h') }
      : kind === kinds.readdir
        ? { kind: 'names', names: [] }
        : undefined,
  )
  await assert.rejects(lists.remote.list('objects'), { code: 'ERR_REMOTE_UNSAFE' })
})

test('a disk that is full at the far end is told as that, whichever of the writes was refused', async (context) => {
  const large = Buffer.alloc(300 * 1024, 'assay')
  const path = join(tempFolder(context), 'large')
  writeFileSync(path, large)
  let writes = 0
  const { remote } = farEnd([], (kind) => {
    if (kind !== kinds.write) return undefined
    writes += 1
    return writes === 3 ? status(statuses.failure) : undefined
  })
  const file = { name: 'objects/x', digest: sha256Of(large), sizeBytes: large.length, path }
  await assert.rejects(
    remote.put([file], () => undefined),
    { code: 'ERR_REMOTE_FAILED', message: /is its disk full\?/ },
  )
})

test('a folder that is a link is refused, the second time too', async () => {
  const { remote } = farEnd([], (kind, path) =>
    kind === kinds.lstat && path === '/r/objects' ? { kind: 'attributes', attributes: { mode: 0o120777 } } : undefined,
  )
  await assert.rejects(
    remote.put([outgoing], () => undefined),
    { code: 'ERR_REMOTE_UNSAFE' },
  )
  await assert.rejects(remote.sizes(['objects/x']), { code: 'ERR_REMOTE_UNSAFE' })
})

function tempFolder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}
