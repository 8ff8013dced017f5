/** Goal: a model goes to production only when somebody who did not build it has said so, and a verifier can ask for that. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { adopted } from '../support/adopted.ts'
import type { Document } from '../support/scratch.ts'
import { ask, codesOf } from '../support/timestamped.ts'

test('a model is approved by a promoter who did not build it, and a policy can ask for that', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:
  train:
    cmd: cp data/in.txt model.txt && printf '{"lines":%s}' "$(wc -l < model.txt)" > metrics.json
    deps: [data/in.txt]
    outs: [model.txt]
    metrics: [metrics.json]
`,
    'assay.yaml':
      'assay: 1\nname: approved\ndata: {data/in.txt: {}}\nmodel: {name: m, path: model.txt, metrics: metrics.json, gates: ["lines >= 2"]}\n',
    'data/in.txt': 'a\nb\n',
    '.gitignore': '/model.txt\n/metrics.json\n',
  })
  const petra = { keys: `${project.keys}-petra` }
  await ask(project, petra, 'key', 'new', '--name', 'petra')
  const { publicKey } = await ask(project, petra, 'key', 'export')
  const policy = parseDocument(project.read('trust.yaml'))
  const builder = policy.getIn(['roles', 'reviewer', 0])
  policy.setIn(['keys', 'petra'], { publicKey, principal: 'Petra <petra@example.org>' })
  policy.setIn(['roles', 'promoter'], [builder, 'petra'])
  policy.set('require', ['approved-model'])
  project.write({ 'trust.yaml': policy.toString() })
  project.commit('who may promote')

  const folder = join(project.root, 'attestations')
  const approved = (): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])
  const asPetra = async (exit: number, ...args: readonly string[]): Promise<Document> => {
    project.git('config', 'user.name', 'Petra')
    project.git('config', 'user.email', 'petra@example.org')
    const answer = await ask(project, { ...petra, exit }, 'model', 'approve', ...args)
    project.git('config', 'user.name', 'Ada Test')
    project.git('config', 'user.email', 'ada@example.org')
    return answer
  }
  const because = ['--because', 'metrics and data read']
  await project.json(0, 'run')
  assert.deepEqual(codesOf(await project.json(1, 'verify')), ['ERR_POLICY_DEMAND'], 'nobody has approved it')
  assert.equal((await asPetra(2)).error.code, 'ERR_USAGE', 'without a reason')
  const own = await project.json(1, 'model', 'approve', ...because)
  assert.equal(own.error.code, 'ERR_SIGNER_ROLE')
  assert.match(own.error.message, /whoever built, judged or triggered it does not count/)
  assert.deepEqual(approved(), [], 'what counts nowhere is not kept')

  const { file, path, standing } = await asPetra(0, ...because)
  assert.deepEqual([approved().map((name) => join(folder, name)), path], [[file], 'model.txt'])
  assert.equal(standing, 'was approved by 1 of 1 promoters that the policy asks for')
  assert.equal((await project.json(0, 'verify')).trusted, true)

  const evidence = join(project.keys, 'model.jsonl')
  const copies = [join(project.keys, 'model.txt'), join(project.keys, 'policy.yaml')] as const
  await project.json(0, 'attest', 'export', 'model.txt', '--out', evidence)
  copyFileSync(join(project.root, 'model.txt'), copies[0])
  copyFileSync(join(project.root, 'trust.yaml'), copies[1])
  await project.json(0, 'verify', copies[0], '--evidence', evidence, '--policy', copies[1])

  project.write({ 'data/in.txt': 'a\n' })
  project.commit('less data')
  await project.json(0, 'run')
  assert.equal((await asPetra(1, ...because)).error.code, 'ERR_GATE_FAILED')
  assert.equal(approved().length, 1)
})
