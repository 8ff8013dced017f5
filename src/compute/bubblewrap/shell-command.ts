/**
 * What runs in a shell's box: pure.
 *
 * THREAT: whoever holds a terminal can type into it (TIOCSTI), and reads what is typed into it. So the caller's terminal
 * never enters the box: `script` makes a new one inside, of the box's own devpts, and only bytes cross, by fifos.
 */

export type WindowSize = Readonly<{ rows: number; columns: number }>

/** `argv`: undefined for a shell. `terminal`: undefined where no person sits at one. */
export type ShellRequest = Readonly<{
  stage: string
  argv: readonly string[] | undefined
  terminal: Readonly<{ type: string; size: WindowSize }> | undefined
}>

export type ShellTools = Readonly<{ script: string; stty: string; bash: string | undefined }>

/** The one terminal that `script` makes, as the first program of the box: the first of a new devpts. */
export const terminalInBox = '/dev/pts/0'

const plainShell = '/bin/sh'
/**
 * Its stdin is a pipe made inside: a program that opens /dev/stdin again would wait for ever on a fifo whose writer has
 * gone. `cat` is not waited for, and ends with the box.
 */
const fromPipe = 'exec 3<&0; { cat <&3 3<&- & } | { exec 3<&-; exec "$@"; }'

export function shellCommand(request: ShellRequest, tools: ShellTools | undefined): readonly string[] {
  const { argv, terminal } = request
  const wanted = argv ?? [terminal === undefined ? plainShell : (tools?.bash ?? plainShell)]
  if (terminal === undefined || tools === undefined) return [plainShell, '-c', fromPipe, 'sh', ...wanted]
  const { rows, columns } = terminal.size
  const size = `${tools.stty} sane rows ${rows} cols ${columns}`
  return [
    tools.script,
    '--quiet',
    '--return',
    '--command',
    `${size}; exec ${wanted.map(quoted).join(' ')}`,
    '/dev/null',
  ]
}

/** What a shell has beside the variables of its stage. */
export function shellVariables({ stage, terminal }: ShellRequest): Readonly<Record<string, string>> {
  if (terminal === undefined) return {}
  // THREAT: a prompt is expanded by the shell; a name of a stage is only letters here
  const name = stage.replaceAll(/[^\w@.:/-]/g, '_')
  return { TERM: terminal.type, PS1: `[${name}] \\w \\$ ` }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
