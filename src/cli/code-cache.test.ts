import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { codeCacheFolder } from './code-cache.fs.ts'

function home(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-code-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test("compiled code lies in the user's own cache, closed to others", (context) => {
  const folder = home(context)
  assert.equal(codeCacheFolder({ HOME: folder }), join(folder, '.cache/assay/code'))
  assert.equal(codeCacheFolder({ HOME: '/nowhere', XDG_CACHE_HOME: folder }), join(folder, 'assay/code'))
  assert.equal(codeCacheFolder({ HOME: folder, XDG_CACHE_HOME: 'relative' }), join(folder, '.cache/assay/code'))
  for (const made of ['.cache/assay', 'assay/code']) assert.equal(statSync(join(folder, made)).mode & 0o777, 0o700)
  assert.equal(codeCacheFolder({ HOME: folder }), join(folder, '.cache/assay/code'), 'and is found again')
})

test('where there is no place of his own, nothing is kept', (context) => {
  assert.equal(codeCacheFolder({}), undefined)
  assert.equal(codeCacheFolder({ HOME: 'here', XDG_CACHE_HOME: '' }), undefined)
  const folder = home(context)
  writeFileSync(join(folder, '.cache'), 'a file\n')
  assert.equal(codeCacheFolder({ HOME: folder }), undefined)
})

test('never in a checkout, wherever above its mark is', (context) => {
  for (const mark of ['.git', '.dvc', 'assay.yaml', 'dvc.yaml']) {
    const folder = home(context)
    mkdirSync(join(folder, 'sub/home'), { recursive: true })
    writeFileSync(join(folder, mark), '')
    assert.equal(codeCacheFolder({ HOME: join(folder, 'sub/home') }), undefined, mark)
    rmSync(join(folder, mark))
    assert.notEqual(codeCacheFolder({ HOME: join(folder, 'sub/home') }), undefined, mark)
  }
})

test('never where others may write, through a link, or in what is somebody else’s', (context) => {
  const folder = home(context)
  const kept = join(folder, '.cache/assay/code')
  const whole = (): string | undefined => codeCacheFolder({ HOME: folder })
  assert.equal(whole(), kept)
  for (const place of [kept, join(folder, '.cache/assay')]) {
    for (const mode of [0o770, 0o702]) {
      chmodSync(place, mode)
      assert.equal(whole(), undefined, `${place} ${mode.toString(8)}`)
    }
    chmodSync(place, 0o700)
  }
  assert.equal(whole(), kept)

  const elsewhere = home(context)
  rmSync(kept, { recursive: true })
  symlinkSync(elsewhere, kept)
  assert.equal(whole(), undefined)
  rmSync(kept)
  assert.equal(whole(), kept)
  if (process.geteuid?.() !== 0) return
  chownSync(kept, 61_000, 61_000)
  assert.equal(whole(), undefined)
})
