/**
 * The first code that runs: reads the environment, once, and switches on V8's cache of compiled code before there is much
 * to compile. A run that nothing has changed for is answered here. Read next: `door.ts`.
 */
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname } from 'node:path'
import { isatty } from 'node:tty'
import { codeCacheFolder } from './code-cache.fs.ts'
import type { Keeper } from './context.ts'

const environment = { ...process.env }
const folder = codeCacheFolder(environment)
if (folder !== undefined) enableCompileCache(folder)

// No top-level await: the bundle is CommonJS, which starts faster (DECISION 0016).
void start().then((exit) => {
  process.exitCode = exit
})

async function start(): Promise<number> {
  const argv = process.argv.slice(2)
  const version = versionOf()
  const keeper = folder === undefined || argv[0] !== 'run' ? undefined : await openKeeper(argv, version, folder)
  if (keeper === 'answered') return 0
  const { main } = await import('./door.ts')
  return main({ environment, version, ...(keeper === undefined ? {} : { keeper }) })
}

/** DECISION 0021. */
async function openKeeper(
  argv: readonly string[],
  version: string,
  codeFolder: string,
): Promise<Keeper | 'answered' | undefined> {
  const { findAnswer, keepAnswer, mayBeKept, observeFiles } = await import('./quick-answer.fs.ts')
  if (!mayBeKept(argv)) return undefined
  const terminals = [isatty(1), isatty(2)] as const
  const question = {
    argv,
    environment,
    version,
    workingFolder: process.cwd(),
    cacheFolder: dirname(codeFolder),
    terminals,
  }
  const startedMs = Date.now()
  const answer = findAnswer(question, startedMs)
  if (answer !== undefined) {
    process.stderr.write(answer.stderr)
    process.stdout.write(answer.stdout)
    return 'answered'
  }
  const observation = observeFiles()
  return {
    end: () => void observation.end(),
    keep: (found) => keepAnswer(question, found, observation.end(), startedMs),
  }
}

function versionOf(): string {
  const file = new URL('../package.json', import.meta.url)
  const source = new URL('../../package.json', import.meta.url)
  for (const place of [file, source]) {
    try {
      const parsed = JSON.parse(readFileSync(place, 'utf8')) as { name?: string; version?: string } // our own package file
      if (parsed.name === 'assay' && parsed.version !== undefined) return parsed.version
    } catch {
      // INVARIANT: a package file that is not there only means that the other place is asked; none is version 0.0.0.
    }
  }
  return '0.0.0'
}
