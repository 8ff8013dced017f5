/** Goal: my repository, which knows nothing of assay, runs and is trusted; where it cannot, I am told what to write. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { type Document, runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

/** One stage for each command; each writes `out/<name>`. */
function shell(
  commands: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const stages = Object.entries(commands).map(
    ([name, cmd]) => `  ${name}:\n    cmd: ${JSON.stringify(cmd)}\n    outs: [out/${name}]\n`,
  )
  return { 'dvc.yaml': `stages:\n${stages.join('')}`, '.gitignore': '/out\n', ...extra }
}

/** Stage -> what a person reads of its failure. */
async function failures(
  project: Scratch,
  exit: number,
  ...args: readonly string[]
): Promise<Readonly<Record<string, Document>>> {
  const report = await project.json(exit, 'run', '--keep-going', ...args)
  return Object.fromEntries(report.stages.map((stage: Document) => [stage.name, stage]))
}

/** As after `. bin/activate`. */
function withEnvironment(project: Scratch, virtual: string): Record<string, string> {
  const own = scratchEnvironment(project.keys)
  return { ...own, VIRTUAL_ENV: virtual, PATH: `${virtual}/bin:${own['PATH']}` }
}

test('a stage may write a copy of its dep, made with the mode of the original, and not the dep itself', async (context) => {
  const project = await adopted(context, {
    ...shell({
      copy: 'cp conf.ini out/copy && echo more >> out/copy',
      spoil: 'echo more >> conf.ini; cat conf.ini > out/spoil',
    }),
    'conf.ini': 'one\n',
  })
  await project.json(0, 'run')
  assert.equal(project.read('out/copy'), 'one\nmore\n')
  assert.equal(project.read('out/spoil'), 'one\n')
  assert.equal(project.read('conf.ini'), 'one\n')
})

test('a stage that talks to the network is refused with its destination, and with the line for assay.yaml', async (context) => {
  const project = await adopted(
    context,
    shell({
      quiet: 'getent hosts data.example.org; echo made > out/quiet',
      loud: 'echo "HTTPSConnectionPool(host=\'api.example.org\', port=8443): Max retries exceeded"; getent hosts api.example.org; exit 7',
      silent: 'getent hosts hub.example.org > /dev/null; exit 1',
    }),
  )
  const { quiet, loud, silent } = await failures(project, 1)
  assert.deepEqual([quiet?.status, quiet?.code], ['refused', 'ERR_STAGE_NETWORK_DENIED'])
  assert.match(quiet?.because, /^its command ended well; \d+ attempts? to reach the network (was|were) denied$/)
  assert.match(quiet?.help, /assay run --trace quiet/)
  assert.deepEqual([loud?.status, loud?.code], ['failed', 'ERR_STAGE_NETWORK_DENIED'])
  assert.match(loud?.because, /exited with 7; \d+ attempts? .*the log names api\.example\.org:8443/)
  assert.ok(loud?.help.includes('stages: {loud: {network: [api.example.org:8443]}}'), loud?.help)
  assert.equal(silent?.code, 'ERR_STAGE_NETWORK_DENIED')

  const traced = await failures(project, 3, '--trace', 'silent')
  assert.match(traced['silent']?.because, /\(hub\.example\.org\) were|\(hub\.example\.org\) was/)
  assert.ok(
    traced['silent']?.help.includes('stages: {silent: {network: [hub.example.org:443]}}'),
    traced['silent']?.help,
  )

  const settings = project.read('assay.yaml')
  project.write({
    'assay.yaml': `${settings}stages: {loud: {network: [api.example.org:8443]}, quiet: {harmlessAttempts: telemetry}}\n`,
  })
  project.commit()
  const { loud: listed } = await failures(project, 3, 'loud')
  assert.equal(listed?.code, 'ERR_STAGE_NETWORK_DENIED', 'a look-up past the proxy is an attempt all the same')
  const { stages } = await project.json(0, 'run', 'quiet')
  assert.equal(stages[0].status, 'ran', 'what does no harm, by its definition, does not fail the stage')
})

