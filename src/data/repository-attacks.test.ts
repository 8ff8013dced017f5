/** Hostile repositories (trust.md section 4): each attack is first shown to work on git itself, or has its honest twin. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type GitScratch, gitScratch } from './fixtures/git-scratch.exec.ts'
import { findGit } from './git.exec.ts'
import { openRepository } from './repository.exec.ts'
import type { Repository } from './repository.ts'

async function opened(project: string): Promise<Repository> {
  const repository = await openRepository(project, { environment: { HOME: '/nonexistent' } })
  assert.ok(repository !== undefined)
  return repository
}

/** Everything that the port can do. */
async function useAll(scratch: GitScratch): Promise<Repository> {
  const repository = await opened(scratch.root)
  await repository.dirty()
  await repository.untracked(['.'])
  await repository.ignored(['a.txt', 'b'])
  await repository.treeDigest()
  await repository.lfsPointers()
  return repository
}

const codes = (repository: Repository): readonly string[] => repository.findings.map(({ code }) => code)

test('a filter of the repository does not run, and the change that it would hide is found', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a\n' })
  scratch.commit()
  scratch.write({ '.gitattributes': '*.txt filter=x\n' })
  scratch.commit()
  scratch.git('config', 'filter.x.clean', `touch ${scratch.marker}; echo a`)
  scratch.git('config', 'filter.x.smudge', `touch ${scratch.marker}; cat`)
  scratch.write({ 'a.txt': 'e\n' })

  const [dirty] = await (await useAll(scratch)).dirty()
  assert.deepEqual([dirty?.path, dirty?.kind], ['a.txt', 'converted'])
  assert.match(dirty?.because ?? '', /filter=x/)
  assert.equal(existsSync(scratch.marker), false)
  assert.equal(scratch.git('status', '--porcelain'), '', 'git sees no change')
  assert.equal(existsSync(scratch.marker), true, 'and ran the filter')
})

test('hooks and the file system monitor do not run', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a' })
  scratch.commit()
  const script = join(scratch.base, 'evil.sh')
  writeFileSync(script, `#!/bin/sh\ntouch ${scratch.marker}\n`)
  chmodSync(script, 0o755)
  for (const key of [
    'core.fsmonitor',
    'core.pager',
    'core.sshCommand',
    'core.editor',
    'diff.external',
    'credential.helper',
  ]) {
    scratch.git('config', key, script)
  }
  for (const hook of ['post-index-change', 'post-checkout', 'pre-commit', 'reference-transaction']) {
    writeFileSync(join(scratch.root, '.git/hooks', hook), readFileSync(script))
    chmodSync(join(scratch.root, '.git/hooks', hook), 0o755)
  }
  await useAll(scratch)
  assert.equal(existsSync(scratch.marker), false)
  scratch.git('status')
  assert.equal(existsSync(scratch.marker), true, 'git runs the monitor')
})

test('a missing object is not fetched by a command of the repository', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a' })
  scratch.commit()
  assert.equal((await opened(scratch.root)).tree.size, 1)
  const blob = scratch.git('rev-parse', 'HEAD:a.txt')
  for (const [key, value] of [
    ['remote.origin.url', `ext::sh -c touch% ${scratch.marker}`],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.partialclonefilter', 'blob:none'],
    ['extensions.partialClone', 'origin'],
    ['protocol.ext.allow', 'always'],
    ['core.repositoryformatversion', '1'],
  ] as const) {
    scratch.git('config', key, value)
  }
  rmSync(join(scratch.root, '.git/objects', blob.slice(0, 2), blob.slice(2)))
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_FAILED' })
  assert.equal(existsSync(scratch.marker), false)
  assert.throws(() => scratch.git('cat-file', '-p', blob))
  assert.equal(existsSync(scratch.marker), true, 'git ran the command')
})

test('replaced objects are read as they were, and told', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'honest' })
  scratch.commit()
  assert.deepEqual(codes(await opened(scratch.root)), [])
  const blob = scratch.git('rev-parse', 'HEAD:a.txt')
  const evil = scratch.gitWith('evil', 'hash-object', '-w', '--stdin')
  scratch.git('replace', blob, evil)
  assert.equal(scratch.git('cat-file', '-p', blob), 'evil', 'git shows the other one')
  const repository = await useAll(scratch)
  assert.equal((await repository.readBlob(blob)).toString(), 'honest')
  assert.deepEqual(await repository.dirty(), [])
  assert.deepEqual(codes(repository), ['ERR_GIT_REPLACE_REFS'])
})

