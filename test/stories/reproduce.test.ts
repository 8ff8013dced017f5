/** A run is made once more from its evidence, and the answer is signed. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { adopted, statuses } from '../support/adopted.ts'
import { processesNaming, start, until } from '../support/interrupt.ts'
import { words } from '../support/projects.ts'
import { metrics, ran } from '../support/reproductions.ts'
import { type Document, runAssay, scratchEnvironment } from '../support/scratch.ts'

test('a run reproduces bit by bit, and verify says so; what is gone then, or has no evidence, is due no less', async (context) => {
  const project = await ran(context)
  const before = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(before.properties.reproduced, false)

  const report = await project.json(0, 'reproduce')
  assert.equal(report.verdict, 'identical')
  assert.deepEqual(
    report.comparisons.map(({ stage, path, verdict }: Document) => [stage, path, verdict]),
    [
      ['sort', 'out/sorted.txt', 'identical'],
      ['count', 'model/count.txt', 'identical'],
    ],
  )
  const after = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(after.properties.reproduced, true)
  assert.equal(after.level, before.level)
  assert.deepEqual(readdirSync(join(project.root, '.assay', 'again')), [])
  assert.ok(!existsSync(join(project.root, 'git')))

  rmSync(join(project.root, 'model/count.txt'))
  const gone = (await project.json(1, 'reproduce', '--due')).due
  assert.deepEqual([gone.missing, gone.fresh], [['model/count.txt'], []], 'an out that is gone is no out that is fresh')
  project.write({ 'model/count.txt': 'nobody made it\n' })
  const unproven = await project.assay('reproduce', '--due')
  assert.equal(unproven.code, 1)
  assert.match(
    unproven.stdout,
    /^nothing is due: 0 reproduced\nnot known: model\/count.txt has no evidence; next: assay run$/m,
  )
})

test('a stage that reads the clock diverges, first where it does, and its model is not trusted any more', async (context) => {
  const project = await ran(context, {
    ...words,
    'src/sort.sh': 'sort "$1" > "$2"\ndate +%s%N >> "$2"\n',
  })
  const report = await project.json(1, 'reproduce', 'model/count.txt')
  assert.equal(report.verdict, 'diverged')
  assert.deepEqual([report.firstDivergence.stage, report.firstDivergence.path], ['sort', 'out/sorted.txt'])

  const verified = await project.json(1, 'verify', 'model/count.txt')
  assert.deepEqual([verified.trusted, verified.level, verified.properties.reproduced], [false, 0, false])
  assert.match(verified.whyNotHigher.join('\n'), /no diverging reproduction: `count`, `sort`: run again/)
})

test('one stage alone takes what it builds on as it was', async (context) => {
  const project = await ran(context, {
    ...words,
    'src/sort.sh': 'sort "$1" > "$2"\ndate +%s%N >> "$2"\n',
  })
  const report = await project.json(0, 'reproduce', '--stage', 'count')
  assert.deepEqual([report.verdict, report.stages.map(({ stage }: Document) => stage)], ['identical', ['count']])
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).properties.reproduced, false)
  const from = await project.json(1, 'reproduce', '--from', 'sort')
  assert.equal(from.firstDivergence.stage, 'sort')
  const refusal = async (exit: number, ...args: readonly string[]): Promise<string> =>
    (await project.json(exit, 'reproduce', ...args)).error.code
  assert.equal(await refusal(2, '--stage', 'count', '--from', 'count'), 'ERR_USAGE')
  for (const option of ['--stage', '--from']) assert.equal(await refusal(2, option, 'nowhere'), 'ERR_STAGE_UNKNOWN')
})

test('what cannot be had any more is told, signed, and no reproduction', async (context) => {
  const project = await ran(context, { ...words, '.gitignore': '/out\n/model\n/data\n' })
  const { digest } = (await project.json(0, 'attest', 'show', 'out/sorted.txt')).stages[0].dependencies.find(
    ({ path }: Document) => path === 'data/words.txt',
  )
  const object = join(project.root, '.assay', 'objects', digest.slice(7, 9), digest.slice(9))
  rmSync(object, { force: true })
  project.write({ 'data/words.txt': 'plum 9\n' })
  const report = await project.json(1, 'reproduce')
  assert.equal(report.verdict, 'unavailable')
  assert.match(report.because, /`data\/words.txt` of `sort` .* neither in the store nor in the working tree/)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).properties.reproduced, false)

  project.write({ 'data/words.txt': String(words['data/words.txt']) })
  assert.equal(existsSync(object), false)
  assert.equal((await project.json(0, 'reproduce')).verdict, 'identical', 'the working tree has the very bytes')
})

test('a run of uncommitted changes has nothing to be reproduced from', async (context) => {
  const project = await adopted(context, words)
  project.write({ 'src/sort.sh': 'sort -r "$1" > "$2"\n' })
  await project.json(0, 'run')
  const report = await project.json(1, 'reproduce')
  assert.match(report.because, /was run on changes that no commit has: src\/sort.sh/)

  project.commit('the very changes')
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'reproduce')).verdict, 'identical')
})

test('what is declared to differ, with its reason, is within tolerance', async (context) => {
  const project = await ran(context, metrics)
  const diverged = await project.json(1, 'reproduce')
  assert.match(diverged.firstDivergence.because, /`?seconds`?/)
  assert.equal((await project.json(1, 'verify', 'model/count.json')).level, 0)

  const tolerance =
    'stages:\n  count:\n    reproducible:\n      tolerance:\n        - {path: model/*.json, metric: seconds, abs: 1, because: it is how long it took}\n'
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\n${tolerance}` })
  assert.equal((await project.json(1, 'reproduce')).verdict, 'diverged', 'what is not committed lets nothing pass')
  project.commit('declare what differs')
  const within = await project.json(0, 'reproduce')
  assert.equal(within.verdict, 'within-tolerance')
  assert.match(within.comparisons.at(-1).detail, /^`seconds` differs by .*; declared: it is how long it took$/)
  const verified = await project.json(0, 'verify', 'model/count.json')
  assert.deepEqual([verified.level, verified.properties.reproduced], [1, true])

  project.write({ 'assay.yaml': project.read('assay.yaml').replace(', because: it is how long it took', '') })
  const { error } = await project.json(2, 'reproduce')
  assert.equal(error.code, 'ERR_SETTINGS_INVALID')
  assert.match(error.message, /line \d+, column \d+: entry 1 of `tolerance` has no `because`/)
})

test('exported evidence is reproduced in another clone, by another folder name', async (context) => {
  const project = await ran(context)
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence.jsonl')
  const other = `${project.root}-of another name`
  project.git('clone', '--quiet', project.root, other)
  const there = (...args: string[]) => runAssay(args, other, scratchEnvironment(project.keys))
  assert.equal((await there('key', 'use')).code, 0)
  const reproduced = await there('reproduce', join(project.root, 'evidence.jsonl'), '--json')
  assert.equal(reproduced.code, 0, reproduced.stdout)
  assert.equal(JSON.parse(reproduced.stdout).verdict, 'identical')

  // The answer travels too, and is judged where neither project is at hand.
  const restored = JSON.parse((await there('run', '--json')).stdout)
  assert.deepEqual(statuses(restored), { sort: 'cached', count: 'cached' })
  const exported = await there('attest', 'export', 'model/count.txt', '--out', 'again.jsonl', '--json')
  assert.deepEqual(JSON.parse(exported.stdout).reproductions, 3)
  const alone = join(project.keys, '..', 'alone')
  mkdirSync(alone)
  for (const file of ['model/count.txt', 'again.jsonl', 'trust.yaml'])
    copyFileSync(join(other, file), join(alone, basename(file)))
  const judged = await runAssay(
    ['verify', 'count.txt', '--evidence', 'again.jsonl', '--policy', 'trust.yaml', '--json'],
    alone,
    scratchEnvironment(project.keys),
  )
  assert.deepEqual([judged.code, JSON.parse(judged.stdout).properties.reproduced], [0, true])
})

test('a key that the policy does not list is told before anything is run again; listed, it reproduces', async (context) => {
  const project = await ran(context)
  const stranger = scratchEnvironment(`${project.keys}-of a stranger`)
  const there = (...args: string[]) => runAssay(args, project.root, stranger)
  assert.equal((await there('key', 'new')).code, 0)
  const signed = (): readonly string[] => readdirSync(join(project.root, '.assay/attestations'))
  const before = signed()
  const { code, stdout } = await there('reproduce', '--json')
  assert.deepEqual([code, JSON.parse(stdout).error.code], [1, 'ERR_SIGNER_UNKNOWN'])
  assert.deepEqual(signed(), before)
  assert.equal(existsSync(join(project.root, '.assay/again')), false, 'no place was made for a stage')

  const { publicKey } = JSON.parse((await there('key', 'export', '--json')).stdout)
  const policy = parse(project.read('trust.yaml'))
  policy.keys.eve = { publicKey, principal: 'Eve <eve@example.org>' }
  policy.roles.builder.push({ key: 'eve', builder: 'local/sandboxed', maxLevel: 1 })
  policy.roles.reproducer.push('eve')
  project.write({ 'trust.yaml': stringify(policy) })
  project.commit('believe eve')
  const listed = await there('reproduce', '--json')
  assert.deepEqual([listed.code, JSON.parse(listed.stdout).verdict], [0, 'identical'], listed.stdout)
  assert.equal(signed().length, before.length + 3, 'two runs and the verdict')
  const { findings } = await project.json(0, 'verify', 'model/count.txt')
  assert.match(JSON.stringify(findings), /signed by `eve`/)
})

test('THREAT a verdict that leaks data: of restricted data nothing is told but that it differs', async (context) => {
  const project = await adopted(context, {
    ...metrics,
    'src/count.sh': 'printf \'{"%s": 0.%s}\\n\' "$(head -n 1 "$1")" "$(date +%N)" > "$3"\n',
  })
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--classification', 'restricted')
  await project.json(0, 'data', 'approve', 'words')
  project.commit('restricted words')
  await project.json(0, 'run')
  project.commit('a run')
  const ran = await project.assay('reproduce', '--times', '2', '--report', 'again.html', '--json')
  const report = JSON.parse(ran.stdout)
  assert.equal(report.verdict, 'diverged')
  assert.equal(report.comparisons[1].detail, 'other bytes; in what they differ is not told of restricted data')
  assert.equal(report.causes[0].what, 'wall-clock src/count.sh:1')
  for (const said of [ran.stdout, project.read('again.html')]) assert.equal(said.includes('apple 2'), false)
  // Nor is it said that nothing differs, where nobody looked.
  assert.deepEqual([report.noise.isSame, report.noise.uncompared], [false, ['model/count.json']])
  assert.match(project.read('again.html'), /Not known of model\/count\.json/)
  assert.doesNotMatch(project.read('again.html'), /same bytes each time/)
  const same = await project.assay('reproduce', '--times', '2', '--stage', 'sort')
  assert.match(same.stdout, /^the runs gave the same bytes each time$/m)
})

test('Ctrl-C ends a reproduction at once, signs nothing and leaves nothing', async (context) => {
  const project = await adopted(context, { ...words, 'src/sort.sh': 'sleep 2.345; sort "$1" > "$2"\n' })
  await project.json(0, 'run')
  const before = readdirSync(join(project.root, '.assay/attestations'))
  const { child, ended } = start(project, 'reproduce')
  await until('the stage runs again', () => processesNaming('2.345').length > 0)
  child.kill('SIGINT')
  const { code, stderr } = await ended
  assert.equal(code, 130)
  assert.match(stderr, /nothing is signed \(ERR_RUN_CANCELLED\)/)
  assert.deepEqual(readdirSync(join(project.root, '.assay/attestations')), before)
  assert.deepEqual(readdirSync(join(project.root, '.assay/again')), [])
})
