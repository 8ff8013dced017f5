/**
 * PyTorch in person, from the wheel that PyPI has: a small net trained twice gives the same bytes, and one without a seed
 * does not.
 *
 * Needs CPython 3.11 on Linux, for which the lock is, a package index once (2.9 GB of wheels, kept in .cache/interop) and
 * 16 GB of disk: what the wheel depends on holds the libraries of CUDA, used or not.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Document, runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'
import { repository, run } from './environments.ts'

const here = join(import.meta.dirname, 'pytorch')
const read = (name: string): string => readFileSync(join(here, name), 'utf8')
const wheels = join(repository, '.cache/interop/pytorch-wheels')
const neededBytes = 16 * 1024 ** 3

function whyNot(): string | undefined {
  const { bavail, bsize } = statfsSync(tmpdir())
  if (bavail * bsize < neededBytes) return '16 GB of disk are needed'
  const version = spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  return version.startsWith('Python 3.11.') ? undefined : 'python3 on PATH is not 3.11, for which the lock is'
}
const because = whyNot()

/** Downloaded once; pip verifies each by its hash. */
function haveWheels(): void {
  if (existsSync(join(wheels, 'ready'))) return
  mkdirSync(wheels, { recursive: true })
  const lock = join(here, 'requirements.lock')
  run('python3', ['-m', 'pip', 'download', '--quiet', '--require-hashes', '--no-deps', '-d', wheels, '-r', lock])
  run('touch', [join(wheels, 'ready')])
}

test(
  'a net of PyTorch with a seed is identical when it is trained again, one without diverges, and lint says why',
  because === undefined ? {} : { skip: because },
  async (context) => {
    haveWheels()
    const project = scratch(context, {
      'dvc.yaml': `stages:
  seeded: {cmd: python3 train.py out/seeded, deps: [train.py], outs: [out/seeded]}
  unseeded: {cmd: python3 unseeded.py out/unseeded, deps: [unseeded.py], outs: [out/unseeded]}
`,
      'train.py': read('train.py'),
      'unseeded.py': read('train.py')
        .replaceAll(/^(?:torch.manual_seed|order = ).*\n/gm, '')
        .replace(', generator=order', ''),
      'requirements.lock': read('requirements.lock'),
      '.gitignore': '/out\n',
    })
    const environment = { ...scratchEnvironment(project.keys), PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }
    const json = async (exit: number, ...args: readonly string[]): Promise<Document> => {
      const { code, stdout, stderr } = await runAssay([...args, '--json'], project.root, environment)
      assert.equal(code, exit, `${stdout}\n${stderr}`)
      return JSON.parse(stdout)
    }
    project.commit('before assay')
    await json(0, 'init', '--yes', '--commit')
    await json(0, 'run')
    assert.deepEqual(
      (await json(1, 'lint')).findings.map(({ file, rule }: Document) => `${file} ${rule}`),
      ['unseeded.py unseeded-torch', 'unseeded.py data-loader'],
    )
    const twice = await json(0, 'reproduce', '--stage', 'seeded', '--times', '2')
    assert.deepEqual([twice.verdict, twice.noise], ['identical', { tolerances: [], beyond: [] }])
    const again = await json(1, 'reproduce', '--stage', 'unseeded')
    assert.deepEqual([again.verdict, again.firstDivergence.stage], ['diverged', 'unseeded'])
    const [weights] = again.comparisons.filter(({ path }: Document) => path.endsWith('.safetensors'))
    assert.match(weights.detail, /`0\.weight` differs most: 2,048 of 2,048 elements, by at most /)
  },
)
