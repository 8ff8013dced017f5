import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { endLateFiles } from './end-of-waiting.ts'

/** A process that waits for one below it, which holds its output. @param last of its arguments */
function waiting(context: TestContext, last: string): ChildProcess {
  const child = spawn('sh', ['-c', 'sleep 60; true', 'sh', last], { detached: true })
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
