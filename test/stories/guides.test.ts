/** Goal: what the guides tell me to paste works. The commands of the CI recipes run as they are written. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { unknownIn } from '../../scripts/docs-verbs.ts'
import { readPage } from '../../scripts/markdown.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, scratchEnvironment } from '../support/scratch.ts'

const root = join(import.meta.dirname, '../..')

function recipes(): readonly Document[] {
  const page = readPage(readFileSync(join(root, 'docs/guides/ci.md'), 'utf8'))
  return page.fences.filter(({ info }) => info === 'yaml').map(({ lines }) => parse(lines.join('\n')))
}

test('the commands of the CI recipes run, with a key from ASSAY_SIGNING_KEY_FILE, and earn what they ask for', async (context) => {
  const [trust, github, gitlab, nightly] = recipes()
  const actions: string = github.jobs.run.steps.find(({ env }: Document) => env?.ASSAY_KEY !== undefined).run
  const script: readonly string[] = gitlab.assay.script
  const night: string = nightly.jobs.due.steps.find(({ env }: Document) => env?.ASSAY_KEY !== undefined).run
  const verbs = [...actions.split('\n'), ...script, ...night.split('\n')].filter((line) => line.startsWith('assay '))
  assert.equal(verbs.length, 11)
  for (const verb of verbs) assert.equal(unknownIn(verb), undefined, verb)

  const project = await adopted(context, words)
  const base = join(project.root, '..')
  const generate = [
    'genpkey',
    '-algorithm',
    'EC',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-out',
    join(base, 'secret.pem'),
  ]
  execFileSync('openssl', generate, { stdio: 'ignore' })
  const publicKey = execFileSync('openssl', ['pkey', '-in', join(base, 'secret.pem'), '-pubout'], { encoding: 'utf8' })
  const policy = parse(project.read('trust.yaml'))
  policy.keys.ci = { ...trust.keys.ci, publicKey }
  policy.roles.builder.push(trust.roles.builder.find(({ key }: Document) => key === 'ci'))
  assert.ok(trust.roles['data-validator'].includes('ci'))
  policy.roles['data-validator'].push('ci')
  policy.roles.reproducer.push('ci')
  project.write({ 'trust.yaml': JSON.stringify(policy) })
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\nremotes: {team: {url: ../store}}\n` })
  project.commit()

  const empty = join(base, 'no-keys')
  mkdirSync(empty)
  const environment = {
    ...scratchEnvironment(empty),
    PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
    RUNNER_TEMP: base,
  }
  const run = (commands: string, more: Readonly<Record<string, string>>): void => {
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-e', '-c', commands], {
      cwd: project.root,
      env: { ...environment, ...more },
      encoding: 'utf8',
    })
    assert.equal(status, 0, `${commands}\n${stdout}${stderr}`)
  }
  const key = {
    ASSAY_KEY: readFileSync(join(base, 'secret.pem'), 'utf8').trim(),
    ASSAY_SIGNING_KEY_FILE: join(base, 'ci-key.pem'),
  }
  run(actions, key)
  const { findings } = await project.json(0, 'verify')
  assert.ok(findings.some(({ because }: Document) => because === 'is signed by `ci`'))

  project.commit('a run')
  await project.json(0, 'push')
  run(night, key)
  const { properties } = await project.json(0, 'verify')
  assert.equal(properties.reproduced, true)
  run(script.join('\n').replaceAll('/tmp/ci-key.pem', join(base, 'gitlab.pem')), {
    ASSAY_KEY: join(base, 'secret.pem'),
  })

  project.write({ 'src/sort.sh': `${project.read('src/sort.sh')}# edited\n` })
  await project.json(1, 'status', '--check')
})
