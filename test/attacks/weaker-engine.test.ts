/**
 * Threats: pipeline tampering, credential theft. What was made in a weaker sandbox does not pass where a stronger one is
 * demanded: not at the start, not from the cache, not at verification. None of these needs the stronger engine here.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startSigner } from '../../src/attestation/index.ts'
import { openProject, type Project, readStage } from '../../src/pipeline/index.ts'
import { settingOf } from '../../src/pipeline/run-stage.ts'
import { openRunTools } from '../../src/pipeline/run-tools.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const one = {
  ...words,
  'dvc.yaml':
    'stages:\n  sort:\n    cmd: sh src/sort.sh data/words.txt out/sorted.txt\n    deps: [src/sort.sh, data/words.txt]\n    outs: [out/sorted.txt]\n',
}

async function ran(context: TestContext): Promise<Scratch> {
  const project = await adopted(context, one)
  await project.json(0, 'run')
  return project
}

const refusals = (verdict: Document): readonly string[] =>
  verdict.findings.filter(({ passed }: Document) => !passed).map(({ code }: Document) => code)

test('a trust policy that demands an engine refuses what ran in a weaker one; what it demands at least is believed', async (context) => {
  const project = await ran(context)
  const trust = project.read('trust.yaml')
  project.write({ 'strict.yaml': `${trust}engines: {sort: gvisor}\n`, 'mild.yaml': `${trust}engines: {'*': podman}\n` })
  const strict = await project.json(1, 'verify', 'out/sorted.txt', '--policy', 'strict.yaml')
  assert.deepEqual(refusals(strict), ['ERR_EVIDENCE_ENGINE', 'ERR_LEVEL_TOO_LOW'])
  assert.equal(strict.trusted, false)
  const mild = await project.json(0, 'verify', 'out/sorted.txt', '--policy', 'mild.yaml')
  assert.equal(mild.trusted, true)
  project.write({ 'wrong.yaml': `${trust}engines: {sort: gvizor}\n` })
  assert.equal((await project.json(2, 'verify', '--policy', 'wrong.yaml')).error.code, 'ERR_POLICY_MALFORMED')
})

test('a stage whose project demands an engine is not run in a weaker one, nor without a sandbox', async (context) => {
  const project = await adopted(context, one)
  const settings = project.read('assay.yaml')
  project.write({ 'assay.yaml': `${settings}stages: {sort: {engine: gvisor}}\n` })
  project.commit()
  for (const words of [['--engine', 'bubblewrap'], ['--engine', 'podman'], ['--unsafe-no-sandbox']]) {
    const { stages } = await project.json(1, 'run', ...words)
    assert.deepEqual([stages[0].status, stages[0].code], ['refused', 'ERR_ENGINE_WEAKER'], words.join(' '))
  }
  project.write({ 'assay.yaml': `${settings}stages: {sort: {engine: bubblewrap}}\n` })
  project.commit()
  assert.equal((await project.json(0, 'run', '--engine', 'bubblewrap')).stages[0].status, 'ran')
})

test('so with a trust policy of the project', async (context) => {
  const project = await adopted(context, one)
  const trust = project.read('trust.yaml')
  project.write({ 'trust.yaml': `${trust}engines: {'*': gvisor}\n` })
  project.commit()
  const { stages } = await project.json(1, 'run', '--engine', 'bubblewrap')
  assert.equal(stages[0].code, 'ERR_ENGINE_WEAKER')
  assert.match(stages[0].because, /the trust policy demands `gvisor`/)
  project.write({ 'trust.yaml': `${trust}engines: {other: gvisor}\n` })
  project.commit()
  await project.json(0, 'run', '--engine', 'bubblewrap')
})

test('a shell is not opened in a weaker one, whoever demands more; one that is as strong is', async (context) => {
  const project = await adopted(context, one)
  const [settings, trust] = ['assay.yaml', 'trust.yaml'].map((file) => project.read(file)) as [string, string]
  const shell = ['shell', 'sort', '--json', '--', 'true']
  for (const demanded of [
    { 'assay.yaml': `${settings}stages: {sort: {engine: gvisor}}\n` },
    { 'trust.yaml': `${trust}engines: {'*': gvisor}\n` },
  ]) {
    project.write({ 'assay.yaml': settings, 'trust.yaml': trust, ...demanded })
    project.commit()
    assert.equal((await project.json(1, ...shell)).error.code, 'ERR_ENGINE_WEAKER', JSON.stringify(demanded))
  }
  project.write({ 'assay.yaml': settings, 'trust.yaml': `${trust}engines: {'*': podman}\n` })
  project.commit()
  assert.equal((await project.json(0, ...shell)).exitCode, 0)
})

/** The evidence of `sort`, signed again with the real key: as running in `engine` with the key that gVisor would have. */
async function resign(project: Scratch, engine: string): Promise<string> {
  const environment = scratchEnvironment(project.keys)
  const caller = { workingFolder: project.root, environment, now: () => new Date(), version: '0' }
  const opened: Project = await openProject(caller)
  const stage = opened.pipeline.stages[0]
  assert.ok(stage)
  await using tools = await openRunTools(opened, {
    ...{
      targets: [],
      dryRun: true,
      force: false,
      keepGoing: false,
      trace: false,
      draft: false,
      unsafeNoSandbox: false,
    },
    ...{ engine: 'gvisor', signal: new AbortController().signal, onEvent: () => undefined },
  })
  const { key } = await settingOf(opened, tools, stage, new Map())
  const facts = readStage(opened, opened.lock.get('sort')?.attestation ?? 'sha256:')
  const { digest } = tools.engineOf('sort')
  const signer = await startSigner({ key: opened.keySource(), objectStoreRoot: opened.store.root })
  const sandbox = { ...facts.sandbox, engine, digest }
  const { bytes } = await signer.sign({ kind: 'stage', facts: { ...facts, key, sandbox } })
  await signer.close()
  return opened.evidence.save(bytes, { key, subjects: facts.outputs.map((output) => output.digest) })
}

test('a cache entry written by a less isolated run is not used, whatever key it claims; one of the engine is', async (context) => {
  const project = await ran(context)
  const asked = ['run', '--dry-run', '--engine', 'gvisor']
  const said = async (): Promise<string> => (await project.json(0, ...asked)).stages[0].because
  assert.equal(await said(), 'would run: the sandbox changed: it last ran in bubblewrap')
  const signed = await resign(project, 'bubblewrap')
  project.write({ 'assay.lock': project.read('assay.lock').replace(/attestation: .*/, `attestation: ${signed}`) })
  assert.equal(await said(), 'would run: it last ran in bubblewrap, which isolates less than gvisor')
  await resign(project, 'gvisor')
  assert.equal((await project.json(0, ...asked)).stages[0].status, 'cached')
})
