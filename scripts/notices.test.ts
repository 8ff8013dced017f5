import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { noticeFaults, noticeOf, printNotices } from './notices.ts'

const root = join(import.meta.dirname, '..')

test('the text of a licence is shipped with its package and version', () => {
  const notice = noticeOf(join(root, 'node_modules/yaml'))
  assert.deepEqual([notice.name, notice.licence, noticeFaults([notice])], ['yaml', 'ISC', []])
  assert.match(printNotices([notice]), /yaml \d+\.\d+\.\d+ \(ISC\)[\s\S]*Copyright Eemeli Aro/)
})

test('a licence that nobody accepted, and a missing text, stop the build', () => {
  const notice = { name: 'x', version: '1.0.0', licence: 'SSPL-1.0', texts: ['text'] }
  assert.deepEqual(noticeFaults([notice]), ['x has the licence SSPL-1.0, which nobody has accepted yet'])
  assert.deepEqual(noticeFaults([{ ...notice, licence: 'MIT', texts: [] }]), [
    'x has no file with the text of its licence',
  ])
})

test('every bundled package is in the notices that were built', () => {
  const built = readFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8')
  for (const name of ['commander', 'zod', 'yaml', 'undici', '@lezer/python'])
    assert.match(built, new RegExp(`^  ${name} `, 'm'))
})
