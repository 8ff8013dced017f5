/**
 * Hashing a tree: our ingestion and our no-change check against `sha256sum` on all cores, as ratios, in one run.
 *
 *     node bench/hashing.ts        small files and large files over three sizes each; a minute and 2 GB of disk
 *
 * `first` has nothing remembered and an empty store (it also writes every byte), `digest` reads and writes nothing,
 * `again` has everything remembered. The page cache is warm for both sides. Medians of three; `first` is one run.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestPath, ingestPath, openObjectStore, openStatCache } from '../src/data/index.ts'

export type Hashed = Readonly<{
  what: string
  files: number
  bytes: number
  peerMs: number
  digestMs: number
  firstMs: number
  againMs: number
}>

const rounds = 3

async function timed(work: () => unknown): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

async function median(work: () => unknown): Promise<number> {
  await work()
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) times.push(await timed(work))
  return times.toSorted((left, right) => left - right)[Math.floor(rounds / 2)] ?? Number.NaN
}

/** Every file has bytes of its own; dated back, so that a fresh file is not taken for one still being written. */
function makeTree(root: string, files: number, sizeBytes: number): void {
  mkdirSync(root)
  const block = Buffer.alloc(sizeBytes)
  const old = new Date('2026-01-01')
  for (let index = 0; index < files; index += 1) {
    block.write(`file ${index} `)
    const folder = join(root, String(index % 100))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, String(index)), block)
    utimesSync(join(folder, String(index)), old, old)
  }
}

async function measureTree(what: string, files: number, sizeBytes: number): Promise<Hashed> {
  const base = mkdtempSync(join(tmpdir(), 'assay-bench-hashing-'))
  try {
    const data = join(base, 'data')
    makeTree(data, files, sizeBytes)
    const store = openObjectStore(join(base, 'objects'))
    using cache = openStatCache(join(base, 'stat.sqlite'))
    // The ctime cannot be dated back: the clock is set ahead instead.
    const now = (): number => Date.now() + 10_000
    const cores = String(availableParallelism())
    const script = `find data -type f -print0 | xargs -0 -P${cores} -n200 sha256sum > /dev/null`
    const peer = (): unknown => execFileSync('sh', ['-c', script], { cwd: base })
    return {
      what,
      files,
      bytes: files * sizeBytes,
      peerMs: await median(peer),
      digestMs: await median(() => digestPath(data)),
      firstMs: await timed(() => ingestPath(data, store, { cache, now })),
      againMs: await median(() => ingestPath(data, store, { cache, now })),
    }
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

export async function* measureHashing(): AsyncGenerator<Hashed> {
  for (const files of [1000, 10_000, 50_000]) yield await measureTree(`${files} x 4 KiB`, files, 4096)
  for (const mebibytes of [16, 64, 256]) yield await measureTree(`2 x ${mebibytes} MiB`, 2, mebibytes * 2 ** 20)
}

async function main(): Promise<void> {
  console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`)
  console.log('times in ms; a ratio below 1 means faster than sha256sum on all cores\n')
  console.log('tree                 sha256sum    digest  ratio     first  ratio     again  ratio')
  for await (const { what, peerMs, digestMs, firstMs, againMs } of measureHashing()) {
    const cells = [digestMs, firstMs, againMs].map(
      (ms) => `${ms.toFixed(0).padStart(9)} ${(ms / peerMs).toFixed(2).padStart(6)}`,
    )
    console.log(`${what.padEnd(20)} ${peerMs.toFixed(0).padStart(9)} ${cells.join(' ')}`)
  }
}

if (import.meta.main) await main()
