import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { gitScratch } from './fixtures/git-scratch.exec.ts'
import { sanitiseRemote } from './git-config.ts'
import { openObjectStore } from './object-store.fs.ts'
import { openRepository, type RepositoryOptions } from './repository.exec.ts'
import type { Repository } from './repository.ts'
import { openStatCache } from './stat-cache.sqlite.ts'

async function opened(project: string, options: RepositoryOptions = {}): Promise<Repository> {
  const repository = await openRepository(project, options)
  assert.ok(repository !== undefined)
  return repository
}

const paths = (found: readonly Readonly<{ path: string; kind: string }>[]): readonly string[] =>
  found.map(({ path, kind }) => `${kind} ${path}`)

test('a folder without a repository has none', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-none-'))
  context.after(() => rmSync(folder, { recursive: true }))
  assert.equal(await openRepository(folder), undefined)
  mkdirSync(join(folder, '.git'))
  assert.equal(await openRepository(folder), undefined, 'an empty .git is none either')
})

test('before the first commit there is a branch and no file', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a' })
  const { commit, head, ref, tree, treeOid, ...repository } = await opened(scratch.root)
  assert.deepEqual(
    { commit, head, ref, treeOid },
    { commit: undefined, head: undefined, ref: 'refs/heads/main', treeOid: undefined },
  )
  assert.equal(tree.size, 0)
  assert.equal(await repository.treeDigest(), undefined)
  assert.deepEqual(await repository.dirty(), [])
  assert.deepEqual(await repository.untracked(['.']), ['a.txt'])
})

test('a branch whose commit is gone is a fault, not a repository without commits', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a' })
  const commit = scratch.commit()
  rmSync(join(scratch.root, '.git/objects', commit.slice(0, 2), commit.slice(2)))
  await assert.rejects(openRepository(scratch.root), { code: 'ERR_GIT_FAILED' })
})

test('tells the commit, who made it, and every file of it', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'hello\n', 'src/run.sh': 'true\n', 'src/ä.py': '' })
  chmodSync(join(scratch.root, 'src/run.sh'), 0o755)
  const commit = scratch.commit()
  scratch.git('remote', 'add', 'origin', 'https://ada:secret@example.org/ml.git?token=x#y')
  const repository = await opened(scratch.root, { environment: { HOME: '/nonexistent' } })
  const person = { name: 'Ada Test', email: 'ada@example.org', at: new Date('2026-01-02T03:04:05Z') }
  assert.equal(repository.commit, commit)
  assert.equal(repository.ref, 'refs/heads/main')
  assert.equal(repository.treeOid, scratch.git('rev-parse', 'HEAD^{tree}'))
  assert.deepEqual(repository.head, {
    tree: repository.treeOid,
    parents: [],
    author: person,
    committer: person,
    coAuthors: [],
  })
  assert.deepEqual(await repository.identity(), { name: 'Ada Test', email: 'ada@example.org', tier: 'declared' })
  assert.deepEqual(
    [repository.remote, repository.isShallow, repository.objectFormat],
    ['https://example.org/ml.git', false, 'sha1'],
  )
  assert.deepEqual(repository.findings, [])
  const blob = scratch.git('hash-object', 'src/run.sh')
  assert.deepEqual(Object.fromEntries(repository.tree), {
    'a.txt': { kind: 'file', mode: '100644', blob: 'ce013625030ba8dba906f756967f9e9ca394464a', sizeBytes: 6 },
    'src/run.sh': { kind: 'file', mode: '100755', blob, sizeBytes: 5 },
    'src/ä.py': { kind: 'file', mode: '100644', blob: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391', sizeBytes: 0 },
  })
  assert.equal((await repository.readBlob('ce013625030ba8dba906f756967f9e9ca394464a')).toString(), 'hello\n')
  await assert.rejects(repository.readBlob('0'.repeat(40)), { code: 'ERR_GIT_FAILED' })
  await assert.rejects(repository.readBlob(repository.treeOid ?? ''), { code: 'ERR_GIT_CORRUPT' })
})

