/**
 * How the command line speaks: answers on stdout, progress on stderr, one JSON document with `--json`.
 *
 * THREAT: names, logs and messages come from elsewhere; whoever prints them makes them printable, each in its place, and
 * colour is added afterwards, by us. What was forgotten meets a second wall here: of control characters only line ends,
 * tabs and colours get through.
 */
import { stripVTControlCharacters, styleText } from 'node:util'
import { printable, printableJson } from '../core/index.ts'
import { openStageOutput, type StageOutput } from './stage-output.ts'

type Style = Parameters<typeof styleText>[0]

export type Output = Readonly<{
  json: boolean
  /** True when a person looks at stderr. */
  interactive: boolean
  /** A line of the answer, on stdout; nothing with `--json`. */
  line(text?: string): void
  /** A line beside the answer, on stderr. */
  note(text: string): void
  /** A line that the next one replaces, on stderr, only when a person looks; it says for how long it has stood. */
  progress(text: string): void
  /** What stages print, on stderr. */
  stages: StageOutput
  /** The one document of `--json`. */
  document(value: unknown): void
  style(style: Style, text: string): string
}>

export type Streams = Readonly<{
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  noColor: boolean
}>

/** What text goes to: a stream, or what stands for one. */
export type Sink = Readonly<{ isTTY?: boolean; columns?: number; write(text: string): unknown }>

export function openOutput(streams: Readonly<{ stdout: Sink; stderr: Sink; noColor: boolean }>, json: boolean): Output {
  const { stdout, stderr } = streams
  const colour = stdout.isTTY === true && !streams.noColor
  const interactive = stderr.isTTY === true
  let transient = false
  let ticking: NodeJS.Timeout | undefined
  const clear = (): void => {
    clearInterval(ticking)
    if (transient) stderr.write('\r\u001b[2K')
    transient = false
  }
  const note = (text: string): void => {
    clear()
    // a style is chosen for stdout, and stderr may be a file
    stderr.write(`${walled(interactive ? text : stripVTControlCharacters(text))}\n`)
  }
  const fitted = (text: string, after = ''): string => {
    const room = Math.max(20, (stderr.columns || 80) - 1)
    return `${text.slice(0, room - after.length)}${after}`
  }
  const show = (text: string): void => {
    if (!interactive) return
    clear()
    stderr.write(fitted(text))
    transient = true
  }
  const progress = (text: string): void => {
    show(text)
    if (!interactive) return
    let seconds = 0
    ticking = setInterval(() => {
      seconds += 1
      stderr.write(`\r\u001b[2K${fitted(text, `  ${seconds} s`)}`)
    }, 1000).unref()
  }
  return {
    json,
    interactive,
    line: (text = '') => {
      if (json) return
      clear()
      stdout.write(`${walled(text)}\n`)
    },
    note,
    progress,
    stages: openStageOutput({ line: note, growing: show }),
    document: (value) => {
      if (json) stdout.write(`${printableJson(JSON.stringify(value, undefined, 2))}\n`)
    },
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  }
}

/** Colours of `styleText` as they are, all else printable. */
function walled(text: string): string {
  return text
    .split(/(\u001b\[\d{1,2}m)/)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('')
}
