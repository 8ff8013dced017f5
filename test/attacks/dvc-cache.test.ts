/**
 * T1, data poisoning by way of DVC: its cache and its workspace are believed by name, mtime and size there, and
 * by their bytes here.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import type { Scratch } from '../support/scratch.ts'

const honest = 'label,text\n0,a pear\n1,a plum\n'
const poisoned = 'label,text\n1,a pear\n1,a plum\n'

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function objectOf(project: Scratch, name: string): string {
  return join(project.root, '.dvc/cache/files/md5', name.slice(0, 2), name.slice(2))
}

/** An object of mode 0444, which DVC checks out without a look at its bytes. */
function plant(project: Scratch, name: string, bytes: string): void {
  mkdirSync(dirname(objectOf(project, name)), { recursive: true })
  if (existsSync(objectOf(project, name))) chmodSync(objectOf(project, name), 0o644)
  writeFileSync(objectOf(project, name), bytes)
  chmodSync(objectOf(project, name), 0o444)
}

async function trained(context: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml':
      'stages:\n  train:\n    cmd: sort data/train.csv > model.txt\n    deps: [data/train.csv]\n    outs: [model.txt]\n',
    '.dvc/config': '',
    '.gitignore': '/model.txt\n/.dvc/cache\n/data/train.csv\n',
    'data/train.csv.dvc': `outs:\n- md5: ${md5(honest)}\n  size: ${honest.length}\n  hash: md5\n  path: train.csv\n`,
    ...more,
  })
  plant(project, md5(honest), honest)
  return project
}

test('T1: a changed object of the cache is not taken for training data', async (context) => {
  const project = await trained(context)
  plant(project, md5(honest), poisoned)
  const report = await project.json(1, 'run')
  assert.equal(report.error.code, 'ERR_DVC_CACHE_CORRUPT')
  assert.deepEqual(statuses(report), { train: 'refused' })
  assert.equal(existsSync(join(project.root, 'data/train.csv')), false)
  assert.equal(existsSync(join(project.root, 'model.txt')), false)

  plant(project, md5(honest), honest)
  const twin = await project.json(0, 'run')
  assert.deepEqual([twin.level, statuses(twin)], [1, { train: 'ran' }])
})

test('T1: a changed object that DVC checked out into the workspace earns no level', async (context) => {
  const project = await trained(context)
  plant(project, md5(honest), poisoned)
  copyFileSync(objectOf(project, md5(honest)), join(project.root, 'data/train.csv')) // dvc checkout, exit 0
  const report = await project.json(1, 'run', '--require-level', '1')
  assert.equal(report.error.code, 'ERR_RUN_LEVEL')
  const verdict = await project.json(1, 'verify', 'model.txt')
  assert.deepEqual([verdict.trusted, verdict.level], [false, 0])

  rmSync(join(project.root, 'data/train.csv'))
  plant(project, md5(honest), honest)
  assert.equal((await project.json(0, 'run', '--require-level', '1')).level, 1)
  assert.equal((await project.json(0, 'verify', 'model.txt')).trusted, true)
})

test('T1, T3: a changed object of an out is neither trusted nor used', async (context) => {
  const project = await trained(context, { 'dvc.lock': "schema: '2.0'\nstages: {}\n" })
  await project.json(0, 'run')
  const made = project.read('model.txt')
  plant(project, md5(made), 'another model\n')
  rmSync(join(project.root, 'model.txt'))
  copyFileSync(objectOf(project, md5(made)), join(project.root, 'model.txt')) // dvc checkout, exit 0
  assert.equal((await project.json(1, 'verify', 'model.txt')).trusted, false)
  assert.deepEqual(statuses(await project.json(0, 'run')), { train: 'cached' })
  assert.equal(project.read('model.txt'), made)
  assert.equal((await project.json(0, 'verify', 'model.txt')).trusted, true)
})

test('T1: a list of the cache that leads out of its folder is refused, though its MD5 is the one of the pin', async (context) => {
  const list = `[{"md5": "${md5(honest)}", "relpath": "../../.git/hooks/post-checkout"}]`
  const pin = (name: string): Readonly<Record<string, string>> => ({
    'dvc.yaml': 'stages:\n  train:\n    cmd: cat data/all/* > model.txt\n    deps: [data/all]\n    outs: [model.txt]\n',
    'data/all.dvc': `outs:\n- md5: ${name}\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: all\n`,
  })
  const project = await trained(context, pin(`${md5(list)}.dir`))
  plant(project, `${md5(list)}.dir`, list)
  assert.equal((await project.json(1, 'run')).error.code, 'ERR_DVC_CACHE_CORRUPT')
  assert.equal(existsSync(join(project.root, '.git/hooks/post-checkout')), false)

  const good = `[{"md5": "${md5(honest)}", "relpath": "post-checkout"}]`
  project.write(pin(`${md5(good)}.dir`))
  plant(project, `${md5(good)}.dir`, good)
  project.commit('an honest list')
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal(project.read('model.txt'), honest)
})

test('T2: a stage cannot make the settings of DVC, or what DVC is told', async (context) => {
  // What DVC itself would not take as an out is refused with the definition, the rest before anything runs.
  const outs = {
    '.dvc/hooks.txt': 'ERR_DEFINITION_INVALID',
    'dvc.lock': 'ERR_PATH_UNSAFE',
    'sub/.dvc/config.local': 'ERR_DEFINITION_INVALID',
  }
  for (const [out, code] of Object.entries(outs)) {
    const definition = `stages:\n  s:\n    cmd: echo x > "${out}"\n    outs: ["${out}"]\n`
    const plain = 'stages:\n  s:\n    cmd: echo x > out\n    outs: [out]\n'
    const project = await adopted(context, { 'dvc.yaml': plain, '.dvc/config': '', 'sub/keep': '' })
    project.write({ 'dvc.yaml': definition })
    project.commit()
    const ran = await project.assay('run', '--json')
    assert.notEqual(ran.code, 0)
    assert.equal(JSON.parse(ran.stdout).error.code, code, out)
  }
  const twin = await adopted(context, {
    'dvc.yaml': 'stages:\n  s:\n    cmd: echo x > "dvc.locked"\n    outs: ["dvc.locked"]\n',
    '.dvc/config': '',
  })
  await twin.json(0, 'run')
})
