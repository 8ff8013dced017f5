/**
 * Side by side with DVC, against what DVC itself made of the same project: test/vectors/dvc/lock-project.json.
 * test/interop/dvc.test.ts asks DVC in person.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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

test('outs of a frozen stage that only the cache of DVC holds are taken by what dvc.lock says of them', async (context) => {
  const lock = `schema: '2.0'
stages:
  fetch:
    cmd: curl https://example.org > data.txt
    outs:
    - path: ./data.txt
      hash: md5
      md5: ${md5('fetched\n')}
      size: 8
`
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  fetch:
    cmd: curl https://example.org > data.txt
    outs: [./data.txt]
    frozen: true
  use:
    cmd: sort data.txt > used.txt
    deps: [data.txt]
    outs: [used.txt]
`,
    'dvc.lock': lock,
    '.dvc/config': '',
    '.gitignore': '/data.txt\n/used.txt\n/.dvc/cache\n',
  })
  const missing = await project.json(1, 'run')
  assert.equal(missing.error.code, 'ERR_DATA_MISSING')
  const object = join(project.root, '.dvc/cache/files/md5', md5('fetched\n').slice(0, 2), md5('fetched\n').slice(2))
  mkdirSync(dirname(object), { recursive: true })
  writeFileSync(object, 'fetched\n', { mode: 0o444 })
  await project.json(0, 'run')
  assert.equal(project.read('used.txt'), 'fetched\n')
  assert.ok(project.read('dvc.lock').startsWith(lock))
  assert.match(project.read('dvc.lock'), /\n {2}use:\n/)
})

test('a run that is killed leaves a lock that is whole, and the next run catches up', async (context) => {
  const names = Array.from({ length: 8 }, (_, index) => `s${index}`)
  const stages = names.map((name, index) => {
    const dep = index === 0 ? '' : `    deps: [s${index - 1}.txt]\n`
    return `  ${name}:\n    cmd: sleep 0.3 && echo ${name} > ${name}.txt\n${dep}    outs: [${name}.txt]\n`
  })
  const project = await besideDvc(context, {
    'dvc.yaml': `stages:\n${stages.join('')}`,
    '.dvc/config': '',
    '.gitignore': '/s*.txt\n',
  })
  const running = project.assay('run', '--json')
  running.catch(() => undefined)
  const pidFile = join(project.root, '.assay/run.lock')
  while (!existsSync(join(project.root, 's5.txt'))) await sleep(20)
  process.kill(Number.parseInt(/\d+/.exec(readFileSync(pidFile, 'utf8'))?.[0] ?? '', 10), 'SIGKILL')
  await running
  const left = existsSync(join(project.root, 'dvc.lock')) ? project.read('dvc.lock') : ''
  assert.match(left, /^(schema: '2\.0'\nstages:\n( {2}s\d:\n( {4}.*\n)+)*)?$/)

  const report = await project.json(0, 'run')
  assert.equal(statuses(report)['s5'], 'cached')
  const lock = project.read('dvc.lock')
  assert.deepEqual(
    [...lock.matchAll(/^ {2}(s\d):$/gm)].map(([, name]) => name),
    names,
  )
  assert.ok(lock.startsWith(left))
  assert.deepEqual(cached(project), names.map((name) => md5(`${name}\n`)).toSorted())
})

test('what a collector may free is never the objects of a folder that came from outside', async (context) => {
  const project = await withCachedData(context)
  await project.json(0, 'run')
  const objects = join(project.root, '.assay/objects')
  const old = new Date('2026-01-01')
  for (const name of readdirSync(objects, { recursive: true, encoding: 'utf8' })) {
    if (/^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name)) utimesSync(join(objects, name), old, old)
  }
  const freed = await project.json(0, 'gc')
  for (const text of ['one', 'two', 'pear\n']) {
    const hex = createHash('sha256').update(text).digest('hex')
    assert.equal(existsSync(join(objects, hex.slice(0, 2), hex.slice(2))), true, `${text} ${JSON.stringify(freed)}`)
  }
})
