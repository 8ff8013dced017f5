/** Threat: supply-chain compromise. A dependency that its lock does not pin to its bytes is not installed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

/** six 1.17.0, py2.py3-none-any, from PyPI. */
const six = '4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274'

async function runWith(project: Scratch, lock: string, exit: number): Promise<Document> {
  project.write({
    'requirements.lock': lock,
    'assay.yaml':
      'assay: 1\nname: words\nenvironments:\n  py: {python: {lock: requirements.lock}}\ndefaults: {environment: py}\n',
    'src/sort.sh': 'python3 -c "import six; print(six.__version__)"; sort "$1" > "$2"\n',
  })
  project.commit()
  return project.json(exit, 'run', 'sort')
}

test('refuses a requirement without a hash, with a wrong hash or without a pin; installs the locked one', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const wrong = createHash('sha256').update('other bytes').digest('hex')
  const codeOf = async (lock: string): Promise<string> => (await runWith(project, lock, 1)).stages[0].code

  assert.equal(await codeOf('six==1.17.0\n'), 'ERR_ENV_HASH_MISSING')
  assert.equal(await codeOf(`six>=1.17 --hash=sha256:${six}\n`), 'ERR_ENV_UNPINNED')
  assert.match(await codeOf(`six==1.17.0 --hash=sha256:${wrong}\n`), /^ERR_ENV_(HASH_MISMATCH|NO_WHEEL)$/)

  const good = await runWith(project, `six==1.17.0 --hash=sha256:${six}\n`, 0)
  assert.equal(good.stages[0].status, 'ran')
  const verdict = await project.json(0, 'verify', 'out/sorted.txt')
  assert.equal(verdict.properties.locked, true)
})