test('a file that is not declared is named, wherever it lies, with what to write', async (context) => {
  const project = scratch(context, {
    ...shell({}),
    'notes/ignored.txt': 'x\n',
    '.gitignore': '/out\n/notes\n',
  })
  const outside = join(project.root, '../shared.csv')
  writeFileSync(outside, 'x\n')
  writeFileSync(join(project.keys, '..', 'x'), '')
  mkdirSync(project.keys, { recursive: true })
  writeFileSync(join(project.keys, 'mine.csv'), 'x\n')
  project.write({
    'dvc.yaml': `stages:
  inside: {cmd: cat notes/ignored.txt > out/inside, outs: [out/inside]}
  absolute: {cmd: cat ${project.root}/notes/ignored.txt > out/absolute, outs: [out/absolute]}
  beside: {cmd: cat ${outside} > out/beside, outs: [out/beside]}
  above: {cmd: cat ../shared.csv > out/above, outs: [out/above]}
  home: {cmd: cat ~/mine.csv > out/home, outs: [out/home]}
  nowhere: {cmd: cat /data/never/there.csv > out/nowhere, outs: [out/nowhere]}
  below: {cmd: cat ../notes/ignored.txt > made, wdir: sub, outs: [made]}
`,
    'sub/.gitignore': '/made\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const told = await failures(project, 3)
  for (const name of ['inside', 'absolute', 'beside', 'above', 'home', 'below'])
    assert.equal(told[name]?.code, 'ERR_STAGE_UNDECLARED_READ', `${name}: ${told[name]?.because}`)
  assert.match(told['inside']?.because, /`notes\/ignored\.txt`, which is not among its deps/)
  assert.ok(told['inside']?.help.endsWith('dvc.yaml, under inside: deps: [notes/ignored.txt]'), told['inside']?.help)
  assert.ok(told['below']?.help.endsWith('deps: [../notes/ignored.txt]'), told['below']?.help)
  assert.match(told['absolute']?.because, /in a stage the project is at \/project/)
  assert.match(told['absolute']?.help, /as `notes\/ignored\.txt`/)
  assert.match(told['beside']?.because, /shared\.csv`, which lies outside of the project/)
  assert.match(told['above']?.because, /shared\.csv`, which lies outside of the project/)
  assert.match(told['home']?.because, /mine\.csv`, which lies outside of the project/)
  assert.deepEqual(told['nowhere']?.code, 'ERR_STAGE_FAILED', 'what is not on this machine either was not kept from it')
})

test('a write to what is no out is named, with what to write', async (context) => {
  const project = await adopted(
    context,
    shell(
      {
        beside: 'mkdir deep/logs && echo x > out/beside',
        python: "python3 -c \"open('deep/made.txt', 'w')\"",
        system: 'echo x > /usr/made',
        other: 'echo x > out/another',
      },
      { 'deep/code.py': '' },
    ),
  )
  const told = await failures(project, 1)
  for (const name of ['beside', 'python', 'system'])
    assert.equal(told[name]?.code, 'ERR_STAGE_UNDECLARED_WRITE', `${name}: ${told[name]?.because}`)
  assert.match(told['beside']?.because, /`deep\/logs`, which is not among its outs/)
  assert.match(told['python']?.help, /outs: \[\{deep\/made\.txt: \{cache: false\}\}\]/)
  assert.match(told['system']?.because, /outside of the project/)
  assert.equal(told['other']?.code, 'ERR_OUT_MISSING')
  assert.match(told['other']?.because, /it wrote `out\/another`/)
})

test('a program, a module, a variable or a mode bit that a stage lacks is named, with the next step', async (context) => {
  const project = scratch(context, {
    ...shell({
      program: 'no-such-program in.csv > out/program',
      bash: 'source venv/bin/activate && echo x > out/bash',
      module: 'python3 -c "import no_such_module"',
      layout: 'python3 -c "import acme.core" && echo x > out/layout',
      variable: '$MY_PYTHON -c 1 && echo x > out/variable',
      mode: './run.sh > out/mode',
      repository: 'git log > out/repository',
      memory: 'python3 -c "bytearray(1 << 50)"',
    }),
    'src/acme/__init__.py': '',
    'src/acme/core.py': '',
    'run.sh': '#!/bin/sh\necho x\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const environment = { ...scratchEnvironment(project.keys), MY_PYTHON: 'python3' }
  const ran = await runAssay(['run', '--keep-going', '--json'], project.root, environment)
  assert.equal(ran.code, 3, ran.stderr)
  const told = Object.fromEntries(JSON.parse(ran.stdout).stages.map((stage: Document) => [stage.name, stage]))
  assert.match(told['program'].because, /the program `no-such-program` is not installed/)
  assert.match(told['bash'].because, /`source` is a word of bash/)
  assert.match(told['module'].because, /no package `no_such_module`/)
  assert.ok(told['layout'].help.includes('stages: {layout: {env: {PYTHONPATH: /project/src}}}'), told['layout'].help)
  assert.ok(told['variable'].help.includes('stages: {variable: {env: [MY_PYTHON]}}'), told['variable'].help)
  assert.match(told['mode'].because, /`run\.sh` is not executable in the commit/)
  assert.match(told['repository'].because, /a stage has no repository/)
  assert.match(told['memory'].because, /exited with 1: it got no more memory/)
  assert.ok(told['memory'].help.includes('stages: {memory: {limits: {memory: 8GiB}}}'), told['memory'].help)

  project.write({
    'assay.yaml': `${project.read('assay.yaml')}stages: {layout: {env: {PYTHONPATH: /project/src}}, variable: {env: [MY_PYTHON]}}\n`,
  })
  project.commit()
  const mended = await runAssay(['run', '--json', 'layout', 'variable'], project.root, environment)
  assert.deepEqual(statuses(JSON.parse(mended.stdout)), { layout: 'ran', variable: 'ran' })
})

test('a folder above the project is told where the project is, and nothing is written there', async (context) => {
  const project = scratch(context, {
    'teams/ml/dvc.yaml': 'stages: {make: {cmd: echo x > made, outs: [made]}}\n',
    'teams/ml/.gitignore': '/made\n',
    'README.md': 'x\n',
  })
  project.commit()
  for (const verb of [['init', '--yes'], ['run'], ['status']]) {
    const { error } = await project.json(2, ...verb)
    assert.equal(error.code, 'ERR_PROJECT_MISSING')
    assert.match(error.message, /below it: `teams\/ml`/)
    assert.equal(error.help, 'go to the one that you mean: cd teams/ml')
  }
  assert.equal(project.git('status', '--porcelain'), '')
})

test('deps outside of the project, or spelled for Windows, do not stop adoption: their stage is refused', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  far: {cmd: cat /srv/data/in.csv > far.txt, deps: [/srv/data/in.csv], outs: [far.txt]}
  windows: {cmd: 'cat data\\in.csv > windows.txt', deps: ['data\\in.csv'], outs: [windows.txt]}
  good: {cmd: echo x > good.txt, outs: [good.txt]}
`,
    '.gitignore': '/*.txt\ntrust.yaml\n',
  })
  const told = await failures(project, 1)
  assert.deepEqual([told['far']?.code, told['windows']?.code], ['ERR_PATH_UNSAFE', 'ERR_PATH_UNSAFE'])
  assert.match(told['far']?.because, /the stage `far`/)
  assert.match(told['windows']?.help, /data\/in\.csv/)
  assert.equal(told['good']?.status, 'ran')
  assert.equal((await project.json(0, 'verify', 'good.txt')).level, 1)
})

test('a project that is installed into its own environment (pip install -e) is found where a stage sees it', async (context) => {
  const project = scratch(context, {
    'dvc.yaml': `stages:
  path: {cmd: python -c "import acme.core; print(acme.core.__file__)" > path.txt, outs: [path.txt]}
  finder: {cmd: python -c "import tool; print(tool.__file__)" > finder.txt, outs: [finder.txt]}
`,
    'src/acme/__init__.py': '',
    'src/acme/core.py': '',
    'tool/__init__.py': '',
    '.gitignore': '/.venv\n/*.txt\n',
  })
  const virtual = join(project.root, '.venv')
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', virtual])
  const site = execFileSync(join(virtual, 'bin/python'), ['-c', 'import site; print(site.getsitepackages()[0])'], {
    encoding: 'utf8',
  }).trim()
  // as setuptools and hatchling write them
  writeFileSync(join(site, '_acme.pth'), `${project.root}/src\n${virtual}/lib\n`)
  writeFileSync(
    join(site, '__editable__.tool-1.pth'),
    'import __editable___tool_finder; __editable___tool_finder.install()\n',
  )
  writeFileSync(
    join(site, '__editable___tool_finder.py'),
    `import sys
from importlib.machinery import PathFinder
from os.path import dirname
MAPPING = {'tool': '${project.root}/tool'}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return PathFinder.find_spec(name, [dirname(MAPPING[name])]) if name in MAPPING else None
def install():
    sys.meta_path.append(Finder)
`,
  )
  execFileSync(join(virtual, 'bin/python'), ['-c', 'import acme.core, tool'], { cwd: '/' }) // leaves bytecode behind
  project.commit()
  const environment = withEnvironment(project, virtual)
  const assay = (...args: readonly string[]) => runAssay(args, project.root, environment)
  assert.equal((await assay('init', '--yes', '--commit')).code, 0)
  const ran = await assay('run')
  assert.equal(ran.code, 0, ran.stderr)
  assert.doesNotMatch(ran.stderr, /which no stage sees/)
  assert.equal(project.read('path.txt'), '/project/src/acme/core.py\n')
  assert.equal(project.read('finder.txt'), '/project/tool/__init__.py\n')
  project.write({ 'src/acme/core.py': '# changed\n' })
  project.commit()
  assert.deepEqual(statuses(JSON.parse((await assay('run', '--json')).stdout)), { path: 'ran', finder: 'cached' })
  assert.equal((await assay('verify', 'path.txt')).code, 0)
})

test('folders of logs and runs are scratch, when the project has or ignores them; others can be made so', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  train: {cmd: mkdir -p mlruns/1 && echo x > mlruns/1/meta && echo x >> logs/run.log && echo x > out/made, outs: [out/made]}
  other: {cmd: ls logs > out/seen && echo x > logs/run.log && mkdir -p work/deep && echo x > work/deep/t, outs: [out/seen]}
`,
    'logs/.gitkeep': '',
    '.gitignore': '/out\nmlruns/\n',
  })
  assert.match(project.read('assay.yaml'), /scratch: \[logs, mlruns\]/)
  const report = await project.json(3, 'run')
  assert.deepEqual(statuses(report), { train: 'ran', other: 'failed' })
  const [line] = report.error.help.match(/stages: .*/) ?? []
  assert.equal(line, 'stages: {other: {scratch: [work]}}')
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}${line}\n` })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { train: 'cached', other: 'ran' })
  assert.equal(project.read('out/seen'), '', 'what one stage leaves in scratch is not there for the next')
  assert.deepEqual(readdirSync(join(project.root, 'logs')), ['.gitkeep'])
  assert.equal((await project.json(0, 'verify')).level, 1)
})

