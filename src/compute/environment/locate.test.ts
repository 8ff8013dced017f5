/** Which file is the interpreter that a caller means. Threat: a hostile checkout. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { locateInterpreter } from './locate.fs.ts'
import { scratchFolder } from './testing.exec.ts'

test('a script that assay.yaml names as interpreter is never started; one of the PATH of the caller is asked', async (context) => {
  const root = scratchFolder(context)
  const project = join(root, 'project')
  for (const folder of [project, join(root, 'shims'), join(root, 'real', 'bin')]) mkdirSync(folder, { recursive: true })
  symlinkSync('/bin/true', join(root, 'real', 'bin', 'python3'))
  const write = (path: string): string => {
    writeFileSync(path, `#!/bin/sh\necho x >> ${root}/started\necho ${root}/real/bin/python3\n`)
    chmodSync(path, 0o755)
    return path
  }
  const evil = write(join(project, 'python3'))
  const caller = { environment: { PATH: '/usr/bin:/bin' }, workingFolder: project }
  for (const wanted of ['./python3', evil]) {
    await assert.rejects(locateInterpreter(wanted, caller), (error) => isDomainError(error, 'ERR_ENV_INTERPRETER'))
  }
  assert.equal(existsSync(join(root, 'started')), false)

  const shim = write(join(root, 'shims', 'python3'))
  const found = await locateInterpreter(shim, { ...caller, environment: { PATH: `${root}/shims:/usr/bin:/bin` } })
  assert.equal(found?.real, realpathSync('/bin/true'))
  assert.equal(existsSync(join(root, 'started')), true)
})
