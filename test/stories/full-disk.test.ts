/** Goal: when the disk is full or cannot be written, it is said so, and the project stays whole. Root only: it mounts. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { cloneOf, ranWith } from '../support/remotes.ts'
import { type Ran, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const tool = join(import.meta.dirname, '../../bin/assay')

/** Runs a script in a mount namespace of its own; `$ASSAY` is the tool. */
function apart(project: Scratch, script: string): Promise<Ran> {
  const environment = { ...scratchEnvironment(project.keys), ASSAY: tool }
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
    cwd: project.root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

const isRoot = process.getuid?.() === 0
const asRoot = (name: string, body: (context: TestContext) => Promise<void>): Promise<void> =>
  test(name, { skip: isRoot ? false : 'mounting needs root' }, body)

await asRoot('a folder that cannot be written refuses a run, and still verifies', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const readOnly = 'mount --bind . . && mount -o remount,bind,ro . . && cd "$PWD"'
  const refused = await apart(project, `${readOnly} && "$ASSAY" run --force --json`)
  assert.equal(refused.code, 4, refused.stdout + refused.stderr)
  assert.equal(JSON.parse(refused.stdout).error.code, 'ERR_IO')
  const verified = await apart(project, `${readOnly} && "$ASSAY" verify model/count.txt --json`)
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
  assert.equal((await apart(project, `${readOnly} && "$ASSAY" status --check`)).code, 0)
  await project.json(0, 'run', '--force')
})

await asRoot(
  'a store that alone cannot be written refuses what is new by name, and what is there still counts',
  async (context) => {
    const project = await adopted(context, words)
    await project.json(0, 'run')
    const readOnly = 'mount --bind .assay/objects .assay/objects && mount -o remount,bind,ro .assay/objects'
    for (const verb of ['run --force', 'gc']) {
      const refused = await apart(project, `${readOnly} && "$ASSAY" ${verb} --json`)
      assert.equal(refused.code, 4, refused.stdout + refused.stderr)
      const { error } = JSON.parse(refused.stdout)
      assert.equal(error.code, 'ERR_IO')
      assert.match(error.message, /\/project\/\.assay\/objects.*EROFS|EROFS.*\/project\/\.assay\/objects/)
    }
    for (const verb of ['status --check', 'verify model/count.txt', 'logs']) {
      const looked = await apart(project, `${readOnly} && "$ASSAY" ${verb}`)
      assert.equal(looked.code, 0, verb + looked.stdout + looked.stderr)
    }
    assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
    assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
    await project.json(0, 'run', '--force')
  },
)

await asRoot(
  'a full disk stops a run with its name, and the project is whole when there is space again',
  async (context) => {
    const project = await adopted(context, {
      ...words,
      'src/sort.sh': 'sort "$1" > "$2"\n[ ! -e big ] || head -c 3000000 /dev/urandom >> "$2"\n',
      big: 'x\n',
    })
    const script = `
mkdir small && mount -t tmpfs -o size=2m,mode=0755 none small && cp -a .git .gitignore .assay big src data *.yaml small/ && cd small
"$ASSAY" key use >/dev/null
"$ASSAY" run --json > ../report.json; first=$?
rm big && git commit -qam smaller
"$ASSAY" run > /dev/null 2> ../again.txt; second=$?
"$ASSAY" verify model/count.txt > /dev/null; echo "$first $second $?"
`
    const { stdout, stderr } = await apart(project, script)
    const report = project.read('report.json')
    assert.equal(stdout.trim(), '4 0 0', `${report}\n${project.read('again.txt')}\n${stderr}`)
    assert.match(report, /ERR_DISK_FULL/)
  },
)

await asRoot(
  'a remote that cannot be written, or is full, is said so, and has no half of anything',
  async (context) => {
    const project = await ranWith(context, '{team: {url: ../store}}')
    mkdirSync(join(project.root, '../store'))
    const readOnly = 'mount --bind ../store ../store && mount -o remount,bind,ro ../store'
    const refused = await apart(project, `${readOnly} && "$ASSAY" push --json`)
    assert.deepEqual([refused.code, JSON.parse(refused.stdout).error.code], [4, 'ERR_REMOTE_FAILED'])
    const tiny = 'mount -t tmpfs -o size=64k tmpfs ../store'
    const full = await apart(
      project,
      `${tiny} && { "$ASSAY" push --json; echo $? > exit; find ../store -name '*.tmp' >> exit; }`,
    )
    assert.deepEqual([project.read('exit'), JSON.parse(full.stdout).error.code], ['4\n', 'ERR_DISK_FULL'])
    await project.json(0, 'push')
    // a remote that can only be read is enough to pull from, and a disk that is full here is no fault of it
    const clone = cloneOf(project)
    const here = { ...project, root: clone.root }
    const pulled = await apart(
      here,
      `mkdir -p .assay/objects && ${tiny.replace('../store', '.assay/objects')} && "$ASSAY" pull --json`,
    )
    assert.deepEqual([pulled.code, JSON.parse(pulled.stdout).error.code], [4, 'ERR_DISK_FULL'])
    assert.equal((await apart(here, `${readOnly} && "$ASSAY" pull`)).code, 0)
    assert.equal((await clone.json(0, 'verify', 'model/count.txt')).trusted, true)
  },
)
