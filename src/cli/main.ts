/**
 * The first code that runs: reads the environment, once, and switches on V8's cache of compiled code before there is much
 * to compile. Read next: `door.ts`.
 */
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { codeCacheFolder } from './code-cache.fs.ts'

const environment = { ...process.env }
const folder = codeCacheFolder(environment)
if (folder !== undefined) enableCompileCache(folder)

// No top-level await: the bundle is CommonJS, which starts faster (DECISION 0016).
void import('./door.ts')
  .then(({ main }) => main({ environment, version: versionOf() }))
  .then((exit) => {
    process.exitCode = exit
  })

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
