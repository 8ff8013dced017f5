import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareVersions, meets, meetsAll, parseVersion, type Version } from './version.ts'

function version(text: string): Version {
  const parsed = parseVersion(text)
  assert.ok(parsed, text)
  return parsed
}

// SOURCE: the order that PEP 440 gives in "Summary of permitted suffixes and relative ordering", with its epochs.
const ordered = [
  '1.dev0',
  '1.0.dev456',
  '1.0a1',
  '1.0a2.dev456',
  '1.0a12.dev456',
  '1.0a12',
  '1.0b1.dev456',
  '1.0b2',
  '1.0b2.post345.dev456',
  '1.0b2.post345',
  '1.0rc1.dev456',
  '1.0rc1',
  '1.0',
  '1.0+abc.5',
  '1.0+abc.7',
  '1.0+5',
  '1.0.post456.dev34',
  '1.0.post456',
  '1.0.15',
  '1.1.dev1',
  '1!0.1',
]

test('orders versions as PEP 440 does', () => {
  const shuffled = ordered.toReversed().map(version)
  assert.deepEqual(shuffled.toSorted(compareVersions), ordered.map(version))
})

const equal = [
  ['1.0', '1.0.0'],
  ['1.0a1', '1.0-alpha_1'],
  ['1.0rc1', '1.0.C1'],
  ['1.0.post1', '1.0-1'],
  ['1.0.post1', '1.0.rev1'],
  ['v1.0', '1'],
  ['1.0+ubuntu.1', '1.0+ubuntu-1'],
  ['1.0a', '1.0a0'],
] as const
for (const [left, right] of equal) {
  test(`\`${left}\` and \`${right}\` are the same version`, () => {
    assert.equal(compareVersions(version(left), version(right)), 0)
  })
}

for (const text of ['', '1.x', '1..0', '1.0+', '1.0+a..b', 'latest', '1.0 || 2', `1.${'9'.repeat(200)}`]) {
  test(`\`${text.slice(0, 12)}\` is not a version`, () => assert.equal(parseVersion(text), undefined))
}

test('comparison is antisymmetric and transitive', () => {
  const part = fc.integer({ min: 0, max: 3 })
  const text = fc
    .tuple(
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', 'a1', 'b2', 'rc1'),
      fc.constantFrom('', '.post1'),
      fc.constantFrom('', '.dev2'),
      fc.constantFrom('', '+x.1'),
    )
    .map(([release, ...rest]) => release.join('.') + rest.join(''))
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      const [x, y, z] = [version(a), version(b), version(c)]
      assert.equal(Math.sign(compareVersions(x, y)), -Math.sign(compareVersions(y, x)) + 0)
      if (compareVersions(x, y) <= 0 && compareVersions(y, z) <= 0) assert.ok(compareVersions(x, z) <= 0)
    }),
  )
})

const answers = [
  ['3.11', '>=', '3.8', true],
  ['3.8', '>=', '3.11', false],
  ['3.11', '==', '3.*', true],
  ['3.11', '!=', '3.*', false],
  ['2.2', '~=', '2.2', true],
  ['2.3', '~=', '2.2', true],
  ['3.0', '~=', '2.2', false],
  ['1.4.6', '~=', '1.4.5', true],
  ['1.5', '~=', '1.4.5', false],
  ['1.0+local', '==', '1.0', true],
  ['1.0', '==', '1.0+local', false],
  ['1.0rc1', '<', '1.0', false],
  ['1.0.post1', '>', '1.0', false],
  ['1.0+l', '>', '1.0', false],
  ['1.1', '>', '1.0', true],
  ['1.0', '===', '1.0.0', false],
  ['1', '~=', '1', undefined],
  ['linux', '==', '1.0', undefined],
  ['3.1', '<', '3.*', undefined],
] as const
for (const [left, operator, right, expected] of answers) {
  test(`${left} ${operator} ${right} is ${expected}`, () => assert.equal(meets(left, operator, right), expected))
}

test('a specifier is met when each of its clauses is', () => {
  assert.equal(meetsAll('3.11.2', '>=3.8, <4, !=3.9.*'), true)
  assert.equal(meetsAll('3.11.2', '>=3.12'), false)
  assert.equal(meetsAll('3.11.2', 'about 3'), undefined)
})
