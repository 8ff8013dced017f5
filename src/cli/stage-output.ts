/**
 * What stages print, told while they run: line by line, with the name of the stage where several run at once.
 *
 * A line that is not ended yet, or that is written over again and again (a progress bar), is shown as it grows where a
 * person looks, and only as it ends where none does.
 */
import { StringDecoder } from 'node:string_decoder'
import { printableLine } from '../core/index.ts'

export type StageOutput = Readonly<{
  push(stage: string, chunk: Buffer, beside: boolean): void
  /** Tells what is left of a stage that has ended. */
  end(stage: string): void
}>

export type Teller = Readonly<{
  /** A whole line. */
  line(text: string): void
  /** A line that the next one replaces. */
  growing(text: string): void
}>

/** LIMIT: characters of one line that are waited for. */
const maxLineCharacters = 64 * 1024

export function openStageOutput(teller: Teller): StageOutput {
  const stages = new Map<string, { decoder: StringDecoder; rest: string; prefix: string }>()
  return {
    push(stage, chunk, beside) {
      const known = stages.get(stage) ?? { decoder: new StringDecoder('utf8'), rest: '', prefix: '' }
      stages.set(stage, known)
      if (beside) known.prefix = `${printableLine(stage)} | ` // kept: its lines look alike to the end
      const lines = `${known.rest}${known.decoder.write(chunk)}`.split('\n')
      known.rest = lines.pop() ?? ''
      if (known.rest.length > maxLineCharacters) lines.push(known.rest.slice(0, maxLineCharacters))
      if (known.rest.length > maxLineCharacters) known.rest = known.rest.slice(maxLineCharacters)
      for (const line of lines) teller.line(known.prefix + printableLine(line))
      if (known.rest !== '') teller.growing(known.prefix + printableLine(known.rest))
    },
    end(stage) {
      const known = stages.get(stage)
      if (known === undefined) return
      stages.delete(stage)
      const rest = known.rest + known.decoder.end()
      if (rest !== '') teller.line(known.prefix + printableLine(rest))
    },
  }
}
