import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { treeOf } from '../../src/compute/bubblewrap/process-facts.fs.ts'
import type { EngineName } from '../../src/core/index.ts'
import { type Ask, type Driver, driverOf, folderFor, identities, startDriver } from './support.ts'

/** Processes of this machine whose command line holds the text. */
function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
      } catch {
        return false // ended meanwhile
      }
    })
    .map(Number)
}

/** Daemons that ignore every signal that can be ignored, in sessions of their own. */
function stubborn(marker: string): Ask {
  const daemon = `import os, signal, time
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            if number not in (9, 19):
                try: signal.signal(number, signal.SIG_IGN)
                except OSError: pass
        if os.fork() == 0:
            while True: time.sleep(1)
        while True: time.sleep(1)
print("started", flush=True)
time.sleep(600)
`
  return { files: { 'daemons.py': daemon }, commands: [`python3 daemons.py ${marker}`] }
}

async function untilStarted(said: () => string): Promise<void> {
  for (let waitedMs = 0; !said().includes('started') && waitedMs < 15_000; waitedMs += 20) await sleep(20)
  assert.match(said(), /started/)
}

async function untilGone(marker: string): Promise<void> {
  for (let waitedMs = 0; processesWith(marker).length > 0 && waitedMs < 3000; waitedMs += 20) await sleep(20)
  assert.deepEqual(processesWith(marker), [])
}

/** What a driver has started: a kernel of the stage's own shows none of its processes by name. */
function processesBelow({ process: { pid = 0 } }: Driver): readonly number[] {
  return treeOf(pid).filter((each) => each !== pid)
}

/** So that to find none of them later says something; a kernel of the stage's own has few. */
function assertMany(pids: readonly number[], engine: EngineName): void {
  assert.ok(pids.length >= (engine === 'gvisor' ? 3 : 20), `${pids.length}`)
}

async function untilOver(pids: readonly number[]): Promise<void> {
  const left = (): readonly number[] => pids.filter((pid) => existsSync(`/proc/${pid}/exe`))
  for (let waitedMs = 0; left().length > 0 && waitedMs < 3000; waitedMs += 20) await sleep(20)
  assert.deepEqual(left(), [])
}

/** The same for each engine: what holds a stage to its limits, and what is left when it has ended. */
export function describeLimits(engine: EngineName): void {
  describe(`limits of a sandbox (${engine})`, { concurrency: 2 }, () => limitsOf(engine))
}

