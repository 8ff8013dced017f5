import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { test } from 'node:test'
import { observeFiles } from './observe-files.fs.ts'

const place = '/dev/shm'
const own = `${place}/.assay`

test('the list of a temporary folder is no fact of the answer, unless it is the project', {
  skip: !existsSync(place) || existsSync(own),
}, (context) => {
  const observed = (): ReadonlyMap<string, unknown> | undefined => {
    const observation = observeFiles()
    const fs = process.getBuiltinModule('node:fs')
    fs.readdirSync(place)
    fs.existsSync(own)
    return observation.end()
  }
  assert.deepEqual([...(observed()?.keys() ?? [])], [`entry ${own}`])
  mkdirSync(own)
  context.after(() => rmdirSync(own))
  assert.equal(observed(), undefined, 'what comes to lie in the project would not be seen')
})