test('core.worktree does not move what is judged, and is told', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'honest' })
  scratch.commit()
  mkdirSync(join(scratch.base, 'clean'))
  writeFileSync(join(scratch.base, 'clean/a.txt'), 'honest')
  scratch.git('config', 'core.worktree', scratch.root)
  assert.deepEqual(codes(await opened(scratch.root)), [], 'naming this very folder is nothing')
  scratch.git('config', 'core.worktree', join(scratch.base, 'clean'))
  scratch.write({ 'a.txt': 'evil' })
  assert.equal(scratch.git('status', '--porcelain'), '', 'git looks at the other folder')
  const repository = await useAll(scratch)
  assert.deepEqual(
    (await repository.dirty()).map(({ path }) => path),
    ['a.txt'],
  )
  assert.deepEqual(codes(repository), ['ERR_GIT_WORKTREE'])
})

test('assume-unchanged and skip-worktree hide nothing', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a', 'b.txt': 'b' })
  scratch.commit()
  scratch.git('update-index', '--assume-unchanged', 'a.txt')
  scratch.git('update-index', '--skip-worktree', 'b.txt')
  assert.deepEqual(await (await opened(scratch.root)).dirty(), [])
  scratch.write({ 'a.txt': 'A', 'b.txt': 'B' })
  assert.equal(scratch.git('status', '--porcelain'), '', 'git sees no change')
  assert.deepEqual(
    (await (await opened(scratch.root)).dirty()).map(({ path }) => path),
    ['a.txt', 'b.txt'],
  )
})

test('a file that only the index knows is untracked', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a', '.gitignore': '*.log\n' })
  scratch.commit()
  scratch.write({ 'new.py': 'evil', 'x.log': '', 'inner/file.txt': '' })
  scratch.git('add', 'new.py')
  scratch.git('update-index', '--assume-unchanged', 'new.py')
  scratch.git('init', '--quiet', 'inner')
  assert.deepEqual(await (await opened(scratch.root)).untracked(['.']), ['inner', 'new.py'])
  assert.deepEqual(await (await opened(scratch.root)).untracked(['a.txt', ':(glob)**']), [])
})

test('a pack that shows other bytes under an honest name is refused', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'honest', 'b.txt': 'evil..' })
  const large = Array.from({ length: 100 }, (_, index) => [`many/${index}`, `${index}`.repeat(10_000)])
  scratch.write(Object.fromEntries(large))
  scratch.commit()
  scratch.git('repack', '-a', '-d', '-q')
  assert.equal((await useAll(scratch)).tree.size, 102)
  const [left, right] = [scratch.git('rev-parse', 'HEAD:a.txt'), scratch.git('rev-parse', 'HEAD:b.txt')]
  swapInPackIndex(scratch, left, right)
  assert.equal(scratch.git('cat-file', '-p', left), 'evil..', 'git shows the other bytes')
  const repository = await opened(scratch.root)
  await assert.rejects(repository.readBlob(left), { code: 'ERR_GIT_CORRUPT' })
  await assert.rejects(repository.treeDigest(), { code: 'ERR_GIT_CORRUPT' })
  // The answers that nobody reads any more must not keep us waiting.
  const all = [...repository.tree.values()].flatMap((entry) => (entry.kind === 'file' ? [entry.blob] : []))
  await assert.rejects(repository.readBlobs([left, ...all]), { code: 'ERR_GIT_CORRUPT' })
})

test('a pack that shows another tree or commit under an honest name is refused', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'honest' })
  const honest = scratch.commit()
  scratch.write({ 'a.txt': 'evil..' })
  const evil = scratch.commit()
  scratch.git('repack', '-a', '-d', '-q')
  const trees = [scratch.git('rev-parse', `${honest}^{tree}`), scratch.git('rev-parse', `${evil}^{tree}`)] as const
  swapInPackIndex(scratch, ...trees)
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_CORRUPT' })
  swapInPackIndex(scratch, ...trees)
  assert.equal((await opened(scratch.root)).commit, evil)
  swapInPackIndex(scratch, honest, evil)
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_CORRUPT' })
})

