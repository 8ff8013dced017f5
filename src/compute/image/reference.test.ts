import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { imageText, parseImageName, parseImageReference } from './reference.ts'

const digest = `sha256:${'a'.repeat(64)}` as const

const names: Readonly<Record<string, string>> = {
  [`python@${digest}`]: `docker.io/library/python@${digest}`,
  [`team/tool:1.0@${digest}`]: `docker.io/team/tool:1.0@${digest}`,
  [`docker.io/python@${digest}`]: `docker.io/library/python@${digest}`,
  [`localhost/x@${digest}`]: `localhost/x@${digest}`,
  [`registry.example.org:5000/a/b_c/d--e@${digest}`]: `registry.example.org:5000/a/b_c/d--e@${digest}`,
}
for (const [written, whole] of Object.entries(names))
  test(`reads ${written.slice(0, 40)} as ${whole.slice(0, 50)}`, () => {
    assert.equal(imageText(parseImageReference(written)), whole)
  })

test('a tag alone is refused with the command that gives its digest, which takes it', () => {
  assert.throws(
    () => parseImageReference('python:3.12-slim'),
    (error) =>
      isDomainError(error, 'ERR_ENV_UNPINNED') && error.help.includes('assay env lock --image python:3.12-slim'),
  )
  assert.equal(imageText(parseImageName('python:3.12-slim')), 'docker.io/library/python:3.12-slim')
})

for (const written of [
  '',
  'Python',
  'a b',
  '/a',
  'a//b',
  'a/../b',
  '-x/y',
  'x:y:z',
  'https://registry.example.org/x',
  `x@${digest}@${digest}`,
  `x@sha512:${'a'.repeat(128)}`,
  `x@${digest.toUpperCase()}`,
  `${'a/'.repeat(200)}a`,
])
  test(`refuses the name ${JSON.stringify(written.slice(0, 60))}`, () => {
    assert.throws(
      () => parseImageName(written),
      (error) => isDomainError(error, 'ERR_SETTINGS_INVALID'),
    )
  })
