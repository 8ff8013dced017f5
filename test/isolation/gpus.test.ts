/**
 * The device files of a GPU in a sandbox. No real one is needed: a device that gives zeros stands at the place, owned by
 * a group as the render nodes of AMD are. What a driver does behind the file is not tried.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { driveOne, folderFor } from './support.ts'

const skip = process.getuid?.() === 0 ? false : 'making a device needs root'
const render = 4321

test('a stage with a GPU uses its device and reads its library; one without sees neither', {
  skip,
}, async (context) => {
  const folder = folderFor('root', context)
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'dri'))
  const [unit, other, library] = ['renderD128', 'renderD129', 'libdriver.so'].map((name) => join(folder, 'dri', name))
  for (const path of [unit, other]) {
    execFileSync('mknod', [path ?? '', 'c', '1', '5'])
    chownSync(path ?? '', 0, render)
    chmodSync(path ?? '', 0o660)
  }
  writeFileSync(library ?? '', 'code\n')
  const gpus = {
    vendor: 'amd' as const,
    units: [unit ?? ''],
    devices: [unit ?? ''],
    libraries: [library ?? ''],
    groups: [render],
    busIds: [],
  }
  const ask = {
    commands: [
      `head -c 4 ${unit} | od -An -tx1; cat ${library}; (echo x > ${library}) 2>/dev/null && echo written; ls ${folder}/dri; id -G`,
    ],
  }
  const given = await driveOne('root', context, { ...ask, gpus })
  assert.deepEqual(given.log.tail.slice(0, -1), [' 00 00 00 00', 'code', 'libdriver.so', 'renderD128'])

  const without = await driveOne('root', context, ask)
  assert.match(without.log.tail.join('\n'), /renderD128'? .*No such file or directory/)
  assert.doesNotMatch(without.log.tail.join('\n'), /code|00 00/)
})
