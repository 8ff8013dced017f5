import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileInside } from './inside-root.fs.ts'

test('a link of an image leads to what the image holds, never to a file of this machine', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(root, { recursive: true }))
  for (const folder of ['usr/bin', 'usr/lib/tools', 'opt']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'usr/lib/tools/all'), '')
  const links = {
    env: '../lib/tools/all', // as of an Ubuntu whose coreutils are one program
    unshare: '/usr/lib/tools/all',
    stty: '/opt/bin/all',
    prlimit: '/etc/passwd',
    script: '../../../../../../../../etc/passwd',
    loop: 'loop',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, 'usr/bin', name))
  symlinkSync('/usr/lib/tools', join(root, 'opt/bin'))
  const names = [...Object.keys(links), 'absent', '']
  assert.deepEqual(
    names.filter((name) => fileInside(root, `/usr/bin/${name}`) !== undefined),
    ['env', 'unshare', 'stty'],
  )
  assert.equal(fileInside(root, '/usr/bin/stty'), '/usr/lib/tools/all')
})