function limitsOf(engine: EngineName): void {
  const { drive, driveOne } = driverOf(engine)
  for (const identity of identities) {
    describe(`as ${identity}`, () => {
      test('a time limit ends the command and its stubborn daemons', async (context) => {
        const marker = `marker-time-${identity}-${process.pid}`
        const { end, resources } = await driveOne(identity, context, { ...stubborn(marker), limits: { timeMs: 1500 } })
        assert.deepEqual(end, { kind: 'limit', limit: 'time', because: 'it ran longer than 1500 ms' })
        assert.deepEqual(processesWith(marker), [], 'nothing is alive when the outcome is there')
        assert.ok(resources.wallMs < 6000)
      })

      test('a command that ends well leaves no daemon behind', async (context) => {
        const marker = `marker-end-${identity}-${process.pid}`
        const [ask] = [stubborn(marker)]
        const answer = await driveOne(identity, context, {
          ...ask,
          commands: [`python3 daemons.py ${marker} & sleep 0.5`],
        })
        assert.deepEqual(answer.end, { kind: 'exited', code: 0 })
        assert.deepEqual(processesWith(marker), [])
      })

      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        test(`${signal}, to the whole process group as a terminal sends it, cancels the stage, daemons included`, async (context) => {
          const marker = `marker-${signal}-${identity}-${process.pid}`
          const root = folderFor(identity, context)
          const driver = startDriver(identity)
          const reply = driver.ask({ root, engine, asks: [stubborn(marker)] })
          await untilStarted(driver.said)
          const alive = processesBelow(driver)
          assertMany(alive, engine)
          process.kill(-(driver.process.pid ?? 0), signal)
          assert.deepEqual((await reply).answers[0]?.end, { kind: 'cancelled' })
          assert.deepEqual(processesWith(marker), [])
          await untilOver(alive)
          assert.deepEqual(readdirSync(join(root, 'boxes')), [])
          driver.process.stdin?.end()
          await driver.done
        })
      }

      test('kill -9 of assay itself leaves no process, and the next run sweeps the rest', async (context) => {
        const marker = `marker-kill-${identity}-${process.pid}`
        const root = folderFor(identity, context)
        const driver = startDriver(identity)
        const reply = driver.ask({ root, engine, asks: [stubborn(marker)] }).catch(() => undefined)
        await untilStarted(driver.said)
        const alive = processesBelow(driver)
        assertMany(alive, engine)
        driver.process.kill('SIGKILL')
        await driver.done
        await reply
        await untilGone(marker)
        await untilOver(alive)
        const [left] = readdirSync(join(root, 'boxes'))
        assert.ok(left !== undefined, 'the box is still there')
        const [place, ...groups] = [
          ...linesOf(join(root, 'boxes', left, 'place')),
          ...linesOf(join(root, 'boxes', left, 'groups')),
        ]
        assert.ok(place !== undefined)
        await untilGone(place) // the watch for opens names a file of the box
        await driveOne(identity, context, { commands: ['true'] }, { root })
        assert.deepEqual(readdirSync(join(root, 'boxes')), [])
        assert.deepEqual(
          groups.filter((group) => existsSync(group)),
          [],
        )
      })

      test('a memory hog is stopped, and what fits is not', async (context) => {
        const hold = (mib: number): string =>
          `python3 -c "b = bytearray(${mib} << 20); import time; b[::4096] = b'x' * len(b[::4096]); time.sleep(0.3); print('held')"`
        const limits = { memoryBytes: 200 << 20 }
        const [hog, modest, shared] = await drive(identity, context, [
          { commands: [hold(600)], limits },
          { commands: [hold(60)], limits },
          {
            commands: [
              'head -c 600M /dev/zero > /dev/shm/x; head -c 600M /dev/zero > /tmp/x; sleep 1; test $(($(stat -c %s /tmp/x) + $(stat -c %s /dev/shm/x))) -le 230000000',
            ],
            limits,
          },
        ])
        assert.equal(hog?.end.kind === 'limit' && hog.end.limit, 'memory', JSON.stringify(hog?.end))
        assert.deepEqual(modest?.end, { kind: 'exited', code: 0 })
        assert.notDeepEqual(shared?.end, { kind: 'exited', code: 1 }, 'memory file systems count as memory')
      })

      test('a limit that a shell outlives is no success', async (context) => {
        const hold = (mib: number): string =>
          `python3 -c "import time; b = b'x' * (${mib} << 20); time.sleep(1)" || echo 'went on'; echo half > out/model; exit 0`
        const forks = (count: number): string =>
          `python3 -c "import os, time
for _ in range(${count}):
  try:
    if os.fork() == 0: time.sleep(1.5); os._exit(0)
  except OSError: pass
time.sleep(1)" ; exit 0`
        const memory = { memoryBytes: 100 << 20 }
        const ask = (command: string, limits: Ask['limits']): Ask => ({
          commands: [command],
          outs: ['out/model'],
          ...(limits === undefined ? {} : { limits }),
        })
        const answers = await drive(identity, context, [
          ask(hold(400), memory),
          ask(hold(20), memory),
          ask(forks(60), { processes: 20 }),
          ask(forks(5), { processes: 20 }),
        ])
        assert.deepEqual(
          answers.map(({ end }) => (end.kind === 'limit' ? end.limit : end.kind)),
          ['memory', 'exited', 'processes', 'exited'],
        )
      })

      test('a fork bomb is stopped, and its neighbours are not', async (context) => {
        const bomb =
          'import os, time\nwhile True:\n  try:\n    os.fork()\n  except OSError:\n    time.sleep(2); os._exit(5)\n'
        const [bombed, modest] = await drive(identity, context, [
          { files: { 'bomb.py': bomb }, commands: ['python3 bomb.py'], limits: { processes: 40, timeMs: 10_000 } },
          { commands: ['for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2 & done; wait'], limits: { processes: 40 } },
        ])
        assert.equal(bombed?.end.kind === 'limit' && bombed.end.limit, 'processes', JSON.stringify(bombed?.end))
        assert.ok((bombed?.resources.processesPeak ?? 0) <= 46, `${bombed?.resources.processesPeak}`)
        assert.deepEqual(modest?.end, { kind: 'exited', code: 0 })
      })

      test('a disk filler is stopped, by one file or by many, in an out, beside it, or with /tmp', async (context) => {
        const limits = { outputBytes: 20 << 20 }
        const outs = ['out/a.bin']
        const answers = await drive(identity, context, [
          { commands: ['head -c 50M /dev/zero > out/a.bin'], outs, limits },
          { commands: ['for i in 1 2 3 4 5; do head -c 8M /dev/zero > out/$i; done; sleep 5'], outs, limits },
          {
            commands: ['mkdir -p out/x/y; for i in 1 2 3 4 5; do head -c 8M /dev/zero > out/x/y/$i; done'],
            outs,
            limits,
          },
          { commands: ['head -c 12M /dev/zero > out/a.bin; head -c 12M /dev/zero > /tmp/a; sleep 5'], outs, limits },
          { commands: ['head -c 15M /dev/zero > out/a.bin'], outs, limits },
          { commands: ['head -c 6M /dev/zero > out/a.bin; head -c 6M /dev/zero > /tmp/a; sleep 1'], outs, limits },
        ])
        assert.deepEqual(
          answers.map(({ end }) => (end.kind === 'limit' ? end.limit : end.kind)),
          // the /tmp of a kernel of the stage's own is its memory, and counts as such alone
          ['output', 'output', 'output', engine === 'gvisor' ? 'exited' : 'output', 'exited', 'exited'],
        )
      })

      test('a disk filler that hides is stopped: in empty files, in a folder that it closed, deeper than a path reaches, deleted, held by a process that hides', async (context) => {
        const fill = (where: string): Ask => ({
          files: {
            'fill.py': `import os, time\n${where}\nfor i in range(8): open('f%d' % i, 'wb').write(b'x' * size)\ntime.sleep(4)\n`,
          },
          commands: ['python3 fill.py'],
          outs: ['out/a.bin'],
          limits: { outputBytes: 20 << 20 },
        })
        const down = (levels: number): string =>
          `os.chdir('out')\nfor _ in range(${levels}): os.mkdir('d' * 200); os.chdir('d' * 200)`
        const inMemory = (count: number): string => `for i in range(${count}): os.mknod('/tmp/e%d' % i)`
        const undumpable =
          "import ctypes\nsize = 1\nctypes.CDLL(None).prctl(4, 0)\nos.chdir('out')\nkeep = [open('u%d' % i, 'wb') for i in range(8)]\nfor i, file in enumerate(keep): os.unlink('u%d' % i); file.write(b'x' * (8 << 20)); file.flush()"
        const answers = await drive(identity, context, [
          fill(`size = 8 << 20\n${down(40)}`),
          fill("size = 8 << 20\nos.mkdir('out/shut'); os.chdir('out/shut'); os.chmod('.', 0o300)"),
          fill(
            "size = 1\nos.chdir('out')\nkeep = [open('u%d' % i, 'wb') for i in range(8)]\nfor i, file in enumerate(keep): os.unlink('u%d' % i); file.write(b'x' * (8 << 20)); file.flush()",
          ),
          fill(undumpable),
          fill("size = 0\nos.chdir('out')\nfor i in range(6000): os.mknod('e%d' % i)"),
          fill(`size = 0\n${inMemory(24_000)}\nos.chdir('out')`),
          {
            ...fill(`size = 1 << 20\n${inMemory(8000)}\n${down(5)}`),
            // the honest twin; processes that come and go are none that hide
            commands: ['python3 fill.py & i=0; while [ $i -lt 500 ]; do (true); i=$((i+1)); done; sleep 1'],
          },
        ])
        assert.deepEqual(
          answers.map(({ end }) => (end.kind === 'limit' ? end.limit : end.kind)),
          // as above of a kernel of the stage's own
          [...Array(5).fill('output'), engine === 'gvisor' ? 'exited' : 'output', 'exited'],
        )
      })

      test('a stage that reads and writes more than it may in all is stopped; one that is ahead of its rate waits, and comes to its end', async (context) => {
        const writing = (times: number): Ask => ({
          commands: [`for i in $(seq ${times}); do head -c 10M /dev/zero > out/a; sleep 0.1; done; echo done`],
          outs: ['out/a'],
        })
        /** 50 MiB each, gone when the next one starts, of which a parent that ignores the ends counts none. */
        const readers = (count: number, before: string, after: string): Ask => ({
          files: {
            'readers.py': `import os, signal, time\n${before}\nfor _ in range(${count}):\n  pid = os.fork()\n  if pid == 0:\n    file = open('/dev/zero', 'rb', buffering=0)\n    for _ in range(50): file.read(1 << 20)\n    time.sleep(0.3); os._exit(0)\n  ${after}\n`,
          },
          commands: ['python3 readers.py'],
          limits: { ioBytes: before === '' ? 600 << 20 : 250 << 20, timeMs: 60_000 },
        })
        // a busy machine looks too seldom to see each of them: they go on until enough were seen
        const unwaitedCount = engine === 'gvisor' ? 8 : 1000
        // root sees what a process hides, and of a kernel of the stage's own nothing is hidden
        const canHide = identity === 'user' && engine !== 'gvisor'
        const hidingSeconds = canHide ? 60 : 1
        const [hog, fast, both, hiding, unwaited, waited] = await drive(identity, context, [
          { ...writing(60), limits: { ioBytes: 100 << 20 } },
          { ...writing(10), limits: { ioBytesPerSecond: 20 << 20 } },
          { ...writing(2), limits: { ioBytes: 100 << 20, ioBytesPerSecond: 100 << 20 } },
          {
            commands: [
              `python3 -c "import ctypes, time; ctypes.CDLL(None).prctl(4, 0); time.sleep(${hidingSeconds})"; echo went on`,
            ],
            limits: { ioBytes: 100 << 20 },
          },
          readers(unwaitedCount, 'signal.signal(signal.SIGCHLD, signal.SIG_IGN)', 'time.sleep(0.5)'),
          readers(8, '', 'os.waitpid(pid, 0)'),
        ])
        assert.equal(hog?.end.kind === 'limit' && hog.end.limit, 'io', JSON.stringify(hog?.end))
        assert.equal(hog?.resources.ioHeldBy, 'supervision')
        // a kernel of the stage's own is one process, and makes its zeros itself
        const [{ end } = {}, unwaitedEnd] = [unwaited, engine === 'gvisor' ? 'exited' : 'io']
        assert.equal(end?.kind === 'limit' ? end.limit : end?.kind, unwaitedEnd, JSON.stringify(end))
        assert.deepEqual(waited?.end, { kind: 'exited', code: 0 })
        assert.deepEqual([fast?.end, both?.end], Array(2).fill({ kind: 'exited', code: 0 }))
        // 100 MiB, of which the first second's come at once: 4 s, unheld 1 s. It waits longer on a busy machine, never shorter,
        // but for what it writes after the last look. Version 2 counts disks, and one file written over stays in memory.
        if (fast?.resources.ioHeldBy !== 'cgroup-v2')
          assert.ok((fast?.resources.wallMs ?? 0) > 2000, `${fast?.resources.wallMs} ms`)
        assert.match(fast?.resources.ioHeldBy ?? '', identity === 'root' ? /^cgroup-v[12]/ : /supervision|cgroup-v2/)
        assert.equal(hiding?.end.kind, canHide ? 'limit' : 'exited', JSON.stringify(hiding?.end))
      })

      test('a stage that prints without end is stopped', async (context) => {
        const { end, log } = await driveOne(identity, context, { commands: ['yes'] })
        assert.deepEqual(end, { kind: 'limit', limit: 'output', because: 'its output is over the limit of a log' })
        assert.ok(log.sizeBytes <= 256 << 20)
      })
    })
  }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
}
