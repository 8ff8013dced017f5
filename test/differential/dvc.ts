/** The oracle: a real DVC, pinned with the hashes of all it needs, kept below .cache, answering in one process. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Answer } from './compare.ts'

const lock = join(import.meta.dirname, 'requirements.lock')
const cache = join(import.meta.dirname, '../../.cache/differential')

/** @returns the folder of its programs */
export function installDvc(): string {
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 16)
  const folder = join(cache, `dvc-${digest}`)
  if (!existsSync(join(folder, 'ready'))) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(cache, { recursive: true })
    run('python3', ['-m', 'venv', folder])
    const pip = ['install', '--quiet', '--disable-pip-version-check', '--require-hashes', '-r', lock]
    run(join(folder, 'bin/pip'), pip)
    writeFileSync(join(folder, 'ready'), '')
  }
  return join(folder, 'bin')
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited ${status}:\n${stderr}`)
}

export type Oracle = Readonly<{ ask(root: string): Promise<Answer>; close(): void }>

/** @param home a scratch folder: neither the user's settings nor its own caches may matter */
export function startOracle(home: string): Oracle {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    DVC_NO_ANALYTICS: '1',
    DVC_SITE_CACHE_DIR: join(home, 'site'),
  }
  const script = join(import.meta.dirname, 'oracle.py')
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(join(installDvc(), 'python'), [script], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Answer))
  child.on('exit', (code) => {
    for (const { reject } of waiting) reject(new Error(`the oracle ended with ${code}`))
  })
  return {
    ask: (root) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify(root)}\n`)
      }),
    close: () => child.stdin.end(),
  }
}