/** Exchanges the offsets of two objects. SOURCE: gitformat-pack, "pack-*.idx version 2". */
function swapInPackIndex(scratch: GitScratch, left: string, right: string): void {
  const folder = join(scratch.root, '.git/objects/pack')
  const name = readdirSync(folder).find((file) => file.endsWith('.idx')) ?? ''
  const index = readFileSync(join(folder, name))
  const count = index.readUInt32BE(8 + 255 * 4)
  const placeOf = (oid: string): number => {
    const at = index.indexOf(Buffer.from(oid, 'hex'), 8 + 1024)
    return 8 + 1024 + count * 24 + ((at - 8 - 1024) / 20) * 4
  }
  const [one, two] = [index.readUInt32BE(placeOf(left)), index.readUInt32BE(placeOf(right))]
  index.writeUInt32BE(two, placeOf(left))
  index.writeUInt32BE(one, placeOf(right))
  chmodSync(join(folder, name), 0o644)
  writeFileSync(join(folder, name), index)
}

test('grafts, alternates and includes are told', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a' })
  const commit = scratch.commit()
  assert.deepEqual(codes(await opened(scratch.root)), [])
  writeFileSync(join(scratch.root, '.git/info/grafts'), `${commit}\n`)
  writeFileSync(join(scratch.root, '.git/objects/info/alternates'), `${join(scratch.base, 'other/objects')}\n`)
  scratch.git('config', 'include.path', join(scratch.base, 'more'))
  assert.deepEqual(codes(await opened(scratch.root)), ['ERR_GIT_GRAFTS', 'ERR_GIT_ALTERNATES', 'ERR_GIT_INCLUDES'])
})

/** The bytes of a tree with one blob under a name that `git add` would refuse. */
function commitTree(
  scratch: GitScratch,
  entries: readonly (readonly [mode: string, name: string, oid: string])[],
): void {
  const file = join(scratch.base, 'tree')
  writeFileSync(
    file,
    Buffer.concat(entries.flatMap(([mode, name, oid]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])),
  )
  const tree = scratch.git('hash-object', '-w', '-t', 'tree', '--literally', file)
  scratch.git('update-ref', 'refs/heads/main', scratch.git('commit-tree', '-m', 'made by hand', tree))
}

test('names that lead out of a tree are refused; names that only look strange are left out and told', async (context) => {
  const scratch = gitScratch(context)
  const blob = scratch.gitWith('x', 'hash-object', '-w', '--stdin')
  for (const name of ['..', '.git', '.GIT', 'a/b', '']) {
    commitTree(scratch, [['100644', name, blob]])
    await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_CORRUPT' }, name)
  }
  commitTree(scratch, [
    ['100644', 'a', blob],
    ['100644', 'a', blob],
  ])
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_CORRUPT' })

  commitTree(scratch, [
    ['100644', 'a', blob],
    ['100644', 'x\u202etxt.py', blob],
    ['100600', 'z', blob],
  ])
  const repository = await opened(scratch.root)
  assert.deepEqual([...repository.tree.keys()], ['a'])
  assert.deepEqual(codes(repository), ['ERR_PATH_UNSAFE', 'ERR_PATH_UNSAFE'])
  assert.doesNotMatch(JSON.stringify(repository.findings), /\u202e/)
})

test('a few trees that unfold into thousands of millions of files are refused', async (context) => {
  const scratch = gitScratch(context)
  let entry = `100644 blob ${scratch.gitWith('x', 'hash-object', '-w', '--stdin')}`
  for (let level = 0; level < 10; level += 1) {
    const lines = Array.from({ length: 10 }, (_, index) => `${entry}\tf${index}\n`).join('')
    entry = `040000 tree ${scratch.gitWith(lines, 'mktree')}`
  }
  scratch.git('update-ref', 'refs/heads/main', scratch.git('commit-tree', '-m', 'bomb', entry.slice(12)))
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_INPUT_TOO_LARGE' })
})

test('the git of the project itself is never run', (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'bin/git': `#!/bin/sh\ntouch ${scratch.marker}\n` })
  chmodSync(join(scratch.root, 'bin/git'), 0o755)
  const inside = join(scratch.root, 'bin')
  assert.throws(() => findGit({ PATH: `.:bin:${inside}` }, scratch.root), { code: 'ERR_GIT_UNAVAILABLE' })
  assert.match(findGit({ PATH: `.:${inside}:/usr/local/bin:/usr/bin:/bin` }, scratch.root), /^\/usr\//)
  assert.equal(
    findGit({ PATH: inside }, join(scratch.base, 'another')),
    join(inside, 'git'),
    'elsewhere it is the caller’s choice',
  )
})
