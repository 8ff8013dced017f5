import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const rows = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [AT]\d+ \|/.test(line))

/** `file` (the beginning of a test's name) */
const reference = /`((?:src|test|scripts)\/[\w./-]+\.test\.ts)`(?: \(([^)]+)\))?/g

test('every attack of the threat model names tests that exist, or says that it is not stopped', () => {
  assert.ok(rows.length > 20)
  for (const row of rows) {
    const cells = row.split(' | ')
    const shown = cells.at(-1) ?? ''
    const named = [...shown.matchAll(reference)]
    assert.ok(named.length > 0 || shown.startsWith('not stopped'), row.slice(0, 80))
    for (const [, file = '', name] of named) {
      assert.ok(existsSync(join(root, file)), `${file} is not there`)
      if (name === undefined) continue
      const text = readFileSync(join(root, file), 'utf8')
      assert.ok(text.includes(`test('${name}`), `${file} has no test that begins with: ${name}`)
    }
  }
})
