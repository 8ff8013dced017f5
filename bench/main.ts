/**
 * What a user feels, as ratios to what he would use instead, measured in one go on one machine.
 *
 * The peers are those that are here: `dvc` from PATH (or ASSAY_BENCH_DVC), `sha256sum`, the bare command. A peer that
 * is missing is named, and its column stays empty. Medians; the first of each series warms up and does not count.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'

type Row = Readonly<{ what: string; assayMs: number; peer: string; peerMs?: number }>

const repository = join(import.meta.dirname, '..')
const assay = join(repository, 'bin/assay')
const base = mkdtempSync(join(tmpdir(), 'assay-bench-'))
chmodSync(base, 0o755)
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: join(base, 'home'),
  ASSAY_CONFIG_HOME: join(base, 'home/assay'),
  GIT_CONFIG_NOSYSTEM: '1',
  LANG: 'C.UTF-8',
}
const dvc = process.env['ASSAY_BENCH_DVC'] ?? 'dvc'
const hasDvc = spawnSync(dvc, ['--version'], { env: environment }).status === 0

function run(command: readonly string[], cwd = base): void {
  const [program = '', ...rest] = command
  const outcome = spawnSync(program, rest, { cwd, env: environment, encoding: 'utf8' })
  if (outcome.status !== 0) throw new Error(`${command.join(' ')} exited ${outcome.status}:\n${outcome.stderr}`)
}

/** Median of `times` runs, milliseconds. */
function measure(command: readonly string[], cwd = base, times = 5): number {
  run(command, cwd)
  const taken = Array.from({ length: times }, () => {
    const startedAt = performance.now()
    run(command, cwd)
    return performance.now() - startedAt
  })
  return taken.toSorted((left, right) => left - right)[Math.floor(times / 2)] ?? Number.NaN
}

function once(command: readonly string[], cwd: string): number {
  const startedAt = performance.now()
  run(command, cwd)
  return performance.now() - startedAt
}

function project(
  name: string,
  files: Readonly<Record<string, string>>,
  fill: (root: string) => void = () => {},
): string {
  const root = join(base, name)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  fill(root)
  run(['git', 'init', '--quiet'], root)
  run(['git', 'config', 'user.name', 'Bench'], root)
  run(['git', 'config', 'user.email', 'bench@example.org'], root)
  if (hasDvc) run([dvc, 'init', '--quiet'], root)
  run(['git', 'add', '--all'], root)
  run(['git', 'commit', '--quiet', '--message', 'bench'], root)
  run([assay, 'init', '--yes', '--commit'], root)
  return root
}

/** The same no-change check by DVC, in the same project, after its own first run. */
function dvcNoChange(root: string): Pick<Row, 'peer' | 'peerMs'> {
  if (!hasDvc) return { peer: 'dvc repro: not here' }
  run([dvc, 'repro', '--quiet'], root)
  return { peer: 'dvc repro', peerMs: measure([dvc, 'repro', '--quiet'], root) }
}

const chain = {
  'dvc.yaml': `stages:
  a: {cmd: cp in.txt a.txt, deps: [in.txt], outs: [a.txt]}
  b: {cmd: cp a.txt b.txt, deps: [a.txt], outs: [b.txt]}
  c: {cmd: cp b.txt c.txt, deps: [b.txt], outs: [c.txt]}
  d: {cmd: cp c.txt d.txt, deps: [c.txt], outs: [d.txt]}
`,
  'in.txt': 'in\n',
  '.gitignore': '/[a-d].txt\n',
}

function benchChain(): readonly Row[] {
  const root = project('chain', chain)
  const force = measure([assay, 'run', '--force'], root)
  return [
    {
      what: 'start of a trivial verb',
      assayMs: measure([assay, '--version'], root, 15),
      peer: 'node -e 0',
      peerMs: measure([process.execPath, '-e', '0'], root, 15),
    },
    {
      what: '4 trivial stages, run again',
      assayMs: force,
      peer: 'the bare commands',
      peerMs: measure(['sh', '-c', 'cp in.txt a.txt; cp a.txt b.txt; cp b.txt c.txt; cp c.txt d.txt'], root),
    },
    { what: '4 stages, nothing changed', assayMs: measure([assay, 'run'], root), ...dvcNoChange(root) },
    { what: 'verify a chain of 4 statements', assayMs: measure([assay, 'verify', 'd.txt'], root), peer: '' },
  ]
}

const counting = {
  'dvc.yaml': 'stages:\n  count: {cmd: ls data | wc -l > n.txt, deps: [data], outs: [n.txt]}\n',
  '.gitignore': '/data\n/n.txt\n',
}

/** Growth: a folder of small files, over three sizes. */
function benchFolder(count: number): readonly Row[] {
  const root = project(`folder-${count}`, counting, (folder) => {
    mkdirSync(join(folder, 'data'))
    const content = 'x'.repeat(4096)
    for (let index = 0; index < count; index += 1)
      writeFileSync(join(folder, 'data', `${index}.txt`), `${index}${content}`)
  })
  const first = once([assay, 'run'], root)
  const hashing = once(['sh', '-c', 'find data -type f -print0 | xargs -0 -P2 -n500 sha256sum > /dev/null'], root)
  return [
    { what: `${count} files of 4 KiB, first run`, assayMs: first, peer: 'sha256sum on 2 cores', peerMs: hashing },
    {
      what: `${count} files of 4 KiB, nothing changed`,
      assayMs: measure([assay, 'run'], root, 3),
      ...dvcNoChange(root),
    },
  ]
}

/** Growth: one large file, over three sizes. */
function benchFile(mebibytes: number): readonly Row[] {
  const root = project(`file-${mebibytes}`, counting, (folder) => {
    mkdirSync(join(folder, 'data'))
    const fd = openSync(join(folder, 'data/large.bin'), 'w')
    const block = Buffer.alloc(2 ** 20)
    for (let index = 0; index < mebibytes; index += 1) {
      block.writeUInt32LE(index)
      writeSync(fd, block)
    }
  })
  const first = once([assay, 'run'], root)
  return [
    {
      what: `one file of ${mebibytes} MiB, first run`,
      assayMs: first,
      peer: 'sha256sum',
      peerMs: once(['sha256sum', 'data/large.bin'], root),
    },
  ]
}

function print({ what, assayMs, peer, peerMs }: Row): void {
  const ratio = peerMs === undefined ? '' : `${(assayMs / peerMs).toFixed(2)} x`
  const other = peerMs === undefined ? peer : `${peerMs.toFixed(0)} ms ${peer}`
  console.log(`${what.padEnd(40)} ${assayMs.toFixed(0).padStart(7)} ms   ${other.padEnd(32)} ${ratio}`)
}

function main(): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim()
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, commit ${commit}\n`)
  try {
    for (const row of benchChain()) print(row)
    for (const count of [1000, 4000, 16_000]) for (const row of benchFolder(count)) print(row)
    for (const mebibytes of [64, 256, 1024]) for (const row of benchFile(mebibytes)) print(row)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

main()
