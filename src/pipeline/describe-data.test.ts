import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { profileData } from './describe-data.ts'
import type { StoppableCaller } from './validate-data.fs.ts'

test('a profile of files with which nothing can be compared says so; of what may be images of classes, that nobody has looked', async (context) => {
  const place = mkdtempSync(join(tmpdir(), 'assay-profile-'))
  context.after(() => rmSync(place, { recursive: true, force: true }))
  // as: all that is asked of a caller where there is no project
  const caller = { workingFolder: place, now: () => new Date(0), environment: {} } as unknown as StoppableCaller
  const told = async (path: string, files: readonly string[], label?: string): Promise<string> => {
    for (const file of files) {
      mkdirSync(dirname(join(place, path, file)), { recursive: true })
      writeFileSync(join(place, path, file), file)
    }
    const found = await profileData(caller, path, label === undefined ? {} : { label })
    if (found.kind !== 'files') throw new Error(`a folder of files became ${found.kind}`)
    return [...found.warned.map(({ name, verdict }) => `${name} ${verdict}`), ...found.unseen].join()
  }
  const perhaps = 'whether it holds images of several classes, which alone are compared with an anchor'
  assert.deepEqual(
    [
      await told('papers', ['a.pdf', 'b.pdf']),
      await told('classes', ['cat/1.png', 'dog/2.png']),
      await told('labelled', ['1.png', 'labels.csv']),
      await told('papers', [], 'labels.csv'),
    ],
    ['format/baseline warn', perhaps, perhaps, perhaps],
  )
})
