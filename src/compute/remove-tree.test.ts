/** What code of others wrote goes with its place. Threat: denial of service, by folders that nobody can remove. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

/** A folder of temporaries with one that a dead process left, which only root could enter as it is. */
function left(context: TestContext): Readonly<{ cacheFolder: string; outside: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-left-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const [cacheFolder, outside] = [join(folder, 'environments'), join(folder, 'outside')]
  const closed = join(cacheFolder, 'tmp-4194304-closed')
  mkdirSync(join(closed, 'out/within'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'kept'), '')
  symlinkSync(outside, join(closed, 'out/link'))
  chmodSync(outside, 0o500)
  chmodSync(join(closed, 'out'), 0o000)
  utimesSync(closed, 0, 0)
  return { cacheFolder, outside }
}

/** Runs `openCacheFolder` as a user whom modes hold. */
function openAsUser({ cacheFolder }: Readonly<{ cacheFolder: string }>): void {
  const module = JSON.stringify(join(import.meta.dirname, 'environment/sweep.fs.ts'))
  const program = `(await import(${module})).openCacheFolder(${JSON.stringify(cacheFolder)})`
  const node = [process.execPath, '--input-type=module', '-e', program]
  if (process.geteuid?.() !== 0) execFileSync(node[0] ?? '', node.slice(1))
  else {
    execFileSync('chown', ['-hR', '61001:61001', join(cacheFolder, '..')])
    execFileSync('setpriv', ['--reuid=61001', '--regid=61001', '--clear-groups', ...node])
  }
}

test('a closed folder that a killed build left is removed by its own user, links in it are not followed', (context) => {
  const places = left(context)
  openAsUser(places)
  assert.equal(existsSync(join(places.cacheFolder, 'tmp-4194304-closed')), false)
  assert.ok(existsSync(join(places.outside, 'kept')))
})
