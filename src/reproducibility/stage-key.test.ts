import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { changedCode, recordCode, type VisibleFiles } from './stage-key.ts'

const files = (...paths: readonly string[]): VisibleFiles =>
  new Map(paths.map((path) => [path, sha256Of(Buffer.from(path))]))
const before = files('train.py', 'src/a.py', 'dvc.yaml')

for (const [how, opened] of Object.entries({
  'that it listed': { files: ['train.py'], folders: ['.'] },
  'where opens were not observed': undefined,
})) {
  test(`a new file in a folder ${how} counts; what assay itself writes there does not`, () => {
    const record = recordCode(opened, before)
    const now = (...more: readonly string[]): string | undefined =>
      changedCode(record, files('train.py', 'src/a.py', 'dvc.yaml', ...more))
    for (const each of ['helper.py', 'license_plates.py', 'prompt.md', 'conf/dvc.lock', 'more/assay.lock'])
      assert.match(now(each) ?? '', /changed$/, each)
    assert.equal(
      now('assay.lock', 'dvc.lock', `attestations/data-p.csv-waiver-${'0'.repeat(12)}.sigstore.json`),
      undefined,
    )
  })
}

test('an ignore file that is written beside an out is no new name in a listed folder, and counts when it was opened', () => {
  const listed = recordCode({ files: [], folders: ['.'] }, before)
  assert.equal(
    changedCode(listed, files('train.py', 'src/a.py', 'dvc.yaml', '.gitignore', 'src/.gitignore')),
    undefined,
  )
  assert.match(changedCode(listed, files('train.py', 'src/a.py', 'dvc.yaml', 'more/.gitignore')) ?? '', /changed$/)
  const opened = recordCode({ files: ['.gitignore'], folders: [] }, files('.gitignore'))
  assert.equal(changedCode(opened, files()), '`.gitignore` is gone')
})

test('a lock that the stage opened counts as any file does', () => {
  const opened = { files: ['assay.lock'], folders: [] }
  const record = recordCode(opened, files('assay.lock'))
  assert.equal(changedCode(record, files()), '`assay.lock` is gone')
})

test('where opens were not observed, only what is documentation by its whole name may change', () => {
  const record = recordCode(undefined, before)
  const now = (...more: readonly string[]): string | undefined =>
    changedCode(record, files('train.py', 'src/a.py', 'dvc.yaml', ...more))
  assert.equal(now('README.md', 'docs/LICENSE', 'Changelog.rst', 'notice.txt'), undefined)
  for (const each of ['notices.py', 'authors.csv', 'readme/x', 'prompts/system.md'])
    assert.match(now(each) ?? '', /changed$/)
})
