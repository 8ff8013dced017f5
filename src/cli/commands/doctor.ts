/** `assay doctor`: what this machine can enforce, and one step for each gap. */
import { oneLine, printable } from '../../core/index.ts'
import { examineMachine } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

const marks = { good: ['ok', 'green'], gap: ['gap', 'yellow'], missing: ['NO', 'red'] } as const

export async function doctor(context: CliContext): Promise<Exit> {
  const { output } = context
  const examination = await examineMachine(context)
  output.document(examination)
  for (const { name, state, because, help } of examination.checks) {
    const [word, colour] = marks[state]
    output.line(`${output.style(colour, word.padEnd(4))} ${name.padEnd(13)} ${oneLine(because)}`)
    if (help !== undefined) output.line(`${' '.repeat(19)}next: ${printable(help)}`)
  }
  output.line()
  output.line(`the highest level that a run here can earn: ${examination.highestLevel}`)
  return examination.highestLevel === 0 ? 1 : 0
}
