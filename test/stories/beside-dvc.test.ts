/**
 * Side by side with DVC, against what DVC itself made of the same project: test/vectors/dvc/lock-project.json.
 * test/interop/dvc.test.ts asks DVC in person.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'

type Vector = Readonly<{
  files: Readonly<Record<string, string>>
  expected: Readonly<Record<string, string>>
  objects: readonly string[]
}>
const vector = JSON.parse(readFileSync(new URL('../vectors/dvc/lock-project.json', import.meta.url), 'utf8')) as Vector

function cached(project: Scratch, cache = '.dvc/cache'): readonly string[] {
  const root = join(project.root, cache, 'files/md5')
  const names = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : []
  return names
    .filter((name) => statSync(join(root, name)).isFile())
    .map((name) => name.replace('/', ''))
    .toSorted()
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

async function besideDvc(context: TestContext, files: Readonly<Record<string, string>>): Promise<Scratch> {
  const project = await adopted(context, files)
  writeFileSync(join(project.root, 'assay.yaml'), `${project.read('assay.yaml')}lock: [assay, dvc]\n`)
  project.commit('keep dvc.lock')
  return project
}

test('a run writes the locks, the ignore files and the cache that DVC would have written', async (context) => {
  const project = await besideDvc(context, vector.files)
  const report = await project.json(0, 'run')
  assert.equal(report.level, 1)
  for (const [path, text] of Object.entries(vector.expected)) assert.equal(project.read(path), text, path)
  // What `dvc add` had put there is not in this checkout.
  const added = [
    'b8a9f715dbb64fd5c56e7783c6820a61',
    'eb5edc7a33d0f31bab1e80353b896b0e.dir',
    'edb66c948eb81cc88b5eea45e93e3fe1',
  ]
  assert.deepEqual(
    cached(project),
    vector.objects.filter((name) => !added.includes(name) || name.startsWith('b8a9')),
  )
  for (const name of cached(project).filter((one) => !one.endsWith('.dir'))) {
    const path = join(project.root, '.dvc/cache/files/md5', name.slice(0, 2), name.slice(2))
    assert.equal(md5(readFileSync(path, 'utf8')), name)
    assert.equal(statSync(path).mode & 0o777, 0o444)
  }

  // Nothing is left to do, and nothing is written again.
  project.commit('what the run made')
  const before = statSync(join(project.root, 'dvc.lock')).mtimeMs
  assert.deepEqual(new Set(Object.values(statuses(await project.json(0, 'run')))), new Set(['cached']))
  assert.equal(statSync(join(project.root, 'dvc.lock')).mtimeMs, before)
  assert.equal((await project.json(0, 'verify')).trusted, true)
})

test('the lock follows each change and keeps what is not its own; a lost cache is filled again', async (context) => {
  const project = await adopted(context, { ...words, '.dvc/config': '[cache]\n    dir = ../shared cache\n' })
  // Without a word in assay.yaml, dvc.lock is kept where there is one.
  await project.json(0, 'run')
  assert.equal(existsSync(join(project.root, 'dvc.lock')), false)
  const other = `schema: '2.0'\nstages:\n  gone:\n    cmd: kept # as it is\n`
  project.write({ 'dvc.lock': other })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  const first = project.read('dvc.lock')
  assert.ok(first.startsWith(other))
  assert.match(first, /\n {2}sort:\n {4}cmd: sh src\/sort\.sh data\/words\.txt out\/sorted\.txt\n {4}deps:\n/)
  assert.deepEqual(
    cached(project, 'shared cache'),
    [md5(project.read('model/count.txt')), md5(project.read('out/sorted.txt'))].toSorted(),
  )

  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'ran' })
  const changed = project.read('dvc.lock')
  assert.match(changed, /params:\n {6}params\.yaml:\n {8}count\.field: 2\n/)
  assert.equal(changed.split('  count:')[0], first.split('  count:')[0])

  rmSync(join(project.root, 'shared cache'), { recursive: true })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.deepEqual(cached(project, 'shared cache').length, 2)
  assert.equal(project.read('dvc.lock'), changed)
})

test('a broken dvc.lock stops the run before its first stage, one of DVC 1 is left alone', async (context) => {
  const project = await adopted(context, words)
  project.write({ 'dvc.lock': '<<<<<<< HEAD\nschema: "2.0"\n' })
  assert.equal((await project.json(2, 'run')).error.code, 'ERR_DEFINITION_INVALID')
  assert.equal(existsSync(join(project.root, 'out')), false)
  const old = 'sort:\n  cmd: sh src/sort.sh\n'
  project.write({ 'dvc.lock': old })
  const ran = await project.assay('run')
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(`${ran.stdout}${ran.stderr}`, /dvc\.lock is of DVC 1 and stays as it is/)
  assert.equal(project.read('dvc.lock'), old)
})

/** A project whose data only DVC's cache holds: a file, and a folder. */
async function withCachedData(context: TestContext): Promise<Scratch> {
  const list = `[{"md5": "${md5('one')}", "relpath": "a"}, {"md5": "${md5('two')}", "relpath": "sub/b"}]`
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  join:
    cmd: cat data/words.txt parts/a parts/sub/b > out.txt
    deps: [data/words.txt, parts]
    outs: [out.txt]
`,
    '.dvc/config': '',
    '.gitignore': '/out.txt\n/parts\n/.dvc/cache\n/data/words.txt\n',
    'data/words.txt.dvc': `outs:\n- md5: ${md5('pear\n')}\n  size: 5\n  hash: md5\n  path: words.txt\n`,
    'parts.dvc': `outs:\n- md5: ${md5(list)}.dir\n  size: 6\n  nfiles: 2\n  hash: md5\n  path: parts\n`,
  })
  for (const [name, text] of [
    ...['pear\n', 'one', 'two'].map((one) => [md5(one), one] as const),
    [`${md5(list)}.dir`, list] as const,
  ]) {
    const path = join(project.root, '.dvc/cache/files/md5', name.slice(0, 2), name.slice(2))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: 0o444 })
  }
  return project
}

test('data that is not here is taken from the cache of DVC, checked, and put into the workspace', async (context) => {
  const project = await withCachedData(context)
  const status = await project.json(0, 'status')
  assert.equal(JSON.stringify(status).includes('ERR_'), false)
  assert.equal(existsSync(join(project.root, 'parts')), false)

  const report = await project.json(0, 'run')
  assert.equal(report.level, 1)
  assert.equal(project.read('out.txt'), 'pear\nonetwo')
  assert.equal(project.read('data/words.txt'), 'pear\n')
  assert.equal(project.read('parts/sub/b'), 'two')
  assert.equal((await project.json(0, 'verify', 'out.txt')).trusted, true)
})

test('data that is nowhere is missing, and the message says what to pull', async (context) => {
  const project = await withCachedData(context)
  rmSync(join(project.root, '.dvc/cache'), { recursive: true })
  const { error } = await project.json(1, 'run')
  assert.equal(error.code, 'ERR_DATA_MISSING')
  assert.match(error.help, /dvc pull (data\/words\.txt|parts)\.dvc/)
})

test('data that is not what its .dvc file pins makes the run dirty, with the next step', async (context) => {
  const project = await withCachedData(context)
  await project.json(0, 'run')
  const good = project.read('data/words.txt')
  project.write({ 'data/words.txt': 'plum\n' })
  const ran = await project.assay('run')
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(
    ran.stdout + ran.stderr,
    /level 0 until this is committed: data\/words\.txt \(is not what data\/words\.txt\.dvc pins\)\n {2}next: dvc add data\/words\.txt and commit data\/words\.txt\.dvc, or take the pinned bytes: dvc checkout data\/words\.txt\.dvc/,
  )
  const verdict = await project.json(1, 'verify', 'out.txt')
  assert.equal(verdict.level, 0)
  assert.ok(
    verdict.findings.some(
      ({ code, passed }: { code: string; passed: boolean }) => !passed && code === 'ERR_EVIDENCE_DIRTY',
    ),
    JSON.stringify(verdict.findings),
  )

  // The honest twin: the pinned bytes again.
  project.write({ 'data/words.txt': good })
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal((await project.json(0, 'verify', 'out.txt')).trusted, true)
})
