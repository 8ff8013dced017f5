/**
 * A person in a stage's box: the same view, environment, limits and walls as the stage, and nothing of it is kept.
 *
 * See `shell-command.ts` for how a terminal is given. What is different from a stage: stdin, stderr apart from stdout,
 * no log, opens are not watched, and at a terminal no limit of time.
 */
import { execFile } from 'node:child_process'
import type { Readable } from 'node:stream'
import { DomainError } from '../../core/index.ts'
import type { ObjectStore } from '../../data/index.ts'
import type { StageEnd, StageTask } from '../sandbox.ts'
import { openBox } from './box.exec.ts'
import { plainEngine } from './box-engine.ts'
import { inProject } from './box-folder.fs.ts'
import { furnish } from './furnish.ts'
import { fileInside } from './inside-root.fs.ts'
import { letOut } from './let-out.exec.ts'
import { findProgram } from './machine.exec.ts'
import { openMachine } from './open.exec.ts'
import type { OnOutput } from './output.exec.ts'
import {
  type ShellRequest,
  type ShellTools,
  shellCommand,
  shellVariables,
  terminalInBox,
  type WindowSize,
} from './shell-command.ts'
import { sweepBoxes } from './sweep.fs.ts'

export type ShellSession = Omit<ShellRequest, 'stage'> &
  Readonly<{
    input: Readable
    onOutput: OnOutput
    /** stderr; at a terminal everything is output. */
    onErrors: OnOutput
    /** Called with what tells the terminal inside that the one outside has another size. */
    onOpen?(resize: (size: WindowSize) => void): void
    signal: AbortSignal
  }>

export type ShellEnd = Readonly<{ end: StageEnd; deniedAttempts: number }>

/** LIMIT: the longest that a timer can wait for. */
const noTimeLimitMs = 2 ** 31 - 1

/**
 * Runs a command, or a shell, in the box of a stage.
 *
 * Trust: what it prints is as hostile as the stage's code, escape sequences included.
 *
 * @throws ERR_SANDBOX_UNAVAILABLE when this machine cannot isolate; nothing has run then
 */
export async function shellInBox(
  workFolder: string,
  task: StageTask,
  store: ObjectStore,
  session: ShellSession,
): Promise<ShellEnd> {
  const request = { stage: task.stage, argv: session.argv, terminal: session.terminal }
  const tools = session.terminal === undefined ? undefined : findShellTools(task.root?.folder)
  await sweepBoxes(workFolder)
  const { machine, supplies } = await openMachine(workFolder)
  using _shared = supplies
  await using box = await openBox(machine, {
    engine: plainEngine,
    workFolder,
    supplies,
    limits: session.terminal === undefined ? task.limits : { ...task.limits, timeMs: noTimeLimitMs },
    traced: false,
    onOutput: session.onOutput,
    shell: { onErrors: session.onErrors },
  })
  const { scratches, binds } = await furnish(box, task, store)
  await using egress = await letOut(machine, box, task.network, task.limits)
  if (box.input !== undefined) session.input.pipe(box.input.writer)
  const { end, deniedAttempts } = await box.launch({
    binds,
    ...(task.root === undefined ? {} : { root: task.root.folder }),
    workingDirectory: inProject(task.workingDirectory),
    variables: { ...task.variables, ...shellVariables(request) },
    command: shellCommand(request, tools),
    scratch: scratches.map(({ path }) => path),
    ready: Promise.resolve(),
    secrets: task.secrets,
    ...(task.gpus === undefined ? {} : { gpus: task.gpus }),
    ...(egress === undefined ? {} : { enter: egress.enter }),
    signal: session.signal,
    onStart: (pid) => {
      if (tools !== undefined) session.onOpen?.((size) => resize(tools, pid, size))
    },
  })
  session.input.unpipe()
  return { end, deniedAttempts }
}

/** @throws ERR_SANDBOX_UNAVAILABLE */
function findShellTools(root?: string): ShellTools {
  const find = (name: string): string | undefined => {
    const path = `/usr/bin/${name}`
    if (root === undefined) return findProgram(name)
    return fileInside(root, path) === undefined ? undefined : path
  }
  const script = find('script')
  const stty = find('stty')
  if (script === undefined || stty === undefined)
    throw new DomainError('ERR_SANDBOX_UNAVAILABLE', 'there is no `script` to make a terminal in the sandbox', {
      help: `${root === undefined ? 'install util-linux' : 'put util-linux into the image'} (Debian: bsdutils), or give a command and pipe its output`,
    })
  return { script, stty, bash: find('bash') }
}

/** The kernel tells the programs in front (SIGWINCH). INVARIANT: a terminal that is gone needs no size. */
function resize({ stty }: ShellTools, pid: number, { rows, columns }: WindowSize): void {
  const terminal = `/proc/${pid}/root${terminalInBox}`
  execFile(stty, ['-F', terminal, 'rows', `${rows}`, 'cols', `${columns}`], { env: {} }, () => undefined)
}
