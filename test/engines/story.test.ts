/** A data scientist runs one project in every engine that is here: the same bytes, evidence that names the engine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engineNames } from '../../src/core/index.ts'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, runAssay, scratchEnvironment } from '../support/scratch.ts'
import { isHere } from './support.ts'

const three = {
  ...words,
  'dvc.yaml': `${words['dvc.yaml']}  evaluate:
    cmd: python3 src/evaluate.py model/count.txt metrics.json
    deps: [src/evaluate.py, model/count.txt]
    outs: [metrics.json]
`,
  'src/evaluate.py':
    'import json, sys\nlines = open(sys.argv[1]).readlines()\njson.dump({"words": len(lines)}, open(sys.argv[2], "w"))\n',
  '.gitignore': `${words['.gitignore']}/metrics.json\n`,
}
const here = engineNames.filter(isHere)

test('one project in each engine: the same outs, trusted evidence, the engine by name', async (context) => {
  const project = await adopted(context, three)
  const digests = new Map<string, string>()
  for (const engine of here) {
    const report = await project.json(0, 'run', '--engine', engine)
    assert.deepEqual(statuses(report), { sort: 'ran', count: 'ran', evaluate: 'ran' }, engine)
    digests.set(engine, JSON.stringify(report.stages.map(({ outputs }: Document) => outputs)))
    const verdict = await project.json(0, 'verify', 'metrics.json')
    assert.deepEqual([verdict.trusted, verdict.level, verdict.properties.isolated], [true, 1, true])
    const isolation = verdict.findings.filter(({ check }: Document) => check === 'isolation')
    assert.deepEqual(
      isolation.map(({ because }: Document) => because),
      [1, 2, 3].map(() => `ran in a sandbox (${engine})`),
    )
    assert.deepEqual(statuses(await project.json(0, 'run', '--engine', engine)), {
      sort: 'cached',
      count: 'cached',
      evaluate: 'cached',
    })
  }
  assert.equal(new Set(digests.values()).size, 1)
  // what ran before is found again, by its own evidence
  assert.equal(statuses(await project.json(0, 'run'))['count'], 'cached')
})

for (const engine of here.filter((each) => each !== 'bubblewrap'))
  test(`what was run in ${engine} is run again in it, and elsewhere in the usual one, which is said`, async (context) => {
    const project = await adopted(context, three)
    await project.json(0, 'run', '--engine', engine)
    project.commit('a run')
    const report = await project.json(0, 'reproduce', '--stage', 'count')
    assert.equal(report.verdict, 'identical')
    const [{ again }] = report.stages
    const bundle = JSON.parse(project.read(`.assay/attestations/${again.slice('sha256:'.length)}.sigstore.json`))
    const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
    assert.match(payload, new RegExp(`"engine":"${engine}"`))
    if (engine !== 'gvisor') return
    const elsewhere = { ...scratchEnvironment(project.keys), ASSAY_RUNSC: '/nonexistent/runsc' }
    const { stderr } = await runAssay(['reproduce', '--stage', 'count'], project.root, elsewhere)
    assert.match(stderr, /`count` was run in `gvisor`, which cannot be used here .*: it is run again in `bubblewrap`/)
  })

for (const engine of here.filter((each) => each !== 'bubblewrap'))
  test(`what ${engine} does not do it refuses by a code, and runs nothing: a GPU, a trace; without them it runs`, async (context) => {
    const project = await adopted(context, three)
    const settings = project.read('assay.yaml')
    const codes = async (exit: number, ...words: readonly string[]): Promise<readonly string[]> => {
      const { stages } = await project.json(exit, 'run', 'sort', '--engine', engine, ...words)
      return stages.map(({ status, code }: Document) => code ?? status)
    }
    project.write({ 'assay.yaml': `${settings}stages: {sort: {limits: {gpus: 1}}}\n` })
    project.commit()
    assert.deepEqual(await codes(1), ['ERR_GPU_UNAVAILABLE'])
    project.write({ 'assay.yaml': settings })
    project.commit()
    assert.deepEqual(await codes(1, '--trace'), ['ERR_ENGINE_UNSUPPORTED'])
    assert.deepEqual(await codes(0), ['ran'])
  })

if (isHere('gvisor'))
  test('a stage that demands gVisor runs in it without being asked, and a policy that demands it believes that', async (context) => {
    const project = await adopted(context, three)
    project.write({
      'assay.yaml': `${project.read('assay.yaml')}stages: {count: {engine: gvisor}}\n`,
      'strict.yaml': `${project.read('trust.yaml')}engines: {count: gvisor}\n`,
      'all.yaml': `${project.read('trust.yaml')}engines: {'*': gvisor}\n`,
    })
    project.commit()
    await project.json(0, 'run')
    const verdict = await project.json(0, 'verify', 'metrics.json', '--policy', 'strict.yaml')
    assert.ok(verdict.findings.some(({ because }: Document) => /ran in gvisor, and the policy demands/.test(because)))
    assert.equal((await project.json(1, 'verify', 'metrics.json', '--policy', 'all.yaml')).trusted, false)
    const { checks } = await project.json(0, 'doctor')
    assert.equal(checks.find(({ name }: Document) => name === 'gvisor').state, 'good')
  })

test('an engine that is not here is said so, with the next step, before anything has run', async (context) => {
  const project = await adopted(context, three)
  const { code, stderr } = await project.assay('run', '--engine', 'gvizor')
  assert.equal(code, 2)
  assert.match(stderr, /the engines are bubblewrap, podman, gvisor/)
})
