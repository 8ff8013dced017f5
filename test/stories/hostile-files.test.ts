/** Goal: a file that is no file, or a repository that is none, is named at once: nothing waits, nothing passes for absent. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'

/** Puts something else in the place of a file while `look` looks. */
async function inPlaceOf(project: Scratch, path: string, put: (file: string) => void, look: () => Promise<void>) {
  const file = join(project.root, path)
  const aside = join(project.keys, 'aside')
  const was = existsSync(file)
  if (was) renameSync(file, aside)
  put(file)
  await look()
  rmSync(file, { recursive: true, force: true })
  if (was) renameSync(aside, file)
}

const fifo = (file: string): void => void execFileSync('mkfifo', [file])

test('a definition file that is a fifo, a device, a folder or a circle of links is refused by name', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const cases = [
    ['params.yaml', 'a fifo', fifo],
    ['assay.yaml', 'a fifo', fifo],
    ['dvc.yaml', 'a device', (file: string) => symlinkSync('/dev/zero', file)],
    ['sources.yaml', 'a folder', (file: string) => mkdirSync(file)],
    ['assay.lock', 'a link that leads in a circle', (file: string) => symlinkSync('assay.lock', file)],
    ['trust.yaml', 'a link that leads in a circle', (file: string) => symlinkSync('trust.yaml', file)],
  ] as const
  for (const [path, kind, put] of cases) {
    await inPlaceOf(project, path, put, async () => {
      const { error } = await project.json(2, 'run')
      assert.equal(error.code, 'ERR_PATH_UNSAFE', path)
      assert.ok(error.message.startsWith(`\`${path}\` is ${kind}`), error.message)
    })
  }
  await inPlaceOf(project, 'data/words.txt', fifo, async () => {
    const { stages } = await project.json(1, 'run')
    assert.equal(stages[0].code, 'ERR_DATA_NOT_PLAIN')
  })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
})

test('a lock of two branches is refused with what to do; deleted, it is made again', async (context) => {
  const project = await adopted(context, words)
  const branch = async (name: string, line: string): Promise<void> => {
    project.git('checkout', '--quiet', '-b', name, 'main')
    project.write({ 'data/words.txt': `${line}\n` })
    project.commit(name)
    await project.json(0, 'run')
    project.commit(`${name}: lock`)
  }
  project.git('checkout', '--quiet', 'main')
  await branch('plums', 'plum 1')
  await branch('figs', 'fig 1')
  assert.throws(() => project.git('merge', 'plums'), /status 1|Command failed/)
  const { error } = await project.json(2, 'run')
  assert.deepEqual(
    [error.code, error.message],
    ['ERR_LOCK_MALFORMED', '`assay.lock` holds the conflict markers of a merge'],
  )
  project.git('checkout', '--ours', 'data/words.txt')
  rmSync(join(project.root, 'assay.lock'))
  await project.json(0, 'run')
  project.commit('merged')
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('a repository that is damaged is refused, and one in an odd state is read as it is', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const git = join(project.root, '.git')
  const codeIn = async (put: (file: string) => void, path = '.git'): Promise<string> => {
    let code = ''
    await inPlaceOf(project, path, put, async () => {
      const ran = await project.assay('run', '--json')
      assert.ok(ran.code === 1 || ran.code === 4, ran.stdout)
      code = JSON.parse(ran.stdout).error.code
    })
    return code
  }
  assert.equal(await codeIn((file) => writeFileSync(file, 'gitdir: .git\n')), 'ERR_GIT_CORRUPT')
  assert.equal(await codeIn((file) => symlinkSync('.git', file)), 'ERR_GIT_CORRUPT')
  assert.equal(await codeIn(fifo), 'ERR_GIT_CORRUPT')
  assert.equal(await codeIn(() => undefined, '.git/HEAD'), 'ERR_GIT_CORRUPT')
  assert.equal(await codeIn((file) => writeFileSync(file, 'garbage\n'), '.git/HEAD'), 'ERR_GIT_FAILED')
  assert.equal(await codeIn((file) => writeFileSync(file, '[broken\n'), '.git/config'), 'ERR_GIT_FAILED')
  const commit = project.git('rev-parse', 'HEAD').trim()
  const object = `.git/objects/${commit.slice(0, 2)}/${commit.slice(2)}`
  // What was read of the commit before is remembered, sealed; somebody who remembers nothing is refused.
  rmSync(join(project.root, '.assay/cache'), { recursive: true })
  assert.equal(await codeIn((file) => writeFileSync(file, 'garbage\n'), object), 'ERR_GIT_FAILED')

  project.git('checkout', '--quiet', '--detach')
  writeFileSync(join(git, 'MERGE_HEAD'), `${commit}\n`)
  mkdirSync(join(git, 'rebase-merge'))
  assert.equal((await project.json(0, 'run', '--force')).level, 1, 'detached, amid a merge and a rebase')
})

test('a pipe in the place of a file of the repository is refused by name, and one that only git opens is not waited for for ever', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  for (const path of ['.git/config', '.git/shallow', '.git/commondir', '.git/objects/info/alternates']) {
    await inPlaceOf(project, path, fifo, async () => {
      const { error } = await project.json(1, 'run')
      assert.equal(error.code, 'ERR_GIT_CORRUPT', path)
      assert.match(error.message, new RegExp(`${path}. is there and is no file$`))
    })
  }
  // Some ten seconds: git opens it, says nothing, and uses no time.
  await inPlaceOf(project, '.gitignore', fifo, async () => {
    const { error } = await project.json(4, 'run')
    assert.deepEqual([error.code, error.message], ['ERR_GIT_FAILED', 'git waits for something that never comes'])
    assert.equal(error.help, 'look for pipes in the place of files: find . -type p')
  })
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
})

test('a pipe where git would look for a file is not waited for: git is not asked', async (context) => {
  const project = await adopted(context, words)
  fifo(join(project.root, 'data/.gitignore'))
  assert.equal((await project.json(0, 'run', '--rehash')).level, 1)
  rmSync(join(project.root, 'data/.gitignore'))
  await project.json(0, 'run')
})

test('without a commit it runs at level 0; a submodule that is not there is left alone', async (context) => {
  const project = await adopted(context, { ...words, 'src/sort.sh': 'sort "$1" > "$2"\n' })
  const commit = project.git('rev-parse', 'HEAD').trim()
  project.write({ '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n' })
  project.git('update-index', '--add', '--cacheinfo', `160000,${commit},vendor/lib`)
  project.git('add', '.gitmodules')
  project.git('commit', '--quiet', '-m', 'a submodule')
  assert.equal((await project.json(0, 'run')).level, 1)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)

  rmSync(join(project.root, '.git'), { recursive: true })
  project.git('init', '--quiet')
  project.git('config', 'user.email', 'ada@example.org')
  project.write({ 'data/words.txt': 'other 1\n' }) // the old bytes keep their old, honest evidence
  assert.equal((await project.json(0, 'run')).level, 0)
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
})
