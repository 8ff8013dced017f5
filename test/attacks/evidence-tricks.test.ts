/**
 * Threats: model substitution and configuration manipulation, by what an attacker may put where evidence is looked for.
 *
 * He holds no key: all statements here are honest ones of this project, used for what they do not say.
 */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratch } from '../support/scratch.ts'

const model = 'model/count.txt'
const evaluate = `  evaluate:
    cmd: sh src/evaluate.sh ${model} \${evaluate.score} metrics.json
    deps: [src/evaluate.sh, ${model}]
    params: [evaluate.score]
    outs: [metrics.json]
`

/** Two stages, an evaluation, and a model with a gate of 0.9; committed, adopted and run. */
async function evaluated(context: TestContext, score: string): Promise<Scratch> {
  const project = scratch(context, {
    ...words,
    'dvc.yaml': `${words['dvc.yaml']}${evaluate}`,
    'params.yaml': `${words['params.yaml']}evaluate:\n  score: ${score}\n`,
    'src/evaluate.sh': 'echo "{\\"score\\": $2}" > "$3"\n',
    '.gitignore': `${words['.gitignore']}/metrics.json\n`,
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  const gated = `model: {name: count, path: ${model}, metrics: metrics.json, gates: ["score >= 0.9"]}\n`
  project.write({ 'assay.yaml': project.read('assay.yaml') + gated })
  project.commit()
  await project.json(0, 'run')
  return project
}

const refusals = (verdict: Document): string => {
  const refused = verdict.findings.filter(({ passed }: Document) => !passed)
  return refused.map(({ check, code }: Document) => `${check} ${code}`).join(', ')
}

/** The entry of a stage in assay.lock, as text. */
function entryOf(lock: string, stage: string): string {
  const entry = new RegExp(`^  ${stage}:\\n(?:    .*\\n)+`, 'm').exec(lock)?.[0]
  assert.ok(entry !== undefined)
  return entry
}

test('an intermediate file in the place of the model is refused; a copy of the model elsewhere is trusted', async (context) => {
  const project = await evaluated(context, '0.95')
  copyFileSync(join(project.root, model), join(project.root, 'copy'))
  copyFileSync(join(project.root, 'out/sorted.txt'), join(project.root, model))
  assert.match(refusals(await project.json(1, 'verify', model)), /subject ERR_SUBJECT_MISMATCH/)
  assert.equal((await project.json(0, 'verify', 'copy')).trusted, true)
  copyFileSync(join(project.root, 'copy'), join(project.root, model))
  assert.equal((await project.json(0, 'verify', model)).trusted, true)
})

test('evidence beside the model does not spare it its gates; a model that passes them is trusted either way', async (context) => {
  for (const [score, exit] of [
    ['0.5', 1],
    ['0.95', 0],
  ] as const) {
    const project = await evaluated(context, score)
    await project.json(exit, 'verify', model)
    await project.json(0, 'attest', 'export', model, '--out', `${model}.assay.jsonl`)
    const verdict = await project.json(exit, 'verify', model)
    assert.equal(refusals(verdict), exit === 0 ? '' : 'gates ERR_GATE_FAILED')
  }
})

test('a lock without the judge, or with the model as its own judge, hides no bad evaluation', async (context) => {
  const project = await evaluated(context, '0.95')
  const lock = project.read('assay.lock')
  await project.json(0, 'verify', model)

  project.write({ 'assay.lock': lock.replace(entryOf(lock, 'evaluate'), '') })
  assert.match(refusals(await project.json(1, 'verify', model)), /judged ERR_EVIDENCE_MISSING/)

  const own = entryOf(lock, 'count').replace('  count:', '  evaluate:')
  project.write({ 'assay.lock': lock.replace(entryOf(lock, 'evaluate'), own) })
  assert.match(refusals(await project.json(1, 'verify', model)), /judged ERR_CHAIN_LINK/)
})

test('metrics of a run with --set do not pass the gates of another, wherever the lock names them', async (context) => {
  const project = await evaluated(context, '0.5')
  const lock = project.read('assay.lock')
  await project.json(0, 'run', '--set', 'evaluate.score=0.99')
  const better = entryOf(project.read('assay.lock'), 'evaluate').replace('  evaluate:', '  aaa:')
  project.write({ 'assay.lock': lock.replace('stages:\n', `stages:\n${better}`) })
  assert.match(refusals(await project.json(1, 'verify', model)), /gates ERR_GATE_FAILED/)
})

test('a gate taken out of assay.yaml counts when it is committed, not before', async (context) => {
  const project = await evaluated(context, '0.5')
  project.write({ 'assay.yaml': project.read('assay.yaml').replace('"score >= 0.9"', '"score >= 0.1"') })
  assert.equal(refusals(await project.json(1, 'verify', model)), 'gates-committed ERR_EVIDENCE_DIRTY')
  project.commit('lower the gate, where others see it')
  await project.json(0, 'verify', model)
})
