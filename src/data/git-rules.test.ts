/** What git said of ignored paths, remembered by the files that decide: asked again exactly when one of them changed. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gitScratch } from './fixtures/git-scratch.exec.ts'
import { openRepository } from './repository.exec.ts'
import { openStatCache } from './stat-cache.sqlite.ts'

/** A repository, and a git in front of the real one that counts how often it is asked what is ignored. */
function counted(context: TestContext) {
  const scratch = gitScratch(context)
  const folder = mkdtempSync(join(tmpdir(), 'assay-git-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  const write = (path: string, text: string): void => {
    writeFileSync(join(folder, path), text)
    chmodSync(join(folder, path), 0o755)
  }
  const inFront = (also = ''): void =>
    write(
      'git',
      `#!/bin/sh\ncase "$*" in *check-ignore*) echo >> ${folder}/calls; ${also} ;; esac\nexec ${real} "$@"\n`,
    )
  write('calls', '')
  inFront()
  const cache = openStatCache(join(folder, 'memory'))
  const environment = { PATH: `${folder}:/usr/bin:/bin` }
  return {
    ...scratch,
    folder,
    inFront,
    asked: () => readFileSync(join(folder, 'calls'), 'utf8').length,
    ignored: async (...paths: readonly string[]): Promise<readonly string[]> => {
      const repository = await openRepository(scratch.root, { cache, environment })
      return [...((await repository?.ignored(paths)) ?? [])].sort()
    },
  }
}

const asked = ['a.log', 'sub/deep/a.log', 'B.txt']

test('git is asked again when, and only when, something that decides has changed', async (context) => {
  const { root, write, commit, ignored, asked: calls, inFront } = counted(context)
  write({ '.gitignore': '*.log\n', 'sub/deep/keep': '' })
  commit()
  assert.deepEqual(await ignored(...asked), ['a.log', 'sub/deep/a.log'])
  assert.deepEqual(await ignored(...asked), ['a.log', 'sub/deep/a.log'])
  assert.equal(calls(), 1)

  const changes: readonly Readonly<{ what: string; change(): void; found: readonly string[] }>[] = [
    { what: 'a file above', change: () => write({ '.gitignore': 'a.log\n' }), found: ['a.log', 'sub/deep/a.log'] },
    { what: 'a file nearer', change: () => write({ 'sub/deep/.gitignore': '!a.log\n' }), found: ['a.log'] },
    {
      what: 'the excludes of the clone',
      change: () => write({ '.git/info/exclude': 'b.txt\n' }),
      found: ['a.log'],
    },
    {
      what: 'the configuration',
      change: () => execFileSync('git', ['config', 'core.ignoreCase', 'true'], { cwd: root }),
      found: ['B.txt', 'a.log'],
    },
    { what: 'git itself', change: () => inFront(':'), found: ['B.txt', 'a.log'] },
  ]
  for (const { what, change, found } of changes) {
    const before = calls()
    change()
    assert.deepEqual(await ignored(...asked), found, what)
    assert.equal(calls(), before + 1, what)
    assert.deepEqual(await ignored(...asked), found, what)
    assert.equal(calls(), before + 1, `${what}, remembered`)
  }
  const before = calls()
  write({ 'sub/deep/.gitignore': '' })
  assert.deepEqual(
    await ignored(...asked),
    ['B.txt', 'a.log', 'sub/deep/a.log'],
    'an answer is of the bytes that are there',
  )
  write({ 'sub/deep/.gitignore': '!a.log\n' })
  assert.deepEqual(await ignored(...asked), ['B.txt', 'a.log'], 'and so is the one of before')
  assert.equal(calls(), before + 1)
  write({ 'elsewhere/.gitignore': '*\n' })
  await ignored(...asked)
  assert.equal(calls(), before + 1, 'a file beside the paths decides nothing')
  assert.deepEqual(await ignored('a.log'), ['a.log'])
  assert.equal(calls(), before + 2, 'other paths are another question')
})

test('not remembered: what a link says, and what changed while git was asked', async (context) => {
  const { root, write, commit, ignored, asked: calls, inFront } = counted(context)
  write({ '.gitignore': '*.log\n' })
  commit()
  renameSync(join(root, '.gitignore'), join(root, 'rules'))
  symlinkSync('rules', join(root, '.gitignore'))
  await ignored('a.log')
  await ignored('a.log')
  assert.equal(calls(), 2)

  rmSync(join(root, '.gitignore'))
  inFront(`echo '*.txt' > ${root}/.gitignore`)
  write({ '.gitignore': '*.log\n' })
  await ignored('a.log')
  write({ '.gitignore': '*.log\n' })
  inFront()
  assert.deepEqual(await ignored('a.log'), ['a.log'])
  assert.equal(calls(), 4)
})
