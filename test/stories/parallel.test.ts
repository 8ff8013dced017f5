/** Goal: what does not depend on each other runs together, and one failure costs no more than what needs it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'

const small = 'assay: 1\nname: fan\ndefaults: {environment: host, limits: {cpus: 1, memory: 64MiB}}\n'
const stage = (name: string, cmd: string, deps = ''): string =>
  `  ${name}:\n    cmd: ${cmd}\n${deps === '' ? '' : `    deps: [${deps}]\n`}    outs: [${name}.txt]\n`

/** Seconds since boot at the start and the end of a nap. */
const nap = (name: string): string =>
  `cut -d" " -f1 /proc/uptime > ${name}.txt; sleep 1; cut -d" " -f1 /proc/uptime >> ${name}.txt`

test('independent stages overlap when the limits allow it, and not when they do not', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n${stage('a', nap('a'))}${stage('b', nap('b'))}`,
    'assay.yaml': small,
    '.gitignore': '/*.txt\n',
  })
  const times = (name: string): readonly number[] => project.read(`${name}.txt`).trim().split('\n').map(Number)
  const overlap = (): boolean => {
    const [startA = 0, endA = 0] = times('a')
    const [startB = 0, endB = 0] = times('b')
    return startA < endB && startB < endA
  }
  await project.json(0, 'run')
  assert.equal(overlap(), true)
  project.write({ 'assay.yaml': small.replace('cpus: 1', 'cpus: 1000') })
  project.commit()
  await project.json(0, 'run', '--force')
  assert.equal(overlap(), false)
})

test('a failure stops its dependents alone; two stop the rest, unless told to keep going', async (context) => {
  const alone = small.replace('cpus: 1', 'cpus: 1000')
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n${stage('bad', 'exit 7')}${stage('after', 'touch after.txt', 'bad.txt')}${stage('good', 'touch good.txt')}`,
    'assay.yaml': alone,
    '.gitignore': '/*.txt\n',
  })
  const one = await project.json(3, 'run')
  assert.deepEqual(statuses(one), { bad: 'failed', after: 'skipped', good: 'ran' })
  assert.match(one.error.message, /bad.*exited with 7/)

  project.write({
    'dvc.yaml': `stages:\n${stage('bad', 'exit 7')}${stage('worse', 'exit 8')}${stage('zeal', 'touch zeal.txt')}`,
  })
  assert.deepEqual(statuses(await project.json(3, 'run')), { bad: 'failed', worse: 'failed', zeal: 'skipped' })
  assert.deepEqual(statuses(await project.json(3, 'run', '--keep-going')), {
    bad: 'failed',
    worse: 'failed',
    zeal: 'ran',
  })
})

test('a refusal outweighs a failure in the exit code', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n${stage('bad', 'exit 7')}${stage('empty', 'echo nothing')}`,
    '.gitignore': '/*.txt\n',
  })
  const run = await project.json(1, 'run')
  assert.deepEqual([run.status, run.stages[1].code], ['refused', 'ERR_OUT_MISSING'])
})

test('output of stages that run together comes in whole lines with their names; the last lines of a failure together', async (context) => {
  const slowly = (name: string): string =>
    `for i in 1 2 3; do printf "${name} begins"; sleep 0.2; echo " and ends"; done`
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n${stage('left', 'sh left.sh', 'left.sh')}${stage('right', 'sh right.sh', 'right.sh')}`,
    'left.sh': `${slowly('left')}\necho > left.txt\n`,
    'right.sh': `${slowly('right')}\nprintf '10 %%\\r20 %%\\r\\n'\nexit 5\n`,
    'assay.yaml': small,
    '.gitignore': '/*.txt\n',
  })
  const ran = await project.assay('run')
  assert.deepEqual([ran.code, ran.stderr.match(/^left \| left begins and ends$/gm)?.length], [3, 3])
  assert.match(ran.stderr, /^ {9}\| right begins and ends\n {9}\| 20 %$/m)
  const { stages } = await project.json(3, 'run')
  assert.deepEqual(stages.find(({ name }: { name: string }) => name === 'right').tail.at(-1), '20 %')
})
