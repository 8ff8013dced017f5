import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { test } from 'node:test'
import { findProgram } from './machine.exec.ts'
import { makeFifos } from './supplies.exec.ts'

const mkfifo = findProgram('mkfifo') ?? ''
const nowhere = ['/dev/none', '/dev/null', '/proc'] // missing, no folder, one that takes none

test('fifos are made elsewhere where shared memory takes none', async () => {
  const fifos = await makeFifos(mkfifo, [...nowhere, '/tmp'])
  for (const { readEnd, writeEnd } of fifos) for (const fd of [readEnd, writeEnd]) closeSync(fd)
  assert.equal(fifos.length, 8)
})

test('where no place takes a fifo, it is said, with what to look at', async () => {
  await assert.rejects(makeFifos(mkfifo, nowhere), {
    code: 'ERR_SANDBOX_UNAVAILABLE',
    message: 'no fifo can be made in /dev/none or /dev/null or /proc',
    help: /^have one of them writable .*: ls -ld \/dev\/none/,
  })
})

test('that there is no program is no fault of a place', async () => {
  await assert.rejects(makeFifos('/nowhere/mkfifo', ['/tmp']), { code: 'ENOENT', syscall: 'spawn /nowhere/mkfifo' })
})
