/** Asks a person about suspect rows, one at a time. Only with a terminal. */
import { createInterface } from 'node:readline/promises'
import { DomainError, printable } from '../core/index.ts'
import type { RowWord, Triage } from '../pipeline/index.ts'
import type { CliContext } from './context.ts'

type SuspectRow = Triage['suspects'][number]

const answers: Readonly<Record<string, RowWord['verdict']>> = { g: 'good', b: 'bad', e: 'excluded' }
const question = 'good, bad, exclude, skip, or quit and sign? [g/b/e/s/q] '

/** @returns what was judged until the last row, or `q` @throws ERR_RUN_CANCELLED on Ctrl-C: nothing is signed */
export async function askAboutRows(context: CliContext, triage: Triage): Promise<readonly RowWord[]> {
  const { streams, output, signal } = context
  const reader = createInterface({ input: streams.stdin, output: streams.stderr, terminal: true })
  const stop = new AbortController()
  reader.on('SIGINT', () => stop.abort())
  reader.on('close', () => stop.abort())
  const words: RowWord[] = []
  try {
    for (const [index, suspect] of triage.suspects.entries()) {
      output.note(`\n${index + 1} of ${triage.suspects.length + triage.more}`)
      tellSuspect(output.note, triage, suspect, triage.columns.length)
      const answer = await oneOf(() => reader.question(question, { signal: AbortSignal.any([signal, stop.signal]) }))
      if (answer === 'q') break
      const verdict = answers[answer]
      if (verdict !== undefined) words.push({ hash: suspect.hash, verdict })
    }
    return words
  } catch (cause) {
    if (!(signal.aborted || stop.signal.aborted)) throw cause
    throw new DomainError('ERR_RUN_CANCELLED', 'the review was broken off, and nothing is signed', {
      help: 'run it again; q signs what was judged until then',
      cause,
    })
  } finally {
    reader.close()
  }
}

/** Asks until the answer is one of the letters. */
async function oneOf(ask: () => Promise<string>): Promise<string> {
  for (;;) {
    const letter = (await ask()).trim().toLowerCase().slice(0, 1)
    if (/^[gbesq]$/.test(letter)) return letter
  }
}

/** @param tell takes a line at a time @param most so many values are told: those that a check speaks of, then the first others */
export function tellSuspect(
  tell: (line: string) => void,
  { columns, kind, path }: Pick<Triage, 'columns' | 'kind' | 'path'>,
  { rows, hash, reasons, values, nearest = [] }: SuspectRow,
  most: number,
): void {
  const what = kind === 'files' ? 'file' : 'row'
  const numbers =
    rows.length === 1
      ? `${what} ${rows[0]}`
      : `${what}s ${rows.slice(0, 10).join(', ')} (the same ${rows.length} times)`
  tell(printable(`${numbers}  ${hash.slice(0, 12)}`))
  for (const { check, column, because } of reasons) {
    tell(printable(`  ${check}${column === null ? '' : `  ${column}`}: ${because}`))
  }
  if (most === 0) return
  const told = new Set(reasons.map(({ column }) => column))
  const places = [...columns.keys()].toSorted(
    (left, right) => isTold(told, columns[right]) - isTold(told, columns[left]),
  )
  for (const place of places.slice(0, most).toSorted((left, right) => left - right))
    tell(printable(`    ${columns[place]}: ${values[place] ?? '(null)'}`))
  if (columns.length > most) tell(`    ... and ${columns.length - most} more columns (--json has them)`)
  const [label = null] = values
  for (const isOwn of [true, false]) {
    const near = nearest.filter((each) => (each.label === label) === isOwn)
    if (near.length === 0) continue
    tell(`    nearest ${isOwn ? 'of its class' : 'of others'}:`)
    for (const { file, label: other, distance } of near)
      tell(printable(`      ${path}/${file}${isOwn ? '' : `  ${other ?? '(no class)'}`}  ${distance} levels away`))
  }
}

function isTold(told: ReadonlySet<string | null>, column = ''): number {
  return Number(told.has(column))
}
