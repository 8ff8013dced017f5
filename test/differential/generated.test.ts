/**
 * Generated projects with the answers of DVC 3.67.1, so that parity is held where no DVC is.
 * SOURCE: test/vectors/dvc/SOURCE.txt; `npm run test:dvc` makes new ones and asks DVC itself.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, askAssay, compare } from './compare.ts'
import { removeProject, writeProject } from './project-folder.ts'
import type { Files } from './projects.ts'

type Case = Readonly<{ seed: number; files: Files; expected: Answer }>

const vectors = new URL('../vectors/dvc/generated.jsonl', import.meta.url)
const cases = readFileSync(vectors, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case) // our own vectors, of this shape

test('plans and refuses what DVC did', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'assay-generated-'))
  context.after(() => rmSync(base, { recursive: true, force: true }))
  assert.ok(cases.length > 100)
  for (const { seed, files, expected } of cases) {
    const root = join(base, String(seed))
    writeProject(root, files)
    const isIgnoring = Object.keys(files).some((path) => path.endsWith('.gitignore'))
    const { kind, ...rest } = compare(expected, await askAssay(root, base, isIgnoring), files, root)
    assert.equal(kind, 'refused' in expected ? 'refused' : 'planned', `seed ${seed}: ${JSON.stringify(rest)}`)
    removeProject(root)
  }
})
