import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { endLateFiles } from './end-of-waiting.ts'

/** A process that waits for one below it, which holds its output. @param last of its arguments */
function waiting(context: TestContext, last: string, script = 'sleep 60; true'): ChildProcess {
  const child = spawn('sh', ['-c', script, 'sh', last], { detached: true })
  context.after(
    () => child.exitCode !== null || child.signalCode !== null || process.kill(-(child.pid ?? 0), 'SIGKILL'),
  )
  return child
}

test('a late test file is killed with what it waits for; what is no test file, or is not late, is left', async (context) => {
  const [late, step] = [waiting(context, 'src/a.test.ts'), waiting(context, 'step.ts')]
  const files: string[] = []
  const told = (file: string): void => void files.push(file)
  {
    using _ = endLateFiles(100, told, 20)
    assert.deepEqual(await once(late, 'close'), [null, 'SIGKILL'])
  }
  const young = waiting(context, 'src/b.test.ts')
  {
    using _ = endLateFiles(3_600_000, told, 5)
    await sleep(50)
  }
  assert.deepEqual([files, step.signalCode, young.signalCode], [['src/a.test.ts'], null, null])
})

/** Of nobody whom the file waits for, in a session of its own. */
const orphan = '(setsid sleep 60 &)'

test('what a test file left behind with its output is killed: with the file when that is late, or when it is late itself', async (context) => {
  const beside = spawn('sleep', ['60'])
  context.after(() => beside.kill())
  const late = waiting(context, 'src/a.test.ts', `${orphan}; sleep 60; true`)
  const over = waiting(context, 'src/b.test.ts', `${orphan}; sleep 0.2`)
  const step = waiting(context, 'step.ts', 'sleep 60 & wait')
  const files: string[] = []
  {
    using _ = endLateFiles(1000, (file, what) => void files.push(`${file} ${what}`), 20)
    assert.deepEqual(await Promise.all([once(late, 'close'), once(over, 'close')]), [
      [null, 'SIGKILL'],
      [0, null],
    ])
  }
  assert.deepEqual(files.toSorted(), ['src/a.test.ts late', 'src/b.test.ts left'])
  assert.deepEqual(
    [beside, step].map(({ exitCode, signalCode }) => exitCode ?? signalCode),
    [null, null],
  )
})
