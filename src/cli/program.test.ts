import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildProgram } from './program.ts'

/** What the verb was called with. */
async function called(...args: readonly string[]): Promise<readonly string[]> {
  const given: string[] = []
  const invoke = async (_load: unknown, positional: readonly string[]): Promise<void> => void given.push(...positional)
  await buildProgram('1.0.0', invoke, () => undefined).parseAsync([...args], { from: 'user' })
  return given
}

test('refuses a word that is empty, or longer than what is signed may be, before a verb does half of its work', async () => {
  const refused: readonly (readonly [RegExp, ...string[]])[] = [
    [/^`--because` is empty$/, 'data', 'revoke', 'labels', '--because', ''],
    [/^`--because` is empty$/, 'data', 'revoke', 'labels', '--because='],
    [/^`<id>` is empty$/, 'data', 'approve', ''],
    [/^`--because` has 65537 characters, the limit is 65536$/, 'data', 'approve', 'a', '--because', 'x'.repeat(65_537)],
  ]
  for (const [message, ...args] of refused)
    await assert.rejects(called(...args), { code: 'ERR_USAGE', message }, args.slice(0, 3).join(' '))
  assert.deepEqual(await called('data', 'revoke', 'labels', '--because', 'withdrawn'), ['labels'])
  assert.deepEqual(await called('completion', 'bash', 'data', ''), ['bash', 'data', ''], 'TWIN what is typed so far')
})