test('a project may be a folder of the repository', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'other/x.txt': 'x', 'ml/digits/a.txt': 'a', 'ml/digits/.gitignore': '*.log\n' })
  scratch.commit()
  scratch.write({ 'other/x.txt': 'changed', 'ml/digits/new.py': '', 'ml/digits/run.log': '' })
  const project = join(scratch.root, 'ml/digits')
  const repository = await opened(project)
  assert.equal(repository.prefix, 'ml/digits')
  assert.deepEqual([...repository.tree.keys()], ['.gitignore', 'a.txt'])
  assert.deepEqual(await repository.dirty(), [])
  assert.deepEqual(await repository.untracked(['.']), ['new.py'])
  assert.deepEqual(
    [...(await repository.ignored(['run.log', 'new.py', ':(top)x.log', '.']))],
    ['run.log', ':(top)x.log'],
  )
  scratch.write({ 'ml/digits/a.txt': 'b' })
  assert.deepEqual(paths(await repository.dirty()), ['modified a.txt'])
  mkdirSync(join(scratch.root, 'uncommitted'))
  assert.equal((await opened(join(scratch.root, 'uncommitted'))).tree.size, 0)
})

test('says how each file differs from the commit, and nothing once they are put back', async (context) => {
  const scratch = gitScratch(context)
  const files = {
    'a.txt': 'a',
    'gone.txt': 'g',
    'dir/b.txt': 'b',
    'dir/c.txt': 'c',
    'run.sh': 'true\n',
    'link-me': 'l',
  }
  scratch.write(files)
  symlinkSync('a.txt', join(scratch.root, 'link'))
  scratch.commit()
  const repository = await opened(scratch.root)
  assert.deepEqual(await repository.dirty(), [])

  scratch.write({ 'a.txt': 'A' })
  for (const path of ['gone.txt', 'link-me', 'link']) rmSync(join(scratch.root, path))
  symlinkSync('a.txt', join(scratch.root, 'link-me'))
  symlinkSync('run.sh', join(scratch.root, 'link'))
  chmodSync(join(scratch.root, 'run.sh'), 0o755)
  // The same bytes, but reached through a link to a folder elsewhere.
  mkdirSync(join(scratch.base, 'elsewhere'))
  for (const name of ['b.txt', 'c.txt']) writeFileSync(join(scratch.base, 'elsewhere', name), name.slice(0, 1))
  rmSync(join(scratch.root, 'dir'), { recursive: true })
  symlinkSync(join(scratch.base, 'elsewhere'), join(scratch.root, 'dir'))
  assert.deepEqual(paths(await repository.dirty()), [
    'modified a.txt',
    'missing dir/b.txt',
    'missing dir/c.txt',
    'missing gone.txt',
    'modified link',
    'type link-me',
    'mode run.sh',
  ])
  assert.deepEqual(paths(await repository.dirty(['run.sh', 'dir'])), [
    'missing dir/b.txt',
    'missing dir/c.txt',
    'mode run.sh',
  ])

  for (const path of ['dir', 'link-me', 'link']) rmSync(join(scratch.root, path))
  scratch.write(files)
  chmodSync(join(scratch.root, 'run.sh'), 0o644)
  symlinkSync('a.txt', join(scratch.root, 'link'))
  assert.deepEqual(await repository.dirty(), [])
})

test('a change is found with times restored, and with the stat cache too', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'aaa', 'b.txt': 'bbb' })
  scratch.commit()
  const old = new Date('2020-01-01')
  using cache = openStatCache(join(scratch.base, 'cache.sqlite'))
  // Ten seconds later, so that the files count as settled.
  const repository = await opened(scratch.root, { cache, now: () => Date.now() + 10_000 })
  for (const name of ['a.txt', 'b.txt']) utimesSync(join(scratch.root, name), old, old)
  assert.deepEqual(await repository.dirty(), [])
  assert.equal(cache.folder(scratch.root, 'git-sha1').size, 2, 'remembered')
  scratch.write({ 'a.txt': 'AAA' })
  utimesSync(join(scratch.root, 'a.txt'), old, old)
  assert.deepEqual(paths(await repository.dirty()), ['modified a.txt'])
})

