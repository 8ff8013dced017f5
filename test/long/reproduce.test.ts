/** What is told of a reproduction in the rarer cases; test/stories/reproduce.test.ts has what each user meets. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type StageFacts, startSigner } from '../../src/attestation/index.ts'
import { lockTexts, wheelsIn } from '../../src/compute/environment/testing.exec.ts'
import { isSha256, type Sha256 } from '../../src/core/index.ts'
import { openProject, readStage } from '../../src/pipeline/index.ts'
import { adopted, statuses } from '../support/adopted.ts'
import { loseWheel, offline } from '../support/offline.ts'
import { words } from '../support/projects.ts'
import { metrics, ran } from '../support/reproductions.ts'
import { type Document, runAssay, scratchEnvironment } from '../support/scratch.ts'

test('what changed in the working tree since then is not asked', async (context) => {
  const project = await ran(context)
  project.write({ 'src/sort.sh': 'sort -r "$1" > "$2"\n', 'params.yaml': 'count:\n  field: 2\n' })
  project.commit('another way')
  project.write({ 'src/lib.sh': 'exit 1\n', 'data/words.txt': 'plum 9\n' })
  assert.equal((await project.json(0, 'reproduce', 'model/count.txt')).verdict, 'identical')
})

test('in a folder out the file that differs is named', async (context) => {
  const project = await ran(context, {
    ...words,
    'dvc.yaml': String(words['dvc.yaml']).replaceAll('model/count.txt', 'model/parts'),
    'src/count.sh': 'mkdir -p "$3"; echo same > "$3/a.txt"; date +%s%N > "$3/b.txt"\n',
  })
  const report = await project.json(1, 'reproduce')
  assert.deepEqual(
    report.comparisons.map(({ path, verdict }: Document) => [path, verdict]),
    [
      ['out/sorted.txt', 'identical'],
      ['model/parts', 'diverged'],
      ['model/parts/b.txt', 'diverged'],
    ],
  )
})

test('several runs tell the noise of a stage, and the tolerance to declare', async (context) => {
  const project = await ran(context, metrics)
  const report = await project.json(1, 'reproduce', '--times', '2', '--stage', 'count')
  assert.deepEqual(
    report.noise.tolerances.map(({ path, metric }: Document) => [path, metric]),
    [['model/count.json', 'seconds']],
  )
  assert.deepEqual(report.noise.beyond, [])
  const told = await project.assay('reproduce', '--times', '2', '--stage', 'count', '--report', 'again.html')
  const page = project.read('again.html')
  for (const words of ['DIVERGED', 'wall-clock src/count.sh:1', 'seconds', 'What 3 runs differ in'])
    assert.ok(page.includes(words), words)
  assert.ok(!page.includes('data:image/png'), 'what is no image has no picture')
  assert.match(
    told.stdout,
    /^model\/count\.json:\n {4}seconds {2}number {2}1 of 1 \(100 %\) {2}abs \S+ {2}rel \S+ {2}ulp \S+ {2}2\^-\d+ █ 2\^-?\d+$/m,
  )
  const { name, maxAbs, histogram } = report.measured[0].measures[0]
  assert.deepEqual([name, maxAbs > 0, histogram.length], ['seconds', true, 1])
  const proposed = /^stages:\n(?: .*\n)+/m.exec(told.stdout)?.[0] ?? ''
  assert.match(
    proposed,
    /- \{path: model\/count\.json, metric: seconds, abs: [\d.e-]+, because: "3 runs differed from the first by/,
  )
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\n${proposed}` })
  await project.json(0, 'status')
  assert.equal((await project.json(2, 'reproduce', '--times', '0')).error.code, 'ERR_USAGE')
})

test('the proposed tolerance covers any two of the runs, also of a value that only grows', async (context) => {
  const project = await ran(context, {
    ...metrics,
    'src/count.sh': 'printf \'{"count": %s}\\n\' "$(($(date +%s%N) / 1000000))" > "$3"\n',
  })
  const report = await project.json(1, 'reproduce', '--times', '3', '--stage', 'count')
  const objects = join(project.root, '.assay/objects')
  const counts = readdirSync(objects, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .flatMap(
      ({ parentPath, name }) => /^\{"count": (\d+)\}$/m.exec(readFileSync(join(parentPath, name), 'utf8'))?.[1] ?? [],
    )
    .map(Number)
  assert.equal(counts.length, 4)
  const [{ metric, abs }] = report.noise.tolerances
  assert.equal(metric, 'count')
  assert.ok(abs >= 2 * (Math.max(...counts) - Math.min(...counts)), `${abs} of ${counts}`)
})

test('THREAT what has become restricted since then is told of, and kept, as it is now', async (context) => {
  const project = await adopted(context, {
    ...metrics,
    'src/count.sh': 'printf \'{"%s": 0.%s}\\n\' "$(head -n 1 "$1")" "$(date +%N)" > "$3"\n',
  })
  const classify = async (...more: readonly string[]): Promise<void> => {
    await project.json(0, 'data', 'add', 'words', 'data/words.txt', ...more)
    await project.json(0, 'data', 'approve', 'words')
    project.commit('words')
  }
  await classify('--classification', 'internal')
  await project.json(0, 'run')
  project.commit('a run')
  const closed = join(project.root, '.assay/objects/closed/restricted')
  const detail = async (...args: readonly string[]): Promise<string> =>
    (await project.json(1, 'reproduce', ...args)).comparisons.at(-1).detail
  assert.match(await detail(), /^`apple 2` differs/)
  assert.equal(existsSync(closed), false)

  await classify('--classification', 'restricted', '--replace')
  const secret = 'other bytes; in what they differ is not told of restricted data'
  assert.equal(await detail('--stage', 'count'), secret)
  const kept = (): number => readdirSync(closed, { recursive: true }).length
  const before = kept()
  assert.equal(await detail(), secret)
  assert.ok(kept() > before, 'what is made of it again is kept apart')
})

test('an out of then that is gone leaves a signed answer, and hides no divergence that was seen', async (context) => {
  const project = await adopted(context, { ...metrics, 'src/sort.sh': 'sort "$1" > "$2"\ndate +%s%N >> "$2"\n' })
  const tolerance =
    'stages:\n  count:\n    reproducible:\n      tolerance:\n        - {path: model/*.json, metric: seconds, abs: 1, because: it is how long it took}\n'
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\n${tolerance}` })
  project.commit('declare what differs')
  await project.json(0, 'run')
  project.commit('a run')
  assert.equal((await project.json(0, 'reproduce', '--stage', 'count')).verdict, 'within-tolerance')
  const { stages } = await project.json(0, 'attest', 'show', 'model/count.json')
  const { digest } = stages.flatMap(({ outputs }: Document) => outputs).find(({ path }: Document) => /json$/.test(path))
  rmSync(join(project.root, '.assay', 'objects', digest.slice(7, 9), digest.slice(9)))

  const gone = await project.json(1, 'reproduce', '--stage', 'count')
  assert.deepEqual([gone.verdict, isSha256(gone.attestation)], ['unavailable', true])
  assert.match(gone.because, /^`model\/count\.json` has other bytes, and those of then are not here/)
  const seen = await project.json(1, 'reproduce')
  assert.deepEqual([seen.verdict, seen.firstDivergence.stage, isSha256(seen.attestation)], ['diverged', 'sort', true])
})

test('a share of what is due is drawn by the seed, and what diverges exits 1 and stays due', async (context) => {
  const names = ['a', 'b']
  const project = await ran(context, {
    'dvc.yaml': `stages:\n${names.map((name) => `  ${name}: {cmd: date +%s%N > ${name}.txt, outs: [${name}.txt]}\n`).join('')}`,
    '.gitignore': '/*.txt\n',
  })
  const draw = async (seed: string): Promise<readonly string[]> => {
    const { verdict, due } = await project.json(1, 'reproduce', '--due', '--share', '0.5', '--seed', seed)
    assert.equal(verdict, 'diverged')
    assert.deepEqual([...due.paths, ...due.later].toSorted(), ['a.txt', 'b.txt'])
    return due.paths
  }
  const drawn = await draw('a')
  assert.equal(drawn.length, 1)
  assert.deepEqual(await draw('a'), drawn)
  assert.notDeepEqual(await draw('b'), drawn)
  assert.equal((await project.json(2, 'reproduce', 'a.txt', '--due')).error.code, 'ERR_USAGE')
})

/** A picture of its own each time, of a few bytes. */
const noise = `import os, struct, zlib

def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

rows = b''.join(b'\\0' + os.urandom(12) for _ in range(4))
with open('plot.png', 'wb') as out:
    out.write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 4, 8, 2, 0, 0, 0)))
    out.write(chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
`

