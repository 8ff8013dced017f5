/**
 * docs/reference/errors.md, printed from the one table of codes.
 *
 *   node scripts/docs-errors.ts           to stdout
 *   node scripts/docs-errors.ts --write   to the file
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ErrorEntry, errorTable } from '../src/core/error-codes.ts'

export const errorsPage = join(import.meta.dirname, '../docs/reference/errors.md')

const exits: Readonly<Record<ErrorEntry['exit'], string>> = {
  1: 'a check said no',
  2: 'the input is wrong',
  3: "a stage's command failed",
  4: 'the world failed',
}

export function printErrors(table: Readonly<Record<string, ErrorEntry>>): string {
  const head = [
    '# Error codes',
    '',
    'Every code that assay can say: what it means, how the process exits, what to do next. Printed from',
    '`src/core/error-codes.ts` by `npm run docs:errors`; a check holds the page, the table and the code to the same set.',
    '',
    ...Object.entries(exits).map(([exit, meaning]) => `- exit ${exit}: ${meaning}`),
  ]
  const entries = Object.entries(table)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([code, { exit, meaning, help }]) => [
      '',
      `## ${code}`,
      '',
      `${meaning} Exit ${exit}.`,
      '',
      `Next: ${help}.`,
    ])
  return `${[...head, ...entries].join('\n')}\n`
}

function main(): void {
  const text = printErrors(errorTable)
  if (!process.argv.includes('--write')) {
    process.stdout.write(text)
    return
  }
  mkdirSync(dirname(errorsPage), { recursive: true })
  writeFileSync(errorsPage, text)
}

if (import.meta.main) main()
