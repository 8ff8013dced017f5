import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { canonicalJson, type Json, sha256Of } from '../core/index.ts'
import { addSource, markRevoked, parseSources, replaceSource, type Source } from './inventory.ts'
import { isLicenceExpression } from './licence.ts'
import { setInYaml } from './yaml-edit.ts'

const words: Source = {
  id: 'uci-words',
  path: 'data/words.txt',
  origin: 'https://example.org/words?version=2',
  owner: { name: 'Ada Lovelace', email: 'ada@example.org' },
  classification: 'public',
  licence: 'CC0-1.0',
  kind: 'data',
  digest: sha256Of('words'),
  addedAt: '2026-11-24T10:00:00.000Z',
}
const model: Source = {
  ...words,
  id: 'base',
  path: 'models/base: v1.safetensors',
  kind: 'model',
  digest: `dirHash1:${'a'.repeat(64)}`,
  reviewBy: '2027-01-31',
  contract: 'contracts/a, b.yaml',
  pipelines: ['digits', 'a: "b"'],
}

const written = `# The inventory of data sources: facts only. Approved, revoked and expired follow from the signed statements in
# attestations/. Written by assay data add; docs/formats/sources.md.
inventory: 1
sources:
  uci-words:
    path: data/words.txt
    origin: https://example.org/words?version=2
    owner: Ada Lovelace <ada@example.org>
    classification: public
    licence: CC0-1.0
    kind: data
    digest: sha256:${words.digest.slice(7)}
    addedAt: 2026-11-24T10:00:00.000Z
`

test('a source is written as a person would, and read back', () => {
  assert.deepEqual(parseSources(''), [])
  assert.equal(addSource('', words), written)
  assert.deepEqual(parseSources(written), [words])
  assert.deepEqual(parseSources(Buffer.from(addSource(written, model))), [words, model])
  assert.deepEqual(parseSources('inventory: 1\nsources:\n'), [])
})

test('an id is used once; a replaced source loses what the new one has not', () => {
  assert.throws(() => addSource(written, { ...model, id: 'uci-words' }), { code: 'ERR_SOURCE_EXISTS' })
  const both = addSource(written, model)
  const { contract: _contract, reviewBy: _reviewBy, ...plain } = model
  assert.deepEqual(parseSources(replaceSource(both, plain)), [words, plain])
  assert.deepEqual(parseSources(replaceSource(written, model)), [words, model])
})

test('what a person typed around a new source stays, byte for byte', () => {
  const typed = `# ours\ninventory: 1      # the format\n\nsources:   # by hand\n    first:\n      path: a.csv   # a path\n      origin: "by hand"\n      owner: 'A B <a@b>'\n      classification: internal\n      licence: MIT\n      digest: ${words.digest}\n      addedAt: 2026-01-01T00:00:00Z\n\n# the end\n`
  const edited = addSource(typed, words)
  assert.equal(edited.replace(/^ {4}uci-words:\n(?: {6}.*\n)+/m, ''), typed)
  assert.deepEqual(
    parseSources(edited).map(({ id, kind }) => [id, kind]),
    [
      ['first', 'data'],
      ['uci-words', 'data'],
    ],
  )
})

test('a revocation is written once, and nothing takes it back', () => {
  const revocation = { at: '2026-11-25T00:00:00.000Z', because: 'licence withdrawn: "gone"' }
  const revoked = markRevoked(written, 'uci-words', revocation)
  assert.deepEqual(parseSources(revoked), [{ ...words, revoked: revocation }])
  assert.ok(revoked.startsWith(written))
  assert.equal(markRevoked(revoked, 'uci-words', { ...revocation, because: 'other' }), revoked)
  assert.throws(() => replaceSource(revoked, words), { code: 'ERR_SOURCE_REVOKED' })
  assert.throws(() => markRevoked(written, 'nobody', revocation), { code: 'ERR_SOURCE_UNKNOWN' })
})