test('a picture that differs stands in the page as it was, as it is, and where it differs', async (context) => {
  const project = await ran(context, {
    'dvc.yaml': 'stages:\n  plot: {cmd: python3 src/plot.py, deps: [src/plot.py], outs: [plot.png]}\n',
    'src/plot.py': noise,
    '.gitignore': '/plot.png\n/again.html\n',
  })
  const report = await project.json(1, 'reproduce', '--report', 'again.html')
  assert.match(report.comparisons[0].detail, /^`pixels` differs: \d+ of 48 samples/)
  const shown = [...project.read('again.html').matchAll(/<img [^>]*data:image\/png;base64,[^>]*>/g)].map(([tag]) => tag)
  assert.deepEqual(
    shown.map((tag) => /alt="([^"]*)"/.exec(tag)?.[1]),
    ['then', 'now', 'where they differ, in red'],
  )
  assert.equal(new Set(shown.map((tag) => /base64,([^"]*)/.exec(tag)?.[1])).size, 3)
})

test('a chain that spans commits is reproduced at its last one', async (context) => {
  const project = await ran(context)
  project.write({ 'src/count.sh': `${words['src/count.sh']}echo 1 >> "$3"\n` })
  project.commit('count one more')
  const report = await project.json(0, 'run')
  assert.deepEqual(statuses(report), { sort: 'cached', count: 'ran' })
  assert.equal((await project.json(0, 'reproduce', 'model/count.txt')).verdict, 'identical')
  const { commits, properties } = await project.json(0, 'verify', 'model/count.txt')
  assert.deepEqual([commits.length, properties.reproduced], [2, true])
})

const twoCommands = {
  'dvc.yaml': `stages:
  x:
    cmd: sh src/x.sh > x.txt
    deps: [src/x.sh]
    outs: [x.txt]
  y:
    cmd: sh src/y.sh > y.txt
    deps: [src/y.sh]
    outs: [y.txt]
`,
  'src/x.sh': 'echo x\n',
  'src/y.sh': 'echo y\n',
  '.gitignore': '/*.txt\n',
}

test('stages of different commits are each run again at their own', async (context) => {
  const project = await ran(context, twoCommands)
  for (const name of ['y', 'x']) {
    project.write({ [`src/${name}.sh`]: `echo another ${name}\n` })
    project.commit(`another ${name}`)
    await project.json(0, 'run')
  }
  const report = await project.json(0, 'reproduce')
  assert.deepEqual([report.verdict, report.stages.length], ['identical', 2])
})

test('a stage before that would be made anew is told, and the one that builds on it is not blamed', async (context) => {
  const project = await ran(context, {
    ...words,
    'dvc.yaml': String(words['dvc.yaml']).replace('  sort:\n', '  sort:\n    always_changed: true\n'),
    'src/sort.sh': 'sort "$1" > "$2"\ndate +%s%N >> "$2"\n',
  })
  const report = await project.json(1, 'reproduce', '--stage', 'count')
  assert.equal(report.verdict, 'unavailable')
  assert.match(report.because, /`sort` could not be taken as it was/)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).level, 1)
})

test('what a stage before ran under then is not held to the settings of the commit that the one after it ran at', async (context) => {
  const project = await ran(context)
  const caller = { workingFolder: project.root, environment: scratchEnvironment(project.keys), now: () => new Date() }
  const opened = await openProject({ ...caller, version: '0' })
  const factsOf = (name: string): StageFacts => readStage(opened, opened.lock.get(name)?.attestation ?? 'sha256:')
  const signer = await startSigner({ key: opened.keySource(), objectStoreRoot: opened.store.root })
  const signed = async (facts: StageFacts): Promise<Sha256> => {
    const { bytes } = await signer.sign({ kind: 'stage', facts })
    return opened.evidence.save(bytes, { key: facts.key, subjects: facts.outputs.map(({ digest }) => digest) })
  }
  const [sort, count] = [factsOf('sort'), factsOf('count')]
  const before = await signed({ ...sort, limits: { ...sort.limits, memoryBytes: 8 * 1024 ** 3 } })
  const dependencies = count.dependencies.map((each) =>
    each.origin.kind === 'stage' ? { ...each, origin: { ...each.origin, attestation: before } } : each,
  )
  const after = await signed({ ...count, dependencies })
  await signer.close()
  for (const [name, signedAgain] of [
    ['sort', before],
    ['count', after],
  ] as const) {
    const { attestation = '' } = opened.lock.get(name) ?? {}
    rmSync(join(project.root, '.assay', 'attestations', `${attestation.replace('sha256:', '')}.sigstore.json`))
    project.write({ 'assay.lock': project.read('assay.lock').replace(attestation, signedAgain) })
  }
  const report = await project.json(0, 'run', '--dry-run')
  assert.match(report.stages[0].because, /a wider limit of memory/, 'a run of now would make it anew')
  const { verdict, because } = await project.json(0, 'reproduce', 'model/count.txt', '--stage', 'count')
  assert.equal(verdict, 'identical', because)
})

test('a run that could not be had after one that diverged brings the level back to nobody', async (context) => {
  const project = await ran(context, {
    ...words,
    '.gitignore': '/out\n/model\n/data\n',
    'src/sort.sh': 'sort "$1" > "$2"\ndate +%s%N >> "$2"\n',
  })
  await project.json(1, 'reproduce')
  const { digest } = (await project.json(0, 'attest', 'show', 'out/sorted.txt')).stages[0].dependencies.find(
    ({ path }: Document) => path === 'data/words.txt',
  )
  rmSync(join(project.root, '.assay', 'objects', digest.slice(7, 9), digest.slice(9)), { force: true })
  project.write({ 'data/words.txt': 'plum 9\n' })
  assert.equal((await project.json(1, 'reproduce')).verdict, 'unavailable')
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).level, 0)
})

