/** Goal: a repository with 100,000 tracked files is adopted, looked at and run, in bounded memory. Some four minutes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assayProgram, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

const files = 100_000
/** LIMIT: 1 GiB for the process that the user sees, some 10 KiB a file. */
const maxPeakBytes = 1024 ** 3

/** Runs a verb to its end; the most memory that its process held (VmHWM of proc(5), which only grows). */
function peakOf(project: Scratch, ...args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(assayProgram, args, {
      cwd: project.root,
      env: scratchEnvironment(project.keys),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let peak = 0
    const timer = setInterval(() => {
      try {
        const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0
        peak = Math.max(peak, Number(kib) * 1024)
      } catch {
        // INVARIANT: it has ended; what was seen last counts.
      }
    }, 20)
    let said = ''
    child.stderr.on('data', (chunk) => (said += chunk))
    child.on('close', (code) => {
      clearInterval(timer)
      if (code === 0) resolve(peak)
      else reject(new Error(`assay ${args.join(' ')} exited ${code}: ${said.slice(-2000)}`))
    })
  })
}

test(`${files} tracked files, half of them in one dep: init, status, run and verify in bounded memory`, async (context) => {
  const project = scratch(context, {
    'dvc.yaml':
      'stages:\n  count:\n    cmd: find data -type f | wc -l > out/count\n    deps: [data]\n    outs: [out/count]\n',
    '.gitignore': '/out\n',
  })
  for (let folder = 0; folder < 200; folder += 1) {
    const path = join(project.root, folder % 2 === 0 ? 'data' : 'docs', String(folder))
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < files / 200; file += 1) writeFileSync(join(path, `${file}.txt`), `${folder} ${file}\n`)
  }
  project.commit('many files')
  const peaks: Record<string, number> = {}
  for (const words of [
    'init --yes --commit',
    'status',
    'run',
    'run',
    'status --check',
    'verify out/count',
    'run --rehash',
  ])
    peaks[words] = Math.max(peaks[words] ?? 0, await peakOf(project, ...words.split(' ')))
  assert.equal(project.read('out/count'), '50000\n')
  const told = Object.entries(peaks).map(([verb, bytes]) => `${verb}: ${Math.round(bytes / 1024 ** 2)} MiB`)
  console.log(`${files} files: ${told.join(', ')}`)
  for (const [verb, bytes] of Object.entries(peaks)) assert.ok(bytes < maxPeakBytes, `${verb} held ${bytes} bytes`)
})