test('refuses what is not in the format, at its place', () => {
  const table: readonly (readonly [from: string | RegExp, to: string, message: RegExp, help?: RegExp])[] = [
    ['    kind: data', '    status: approved\n    kind: data', /line 11, column 5: the key `status` is not known/],
    ['licence:', 'licens:', /line 10, column 5: the key `licens` is not known/, /did you mean `licence`/],
    ['inventory: 1', 'inventory: 2', /line 3, column 12: `inventory`: it must be 1/],
    ['inventory: 1', 'inventory: 1\nextra: 1', /line 4, column 1: the key `extra`/],
    [
      'classification: public',
      'classification: secret',
      /line 9, column 21: `sources.uci-words.classification`: it must be one of public/,
    ],
    ['licence: CC0-1.0', 'licence: free, really', /SPDX/],
    ['digest: sha256:', 'digest: md5:', /64 lower-case hex/],
    [/addedAt: .*/, 'addedAt: yesterday', /must be an instant/],
    [/addedAt: .*/, 'addedAt: 2026-11-24T10:00:00Z\n    reviewBy: 2027-02-30', /must be a date/],
    ['data/words.txt', '../words.txt', /plain path/],
    ['data/words.txt', '.git/config', /plain path/],
    ['data/words.txt', 'data/./words.txt', /plain path/],
    ['Ada Lovelace <ada@example.org>', 'Ada', /Name <mail>/],
    ['https://example.org', 'https://ada:secret@example.org', /password/],
    ['version=2', 'X-Amz-Signature=abc', /password, a token or a signature/],
    ['uci-words:', 'Uci_words:', /line 5, column 3: `sources.Uci_words`: an id is lower-case words/],
    ['uci-words:', '__proto__:', /line 5, column 3: the key `__proto__`/],
    ['    kind: data', '    kind: data\n    kind: model', /line 12, column 5: the key `kind` stands twice/],
    ['inventory: 1', 'inventory: 1\n---\ninventory: 1', /not YAML/],
    ['kind: data', 'kind: &a data', /./],
    ['owner: Ada', 'owner: *a', /./],
  ]
  for (const [from, to, message, help] of table) {
    const text = written.replace(from, to)
    assert.notEqual(text, written, String(from))
    if (to === 'kind: &a data') {
      assert.deepEqual(parseSources(text), [words], 'an anchor alone means nothing')
      continue
    }
    assert.throws(
      () => parseSources(text),
      (error: Error & { code?: string; help?: string }) => {
        assert.equal(error.code, 'ERR_SOURCES_INVALID', `${to}: ${error.stack}`)
        assert.match(error.message, message)
        if (help !== undefined) assert.match(error.help ?? '', help)
        return true
      },
    )
  }
  assert.throws(() => parseSources(Buffer.from([0xff, 0x3a])), { code: 'ERR_SOURCES_INVALID' })
  assert.throws(() => parseSources(written.replace('inventory: 1', 'inventory: 1\nx: &a [1]\ny: *a')), {
    code: 'ERR_SOURCES_INVALID',
  })
})

test('licences have the shape of SPDX', () => {
  const good = [
    'MIT',
    'CC-BY-4.0',
    'GPL-2.0+',
    'MIT OR Apache-2.0',
    '(MIT AND BSD-3-Clause) OR CC0-1.0',
    'GPL-2.0-only WITH Classpath-exception-2.0',
    'LicenseRef-Mine',
    'DocumentRef-x:LicenseRef-y',
    '((MIT))',
    'A WITH B AND C',
  ]
  const bad = [
    '',
    ' ',
    'free, really',
    'MIT OR',
    'OR MIT',
    'MIT Apache-2.0',
    '(MIT',
    'MIT)',
    '()',
    'MIT AND OR B',
    '(MIT) WITH X',
    'A WITH B WITH C',
    'A WITH (B)',
    'a'.repeat(501),
    'MIT\u202e',
    'MIT/Apache',
  ]
  assert.deepEqual(
    good.filter((text) => !isLicenceExpression(text)),
    [],
  )
  assert.deepEqual(bad.filter(isLicenceExpression), [])
})

test('an edit means what was meant, whatever the style of the file', () => {
  const key = fc.constantFrom('a', 'b', 'c: d', '#e', 'f, g', '{h}', 'x y', '12')
  const scalar = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('plain', 'a: b', '# no', '- x', 'true', 'null', '1', "it's", '*a', '&b', '', ' lead', 'two\nlines'),
  )
  const map: fc.Arbitrary<Record<string, Json>> = fc.letrec<{ map: Record<string, Json> }>((tie) => ({
    map: fc.dictionary(
      key,
      fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalar, fc.array(scalar, { maxLength: 2 }), tie('map')),
    ),
  })).map
  fc.assert(
    fc.property(
      map,
      fc.array(key, { minLength: 1, maxLength: 3 }),
      scalar,
      fc.boolean(),
      (whole, path, value, isFlow) => {
        fc.pre(reaches(whole, path))
        const text = isFlow ? `${JSON.stringify(whole)}\n` : stringifyBlock(whole)
        assert.equal(canonicalJson(parse(setInYaml(text, path, value))), canonicalJson(setIn(whole, path, value)))
      },
    ),
    { numRuns: 500 },
  )
})

/** Values on the way must be maps, as the editor asks. */
function reaches(whole: Json, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return true
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
  const next = (whole as Record<string, Json>)[key] // an object, as was just asked
  return next === undefined || rest.length === 0 || reaches(next, rest)
}

function setIn(whole: Json | undefined, [key, ...rest]: readonly string[], value: Json): Json {
  if (key === undefined) return value
  const members = (whole ?? {}) as Record<string, Json> // maps only: `reaches` has seen to it
  return { ...members, [key]: setIn(members[key], rest, value) }
}

function stringifyBlock(whole: Record<string, Json>): string {
  const lines = (value: Record<string, Json>, indent: string): string =>
    Object.entries(value)
      .map(([name, member]) =>
        typeof member === 'object' && member !== null && !Array.isArray(member) && Object.keys(member).length > 0
          ? `${indent}${JSON.stringify(name)}: # note\n${lines(member as Record<string, Json>, `${indent}  `)}`
          : `${indent}${JSON.stringify(name)}: ${JSON.stringify(member)} # note\n\n`,
      )
      .join('')
  return `# head\n${lines(whole, '')}# foot\n`
}