test('a commit that a shallow clone has not leaves a signed answer; with the history it is identical', async (context) => {
  const project = await ran(context)
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence.jsonl')
  project.write({ 'README.md': 'more words\n' })
  project.commit('a later commit')
  const clone = `${project.root}-of the last commit`
  project.git('clone', '--quiet', '--depth', '1', `file://${project.root}`, clone)
  const there = (...args: string[]) => runAssay(args, clone, scratchEnvironment(project.keys))
  assert.equal((await there('key', 'use')).code, 0)

  const evidence = join(project.root, 'evidence.jsonl')
  const gone = await there('reproduce', evidence, '--json')
  const { verdict, because, attestation } = JSON.parse(gone.stdout)
  assert.deepEqual([gone.code, verdict, isSha256(attestation)], [1, 'unavailable', true], gone.stdout)
  assert.match(
    because,
    /`sort` could not be run again: the commit [0-9a-f]{40} cannot be had: .*; next: git fetch, and --unshallow/,
  )

  project.git('-C', clone, 'fetch', '--quiet', '--unshallow')
  const found = await there('reproduce', evidence, '--json')
  assert.deepEqual([found.code, JSON.parse(found.stdout).verdict], [0, 'identical'])
})

test('an environment that is gone leaves a signed answer that names the wheel; put back, it is identical', async (context) => {
  const project = offline(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}\n',
    'say.py': "import tool\nopen('out/said', 'w').write(tool.word)\n",
    '.gitignore': '/out\n',
  })
  const [wheel] = wheelsIn(project.wheels, [
    { project: 'tool', version: '1.0', files: [{ name: 'tool/__init__.py', content: "word = 'a tool'\n" }] },
  ])
  assert.ok(wheel !== undefined)
  project.write({ 'uv.lock': lockTexts['uv.lock']?.([wheel]) ?? '' })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  project.commit('a run')

  const { at, bytes } = loseWheel(project, wheel.fileName)
  const gone = await project.json(1, 'reproduce')
  assert.deepEqual([gone.verdict, isSha256(gone.attestation)], ['unavailable', true])
  assert.match(gone.because, /^`say` could not be run again: .*tool-1\.0.*\(ERR_ENV_GONE\)$/)

  writeFileSync(at, bytes)
  assert.equal((await project.json(0, 'reproduce')).verdict, 'identical')
})

