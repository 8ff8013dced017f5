/** `assay shell`: a person, or a command, in the sandbox of a stage. Nothing of it is kept. */
import { once } from 'node:events'
import { DomainError, printable } from '../../core/index.ts'
import { openProject, openShell, type ShellOptions } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { lendTerminal } from '../terminal.exec.ts'

type Session = ShellOptions['session']
type ShellEnd = Awaited<ReturnType<typeof openShell>>

export async function shell(context: CliContext, [stage = '', ...argv]: readonly string[]): Promise<Exit> {
  const { output, streams } = context
  const project = await openProject(context)
  const atTerminal = !output.json && streams.stdin.isTTY === true && streams.stdout.isTTY === true
  const lent: (() => Promise<void>)[] = []
  const session = atTerminal ? terminalSession(context, argv, lent) : pipedSession(context, argv)
  let ended: ShellEnd
  try {
    ended = await openShell(project, {
      stage,
      session,
      onEvent: (event) => {
        if (event.kind === 'notice') output.note(`${output.style('yellow', 'note')}: ${printable(event.text)}`)
        if (event.kind === 'progress') output.progress(printable(event.text))
      },
    })
  } finally {
    for (const giveBack of lent) await giveBack()
    if (!atTerminal) streams.stdin.destroy()
  }
  const { deniedAttempts } = ended
  if (deniedAttempts > 0) output.note(`note: ${deniedAttempts} attempts to reach the network, which a stage may not`)
  refuseBadEnd(ended, atTerminal && argv.length === 0)
  output.document({ stage, exitCode: 0, deniedAttempts })
  return 0
}

function terminalSession(context: CliContext, argv: readonly string[], lent: (() => Promise<void>)[]): Session {
  const { stdin, stdout } = context.streams
  const size = () => ({ rows: stdout.rows, columns: stdout.columns })
  return {
    argv: argv.length === 0 ? undefined : argv,
    terminal: { type: terminalType(context.environment['TERM']), size: size() },
    input: stdin,
    onOutput: writerTo(stdout, 'as they are'),
    onErrors: writerTo(stdout, 'as they are'),
    onOpen: (resize) => {
      context.output.note('nothing of this shell is kept; leave it with exit')
      lent.push(lendTerminal(stdin, stdout))
      const tell = (): void => resize(size())
      stdout.on('resize', tell)
      lent.push(async () => void stdout.off('resize', tell))
    },
    signal: context.signal,
  }
}

/** With `--json` stdout is for the one document. */
function pipedSession(context: CliContext, argv: readonly string[]): Session {
  const { stdin, stdout, stderr } = context.streams
  return {
    argv: argv.length === 0 ? undefined : argv,
    terminal: undefined,
    input: stdin,
    onOutput: writerTo(context.output.json ? stderr : stdout, 'printable'),
    onErrors: writerTo(stderr, 'printable'),
    signal: context.signal,
  }
}

/**
 * THREAT: escape sequences. Bytes for a file or a pipe are what they are; at a terminal that is not lent they are made
 * printable. A person's own shell in a terminal draws as it likes, like one behind ssh.
 */
function writerTo(stream: NodeJS.WriteStream, escapes: 'as they are' | 'printable'): Session['onOutput'] {
  return (chunk) => {
    const bytes = escapes === 'printable' && stream.isTTY === true ? printable(chunk.toString('utf8')) : chunk
    return stream.write(bytes) ? undefined : once(stream, 'drain').then(() => undefined)
  }
}

/** THREAT: a name of a terminal is looked up in files. */
function terminalType(name: string | undefined): string {
  return name !== undefined && /^[\w.+-]{1,64}$/.test(name) ? name : 'dumb'
}

/** A person who leaves a shell has not failed, whatever the last command came to. */
function refuseBadEnd({ end }: ShellEnd, isPerson: boolean): void {
  switch (end.kind) {
    case 'cancelled':
      throw new DomainError('ERR_RUN_CANCELLED', 'the shell was stopped', { help: 'nothing of it was kept' })
    case 'limit':
      throw new DomainError('ERR_STAGE_LIMIT', `the shell was ended: ${end.because}`)
    case 'signalled':
      throw new DomainError('ERR_STAGE_FAILED', `the command was ended by ${end.signal}`, {
        help: 'see what it printed',
      })
    case 'exited':
      if (end.code === 0 || isPerson) return
      throw new DomainError('ERR_STAGE_FAILED', `the command exited with ${end.code}`, {
        details: { exitCode: end.code },
        help: 'see what it printed',
      })
  }
}
