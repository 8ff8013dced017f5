/**
 * The door: composes the rooms, runs one verb, turns what happened into an exit code. `main.ts` opens it.
 *
 * Read next: `program.ts` (the verbs), `commands/run.ts` (the main job).
 */
import { errorTable } from '../core/index.ts'
import type { CliContext, Exit } from './context.ts'
import { exitOf, type Fault, faultOf, tellFault } from './fault.ts'
import { openOutput } from './output.ts'
import { withPassphrase } from './passphrase.ts'
import { buildProgram, CommanderError, groups, verbs } from './program.ts'

/** THREAT: the caller's variables that would change what assay itself runs, or which repository it reads. */
const refusedVariables = ['NODE_OPTIONS', 'LD_PRELOAD', 'LD_AUDIT', 'BASH_ENV']

export type Started = Pick<CliContext, 'environment' | 'version' | 'keeper'>

/** @returns the exit code */
export async function main({ environment, version, keeper }: Started): Promise<number> {
  const argv = process.argv.slice(2)
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv // the rest is a command's
  const json = own.includes('--json')
  const streams = { stdout: process.stdout, stderr: process.stderr, noColor: (environment['NO_COLOR'] ?? '') !== '' }
  const output = openOutput(streams, json)
  const stop = new AbortController()
  let stopped: number | undefined
  const onSignal = (exit: number) => (): void => {
    if (stopped !== undefined) process.exit(exit)
    stopped = exit
    stop.abort()
  }
  process.on('SIGINT', onSignal(130))
  process.on('SIGTERM', onSignal(143))
  // a terminal that goes away; without one it is `nohup`, whose wish Node has already undone
  const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY === true)
  process.on('SIGHUP', hasTerminal ? onSignal(129) : () => undefined)
  process.stdout.on('error', () => process.exit(4)) // INVARIANT: a reader that went away gets no half answer called success.

  const refused = refusedVariables.filter((name) => (environment[name] ?? '') !== '')
  if (refused.length > 0) {
    const help = `run it with: env ${refused.map((name) => `-u ${name}`).join(' ')} assay ...`
    tellFault(output, {
      code: 'ERR_USAGE',
      message: `assay does not run with ${refused.join(', ')} set`,
      help,
      details: {},
    })
    return 2
  }

  const context: CliContext = {
    workingFolder: process.cwd(),
    environment,
    output,
    streams: { ...streams, stdin: process.stdin },
    table: { verbs, groups },
    now: () => new Date(),
    signal: stop.signal,
    version,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true && !json,
    ...(keeper === undefined ? {} : { keeper }),
  }
  let exit: Exit = 0
  let said = ''
  try {
    const program = buildProgram(
      context.version,
      async (load, positional, options) => {
        await withoutCompiledShapes()
        const action = await load()
        // each verb reads the options of its own table row
        exit = await withPassphrase(context, (given) => action(given, positional, options as never))
      },
      (text) => {
        said += text
      },
    )
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    exit = tell(error, output)
  }
  if (said !== '') output.document(said.trim() === context.version ? { version: context.version } : { help: said })
  if (said !== '') output.line(said.trimEnd())
  return stopped ?? exit
}

/**
 * zod compiles each shape into a function when it is first used: dear for a process that reads a few documents, and code
 * made from text. Said before the first shape is made.
 */
async function withoutCompiledShapes(): Promise<void> {
  const { config } = await import('zod')
  config({ jitless: true })
}

function tell(error: unknown, output: ReturnType<typeof openOutput>): Exit {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    if (error.code !== 'commander.help' || output.json) tellFault(output, usageFault(error.message))
    return 2
  }
  const fault = faultOf(error)
  tellFault(output, fault)
  if (fault.code === 'ERR_INTERNAL' && error instanceof Error) output.note(error.stack ?? '')
  return exitOf(fault)
}

/** commander's words, as one sentence of ours. */
function usageFault(said: string): Fault {
  const message = said
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
  return { code: 'ERR_USAGE', message, help: errorTable.ERR_USAGE.help, details: {} }
}
