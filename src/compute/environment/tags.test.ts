import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../../core/index.ts'
import { compatibleTags, rankTags } from './tags.ts'
import { parseWheelName, rankOf, sourceVersion } from './wheel-name.ts'

const debian = {
  implementation: 'cpython',
  freeThreaded: false,
  debug: false,
  platform: 'linux-x86_64',
  libc: 'glibc 2.36',
}
const facts = (version: readonly [number, number, number], given: object = {}) => ({
  ...debian,
  pointerBits: 64 as const,
  version: [...version] as [number, number, number],
  ...given,
})
const tagsOf = (given: ReturnType<typeof facts>): readonly string[] => [...rankTags(given).keys()]

// What `pip debug --verbose` prints on Debian 12 (glibc 2.36, x86_64), as digest over its lines: pip 23.0.1, 23.0.1, 24.2.
const printedByPip = [
  [[3, 8, 18], 695, '0c777b7faa1fde5a6ed1b1d45550c3b733b10e56ccf65c9ff71cde673d0122f5'],
  [[3, 11, 2], 914, '383ffd2beb764fa9054698434f944b99ad76427d82d57c95382f2b5df9c80b33'],
  [[3, 13, 0], 1060, 'dc9f6d4798eb3114e40db63493e61133bc4505fc3203e7de352c6020cf170274'],
] as const
for (const [version, count, hex] of printedByPip) {
  test(`orders the tags of Python ${version.join('.')} as pip does`, () => {
    const tags = tagsOf(facts(version))
    assert.equal(tags.length, count)
    assert.equal(sha256Of(tags.join('\n')), `sha256:${hex}`)
  })
}

test('a free-threaded interpreter takes no stable ABI', () => {
  const tags = tagsOf(facts([3, 13, 0], { freeThreaded: true }))
  assert.equal(tags[0], 'cp313-cp313t-manylinux_2_36_x86_64')
  assert.deepEqual(
    tags.filter((tag) => tag.includes('abi3')),
    [],
  )
})

test('an interpreter on musl takes musllinux down to its own minor, and no manylinux', () => {
  const platforms = [...compatibleTags(facts([3, 12, 0], { libc: 'musl 1.2' }))].slice(0, 4)
  assert.deepEqual(platforms, [
    'cp312-cp312-musllinux_1_2_x86_64',
    'cp312-cp312-musllinux_1_1_x86_64',
    'cp312-cp312-musllinux_1_0_x86_64',
    'cp312-cp312-linux_x86_64',
  ])
})

test('aarch64 has no manylinux older than 2014, and 32 bits on a 64-bit kernel are i686', () => {
  const arm = tagsOf(facts([3, 11, 0], { platform: 'linux-aarch64' }))
  assert.ok(arm.includes('cp311-cp311-manylinux2014_aarch64'))
  assert.ok(!arm.some((tag) => tag.includes('manylinux2010')))
  assert.equal(tagsOf(facts([3, 11, 0], { pointerBits: 32 }))[0], 'cp311-cp311-manylinux_2_36_i686')
})

test('reads the name of a wheel, its build and its compressed tags', () => {
  assert.deepEqual(parseWheelName('Foo.Bar-1.0_2-1a-py2.py3-none-any.whl'), {
    fileName: 'Foo.Bar-1.0_2-1a-py2.py3-none-any.whl',
    project: 'foo-bar',
    version: '1.0-2',
    build: '1a',
    tags: ['py2-none-any', 'py3-none-any'],
  })
})

for (const name of [
  'six-1.0.tar.gz',
  'six-1.0-py3-none.whl',
  'six-1.0-build-py3-none-any.whl',
  '../six-1.0-py3-none-any.whl',
]) {
  test(`takes \`${name}\` for no wheel`, () => assert.equal(parseWheelName(name), undefined))
}

test('ranks a wheel by its best tag, and another platform not at all', () => {
  const ranks = rankTags(facts([3, 11, 2]))
  const rank = (tag: string): number | undefined => {
    const wheel = parseWheelName(`x-1-${tag}.whl`)
    return wheel === undefined ? undefined : rankOf(wheel, ranks)
  }
  assert.equal(rank('cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64'), 19)
  assert.ok((rank('py3-none-any') ?? 0) > (rank('cp38-abi3-manylinux1_x86_64') ?? 0))
  assert.equal(rank('cp311-cp311-macosx_11_0_arm64'), undefined)
  assert.equal(rank('cp312-cp312-manylinux2014_x86_64'), undefined)
})

test('reads the version of a source distribution whose project has dashes', () => {
  assert.equal(sourceVersion('zope-interface-5.0-1.tar.gz', 'zope-interface'), '5.0-1')
  assert.equal(sourceVersion('other-5.0.tar.gz', 'zope-interface'), undefined)
})