test('line ends that git would convert count as dirty, with the attribute named', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ '.gitattributes': '*.bat text eol=crlf\n', 'run.bat': 'one\ntwo\n', 'run.sh': 'one\n' })
  scratch.commit()
  scratch.write({ 'run.bat': 'one\r\ntwo\r\n' })
  scratch.git('add', 'run.bat')
  assert.equal(scratch.git('status', '--porcelain'), '', 'git calls this clean')
  assert.deepEqual(await (await opened(scratch.root)).dirty(), [
    {
      path: 'run.bat',
      kind: 'converted',
      because: 'it has other line ends than the commit (the attribute text, eol=crlf)',
    },
  ])
})

test('LFS files are compared by the SHA-256 of their pointer', async (context) => {
  const scratch = gitScratch(context)
  const pointer = `version https://git-lfs.github.com/spec/v1\noid ${sha256Of('the model')}\nsize 9\n`
  scratch.write({
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'model.bin': pointer,
    'note.txt': 'version x\n',
  })
  scratch.commit()
  using cache = openStatCache(join(scratch.base, 'cache.sqlite'))
  const repository = await opened(scratch.root, { cache })
  const pointers = [['model.bin', { digest: sha256Of('the model'), sizeBytes: 9 }]]
  assert.deepEqual([...(await repository.lfsPointers())], pointers)
  assert.match(cache.fact('git-blobs') ?? '', new RegExp(scratch.git('rev-parse', 'HEAD:model.bin')))
  assert.deepEqual([...(await (await opened(scratch.root, { cache })).lfsPointers())], pointers, 'remembered')
  cache.recordFact('git-blobs', '[1')
  assert.deepEqual([...(await (await opened(scratch.root, { cache })).lfsPointers())], pointers, 'not legible')
  assert.deepEqual(await repository.dirty(), [])
  scratch.write({ 'model.bin': 'the model' })
  assert.deepEqual(await repository.dirty(), [])
  scratch.write({ 'model.bin': 'the MODEL' })
  assert.deepEqual(paths(await repository.dirty()), ['modified model.bin'])
})

test('links and submodules are listed as what they are', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'src/a.py': '' })
  for (const [name, target] of [
    ['src/in', '../src/a.py'],
    ['src/out', '../../etc/passwd'],
    ['absolute', '/etc/passwd'],
  ] as const) {
    symlinkSync(target, join(scratch.root, name))
  }
  const first = scratch.commit()
  scratch.git('update-index', '--add', '--cacheinfo', `160000,${first},vendor/lib`)
  scratch.git('commit', '--quiet', '-m', 'a submodule')
  const { tree } = await opened(scratch.root)
  const links = [...tree].flatMap(([path, entry]) =>
    entry.kind === 'symlink' ? [[path, entry.target, entry.escapes]] : [],
  )
  assert.deepEqual(links, [
    ['absolute', '/etc/passwd', true],
    ['src/in', '../src/a.py', false],
    ['src/out', '../../etc/passwd', true],
  ])
  assert.deepEqual(tree.get('vendor/lib'), { kind: 'submodule', mode: '160000', commit: first })
})

test('a linked work tree and a shallow clone are read; the clone says so', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': '1' })
  scratch.commit()
  scratch.write({ 'a.txt': '2' })
  const commit = scratch.commit()
  const linked = join(scratch.base, 'linked')
  scratch.git('worktree', 'add', '--quiet', '--detach', linked)
  const repository = await opened(linked)
  assert.deepEqual([repository.commit, repository.ref, repository.isShallow], [commit, undefined, false])
  assert.deepEqual(await repository.dirty(), [])
  assert.deepEqual(repository.findings, [])

  scratch.git('clone', '--quiet', '--depth=1', `file://${scratch.root}`, join(scratch.base, 'shallow'))
  const shallow = await opened(join(scratch.base, 'shallow'))
  assert.deepEqual([shallow.commit, shallow.isShallow, shallow.remote], [commit, true, undefined])
})

