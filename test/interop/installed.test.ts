/** Goal: what I have installed with pip is what my stages run with, locked with hashes in one command. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

test('what an interpreter has installed is one command from locked, at its versions, without what installs', async (context) => {
  const project = scratch(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}\n',
    '.gitignore': '/out\n',
    'say.py': "import six\nopen('out/said', 'w').write(six.__version__)\n",
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  const virtual = join(project.keys, 'virtual')
  execFileSync('python3', ['-m', 'venv', virtual])
  const programs = join(virtual, 'bin')
  const asked = await project.json(2, 'env', 'lock')
  assert.match(asked.error.help, /env lock --from installed/)
  const environment = { ...scratchEnvironment(project.keys), PATH: `${programs}:${process.env['PATH']}` }
  const lock = (): ReturnType<typeof runAssay> =>
    runAssay(['env', 'lock', '--from', 'installed', '--yes', '--json'], project.root, environment)
  const empty = await lock()
  assert.match(empty.stdout, /has no packages to lock/, 'pip and setuptools are what installs')
  execFileSync(join(programs, 'pip'), ['install', '--quiet', '--disable-pip-version-check', 'six==1.16.0'])
  const locked = await lock()
  assert.equal(locked.code, 0, locked.stderr)
  const { packages, written } = JSON.parse(locked.stdout)
  assert.deepEqual([packages, written], [1, ['requirements.lock', 'assay.yaml']])
  assert.match(project.read('requirements.lock'), /^six==1\.16\.0 \\\n {4}--hash=sha256:[0-9a-f]{64}/m)
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('out/said'), '1.16.0', 'of the lock: this interpreter has no six')
})
