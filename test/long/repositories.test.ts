/** Goal: however I got my checkout (submodules, worktree, shallow, sparse, LFS, CRLF), it runs, or I am told what to get. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, type Ran, runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

const report = ({ stdout }: Ran): Document => JSON.parse(stdout)

test('files of a submodule are code of the commit that pins them; one that is not checked out is named', async (context) => {
  const inner = scratch(context, { 'tool.sh': 'echo tool\n', 'table.csv': 'a\n' })
  inner.commit()
  const project = scratch(context, {
    'dvc.yaml': `stages:
  use: {cmd: sh vendor/lib/tool.sh > use.txt, outs: [use.txt]}
  read: {cmd: cat vendor/lib/table.csv > read.txt, deps: [vendor/lib/table.csv], outs: [read.txt]}
`,
    '.gitignore': '/*.txt\n',
  })
  const submodule = (...args: readonly string[]) =>
    project.git('-c', 'protocol.file.allow=always', 'submodule', ...args)
  submodule('--quiet', 'add', inner.root, 'vendor/lib')
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal(project.read('use.txt'), 'tool\n')
  await project.json(0, 'verify', 'use.txt')

  project.write({ 'vendor/lib/tool.sh': 'echo edited\n' })
  const dirty = await project.assay('run', 'use')
  assert.match(dirty.stderr, /level 0 until this is committed: vendor\/lib\/tool\.sh \(changed\)/)
  project.git(
    '-C',
    'vendor/lib',
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=a@b',
    'commit',
    '--quiet',
    '--all',
    '-m',
    'edit',
  )
  project.commit('pin the edit')
  const moved = await project.json(0, 'run')
  assert.deepEqual([statuses(moved), moved.level], [{ use: 'ran', read: 'cached' }, 1])

  const clone = join(project.root, '../clone')
  project.git('clone', '--quiet', project.root, clone)
  const environment = { ...scratchEnvironment(project.keys), ASSAY_CONFIG_HOME: join(project.keys, 'assay') }
  assert.equal((await runAssay(['key', 'use'], clone, environment)).code, 0)
  const absent = await runAssay(['run', '--keep-going'], clone, environment)
  assert.match(
    absent.stderr,
    /no stage sees the submodule `vendor\/lib`: it is not checked out at the commit that is pinned/,
  )
  const { stages } = report(await runAssay(['run', '--keep-going', '--json'], clone, environment))
  const told = Object.fromEntries(stages.map((stage: Document) => [stage.name, stage]))
  const next = 'git submodule update --init --recursive vendor/lib'
  assert.deepEqual([told.read.code, told.read.help], ['ERR_DATA_MISSING', next])
  assert.deepEqual([told.use.code, told.use.help], ['ERR_STAGE_UNDECLARED_READ', next])
})

test('a worktree, a shallow and a sparse clone, and names with spaces and letters, are checkouts like any other', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  project.write({ 'extra/a.txt': 'x\n' })
  project.commit()
  const environment = scratchEnvironment(project.keys)
  const at = (name: string) => join(project.root, '..', name)
  const assay = (name: string, ...args: readonly string[]) => runAssay([...args, '--json'], at(name), environment)

  project.git('worktree', 'add', '--quiet', '--detach', at('work tree – größe'))
  const refused = await assay('work tree – größe', 'run')
  assert.equal(report(refused).error.code, 'ERR_KEY_CHECKOUT')
  assert.equal((await assay('work tree – größe', 'key', 'use')).code, 0)
  assert.equal(report(await assay('work tree – größe', 'run')).level, 1)
  assert.equal((await assay('work tree – größe', 'verify', 'model/count.txt')).code, 0)

  project.git('clone', '--quiet', '--depth', '1', `file://${project.root}`, at('shallow'))
  assert.equal((await assay('shallow', 'key', 'use')).code, 0)
  const shallow = report(await assay('shallow', 'run'))
  assert.equal(shallow.level, 1)

  project.git('clone', '--quiet', '--sparse', project.root, at('sparse'))
  assert.equal((await assay('sparse', 'key', 'use')).code, 0)
  const sparse = await runAssay(['run'], at('sparse'), environment)
  assert.match(
    sparse.stderr,
    /level 0 until this is committed: .*extra\/a\.txt \(it is in the commit and not on disk\).*\n {2}next: put back .*git sparse-checkout disable/,
  )
  execFileSync('git', ['sparse-checkout', 'disable'], { cwd: at('sparse'), env: environment, stdio: 'ignore' })
  assert.equal(report(await assay('sparse', 'run')).level, 1)

  project.git('clone', '--quiet', '--bare', project.root, at('bare'))
  assert.equal(report(await assay('bare', 'run')).error.code, 'ERR_PROJECT_MISSING')
})

test('an LFS pointer without its bytes is refused by name; with them it is data; changed line ends are told', async (context) => {
  const bytes = 'x'.repeat(300)
  const oid = createHash('sha256').update(bytes).digest('hex')
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`
  const project = scratch(context, {
    'dvc.yaml': `stages:
  big: {cmd: wc -c < weights.bin > big.txt, deps: [weights.bin], outs: [big.txt]}
  text: {cmd: cat code.txt > text.txt, deps: [code.txt], outs: [text.txt]}
`,
    'weights.bin': pointer,
    'code.txt': 'a\nb\n',
    '.gitignore': '/big.txt\n/text.txt\n',
    'assay.yaml': 'assay: 1\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const refused = await project.json(1, 'run', '--keep-going')
  const big = refused.stages.find(({ name }: Document) => name === 'big')
  assert.deepEqual([big.code, big.help], ['ERR_DATA_MISSING', 'get them first: git lfs pull --include weights.bin'])
  project.write({ 'weights.bin': bytes })
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal(project.read('big.txt'), '300\n')

  project.write({ 'code.txt': 'a\r\nb\r\n' })
  const converted = await project.assay('run')
  assert.match(converted.stderr, /code\.txt \(it has other line ends than the commit/)
})
