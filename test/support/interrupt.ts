/**
 * A run that is interrupted at a chosen moment, and what it may leave behind: nothing alive, nothing mounted, nothing
 * beside the project that the next run does not sweep.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Ran, type Scratch, scratchEnvironment } from './scratch.ts'

const tool = join(import.meta.dirname, '../../bin/assay')

export type Started = Readonly<{ child: ChildProcess; ended: Promise<Ran> }>

export function start(project: Scratch, ...args: readonly string[]): Started {
  const child = spawn(tool, args, {
    cwd: project.root,
    env: scratchEnvironment(project.keys),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => (stdout += chunk))
  child.stderr?.on('data', (chunk) => (stderr += chunk))
  const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  return { child, ended }
}

/** The same numbers for the same seed: mulberry32, a public-domain generator. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Pids of processes with this word among their arguments, such as a number of seconds that only one test sleeps. */
export function processesNaming(word: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word)
    } catch {
      return false // it has just ended
    }
  })
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    assert.ok(waited < 20_000, what)
    await wait(20)
  }
}

/** Box folders outside the project and control groups that its records name. */
export function placesOf(project: Scratch): readonly string[] {
  const boxes = join(project.root, '.assay/boxes')
  return (existsSync(boxes) ? readdirSync(boxes) : []).flatMap((box) =>
    ['place', 'groups'].flatMap((name) => {
      const file = join(boxes, box, name)
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
    }),
  )
}

/** What lies in the project beside evidence, objects and records: must not grow. */
export function litter(project: Scratch): readonly string[] {
  const state = join(project.root, '.assay')
  // a run that was stopped before it made any state has left nothing
  const found = existsSync(state) ? readdirSync(state, { recursive: true, encoding: 'utf8' }) : []
  const odd = found.filter((path) => /\.tmp$|^boxes\/.|^run\.lock|^runs\/[^/]+$|^environments\/tmp-/.test(path))
  const runs = odd.filter((path) => path.startsWith('runs/') && !found.includes(`${path}/run.json`))
  return [
    ...odd.filter((path) => !path.startsWith('runs/')),
    ...runs,
    ...readdirSync(project.root).filter((name) => name.endsWith('.tmp')),
  ]
}

/** Makes every file below a folder two hours old: what is that old is swept. */
export function backdate(folder: string): void {
  const past = new Date(Date.now() - 7200_000)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), past, past)
}

/** The next run finishes the job, its result is trusted, and nothing is left of those before it. */
export async function finishes(project: Scratch, ...args: readonly string[]): Promise<void> {
  const run = await project.json(0, 'run', ...args)
  assert.deepEqual([run.status, run.level], ['succeeded', 1])
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
  assert.deepEqual(litter(project), [])
}
