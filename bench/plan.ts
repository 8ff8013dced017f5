/**
 * How long it takes to plan a matrix, and how much memory: the whole process of `assay status --json --plan`, three
 * sizes, with DVC beside it where it is here (`dvc` on PATH, or ASSAY_BENCH_DVC).
 *
 *     node bench/plan.ts        exits 1 when 4,172 stages take 5 s of processor time or 300 MB
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

const assay = join(import.meta.dirname, '../bin/assay')
const dvc = process.env['ASSAY_BENCH_DVC'] ?? 'dvc'
const budget = { seconds: 5, megabytes: 300 }
/** 4 models, 7 sizes and so many seeds; 149 seeds are 4,172 stages. */
const seeds = [15, 149, 600] as const

type Cost = Readonly<{ wallSeconds: number; cpuSeconds: number; megabytes: number }>

function matrixProject(root: string, count: number): void {
  mkdirSync(join(root, '.dvc'), { recursive: true })
  spawnSync('git', ['init', '--quiet'], { cwd: root })
  writeFileSync(join(root, '.dvc/config'), '')
  writeFileSync(
    join(root, 'params.yaml'),
    `lr: 0.1\nseeds: [${Array.from({ length: count }, (_, seed) => seed).join(', ')}]\n`,
  )
  const item = (name: string): string => `\${item.${name}}`
  const key = `${item('model')}-${item('size')}-${item('seed')}`
  writeFileSync(
    join(root, 'dvc.yaml'),
    `stages:
  train:
    matrix: {model: [a, b, c, d], size: [1, 2, 3, 4, 5, 6, 7], seed: "\${seeds}"}
    cmd: python train.py ${item('model')} ${item('size')} ${item('seed')}
    deps: [train.py, data]
    params: [lr]
    outs:
    - models/${key}.bin
    metrics:
    - metrics/${key}.json:
        cache: false
`,
  )
}

/** Median of three by processor time, which other work on the machine changes least. */
function cost(command: readonly string[], cwd: string, times: number): Cost | undefined {
  const costs = Array.from({ length: times }, () => once(command, cwd))
  if (costs.some((one) => one === undefined)) return undefined
  const known = costs.flatMap((one) => one ?? [])
  return known.toSorted((left, right) => left.cpuSeconds - right.cpuSeconds)[Math.floor(times / 2)]
}

function once(command: readonly string[], cwd: string): Cost | undefined {
  const report = join(cwd, '.time')
  const startedAt = performance.now()
  const { status } = spawnSync('time', ['-f', '%U %S %M', '-o', report, ...command], { cwd, stdio: 'ignore' })
  if (status !== 0) return undefined
  const [user = 0, system = 0, kilobytes = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number)
  return { wallSeconds: (performance.now() - startedAt) / 1000, cpuSeconds: user + system, megabytes: kilobytes / 1024 }
}

function shown(cost: Cost | undefined): string {
  if (cost === undefined) return 'not here'
  return `${cost.wallSeconds.toFixed(2)} s, ${cost.cpuSeconds.toFixed(2)} s of CPU, ${cost.megabytes.toFixed(0)} MB`
}

function main(): void {
  const base = mkdtempSync(join(tmpdir(), 'assay-bench-plan-'))
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`)
  try {
    for (const count of seeds) {
      const root = join(base, String(count))
      matrixProject(root, count)
      const own = cost([assay, 'status', '--json', '--plan'], root, 3)
      // DVC takes minutes for the larger ones: its smallest is enough to compare.
      const theirs = count === seeds[0] ? cost([dvc, 'stage', 'list', '--all'], root, 1) : undefined
      const beside = count === seeds[0] ? `; dvc stage list: ${shown(theirs)}` : ''
      console.log(`${String(28 * count).padStart(6)} stages: ${shown(own)}${beside}`)
      const isOver = own === undefined || own.cpuSeconds > budget.seconds || own.megabytes > budget.megabytes
      if (count === 149 && isOver) process.exitCode = 1
    }
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

main()
