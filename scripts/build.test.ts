import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rolldown } from 'rolldown'
import { compareModules, externalsOf, modulesOf } from './build.ts'
import { bundleNameOf, fileUrlsIn, startedFiles, workerUrls } from './worker-urls.ts'

test('a module that slips into a closed bundle is named, and so is one that left', () => {
  assert.deepEqual(compareModules(['src/a.ts', 'yaml'], ['src/a.ts', 'src/gone.ts']), [
    'yaml is in the bundle but not in its list',
    'src/gone.ts is in the list but not in the bundle',
  ])
  assert.deepEqual(compareModules(['src/a.ts'], ['src/a.ts']), [])
})

test('only the URL of a source file beside the module counts as started', () => {
  const code = `const a = new URL('./w.ts', import.meta.url)
const b = new URL('./data.json', import.meta.url), c = new URL('./x.ts', 'https://example.org')`
  assert.deepEqual(
    fileUrlsIn(code, '/p/src/data/hash.ts').map(({ target }) => target),
    ['/p/src/data/w.ts'],
  )
})

test('a bundle is called after its path, a main after its folder', () => {
  assert.equal(bundleNameOf('/p', '/p/src/data/hash-worker.fs.ts'), 'data-hash-worker')
  assert.equal(bundleNameOf('/p', '/p/src/attestation/signer/main.ts'), 'signer')
})

test('a started file becomes a bundle of its own, to which the URL then leads', async () => {
  const root = mkdtempSync(join(tmpdir(), 'build-test-'))
  try {
    mkdirSync(join(root, 'src/data'), { recursive: true })
    const main = join(root, 'src/data/hash.ts')
    writeFileSync(main, `export const place: URL = new URL('./hash-worker.ts', import.meta.url)\n`)
    writeFileSync(join(root, 'src/data/hash-worker.ts'), `export const answer: number = 42\n`)
    assert.deepEqual(startedFiles(root), [join(root, 'src/data/hash-worker.ts')])

    const bundle = await rolldown({ input: main, plugins: [workerUrls(root)] })
    const { output } = await bundle.generate({ format: 'esm' })
    await bundle.close()
    assert.match(output[0].code, /new URL\(["']\.\/data-hash-worker\.js["'], import\.meta\.url\)/)
    assert.equal(modulesOf(output.filter((item) => item.type === 'chunk')).length, 1)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a package that is declared external, and nothing else, is what the built files import', async () => {
  const root = mkdtempSync(join(tmpdir(), 'build-test-'))
  try {
    writeFileSync(
      join(root, 'main.ts'),
      `import 'node:fs'\nexport const load = () => [import('@native/engine/deep'), import('./more.ts')]\n`,
    )
    writeFileSync(join(root, 'more.ts'), `export const says = "import x from 'zod'"\n`)
    const bundle = await rolldown({ input: join(root, 'main.ts'), platform: 'node', external: [/^@native\//] })
    const { output } = await bundle.generate({ format: 'esm' })
    await bundle.close()
    assert.deepEqual(externalsOf(output.filter((item) => item.type === 'chunk')), ['@native/engine'])
  } finally {
    rmSync(root, { recursive: true })
  }
})
