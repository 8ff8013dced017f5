/** Programs of other engines: where they are, and what is said when they are not. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { promisify } from 'node:util'
import { DomainError, type EngineName, isDomainError, type Sha256 } from '../../core/index.ts'
import type { Sandbox } from '../sandbox.ts'
import type { BoxEngine } from './box-engine.ts'
import { findProgram } from './machine.exec.ts'
import { type BubblewrapOptions, openBoxes } from './open.exec.ts'
import { errnoOf } from './process-facts.fs.ts'

export type EngineOptions = BubblewrapOptions &
  Readonly<{
    /** Absolute path of gVisor's program, by the will of whoever runs assay; else it is looked for in the system's folders. */
    runsc?: string
  }>

export type EngineProgram = Readonly<{ path: string; digest: Sha256 }>

/**
 * THREAT: never looked up on the caller's PATH; and what another user may write is not run.
 *
 * @throws ERR_ENGINE_UNAVAILABLE
 */
export function findEngineProgram(
  wanted: Readonly<{ engine: EngineName; name: string; named: string | undefined; help: string }>,
): EngineProgram {
  const { engine, name, named, help } = wanted
  const path = named ?? findProgram(name)
  if (path === undefined) throw engineUnavailable(engine, `the program ${name} is missing`, help)
  const fault = programFault(path)
  if (fault !== undefined) throw engineUnavailable(engine, `\`${path}\` ${fault}`, help)
  return { path, digest: `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}` }
}

function programFault(path: string): string | undefined {
  if (!isAbsolute(path)) return 'is not an absolute path'
  try {
    accessSync(path, constants.X_OK)
    const stats = statSync(path)
    if (!stats.isFile()) return 'is no program'
    const { uid, mode } = stats
    if (uid !== 0 && uid !== process.geteuid?.()) return 'belongs to another user'
    return (mode & 0o022) === 0 ? undefined : 'may be written by others'
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return 'cannot be run'
  }
}

/** LIMIT: how long a program may take to say which version it is; a second is much. */
const versionMs = 20_000

/**
 * What a program says of itself when it is asked for `--version`.
 *
 * @throws ERR_ENGINE_UNAVAILABLE when it fails, says no version, or says nothing in time
 */
export async function versionOf(
  wanted: Readonly<{ engine: EngineName; path: string; says: RegExp; help: string; timeoutMs?: number }>,
): Promise<string> {
  const { engine, path, says, help, timeoutMs = versionMs } = wanted
  const options = { env: { HOME: '/' }, timeout: timeoutMs, killSignal: 'SIGKILL' } as const
  const said = await promisify(execFile)(path, ['--version'], options).catch((cause: unknown) => {
    throw engineUnavailable(engine, `\`${path}\` does not say its version`, help, cause)
  })
  const version = says.exec(said.stdout)?.[1]
  if (version === undefined) throw engineUnavailable(engine, `\`${path}\` is another program`, help)
  return version
}

/** @throws ERR_ENGINE_UNAVAILABLE when a trial does not start */
export async function openEngineBoxes(
  options: EngineOptions,
  help: string,
  open: () => Promise<BoxEngine>,
): Promise<Sandbox> {
  const engine = await open()
  try {
    return await openBoxes(options, engine)
  } catch (cause) {
    if (!isDomainError(cause, 'ERR_SANDBOX_UNAVAILABLE')) throw cause
    const because = cause.message.replace(/^stages cannot be isolated here: /, '')
    throw engineUnavailable(engine.name, because, `assay doctor says what is missing; ${help}`, cause)
  }
}

function engineUnavailable(engine: EngineName, because: string, help: string, cause?: unknown): DomainError {
  return new DomainError('ERR_ENGINE_UNAVAILABLE', `the engine \`${engine}\` is not to be had here: ${because}`, {
    help,
    cause,
  })
}