test('a repository of the SHA-256 format is read alike', async (context) => {
  const [old, young] = [gitScratch(context), gitScratch(context, '--object-format=sha256')]
  for (const scratch of [old, young]) {
    scratch.write({ 'a.txt': 'a', 'src/b.py': 'b' })
    scratch.commit()
  }
  const [left, right] = [await opened(old.root), await opened(young.root)]
  assert.deepEqual([right.objectFormat, right.commit?.length], ['sha256', 64])
  assert.deepEqual(await right.dirty(), [])
  young.write({ 'a.txt': 'A' })
  assert.deepEqual(paths(await right.dirty()), ['modified a.txt'])
  assert.equal(await left.treeDigest(), await right.treeDigest(), 'the digest is over bytes, not over git names')
})

test('files of any commit are told by their digest; what is no file, or not here, is told apart', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'part/a.txt': 'one', 'part/sub/b.txt': 'two' })
  symlinkSync('a.txt', join(scratch.root, 'part/link'))
  const first = scratch.commit()
  scratch.write({ 'part/a.txt': 'other', 'later/c.txt': 'three' })
  const second = scratch.commit()
  const { digestsAt } = await opened(join(scratch.root, 'part'))
  const asked = ['a.txt', 'sub/b.txt', 'sub', 'link', 'a.txt/x', 'none']
  const absent = ['sub', 'link', 'a.txt/x', 'none'].map((path) => [path, 'absent'] as const)
  const expected = (text: string): Map<string, string> =>
    new Map([['a.txt', sha256Of(Buffer.from(text))], ['sub/b.txt', sha256Of(Buffer.from('two'))], ...absent])
  assert.deepEqual(await digestsAt(first, asked), expected('one'))
  assert.deepEqual(await digestsAt(second, asked), expected('other'))

  for (const elsewhere of ['0'.repeat(40), 'HEAD', `${first}\n${second}`, '']) {
    assert.equal(await digestsAt(elsewhere, asked), undefined, elsewhere)
  }
  const later = await opened(join(scratch.root, 'later'))
  assert.equal(await later.digestsAt(first, ['c.txt']), undefined, 'the folder of the project is not in it')
  const blob = scratch.git('rev-parse', `${first}:part/a.txt`)
  await assert.rejects(digestsAt(blob, asked), { code: 'ERR_GIT_CORRUPT' })
})

