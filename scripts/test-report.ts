/** How a failed test is shown: where, what, and why, without the runner's own frames. */
import { inspect } from 'node:util'

/** @param error what node:test gives: an error whose cause is the thrown one */
export function formatFailure(file: string, name: string, error: unknown): string {
  const thrown = error instanceof Error && error.cause !== undefined ? error.cause : error
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : inspect(thrown)
  const lines = text.split('\n').filter((line) => !/^\s+at .*(node:internal|node:async_hooks|node_modules)/.test(line))
  return [`FAILED ${file}: ${name}`, ...lines.map((line) => `  ${line}`)].join('\n')
}
