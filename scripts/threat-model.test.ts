import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const rows = ['docs/threat-model.md', 'docs/reference/fail-closed.md'].flatMap((file) =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter((line) => /^\| [ACFT]\d+ \|/.test(line)),
)

/** `file` (the beginning of a test's name, the name of a case in quotes, or of a probe; another) */
const reference = /`((?:src|test|scripts)\/[\w./-]+\.(?:ts|py))`(?: \(([^)]+)\))?/g

const isNamed = (text: string, name: string): boolean =>
  [`test('${name}`, `test("${name}`, `test(\`${name}`, `def ${name}(`].some((each) => text.includes(each)) ||
  (name.startsWith("'") && text.includes(name.replace(/'$/, '')))

/** Run by scripts of their own, and not by `npm test`. */
const apart = /^test\/(long|crash|engines|interop)\//

/** A test file with the cases that it takes from files beside it. */
function textOf(file: string): string {
  const text = readFileSync(join(root, file), 'utf8')
  const beside = [...text.matchAll(/ from '(\.\/[\w.-]+\.ts)'/g)].map(([, path = '']) => join(root, file, '..', path))
  return [text, ...beside.map((path) => readFileSync(path, 'utf8'))].join('\n')
}

test('every attack of the threat model, and every row of the fail-closed matrix, names tests that exist, one of them of `npm test`, or says that it is not stopped', () => {
  assert.ok(rows.length > 20)
  for (const row of rows) {
    const cells = row.split(' | ')
    const shown = cells.at(-1) ?? ''
    const named = [...shown.matchAll(reference)]
    const isAtEachChange = named.some(([, file = '']) => !apart.test(file))
    assert.ok(isAtEachChange || shown.startsWith('not stopped'), row.slice(0, 80))
    for (const [, file = '', names] of named) {
      assert.ok(existsSync(join(root, file)), `${file} is not there`)
      const text = textOf(file)
      for (const name of names?.split('; ') ?? [])
        assert.ok(isNamed(text, name), `${file} has no test that begins with: ${name}`)
    }
  }
})
