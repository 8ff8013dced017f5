/**
 * Runs stages in sandboxes and prints their outcomes: the other end of `support.ts`, so that tests can run it as
 * another user, with hostile surroundings, or kill it.
 *
 * Each line on stdin is a request, each line on stdout the answers to one. SIGINT and SIGTERM stop what runs.
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { engines, openUnsafeHost, runInBox, type StageTask, type ViewEntry } from '../../src/compute/index.ts'
import { type Content, folderOf, sha256Of } from '../../src/core/index.ts'
import { type ObjectStore, openObjectStore } from '../../src/data/index.ts'
import type { Answer, Ask, Reply, Request } from './support.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request // written by support.ts
  console.log(JSON.stringify(await serve(request)))
}

async function serve(request: Request): Promise<Reply> {
  const store = openObjectStore(join(request.root, 'store'))
  const place = { workFolder: join(request.root, 'boxes'), storeRoot: store.root }
  if (request.command !== undefined) {
    return { answers: [], command: await runInBox({ ...request.command, workFolder: place.workFolder }) }
  }
  using sandbox = request.engine === 'none' ? openUnsafeHost(place) : await engines[request.engine].open(place)
  const answer = async (ask: Ask): Promise<Answer> => {
    const task = await taskOf(ask, store)
    const startedMs = performance.now()
    const outcome = await sandbox.run(task, store, {
      onOutput: (chunk) => process.stderr.write(chunk),
      signal: stop.signal,
    })
    const tookMs = performance.now() - startedMs
    const texts = await Promise.all(
      [...outcome.outs].map(async ([path, content]) => [path, await textOf(content, store)] as const),
    )
    return { ...outcome, outs: Object.fromEntries(texts), tookMs, policy: sandbox.policy }
  }
  if (request.parallel) return { answers: await Promise.all(request.asks.map(answer)) }
  const answers: Answer[] = []
  for (const ask of request.asks) answers.push(await answer(ask))
  return { answers }
}

async function taskOf(ask: Ask, into: ObjectStore): Promise<StageTask> {
  const view: ViewEntry[] = []
  for (const [path, text] of Object.entries(ask.files ?? {})) {
    view.push({ path, content: await put(text, into), why: path.startsWith('data/') ? 'dep' : 'tracked' })
  }
  const outs = await Promise.all(
    (ask.outs ?? []).map(async (path) => {
      const before = ask.before?.[path]
      return before === undefined ? { path } : { path, before: await put(before, into) }
    }),
  )
  return {
    runId: 'run',
    stage: 'stage',
    commands: ask.commands,
    workingDirectory: ask.workingDirectory ?? '.',
    view,
    outs,
    mounts: ask.mounts ?? [],
    ...(ask.tree === undefined ? {} : { root: { folder: ask.tree, digest: sha256Of(ask.tree) } }),
    ...(ask.gpus === undefined ? {} : { gpus: ask.gpus }),
    variables: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/stage', ...ask.variables },
    limits: { cpus: 2, memoryBytes: 1 << 30, timeMs: 60_000, processes: 256, outputBytes: 1 << 30, ...ask.limits },
    network: ask.network ?? { allowed: [], permitted: [] },
    secrets: (ask.secrets ?? []).map(({ name, value }) => ({ name, value: Buffer.from(value) })),
    harmlessCredentials: new Set(),
    trace: ask.trace ?? false,
    hidden: () => ask.hidden ?? [],
  }
}

/** A text is a file, `#!` makes it executable; a record is a folder of files. */
async function put(value: string | Readonly<Record<string, string>>, into: ObjectStore): Promise<Content> {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    const digest = await into.putBytes(bytes)
    return { kind: 'file', digest, sizeBytes: bytes.length, executable: value.startsWith('#!') }
  }
  const files = await Promise.all(
    Object.entries(value).map(async ([path, text]) => {
      const bytes = Buffer.from(text)
      return { path, digest: await into.putBytes(bytes), sizeBytes: bytes.length, executable: text.startsWith('#!') }
    }),
  )
  return folderOf(files)
}

async function textOf(content: Content, store: ObjectStore): Promise<string | Record<string, string>> {
  const read = async (digest: Extract<Content, { kind: 'file' }>['digest']): Promise<string> =>
    (await store.read(digest, 1 << 20)).toString('latin1')
  if (content.kind === 'file') return content.sizeBytes > 1 << 20 ? `${content.sizeBytes} bytes` : read(content.digest)
  const texts = await Promise.all(content.files.map(async ({ path, digest }) => [path, await read(digest)] as const))
  return Object.fromEntries(texts)
}
