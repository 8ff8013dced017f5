/** A person at a terminal. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assayProgram, type Scratch, scratchEnvironment } from './scratch.ts'

/** A person at a terminal of their own: `script` makes it, what is typed and shown goes through pipes. */
export function sitDown(context: TestContext, project: Scratch, command: string) {
  const child = spawn(
    'script',
    ['--quiet', '--return', '--command', `stty rows 41 cols 123; ${command}`, '/dev/null'],
    {
      cwd: project.root,
      env: { ...scratchEnvironment(project.keys), TERM: 'xterm', assay: assayProgram },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  context.after(() => child.kill('SIGKILL'))
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  const left = new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    shown: () => shown,
    left,
    type: (keys: string) => child.stdin.write(keys),
    async until(text: RegExp): Promise<void> {
      const deadline = Date.now() + 20_000
      while (!text.test(shown)) {
        assert.ok(Date.now() < deadline, `${text} did not show:\n${JSON.stringify(shown)}`)
        await sleep(20)
      }
    },
  }
}
