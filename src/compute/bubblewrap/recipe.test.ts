import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recipeDigest } from './policy.ts'
import { type BoxPlan, boxArguments, etcFiles } from './recipe.ts'

const plan: BoxPlan = {
  system: {
    links: [{ path: '/bin', to: 'usr/bin' }],
    folders: [],
    maskedFiles: ['/proc/kcore'],
    maskedFolders: ['/proc/acpi'],
  },
  etcFolder: '/box/etc',
  etc: [],
  bootIdFile: '/box/boot-id',
  binds: [
    { kind: 'read-only', source: '/box/view', target: '/project' },
    { kind: 'writable', source: '/box/scratch-0', target: '/project/out' },
    { kind: 'read-only', source: '/opt/python', target: '/tmp/python' },
  ],
  workingDirectory: '/project/work',
  variables: { NAME: '--bind / /' },
  memoryBytes: 2 ** 30,
  outputBytes: 2 ** 20,
}
const text = boxArguments(plan).join(' ')

test('writes nowhere but to scratch, and closes the frame after everything is mounted', () => {
  assert.equal(text.match(/--bind \/box/g)?.length, 1)
  assert.ok(text.indexOf('--remount-ro / ') > text.indexOf('/tmp/python'))
  assert.ok(
    text.indexOf('--tmpfs /tmp') < text.indexOf('--ro-bind /opt/python /tmp/python'),
    'an interpreter may lie under /tmp',
  )
  assert.ok(text.indexOf('/project ') < text.indexOf('/project/out'))
})

test('gives memory file systems no more than the stage has', () => {
  for (const [, size] of text.matchAll(/--size (\d+)/g)) assert.ok(Number(size) <= 2 ** 20, size)
})

test('hands a variable over as one argument, whatever it holds', () => {
  const args = boxArguments(plan)
  assert.equal(args[args.indexOf('NAME') + 1], '--bind / /')
  assert.equal(args[args.indexOf('NAME') - 1], '--setenv')
})

test('with the root of an image shows nothing of the machine, and nothing of the image that the sandbox has itself', () => {
  const rooted = boxArguments({ ...plan, root: '/box/tree', secrets: ['token'] }).join(' ')
  assert.match(rooted, /--ro-bind \/box\/tree \/ /)
  assert.doesNotMatch(rooted, /--ro-bind \/usr|--symlink|--ro-bind \/etc/)
  for (const name of Object.keys(etcFiles(false)))
    assert.ok(rooted.includes(`--ro-bind /box/etc/${name} /etc/${name}`), name)
  assert.ok(rooted.indexOf('/box/tree') < rooted.indexOf('--proc'), 'its own /proc, /dev and /tmp lie on top')
  assert.ok(rooted.indexOf('/run/secrets/token') < rooted.indexOf('--remount-ro /run/secrets'))
})

test('makes look-ups visible only when traced', () => {
  assert.match(etcFiles(false)['resolv.conf'] ?? '', /198\.51\.100\.1/)
  assert.match(etcFiles(true)['resolv.conf'] ?? '', /127\.0\.0\.1/)
})

test('has one digest for each architecture, the same each time', () => {
  assert.equal(recipeDigest('x64'), recipeDigest('x64'))
  assert.notEqual(recipeDigest('x64'), recipeDigest('arm64'))
})
