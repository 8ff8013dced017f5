import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openOutput } from './output.ts'

test('what takes long says for how long, to a person alone, and not beside the answer', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const looked = (isTTY: boolean): string => {
    let shown = ''
    const sink = { isTTY, columns: 30, write: (text: string) => (shown += text) }
    const output = openOutput({ stdout: { write: () => true }, stderr: sink, noColor: true }, false)
    output.progress('looking at a file with a very long name')
    context.mock.timers.tick(12_000)
    output.line('PASSED')
    context.mock.timers.tick(5_000)
    return shown
  }
  const [last = ''] = looked(true).split('\r\u001b[2K').slice(-2)
  assert.equal(last, 'looking at a file with   12 s')
  assert.equal(looked(false), '')
})
