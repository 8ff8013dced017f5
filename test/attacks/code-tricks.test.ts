/** Threat: pipeline tampering. Code that would run in the place of what was reviewed, and a stage that writes over what others made. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

function codeIn(project: Scratch, attestation: string): readonly string[] {
  const file = join(project.root, '.assay/attestations', `${attestation.replace('sha256:', '')}.sigstore.json`)
  const { dsseEnvelope } = JSON.parse(readFileSync(file, 'utf8'))
  const { predicate } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
  return predicate.buildDefinition.internalParameters.code.files.map(({ path }: Document) => path)
}

test('a random.py or sitecustomize.py that nobody committed does not run; one that is committed stands in the evidence', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages: {use: {cmd: python3 src/use.py, deps: [src/use.py], outs: [out/used]}}\n',
    // a module that no start of Python loads before the stage does
    'src/use.py': "import colorsys, random, sys\nopen('out/used', 'w').write(colorsys.__file__ + repr(sys.argv))\n",
    '.gitignore': '/out\n',
  })
  const names = ['colorsys.py', 'random.py', 'sitecustomize.py', 'usercustomize.py']
  const planted = names.flatMap((name) => [name, `src/${name}`])
  project.write(Object.fromEntries(planted.map((path) => [path, "import sys; sys.argv = ['owned']\n"])))
  const honest = await project.json(0, 'run')
  assert.match(project.read('out/used'), /^\/(?!project)[^[]*colorsys\.py\['src\/use\.py'\]$/)
  assert.equal(honest.level, 1, 'what no stage sees makes nothing dirty')

  project.commit()
  const { stages } = await project.json(0, 'run')
  assert.equal(
    project.read('out/used'),
    "/project/src/colorsys.py['owned']",
    'the twin: the project chose it, in a commit',
  )
  const code = codeIn(project, stages[0].attestation)
  assert.ok(code.includes('src/colorsys.py') && !code.includes('src/sitecustomize.py'), code.join())
})

test("a repository's own bytecode does not run in the place of its source", async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages: {use: {cmd: python3 src/use.py, deps: [src/use.py, src/helper.py], outs: [out/used]}}\n',
    'src/use.py': "import helper\nopen('out/used', 'w').write(helper.word)\n",
    'src/helper.py': "word = 'reviewed'\n",
    'evil.txt': "word = 'planted'\n",
    '.gitignore': '/out\n',
  })
  // bytecode that is never compared with its source. SOURCE: PEP 552
  const plant = `import importlib.util as u, py_compile as p
p.compile('evil.txt', cfile=u.cache_from_source('src/helper.py'), invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)`
  execFileSync('python3', ['-c', plant], { cwd: project.root })
  project.git('add', '--force', 'src/__pycache__')
  project.commit()
  const outside = execFileSync('python3', ['-c', 'import helper; print(helper.word)'], {
    cwd: join(project.root, 'src'),
    encoding: 'utf8',
  })
  assert.equal(outside, 'planted\n', 'the attack works where nobody looks')
  await project.json(0, 'run')
  assert.equal(project.read('out/used'), 'reviewed')
})

test("a stage changes neither its own code, nor a lock or definition, nor another's output; its own out it writes", async (context) => {
  const targets =
    'src/make.sh src/use.sh dvc.yaml assay.yaml assay.lock trust.yaml requirements.lock out/made out/other /project/src/use.sh'
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  make: {cmd: sh src/make.sh made, deps: [src/make.sh], outs: [out/made]}
  other: {cmd: sh src/make.sh other, deps: [src/make.sh], outs: [out/other]}
  use: {cmd: sh src/use.sh, deps: [src/use.sh, out/made], outs: [out/used]}
`,
    'src/make.sh': 'echo honest > out/$1\n',
    'src/use.sh': `for f in ${targets}; do
  chmod 777 $f; rm -f $f; mv out/used $f; ln out/made $f; (echo forged >> $f); (echo forged > /proc/self/fd/3) 3< $f; [ "$(cat $f)" = forged ] && echo $f
done > out/mine 2>/dev/null
cat out/mine out/made > out/used
`,
    'requirements.lock': 'none\n',
    '.gitignore': '/out\n',
  })
  const before = ['src/make.sh', 'src/use.sh', 'dvc.yaml', 'assay.yaml', 'trust.yaml', 'requirements.lock']
  const texts = before.map(project.read)
  await project.json(0, 'run')
  assert.deepEqual(before.map(project.read), texts)
  assert.equal(project.read('out/made'), 'honest\n')
  assert.equal(project.read('out/other'), 'honest\n', 'what it wrote there was its own copy, and is thrown away')
  assert.match(
    project.read('out/used'),
    /^(out\/other\n)?honest\n$/,
    'the twin: its own out it writes, and nothing else',
  )
  for (const out of ['out/made', 'out/other', 'out/used'])
    assert.equal((await project.json(0, 'verify', out)).trusted, true, out)
  assert.deepEqual(
    (await project.json(0, 'run')).stages.map(({ status }: Document) => status),
    ['cached', 'cached', 'cached'],
  )
})

test('a stage that sleeps past its limit is ended, daemons and all; one that does not is not', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml':
      'stages:\n  late: {cmd: "setsid sleep 300 & sleep 300; true > late", outs: [late]}\n  intime: {cmd: "true > intime", outs: [intime]}\n',
    '.gitignore': '/late\n/intime\n',
  })
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages: {late: {limits: {time: 1s}}}\n` })
  project.commit()
  const { stages } = await project.json(3, 'run', '--keep-going')
  const found = Object.fromEntries(stages.map((stage: Document) => [stage.name, stage]))
  assert.deepEqual([found.late.status, found.late.code], ['failed', 'ERR_STAGE_LIMIT'])
  assert.match(found.late.because, /its time limit: it ran longer than 1000 ms/)
  assert.equal(found.intime.status, 'ran')
})
