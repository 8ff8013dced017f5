/** Threat: configuration manipulation. A parameter that no commit holds earns nothing; an unknown key is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

async function adopted(project: Scratch): Promise<void> {
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
}

test('a parameter given on the command line is recorded and earns level 0; committed, it earns its level', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  const set = await project.json(0, 'run', '--set', 'count.field=2')
  assert.equal(set.level, 0)
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)

  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  project.commit()
  assert.equal((await project.json(0, 'run')).level, 1)
})

test('an uncommitted parameter file is dirty', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  project.write({ 'params.yaml': 'count:\n  field: 2\n' })
  assert.equal((await project.json(0, 'run')).level, 0)
})

test('a misspelt key of assay.yaml is refused with its place and a suggestion, not ignored', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\nrequires: [approved-sources]\n` })
  const { error } = await project.json(2, 'run')
  assert.equal(error.code, 'ERR_SETTINGS_INVALID')
  assert.match(`${error.message} ${error.help}`, /assay\.yaml` line \d+, column \d+/)
  assert.match(`${error.message} ${error.help}`, /require/)
})

test('a definition that asks for a secret gets none by asking', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  const settings = project.read('assay.yaml')
  const codeOf = async (added: string): Promise<string> => {
    project.write({
      'assay.yaml': settings + added,
    })
    project.commit()
    const { error } = await project.json(1, 'run')
    return error.code
  }
  assert.equal(await codeOf('stages: {sort: {secrets: [label-service]}}\n'), 'ERR_SECRET_NOT_GRANTED')
  project.write({ 'assay.yaml': settings })
  project.commit()
  await project.json(0, 'run')
})
