/**
 * Finds the interpreter that a caller means: the real file behind links, virtual environments and shims.
 *
 * A shim (pyenv, asdf) is a script, which is asked which interpreter it stands for (`shim.exec.ts`). Anything else is
 * found without starting it.
 */
import { accessSync, closeSync, constants, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { DomainError } from '../../core/index.ts'
import type { StatCache } from '../../data/index.ts'
import { askShim } from './shim.exec.ts'

export type Caller = Readonly<{
  /** The caller's environment: PATH, HOME, VIRTUAL_ENV, CONDA_PREFIX and what shims read. */
  environment: Readonly<Record<string, string | undefined>>
  /** Absolute folder that the caller stands in; a shim may choose by it. */
  workingFolder: string
}>

export type Located = Readonly<{
  /** As it is called: `/home/ada/venv/bin/python3`, shims replaced. */
  path: string
  /** The real file of the base interpreter. */
  real: string
  /** Prefix of `path`: a virtual or conda environment, or the same as `basePrefix`. */
  prefix: string
  basePrefix: string
}>

/**
 * @param wanted a path, or a name on PATH; `python3`, then `python` when left out
 * @returns undefined when nothing was wanted and PATH has no Python
 * @throws ERR_ENV_INTERPRETER
 */
export async function locateInterpreter(
  wanted: string | undefined,
  caller: Caller,
  memory?: StatCache,
): Promise<Located | undefined> {
  const names = wanted === undefined ? ['python3', 'python'] : [wanted]
  for (const name of names) {
    for (const candidate of candidatesOf(name, caller)) {
      const path = isScript(candidate) ? await behindShim(candidate, caller, memory) : candidate
      if (path !== undefined) return describe(path, caller)
    }
  }
  if (wanted === undefined) return undefined
  throw new DomainError('ERR_ENV_INTERPRETER', `the interpreter \`${wanted}\` is not there`)
}

function candidatesOf(name: string, { environment, workingFolder }: Caller): readonly string[] {
  if (name.includes('/')) {
    const path = resolve(workingFolder, name)
    return isExecutable(path) ? [path] : []
  }
  return foldersOfPath({ environment })
    .map((folder) => join(folder, name))
    .filter(isExecutable)
}

function foldersOfPath({ environment }: Pick<Caller, 'environment'>): readonly string[] {
  return (environment['PATH'] ?? '')
    .split(':')
    .filter(isAbsolute)
    .map((folder) => resolve(folder))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // INVARIANT: what cannot be executed is passed over, as a shell does.
  }
}

function isScript(path: string): boolean {
  const head = Buffer.alloc(2)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, head, 0, 2, 0)
  } finally {
    closeSync(fd)
  }
  return head.toString('latin1') === '#!'
}

/** Undefined when the shim stands for nothing here, or for another script. */
async function behindShim(shim: string, caller: Caller, memory?: StatCache): Promise<string | undefined> {
  // THREAT: `interpreter: ./some-script` in the assay.yaml of a hostile checkout: it would run outside of any sandbox.
  if (!foldersOfPath(caller).includes(dirname(shim))) return undefined
  const path = await askShim(shim, caller, memory)
  return path !== undefined && isAbsolute(path) && isExecutable(path) && !isScript(path) ? path : undefined
}

function describe(path: string, caller: Caller): Located {
  const real = realInterpreter(path)
  const prefix = dirname(dirname(path))
  const basePrefix = dirname(dirname(real))
  const isVirtual = isVirtualEnvironment(prefix)
  const described = { path, real, prefix: isVirtual ? realpathSync(prefix) : basePrefix, basePrefix }
  for (const folder of prefixesToMount(described)) refuseHome(folder, caller)
  return described
}

/** A virtual environment holds a link, or (`--copies`) a copy and the home of the real one in its configuration. */
function realInterpreter(path: string): string {
  const real = realpathSync(path)
  const prefix = dirname(dirname(real))
  if (!isVirtualEnvironment(prefix)) return real
  const home = /^home\s*=\s*(.+)$/m.exec(readFileSync(join(prefix, 'pyvenv.cfg'), 'utf8'))?.[1]?.trim()
  const base = join(home ?? '', real.slice(real.lastIndexOf('/') + 1))
  if (home !== undefined && isAbsolute(home) && isExecutable(base)) return realpathSync(base)
  throw new DomainError('ERR_ENV_INTERPRETER', `the virtual environment \`${prefix}\` has lost its interpreter`)
}

function isVirtualEnvironment(prefix: string): boolean {
  return statSync(join(prefix, 'pyvenv.cfg'), { throwIfNoEntry: false })?.isFile() ?? false
}

/** THREAT: a prefix that is a home or the project, or above one, would show every stage what it may not see. */
function refuseHome(prefix: string, { environment, workingFolder }: Caller): void {
  const homes = ['/root', environment['HOME'] ?? ''].filter(isAbsolute).map((home) => resolve(home))
  const exposes = [...homes, workingFolder].some((folder) =>
    `${folder}/`.startsWith(prefix === '/' ? '/' : `${prefix}/`),
  )
  const isPersonal = homes.some((home) => prefix === join(home, '.local')) || /^\/home(\/[^/]+)?$/.test(prefix)
  if (!exposes && !isPersonal) return
  throw new DomainError(
    'ERR_ENV_INTERPRETER',
    `the interpreter's folder \`${prefix}\` is or holds a home or the project, which no stage may see`,
    { help: 'use an interpreter with a folder of its own: a virtual environment, conda, pyenv, or the system' },
  )
}

/** Folders that must be mounted for an interpreter; `/usr` always is there. */
export function prefixesToMount({ prefix, basePrefix }: Pick<Located, 'prefix' | 'basePrefix'>): readonly string[] {
  const outside = [...new Set([basePrefix, prefix])].filter(
    (folder) => folder !== '/usr' && !folder.startsWith('/usr/'),
  )
  return outside.filter((folder) => !outside.some((other) => other !== folder && folder.startsWith(`${other}/`)))
}
