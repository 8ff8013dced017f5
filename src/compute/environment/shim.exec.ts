/**
 * Which interpreter a shim stands for: asked outside of a sandbox, since it is the caller's own program on the caller's
 * own PATH.
 *
 * A shim of pyenv costs a dozen shells, at each start. Its answer is remembered while nothing that it is read from has
 * changed: the shim, pyenv, the version files from the working folder up, the versions that are there and the caller's
 * variables. Other managers (asdf, mise) have more places than can be known, and are asked each time.
 * SOURCE: pyenv 2.3, "Understanding Python version selection" and libexec/pyenv-version-file, pyenv-which, pyenv-hooks.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { digestOfJson } from '../../core/index.ts'
import { jsonFact, type StatCache } from '../../data/index.ts'
import type { Caller } from './locate.fs.ts'
import { areSettled, stampOf } from './stamp.fs.ts'

const run = promisify(execFile)

/** What the shim prints, or undefined when it stands for nothing here (`pyenv: command not found`). */
export async function askShim(shim: string, caller: Caller, memory?: StatCache): Promise<string | undefined> {
  const variables = variablesOf(caller)
  const places = memory === undefined ? undefined : pyenvPlaces(shim, caller)
  if (memory === undefined || places === undefined) return await runShim(shim, caller, variables)

  const key = `shim:${digestOfJson({ shim, variables, workingFolder: caller.workingFolder })}`
  const stamps = (): string => digestOfJson(places.map((path) => [path, stampOf(path)]))
  const kept = jsonFact(memory, key) as Readonly<{ answer: string; stamps: string; own: string }> | undefined
  if (kept?.stamps === stamps() && kept.own === stampOf(kept.answer)) return kept.answer

  const readAtMs = Date.now()
  const answer = await runShim(shim, caller, variables)
  // LIMIT: an answer outside of pyenv's own versions follows from PATH as well, and is not remembered.
  if (
    answer !== undefined &&
    places.some((path) => answer.startsWith(`${path}/versions/`)) &&
    areSettled(places, readAtMs)
  )
    memory.recordFact(key, JSON.stringify({ answer, stamps: stamps(), own: stampOf(answer) }))
  return answer
}

function variablesOf({ environment }: Caller): Readonly<Record<string, string>> {
  const passed = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && /^(PATH|HOME|PYENV_\w+|ASDF_\w+|MISE_\w+)$/.test(name) ? [[name, value] as const] : [],
  )
  return Object.fromEntries(passed)
}

async function runShim(
  shim: string,
  { workingFolder }: Caller,
  variables: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  try {
    const { stdout } = await run(shim, ['-I', '-S', '-c', 'import sys; print(sys.executable)'], {
      cwd: workingFolder,
      env: variables,
      timeout: 10_000,
    })
    return stdout.trim()
  } catch {
    return undefined // INVARIANT: a shim that fails names no interpreter; the next one on PATH is looked at.
  }
}

/** Everything that pyenv's answer is read from; undefined when the script is no shim of pyenv as pyenv writes it. */
function pyenvPlaces(shim: string, { environment, workingFolder }: Caller): readonly string[] | undefined {
  const text = readFileSync(shim, 'utf8')
  const root = /^export PYENV_ROOT="(\/[^"$`\\]+)"$/m.exec(text)?.[1]
  const program = /^exec "(\/[^"$`\\]+)" exec "\$program" "\$@"$/m.exec(text)?.[1]
  if (root === undefined || program === undefined) return undefined
  const versions = namesIn(join(root, 'versions'))
  const starts = [workingFolder, environment['PYENV_DIR'] ?? ''].filter(isAbsolute)
  const hooks = [
    ...(environment['PYENV_HOOK_PATH'] ?? '').split(':').filter(isAbsolute),
    ...['/usr/local/etc/pyenv.d', '/etc/pyenv.d', '/usr/lib/pyenv/hooks', join(root, 'pyenv.d'), join(root, 'plugins')],
  ]
  return [
    shim,
    program,
    root,
    join(root, 'version'),
    join(root, 'versions'),
    ...versions.flatMap((name) => [join(root, 'versions', name), join(root, 'versions', name, 'bin')]),
    ...starts.flatMap(foldersFrom).map((folder) => join(folder, '.python-version')),
    ...hooks.flatMap((folder) => [folder, ...namesIn(folder).map((name) => join(folder, name))]),
  ]
}

function foldersFrom(folder: string): readonly string[] {
  const spellings = new Set([folder, realpathSync(folder)])
  const folders: string[] = []
  for (const start of spellings) {
    for (let at = start; ; at = dirname(at)) {
      folders.push(at)
      if (dirname(at) === at) break
    }
  }
  return folders
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return [] // INVARIANT: a folder that is not there has nothing in it; its stamp says that it is not there.
  }
}