test('the history tells who had a hand in what leads to a commit and not to another, or that nobody can tell', async (context) => {
  const scratch = gitScratch(context)
  const first = scratch.commit()
  const by = (...lines: readonly string[]): string => scratch.commit(['together', '', ...lines].join('\n'))
  const spelt = by(
    'Co-authored-by: Rita <rita@example.org>',
    'CO-AUTHORED-BY:Tom<tom@example.org>',
    'co-authored-by :\tEve  <eve@example.org>\r',
    'Co-authored-by: <bob@example.org>',
    'Co-authored-by: no address',
    'as said:',
    ' Co-authored-by: quoted <q@example.org>',
  )
  const others = Array.from({ length: 100 }, (_, index) => `Co-authored-by: P${index} <p${index}@example.org>`)
  const hundred = by(...others)
  const hidden = by(...others, 'Co-authored-by: Rita <rita@example.org>')
  const later = scratch.commit()
  // THREAT: a message that takes hours to read, or holds more names than one call has room for, would hold every verb.
  const letters = by(`Co-authored-by: ${'x'.repeat(50_000)}`, `Co-authored-by: <${' '.repeat(50_000)}Zoe@example.org>`)
  const long = by(`Co-authored-by: ${'x'.repeat(100_000)}`)
  const many = by(`Co-authored-by: ${'<a@b>'.repeat(13_000)}`)
  const sibling = scratch.git('commit-tree', `${first}^{tree}`, '-p', first, '-m', 'a sibling')
  const { peopleIn } = await opened(scratch.root)
  const told = async (head: string, until?: string): Promise<readonly string[] | undefined> => {
    const [people] = await peopleIn([{ head, until }])
    return people?.map(({ name, email }) => `${name} <${email}>`)
  }
  const ada = 'Ada Test <ada@example.org>'
  assert.deepEqual(await told(first), [ada])
  const named = [' <bob@example.org>', 'Eve <eve@example.org>', 'Rita <rita@example.org>', 'Tom <tom@example.org>']
  assert.deepEqual(await told(spelt, first), [ada, ...named])
  const several = by(
    'Co-authored-by: Rita <rita@example.org>, Tom <tom@example.org>',
    '\tand Eve',
    ' <eve@example.org>; <bob@example.org>',
    'Co-authored-by: Mia <mia@example.org, max@example.org> (lea@example.org)',
    'Co-authored-by: Ida <ida@example.org',
  )
  const all = [' <ida', ' <lea', ' <bob', 'Eve <eve', 'Mia <max', 'Mia <mia', 'Rita <rita', 'Tom <tom']
  const expected = [ada, ...all.map((each) => `${each}@example.org>`)]
  assert.deepEqual((await told(several, many))?.toSorted(), expected.toSorted())
  assert.deepEqual(await told(letters, later), [' <Zoe@example.org>', ada])
  assert.deepEqual([await told(long, letters), await told(many, long)], [undefined, undefined])
  assert.equal((await told(hundred, spelt))?.length, 101)
  assert.deepEqual([await told(hidden, hundred), await told(later), await told(later, first)], Array(3).fill(undefined))
  assert.deepEqual(await told(later, hidden), [ada], 'what comes after it can be told')

  assert.deepEqual(await told(sibling, first), [ada])
  const blob = scratch.gitWith('text', 'hash-object', '-w', '--stdin')
  for (const no of [
    sibling,
    blob,
    `${first}^{tree}`,
    scratch.git('rev-parse', `${first}^{tree}`),
    '0'.repeat(40),
    'main',
  ])
    assert.deepEqual([await told(spelt, no), no === sibling ? undefined : await told(no)], [undefined, undefined], no)
  const spans = [blob, first].map((head) => ({ head, until: undefined }))
  assert.deepEqual(
    (await peopleIn(spans)).map((people) => people?.length),
    [undefined, 1],
    'the next one is told',
  )

  scratch.git('clone', '--quiet', '--depth=2', `file://${scratch.root}`, join(scratch.base, 'shallow'))
  const shallow = await opened(join(scratch.base, 'shallow'))
  assert.deepEqual(await shallow.peopleIn([{ head: later, until: hidden }]), [undefined], 'what led to it is not here')
})

test('the digest of the tree is over path, mode and bytes', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'b.sh': 'b', 'a.txt': 'a' })
  scratch.commit()
  // Worked by hand: RFC 8785 of [[path, mode, sha256]...].
  const expected = sha256Of(`[["a.txt","100644","${sha256Of('a')}"],["b.sh","100644","${sha256Of('b')}"]]`)
  using cache = openStatCache(join(scratch.base, 'cache.sqlite'))
  assert.equal(await (await opened(scratch.root, { cache })).treeDigest(), expected)
  assert.equal(await (await opened(scratch.root, { cache })).treeDigest(), expected, 'remembered')
  scratch.git('update-index', '--chmod=+x', 'b.sh')
  scratch.git('commit', '--quiet', '-m', 'executable')
  assert.notEqual(await (await opened(scratch.root, { cache })).treeDigest(), expected)
})

