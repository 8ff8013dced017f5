/** The same project run and interrupted over and over, each time at another moment of another run. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { backdate, finishes, litter, placesOf, processesNaming, seeded, start, until } from './interrupt.ts'
import { words } from './projects.ts'
import type { Scratch } from './scratch.ts'

/** A stage that is alive long enough to be hit, with a child of its own. */
export function interruptible(nap: string): Readonly<Record<string, string>> {
  return { ...words, 'src/sort.sh': `sleep ${nap} & sort "$1" > "$2"; sleep 0.15\n` }
}

export type Rounds = Readonly<{
  rounds: number
  seed: number
  /** SIGKILL leaves what the next run sweeps; the others leave nothing. */
  signals: readonly ('SIGKILL' | 'SIGINT' | 'SIGTERM')[]
  /** Only this test's stages sleep so many seconds. */
  nap: string
}>

const exits: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/** @returns how many runs were hit before they had ended */
export async function interruptAndFinish(project: Scratch, { rounds, seed, signals, nap }: Rounds): Promise<number> {
  const random = seeded(seed)
  await finishes(project)
  const expected = project.read('model/count.txt')
  const longestMs = await duration(project)
  let hit = 0
  for (let round = 0; round < rounds; round += 1) {
    const signal = signals[Math.floor(random() * signals.length)] ?? 'SIGKILL'
    const afterMs = Math.round(random() * longestMs)
    const force = random() < 0.6 ? ['--force'] : []
    if (force.length === 0) throwAwayState(project, random)
    const where = `seed ${seed}, round ${round}: ${signal} after ${afterMs} ms`
    const { child, ended } = start(project, 'run', ...force)
    await wait(afterMs)
    const wasAlive = child.kill(signal)
    const { code, stderr } = await ended
    if (wasAlive && code !== 0) hit += 1
    const places = placesOf(project)
    if (signal !== 'SIGKILL' && code !== 0) {
      // before the tool runs, the signal itself ends the launcher
      assert.ok(code === exits[signal] || child.signalCode === signal, `${where}: ${code}\n${stderr}`)
      assert.deepEqual([litter(project), places], [[], []], where)
    }
    await until(`${where}: nothing of it is alive`, () => processesNaming(nap).length === 0)
    await finishes(project, ...force)
    assert.deepEqual(places.filter(existsSync), [], where)
    assert.equal(project.read('model/count.txt'), expected, where)
  }
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(project.root))
  for (const folder of ['tmp', 'holds']) backdate(join(project.root, '.assay/objects', folder))
  await finishes(project)
  for (const folder of ['objects/tmp', 'objects/holds', 'tmp', 'boxes'])
    assert.deepEqual(readdirSync(join(project.root, '.assay', folder)), [], folder)
  execFileSync('git', ['fsck', '--strict'], { cwd: project.root, stdio: 'ignore' })
  return hit
}

/** How long a whole run takes here and now, and a little more. */
async function duration(project: Scratch): Promise<number> {
  const startedMs = performance.now()
  await project.json(0, 'run', '--force')
  return (performance.now() - startedMs) * 1.1
}

/** Another kind of bad day before the same command: the lock, an out or the whole state is gone. */
function throwAwayState(project: Scratch, random: () => number): void {
  const [path = 'out'] = [['assay.lock', 'out', 'model', '.assay'][Math.floor(random() * 4)] ?? 'out']
  execFileSync('rm', ['-rf', join(project.root, path)])
}
