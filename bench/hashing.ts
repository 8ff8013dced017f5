/**
 * Hashing and storing a tree: ours against `dvc add`, a bare loop of `crypto.hash` in as many workers, `openssl`.
 *
 * `hash` reads and writes nothing, `store` has an empty store and writes every byte, `again` has everything remembered.
 * The page cache is warm for both sides. coreutils' `sha256sum` is no yardstick: it is four times slower than OpenSSL.
 */
import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { heading, measure, medianOf, row, runOnce, type Timed } from './measure.ts'
import { base, makeFiles, peer, remove, run } from './scratch.ts'
import { shippedData } from './shipped.ts'

async function here(work: () => unknown): Promise<Timed> {
  const before = process.cpuUsage()
  const startedMs = performance.now()
  await work()
  const ms = performance.now() - startedMs
  const { user, system } = process.cpuUsage(before)
  return { ms, cpuMs: (user + system) / 1000, peakKib: 0 }
}

async function turns(rounds: number, ...works: readonly (() => unknown)[]): Promise<readonly Timed[]> {
  const taken = works.map((): Timed[] => [])
  for (let round = 0; round <= rounds; round += 1)
    for (const [index, work] of works.entries()) {
      const timed = await here(work)
      if (round > 0) taken[index]?.push(timed)
    }
  return taken.map(medianOf)
}

const bareLoop = `
const { parentPort } = require('node:worker_threads')
const { readFileSync } = require('node:fs')
const { hash } = require('node:crypto')
parentPort.on('message', (files) => {
  for (const file of files) hash('sha256', readFileSync(file), 'hex')
  parentPort.postMessage(files.length)
})`

/** What Node can do at best: read and hash, nothing kept, the files shared out beforehand. */
async function bare(files: readonly string[]): Promise<void> {
  const count = availableParallelism()
  const workers = Array.from({ length: count }, () => new Worker(bareLoop, { eval: true }))
  await Promise.all(
    workers.map((worker, index) => {
      worker.postMessage(files.filter((_, at) => at % count === index))
      return new Promise((resolve) => worker.once('message', resolve))
    }),
  )
  await Promise.all(workers.map((worker) => worker.terminate()))
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

async function tree(count: number): Promise<void> {
  const { digestPath, ingestPath, openObjectStore, openStatCache } = await shippedData()
  const root = join(base, `hash-${count}`)
  const data = join(root, 'data')
  mkdirSync(data, { recursive: true })
  makeFiles(data, count, 4096)
  const files = filesIn(data)
  const rounds = count > 50_000 ? 1 : 3
  const [hashed, loop] = await turns(
    rounds,
    () => digestPath(data),
    () => bare(files),
  )
  if (hashed === undefined || loop === undefined) throw new Error('nothing was measured')
  const isLargest = count === 100_000
  const bareGoal = { text: 'within 1.2 times a bare loop', met: hashed.ms <= 1.2 * loop.ms }
  row({ what: `${count} x 4 KiB: hash`, ours: hashed, peer: 'bare crypto.hash', theirs: loop, goal: bareGoal })

  // The ctime cannot be dated back: the clock is set ahead instead.
  const now = (): number => Date.now() + 10_000
  using cache = openStatCache(join(root, 'stat.sqlite'))
  const store = openObjectStore(join(root, 'objects'))
  const stored = await here(() => ingestPath(data, store, { cache, now }))
  const added = dvcAdd(root)
  const addGoal = { text: '10 times faster than dvc add', met: added && stored.ms * 10 <= added.ms }
  const theirs = added === undefined ? {} : { theirs: added }
  row({
    what: `${count} x 4 KiB: store`,
    ours: stored,
    peer: dvcName('dvc add'),
    ...theirs,
    ...(isLargest ? { goal: addGoal } : {}),
  })

  const [again] = await turns(rounds, () => ingestPath(data, store, { cache, now }))
  const status = added === undefined ? undefined : runOnce({ command: ['dvc', 'status', '--quiet'], cwd: root })
  if (again === undefined) throw new Error('nothing was measured')
  const againGoal = isLargest ? { goal: { text: 'under 1 s', met: again.ms < 1000 } } : {}
  const other = status === undefined ? {} : { theirs: status }
  row({ what: `${count} x 4 KiB: nothing changed`, ours: again, peer: dvcName('dvc status'), ...other, ...againGoal })
  remove(root)
}

function dvcName(verb: string): string {
  return peer('dvc') === undefined ? `${verb}: not here` : verb
}

function dvcAdd(root: string): Timed | undefined {
  if (peer('dvc') === undefined) return undefined
  run(['git', 'init', '--quiet'], root)
  run(['dvc', 'init', '--quiet'], root)
  return runOnce({ command: ['dvc', 'add', '--quiet', 'data'], cwd: root })
}

/** In a process of its own, so that its memory can be seen. */
function largeFile(mebibytes: number): void {
  const root = join(base, 'large')
  mkdirSync(root)
  const file = join(root, 'large.bin')
  const fd = openSync(file, 'w')
  const block = Buffer.alloc(2 ** 20)
  for (let index = 0; index < mebibytes; index += 1) {
    block.writeUInt32LE(index)
    writeSync(fd, block)
  }
  closeSync(fd)
  const hasher = JSON.stringify(join(import.meta.dirname, '../src/data/hash-files.fs.ts'))
  const script = `import { hashFiles } from ${hasher}
const [, , file, size, md5] = process.argv
await hashFiles([file], { scheme: 'sha256', sizes: [Number(size)], md5: md5 === 'md5' })
`
  const program = join(root, 'digest.mjs')
  writeFileSync(program, script)
  const node = [process.execPath, program, file, String(mebibytes * 2 ** 20)]
  const contenders = [
    { name: 'sha256', command: node, cwd: root },
    { name: 'both', command: [...node, 'md5'], cwd: root },
    { name: 'openssl', command: ['openssl', 'dgst', '-sha256', file], cwd: root },
  ]
  const [mine, both, theirs] = measure(contenders, 3)
  if (mine === undefined || both === undefined || theirs === undefined) throw new Error('nothing was measured')
  for (const [what, ours] of [
    ['hash', mine],
    ['SHA-256 and MD5 in one read', both],
  ] as const) {
    const met = ours.ms <= 1.1 * theirs.ms && ours.peakKib < 150 * 1024
    row({
      what: `one file of ${mebibytes} MiB: ${what}`,
      ours,
      peer: 'openssl dgst -sha256',
      theirs,
      ...(mebibytes === 2048 ? { goal: { text: 'within 1.1 times openssl, under 150 MB', met } } : {}),
      note: `peak ${(ours.peakKib / 1024).toFixed(0)} MiB`,
    })
  }
  remove(root)
}

export async function hashing(): Promise<void> {
  heading('Hashing: many small files, and one large one')
  for (const count of [1000, 10_000, 100_000]) await tree(count)
  for (const mebibytes of [128, 512, 2048]) largeFile(mebibytes)
}