test('a runner in front of a command works in its own environment, and is refused outside of it', async (context) => {
  const project = scratch(context, {
    'dvc.yaml': `stages:
  poetry: {cmd: poetry run python -c "import sys; print(sys.prefix)" > out/poetry, outs: [out/poetry]}
  uv: {cmd: uv run code.py, outs: [out/uv]}
  conda: {cmd: conda run -n science python code.py, outs: [out/conda]}
`,
    'code.py': "open('out/uv', 'w').write('x')\n",
    '.gitignore': '/out\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const outside = await failures(project, 1)
  for (const name of ['poetry', 'uv', 'conda']) assert.equal(outside[name]?.code, 'ERR_ENV_RUNNER')
  assert.equal(outside['poetry']?.help, 'call assay through it: poetry run assay run')
  assert.equal(outside['conda']?.help, 'activate it first: conda activate science && assay run')

  const virtual = join(project.root, '../venv')
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', virtual])
  const inside = await runAssay(['run', '--keep-going', '--json'], project.root, withEnvironment(project, virtual))
  assert.deepEqual(statuses(JSON.parse(inside.stdout)), { poetry: 'ran', uv: 'ran', conda: 'refused' })
  assert.equal(project.read('out/poetry'), `${realpathSync(virtual)}\n`)
})
