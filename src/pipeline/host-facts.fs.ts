/** What this machine knows of names that a failed stage asked for: only ever told to the person at the terminal. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { HostFacts } from './failure.ts'

export function hostFacts(root: string, environment: Readonly<Record<string, string | undefined>>): HostFacts {
  return {
    root,
    home: environment['HOME'] ?? homedir(),
    variables: environment,
    exists: (path) => existsSync(path),
    programOnPath: (name) => programOnPath(name, environment['PATH'] ?? ''),
  }
}

function programOnPath(name: string, path: string): string | undefined {
  if (name.includes('/')) return undefined
  return path
    .split(':')
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // INVARIANT: what cannot be executed is no program; a shell passes over it too.
  }
}
