/**
 * Notebooks and R, run by the programs in person, in the sandbox: papermill and nbconvert in a locked environment (their
 * kernels start there and talk over loopback), Rscript of the system.
 *
 * The first needs CPython 3.11 on PATH, for which the lock is made, and a package index; the other `r-base-core`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import type { Document } from '../support/scratch.ts'

const answers = (program: string, args: readonly string[], expected: RegExp): boolean =>
  expected.test(spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '')
const withPython = answers('python3', ['--version'], /^Python 3\.11\./)
  ? {}
  : { skip: 'python3 on PATH is not 3.11, for which the lock is' }
const withR = answers('Rscript', ['-e', 'cat(1 + 1)'], /^2$/) ? {} : { skip: 'Rscript is not installed (r-base-core)' }

const cell = (source: string, tags: readonly string[] = []) => ({
  cell_type: 'code',
  execution_count: null,
  id: `cell-${source.length}`,
  metadata: { tags },
  outputs: [],
  source,
})

/** Reads its dep, counts, writes an out beside the executed copy; `top` is a parameter of papermill. */
const notebook = (...cells: readonly object[]): string =>
  JSON.stringify({
    cells,
    metadata: { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } },
    nbformat: 4,
    nbformat_minor: 5,
  })

const count = notebook(
  cell('top = 1', ['parameters']),
  cell(
    "from collections import Counter\nwords = Counter(open('words.txt').read().split()).most_common(top)\nprint(words)",
  ),
  cell("open('out/counts.txt', 'w').write('\\n'.join(f'{word} {n}' for word, n in words))"),
)

test(
  'papermill and nbconvert execute notebooks in a locked environment, and what they make is trusted',
  withPython,
  async (context) => {
    const project = await adopted(context, {
      'dvc.yaml': `stages:
  papermill:
    cmd: papermill count.ipynb out/count.ipynb -p top \${top}
    deps: [count.ipynb, words.txt]
    params: [top]
    outs: [out/count.ipynb, out/counts.txt]
  nbconvert:
    cmd: jupyter nbconvert --to notebook --execute plain.ipynb --output-dir out --output plain.ipynb
    deps: [plain.ipynb]
    outs: [out/plain.ipynb]
  page:
    cmd: jupyter nbconvert --to html out/count.ipynb --output-dir out --output page.html
    deps: [out/count.ipynb]
    outs: [out/page.html]
  inplace:
    cmd: jupyter nbconvert --execute --inplace plain.ipynb
    deps: [plain.ipynb]
    outs: [out/never]
  fails:
    cmd: papermill wrong.ipynb out/wrong.ipynb
    deps: [wrong.ipynb]
    outs: [out/wrong.ipynb]
`,
      'params.yaml': 'top: 2\n',
      'count.ipynb': count,
      'plain.ipynb': notebook(cell('print(6 * 7)')),
      'wrong.ipynb': notebook(cell("raise SystemError('no such luck')")),
      'words.txt': 'pear apple pear fig pear apple\n',
      '.gitignore': '/out\n',
      'requirements.lock': readFileSync(join(import.meta.dirname, 'notebooks/requirements.lock'), 'utf8'),
    })
    const report = await project.json(3, 'run', '--keep-going')
    assert.deepEqual(statuses(report), {
      papermill: 'ran',
      nbconvert: 'ran',
      page: 'ran',
      inplace: 'failed',
      fails: 'failed',
    })
    const inPlace = report.stages.find(({ name }: Document) => name === 'inplace')
    assert.equal(inPlace.code, 'ERR_STAGE_UNDECLARED_WRITE')
    assert.equal(inPlace.help, 'write the result to another path, and declare that as an out')
    assert.equal(project.read('out/counts.txt'), 'pear 3\napple 2')
    assert.deepEqual(JSON.parse(project.read('out/plain.ipynb')).cells[0].outputs[0].text, ['42\n'])
    assert.match(project.read('out/page.html'), /<html/)
    assert.match((await project.assay('logs', '--stage', 'fails')).stdout, /no such luck/)
    for (const out of ['out/counts.txt', 'out/plain.ipynb', 'out/page.html'])
      assert.equal((await project.json(0, 'verify', out)).trusted, true, out)
    assert.equal((await project.json(0, 'show', '--stage', 'nbconvert')).environment.name, 'locked')
  },
)

test('Rscript runs files and expressions with its own packages', withR, async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  file:
    cmd: Rscript fit.R cars.csv out/fit.csv
    deps: [fit.R, cars.csv]
    outs: [out/fit.csv]
  expression:
    cmd: Rscript -e 'writeLines(format(mean(read.csv("out/fit.csv")$x)), "out/mean")'
    deps: [out/fit.csv]
    outs: [out/mean]
`,
    'fit.R': `given <- commandArgs(trailingOnly = TRUE)
cars <- read.csv(given[1])
fit <- stats::lm(dist ~ speed, data = cars)
write.csv(data.frame(x = round(unname(coef(fit)), 6)), given[2], row.names = FALSE)
`,
    'cars.csv': 'speed,dist\n1,3\n2,5\n3,7\n',
    '.gitignore': '/out\n',
  })
  await project.json(0, 'run')
  assert.equal(project.read('out/fit.csv'), '"x"\n1\n2\n') // dist = 1 + 2 * speed
  assert.equal(project.read('out/mean'), '1.5\n')
  assert.equal((await project.json(0, 'verify', 'out/mean')).trusted, true)
})
