/** The probe in a sandbox that is none: what finds nothing in ours must find something there. */
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Canaries, type ProbeResult, parseResults, probeSource } from './probe.ts'
import type { Identity } from './support.ts'

export const nobody = 65534

/**
 * What many write: every namespace, the whole disk read-only, one writable folder.
 *
 * @param more further words for bubblewrap
 */
export function probePlain(
  identity: Identity,
  root: string,
  canaries: Canaries,
  more: readonly string[] = [],
): readonly ProbeResult[] {
  const project = join(root, 'project')
  for (const folder of ['src', 'out']) mkdirSync(join(project, folder), { recursive: true })
  for (const file of ['src/code.py', 'out/neighbour.txt']) writeFileSync(join(project, file), '\n')
  writeFileSync(join(project, 'probe.py'), probeSource)
  writeFileSync(join(project, 'config.json'), canaries.config(root).replaceAll('"/project/', `"${project}/`))
  if (identity === 'user' && process.getuid?.() === 0) chownSync(join(project, 'out'), nobody, nobody)
  const plain = [
    'bwrap',
    '--unshare-all',
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--bind',
    join(project, 'out'),
    join(project, 'out'),
    ...more,
  ]
  const drop =
    identity === 'user' && process.getuid?.() === 0
      ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
      : []
  const [program = '', ...args] = [
    ...drop,
    ...plain,
    '--chdir',
    project,
    '/usr/bin/python3',
    '-I',
    'probe.py',
    'config.json',
  ]
  const stdio = Array.from({ length: 41 }, (_, fd) => (fd === 40 ? canaries.descriptor : fd <= 2 ? 'pipe' : 'ignore'))
  const { stdout } = spawnSync(program, args, {
    env: { PATH: '/usr/bin:/bin', CANARY: canaries.canary },
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    stdio,
  })
  return parseResults(stdout.split('\n'))
}
