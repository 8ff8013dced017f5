/**
 * Attacks of a source distribution that assay.yaml lets be built: it is a program, and has the sandbox of a stage at most.
 * The honest twins stand in test/stories/sources.test.ts.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sourceOf, tarGzOf } from '../../src/compute/environment/testing.archives.ts'
import { type OfflineProject, offline } from '../support/offline.ts'

const right = 'return write_wheel(folder, "word = 1\\n")'

/** A project that builds `tool` from source; the build itself needs nothing. */
function building(context: TestContext): OfflineProject & Readonly<{ offer(bytes: Buffer): void }> {
  const project = offline(context, {
    'dvc.yaml': 'stages:\n  say: {cmd: python3 say.py, deps: [say.py]}\n',
    'say.py': 'import tool\nassert tool.seen == [], tool.seen\n',
    'assay.yaml':
      'assay: 1\nenvironments:\n  locked: {python: {lock: requirements.lock, sdists: [tool], buildLock: requirements-build.lock}}\ndefaults: {environment: locked}\n',
    'requirements-build.lock': '# nothing\n',
  })
  project.commit()
  mkdirSync(project.wheels, { recursive: true })
  const offer = (bytes: Buffer): void => {
    writeFileSync(join(project.wheels, 'tool-1.0.tar.gz'), bytes)
    const hex = createHash('sha256').update(bytes).digest('hex')
    project.write({ 'requirements.lock': `tool==1.0 --hash=sha256:${hex}\n` })
  }
  return { ...project, offer }
}

const refusals: readonly (readonly [name: string, bytes: Buffer, code: string, because: RegExp])[] = [
  [
    'that leaves no wheel',
    sourceOf({ project: 'tool', backend: 'return "tool.whl"' }),
    'ERR_ENV_BUILD',
    /left no wheel/,
  ],
  [
    'that leaves a link to a file of the machine in place of a wheel',
    sourceOf({
      project: 'tool',
      backend: 'os.symlink("/etc/passwd", os.path.join(folder, "tool-1.0-py3-none-any.whl"))',
    }),
    'ERR_ENV_BUILD',
    /left no plain wheel/,
  ],
  [
    'that leaves a link to a folder of the machine in place of its own',
    sourceOf({ project: 'tool', backend: 'os.rmdir(folder)\nos.symlink("/usr", folder)' }),
    'ERR_ENV_BUILD',
    /left no wheel/,
  ],
  [
    'that leaves a wheel whose RECORD lies',
    sourceOf({ project: 'tool', backend: 'return write_wheel(folder, "word = 1\\n", "lie")' }),
    'ERR_ENV_WHEEL_REFUSED',
    /other bytes than its RECORD/,
  ],
  [
    'that leaves a wheel of another project',
    sourceOf({
      project: 'tool',
      backend:
        'os.rename(os.path.join(folder, write_wheel(folder, "")), os.path.join(folder, "other-1.0-py3-none-any.whl"))',
    }),
    'ERR_ENV_NO_WHEEL',
    /was built to `other-/,
  ],
  [
    'whose hook asks for what no lock pins, after the fact',
    sourceOf({ project: 'tool', asks: ['typo-squat'], backend: right }),
    'ERR_ENV_SOURCE_DIST',
    /needs `typo-squat`/,
  ],
  [
    'whose backend lies outside of it',
    sourceOf({ project: 'tool', backend: right }, [
      {
        name: '~/pyproject.toml',
        content: '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["../.."]\n',
      },
    ]),
    'ERR_ENV_BUILD',
    /backend-path leads out/,
  ],
  [
    'whose pyproject.toml is a link out of the sandbox',
    tarGzOf([{ name: 'tool-1.0/pyproject.toml', type: '2', link: '/etc/passwd' }]),
    'ERR_ENV_BUILD',
    /is a link to an absolute path/,
  ],
  [
    'that climbs out of its folder',
    sourceOf({ project: 'tool', backend: right }, [
      { name: '~/../../../build/build.py', content: 'raise SystemExit(0)' },
    ]),
    'ERR_ENV_BUILD',
    /would be extracted to .* outside the destination/,
  ],
  ['that is no archive', Buffer.from('not an archive'), 'ERR_ENV_BUILD', /file could not be opened successfully/],
]

test('a source distribution is refused by code', async (context) => {
  const project = building(context)
  for (const [name, bytes, code, because] of refusals) {
    await context.test(name, async () => {
      project.offer(bytes)
      const { error } = await project.json(code === 'ERR_ENV_BUILD' ? 4 : 1, 'env', 'build')
      assert.equal(error.code, code, error.message)
      assert.match(error.message, because)
      const left = readdirSync(join(project.root, '.assay', 'environments')).filter((entry) => entry.startsWith('tmp-'))
      assert.deepEqual(left, [], 'nothing of a failed build is left')
    })
  }
})

test('a build sees no project, no key and no network, and writes nowhere but into its own folder', async (context) => {
  const project = building(context)
  await project.json(0, 'init', '--yes')
  const backend = `
import socket
seen = [path for path in ${JSON.stringify(['/project', project.root, project.keys, project.wheels])} if os.path.exists(path)]
for port in (80, 443):
    try:
        socket.create_connection(('192.0.2.1', port), 1)
        seen.append('network')
    except OSError:
        pass
for path in ('/env/lib/owned.py', '/source/owned', '/usr/owned'):
    try:
        open(path, 'w').write('x')
        seen.append(path)
    except OSError:
        pass
return write_wheel(folder, 'seen = %r\\n' % (seen,))`
  project.offer(sourceOf({ project: 'tool', backend }))
  project.commit()
  const [built] = (await project.json(0, 'env', 'build')).environments
  assert.match(built.warnings.join(), /tool: its build tried to reach the network, \d+ times, in vain/)
  await project.json(0, 'run')
  assert.equal(existsSync('/usr/owned'), false)
})