test('committed bytes go into a store, whatever the work tree holds', async (context) => {
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'committed', 'run.sh': 'true\n' })
  chmodSync(join(scratch.root, 'run.sh'), 0o755)
  scratch.commit()
  scratch.write({ 'a.txt': 'changed' })
  const repository = await opened(scratch.root)
  const store = openObjectStore(join(scratch.base, 'objects'))
  for (const _time of [1, 2]) {
    const contents = await repository.storeBlobs(['a.txt', 'run.sh', 'not there'], store)
    assert.deepEqual(
      [...contents],
      [
        ['a.txt', { kind: 'file', digest: sha256Of('committed'), sizeBytes: 9, executable: false }],
        ['run.sh', { kind: 'file', digest: sha256Of('true\n'), sizeBytes: 5, executable: true }],
      ],
    )
  }
  assert.equal((await store.read(sha256Of('committed'), 100)).toString(), 'committed')
  assert.deepEqual([...(await repository.blobDigests(['run.sh', 'nothing']))], [['run.sh', sha256Of('true\n')]])
  assert.deepEqual(readdirSync(join(store.root, 'tmp')), [])
})

test('a repository of another owner is refused unless the user trusts it', async (context) => {
  if (process.geteuid?.() !== 0) {
    context.skip('only root can make a repository of another owner')
    return
  }
  const scratch = gitScratch(context)
  scratch.write({ 'a.txt': 'a', '../home/.gitconfig': `[safe]\n\tdirectory = ${scratch.root}\n` })
  scratch.commit()
  const environment = { HOME: join(scratch.base, 'home') }
  assert.equal((await opened(scratch.root, { environment: { HOME: '/nonexistent' } })).tree.size, 1)
  chownSync(join(scratch.root, '.git'), 4242, 4242)
  await assert.rejects(openRepository(scratch.root, { environment: { HOME: '/nonexistent' } }), {
    code: 'ERR_GIT_UNSAFE',
  })
  assert.equal((await opened(scratch.root, { environment })).tree.size, 1)
  assert.equal((await opened(scratch.root, { environment: { SUDO_UID: '4242' } })).tree.size, 1)
})

test('an address of a remote loses everything secret, and what is no address is left out', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['https://token@github.com/a/b.git', 'https://github.com/a/b.git'],
    ['https://user:pw@host:8443/a?x=1#y', 'https://host:8443/a'],
    ['git@github.com:a/b.git', 'ssh://github.com/a/b.git'],
    ['ssh://git@host/a', 'ssh://host/a'],
    ['host:path', 'ssh://host/path'],
    ['ext::sh -c evil', undefined],
    ['/home/ada/repo', undefined],
    ['file:///home/ada/repo', undefined],
    ['../repo', undefined],
  ]
  assert.deepEqual(
    table.map(([address]) => [address, sanitiseRemote(address)]),
    table,
  )
})

test('THREAT what a commit takes out of a folder, writes over or leaves behind in a merge was there once', async (context) => {
  const scratch = gitScratch(context)
  const once = async (folder: string): Promise<readonly string[]> => {
    const repository = await opened(join(scratch.root, folder))
    const { files, isWhole } = await repository.onceIn('attestations')
    assert.equal(isWhole, true)
    const read = await repository.readBlobs(files.map(({ blob }) => blob))
    return files.map(({ name, blob }) => `${name}: ${read.get(blob)}`).toSorted()
  }
  scratch.write({ 'p/attestations/a': '1', 'p/attestations/deep/x': '1', 'p/b': '1', 'attestations/other': '1' })
  scratch.commit()
  scratch.write({ 'p/attestations/a': '2' })
  scratch.commit()
  scratch.git('checkout', '--quiet', '-b', 'side')
  scratch.write({ 'p/attestations/side': '3' })
  scratch.commit()
  scratch.git('checkout', '--quiet', 'main')
  scratch.write({ 'p/b': '2' })
  scratch.commit()
  scratch.git('merge', '--quiet', '-s', 'ours', '-m', 'drop it', 'side')
  scratch.git('rm', '-r', '--quiet', 'p/attestations')
  scratch.commit()
  mkdirSync(join(scratch.root, 'p'), { recursive: true })
  assert.deepEqual(await once('p'), ['a: 1', 'a: 2', 'side: 3'])
  assert.deepEqual(await once('.'), ['other: 1'])
  scratch.git('checkout', '--quiet', '--orphan', 'anew')
  scratch.commit()
  assert.deepEqual(await once('p'), [])
})