test('what is due is reproduced, and then nothing is until it is too long ago', async (context) => {
  const project = await ran(context)
  const first = await project.json(0, 'reproduce', '--due')
  assert.deepEqual([first.verdict, first.due.paths], ['identical', ['model/count.txt']])
  assert.deepEqual(await project.json(0, 'reproduce', '--due'), {
    due: { paths: [], later: [], fresh: ['model/count.txt'], without: [], missing: [] },
  })
  project.write({ 'trust.yaml': `${project.read('trust.yaml')}reproducedWithin: 1ms\n` })
  project.commit('ask for it often')
  const again = await project.json(0, 'reproduce', '--due')
  assert.deepEqual([again.verdict, again.due.paths], ['identical', ['model/count.txt']])
  assert.equal((await project.json(2, 'reproduce', '--due', '--share', '2')).error.code, 'ERR_USAGE')
})

test('all that is recorded of how stages ran is shown, item by item', async (context) => {
  const project = await ran(context, {
    ...words,
    'params.yaml': 'count: {field: 1, seed: 7}\n',
    'src/sort.sh': `${words['src/sort.sh']}echo Seed set to 43\n`,
  })
  const { stages } = await project.json(0, 'show', '--environment')
  const [sort] = stages
  const recorded = (group: string, name: string): string | undefined =>
    sort.items.find((item: Document) => item.group === group && item.name === name)?.value
  assert.equal(recorded('seeds', 'seed reported 1'), 'seed 43')
  assert.equal(recorded('commands', '1'), 'sh src/sort.sh data/words.txt out/sorted.txt')
  assert.equal(recorded('GPU', 'given'), 'none')
  for (const name of ['kernel', 'libc', 'cpu-model', 'cpu-features', 'memory-bytes', 'file-system'])
    assert.ok(recorded('machine', name), name)
  for (const name of ['started', 'finished']) assert.ok(recorded('run', name), name)
  assert.ok(recorded('code', 'commit'))
  assert.deepEqual([recorded('determinism', 'locale'), recorded('determinism', 'time-zone')], ['C.UTF-8', 'UTC'])
  const told = await project.assay('show', '--environment', '--stage', 'sort')
  assert.match(told.stdout, /^ +seeds +seed +declared +42$/m)
})
