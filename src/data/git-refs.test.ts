import assert from 'node:assert/strict'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitScratch } from './fixtures/git-scratch.exec.ts'
import { hasNoReplaceRefs, readPlainHead } from './git-refs.fs.ts'

test('HEAD is read where it is plain: a loose branch, a packed one, none; what is not plain is left to git', (context) => {
  const scratch = gitScratch(context)
  const gitDir = join(scratch.root, '.git')
  const place = { gitDir, commonDir: gitDir }
  assert.equal(readPlainHead(place), undefined, 'a branch that is not born')
  scratch.write({ 'a.txt': 'a' })
  const commit = scratch.commit()
  assert.deepEqual(readPlainHead(place), { commit, ref: 'refs/heads/main' })
  scratch.git('pack-refs', '--all')
  assert.deepEqual(readPlainHead(place), { commit, ref: 'refs/heads/main' })
  scratch.git('checkout', '--quiet', '--detach')
  assert.deepEqual(readPlainHead(place), { commit })
  for (const head of ['ref: refs/heads/../../x', 'ref: refs/remotes/origin/main', 'ref: refs/heads/.invalid', 'x'])
    for (const end of ['', '\n']) {
      writeFileSync(join(gitDir, 'HEAD'), `${head}${end}`)
      assert.equal(readPlainHead(place), undefined, head)
    }
  writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/other\n')
  writeFileSync(join(gitDir, 'refs/heads/other'), 'ref: refs/heads/main\n')
  assert.equal(readPlainHead(place), undefined, 'a ref that names a ref')
  renameSync(join(gitDir, 'HEAD'), join(gitDir, 'elsewhere'))
  symlinkSync('elsewhere', join(gitDir, 'HEAD'))
  assert.equal(readPlainHead(place), undefined, 'a link')
})

test('replaced objects are told, loose and packed; a format that is not files is left to git', (context) => {
  const scratch = gitScratch(context)
  const commonDir = join(scratch.root, '.git')
  const place = { gitDir: commonDir, commonDir }
  scratch.write({ 'a.txt': 'a' })
  const first = scratch.commit()
  assert.equal(hasNoReplaceRefs(place), false)
  scratch.write({ 'a.txt': 'b' })
  scratch.git('replace', first, scratch.commit())
  assert.equal(hasNoReplaceRefs(place), undefined)
  scratch.git('pack-refs', '--all')
  assert.equal(hasNoReplaceRefs(place), undefined)
  scratch.git('replace', '-d', first)
  assert.equal(hasNoReplaceRefs(place), false)
  mkdirSync(join(commonDir, 'reftable'))
  assert.equal(hasNoReplaceRefs(place), undefined)
})
