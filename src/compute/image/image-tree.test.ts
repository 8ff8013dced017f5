import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImageFault, type LayerEntry, neededFiles, newImageTree } from './image-tree.ts'

const file = (path: string, content = 0): LayerEntry => ({ kind: 'file', path, content, executable: false })
const folder = (path: string): LayerEntry => ({ kind: 'folder', path })
const link = (path: string, target: string): LayerEntry => ({ kind: 'link', path, target })
const hardLink = (path: string, target: string): LayerEntry => ({ kind: 'hard-link', path, target })
const device = (path: string): LayerEntry => ({ kind: 'other', path, what: 'a block-device' })

/** `path=content` of files and `path->target` of links, without the places that every root has. */
function shown(...layers: readonly (readonly LayerEntry[])[]): readonly string[] {
  const tree = newImageTree()
  for (const [index, entries] of layers.entries()) for (const entry of entries) tree.add(index + 1, entry)
  const { files, links } = tree.finish()
  const own = files.filter(({ path }) => !neededFiles.includes(path))
  return [
    ...own.map(({ path, content }) => `${path}=${content}`),
    ...links.map(({ path, target }) => `${path}->${target}`),
  ]
}

test('a later layer replaces, adds and takes away', () => {
  assert.deepEqual(
    shown(
      [folder('a/'), file('a/old', 1), file('a/gone', 2), folder('b'), file('b/x', 3), file('c', 4)],
      [file('./a/old', 5), file('a/.wh.gone'), file('.wh.b'), folder('c')],
    ),
    ['a/old=5'],
  )
})

test('an opaque whiteout hides what earlier layers have there, and nothing of its own layer, in any order', () => {
  const first = [file('a/one', 1), file('a/sub/two', 2)]
  const kept = ['a/sub/four=4', 'a/three=3']
  assert.deepEqual(shown(first, [file('a/three', 3), file('a/sub/four', 4), file('a/.wh..wh..opq')]), kept)
  assert.deepEqual(shown(first, [file('a/.wh..wh..opq'), file('a/three', 3), file('a/sub/four', 4)]), kept)
  assert.deepEqual(shown(first, [file('a/sub/four', 4), file('a/.wh.sub')]), ['a/one=1', 'a/sub/four=4'])
})

test('a name below a link of an earlier layer lies where the link leads, within the image', () => {
  assert.deepEqual(
    shown(
      [link('lib', 'usr/lib'), link('out', '/../../../etc'), link('up', '../../../..')],
      [file('lib/x', 1), file('out/y', 2), file('up/z', 3)],
    ),
    ['etc/y=2', 'usr/lib/x=1', 'z=3', 'lib->usr/lib', 'out->/../../../etc', 'up->../../../..'],
  )
})

test('a hard link is the file that it names, of any layer', () => {
  assert.deepEqual(shown([file('a/x', 7)], [hardLink('b', 'a/x'), file('a/x', 8)]), ['a/x=8', 'b=7'])
})

test('what a sandbox mounts upon is there and empty, whatever the image has there', () => {
  const tree = newImageTree()
  const hostile = [file('dev/null', 1), device('dev/sda'), file('tmp/x'), link('run', '/etc'), link('home', '/etc')]
  for (const entry of [...hostile, link('etc/passwd', '/project/passwd'), file('proc', 2)]) tree.add(1, entry)
  const { files, links, folders, replaced } = tree.finish()
  assert.deepEqual(links, [])
  assert.deepEqual(
    files.map(({ path }) => path),
    neededFiles,
  )
  for (const place of ['dev', 'proc', 'tmp', 'run/secrets', 'home/stage', 'project', 'var/tmp'])
    assert.ok(folders.includes(place), place)
  assert.deepEqual(replaced, ['home', 'etc/passwd'])
})

const hostile: Readonly<Record<string, readonly LayerEntry[]>> = {
  'a path that climbs': [file('../x')],
  'a path that climbs in its middle': [file('a/../../x')],
  'a hard link to what is not there': [hardLink('x', '/etc/shadow')],
  'a hard link that climbs': [hardLink('x', '../../etc/shadow')],
  'a hard link to a folder': [folder('a'), hardLink('b', 'a')],
  'a circle of links': [link('a', 'b'), link('b', 'a'), file('a/x')],
  'a file in the place of a folder': [file('a'), file('a/b')],
  'a whiteout of the folder above the image': [file('.wh...')],
  'a whiteout of a folder above': [file('a/b'), file('a/.wh...')],
  'a whiteout of the image itself': [file('.wh..')],
  'a whiteout of nothing': [file('a/.wh.')],
  'a device': [device('a/sda')],
  'a device through a link': [link('dev2', '/dev'), device('dev2/sda')],
  'a name with a line break': [file('a\nb')],
  'a name that is no UTF-8': [file('a\ufffd')],
  'a link to nowhere': [link('a', '')],
  'a name of 256 bytes': [file('a'.repeat(256))],
  'folders without end': [folder('a/'.repeat(300))],
  'a root that is a file': [file('./')],
}
for (const [what, entries] of Object.entries(hostile))
  test(`refuses ${what}`, () => assert.throws(() => shown(entries), ImageFault))

test('folders that are made on the way are counted as entries', () => {
  const add = (limit: number): void => newImageTree(limit).add(1, file('a/b/c'))
  add(3)
  assert.throws(() => add(2), /more than 2 entries/)
})

test('the way to a name may go through long links, and not without end', () => {
  const long = (links: number): readonly LayerEntry[] => [
    folder('d'),
    ...Array.from({ length: links }, (_, index) => link(`l${index}`, `${'d/../'.repeat(800)}l${index + 1}`)),
    folder(`l${links}`),
    file('l0/x', 1),
  ]
  assert.ok(shown(long(5)).includes('l5/x=1'))
  assert.throws(() => shown(long(7)), /names on the way/)
})

test('ten thousand whiteouts of one full folder are applied, each to what earlier layers have', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => file(`a/${index}`, index))
  const opaque = Array.from({ length: 10_000 }, () => file('a/.wh..wh..opq'))
  assert.deepEqual(shown([file('a/old', 1)], [...many.slice(0, 2), ...opaque]), ['a/0=0', 'a/1=1'])
  assert.equal(shown([file('a/old', 1)], [...many, ...opaque]).length, 10_000)
})
