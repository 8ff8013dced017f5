import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rolldown } from 'rolldown'
import { compareModules, externalsOf, modulesOf } from './build.ts'
import { slimZod } from './slim-zod.ts'
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

const answers: readonly (readonly [
  name: string,
  check: string,
  what: 'passes' | 'refuses' | 'throws' | 'does not build',
])[] = [
  ['a check that says yes', 'const check = () => true; export const shape = z.string().refine(check)', 'passes'],
  ['a check that says no', 'const check = () => false; export const shape = z.string().refine(check)', 'refuses'],
  ['a check that answers later', 'export const shape = z.string().refine(async () => false)', 'does not build'],
  [
    'a later check by name',
    'const check = async () => false; export const shape = z.string().refine(check)',
    'refuses',
  ],
  ['a later kind by name', 'const check = async () => false; export const shape = z.custom(check)', 'refuses'],
  ['a plain check', 'export const shape = z.string().check(() => 1)', 'passes'],
  [
    'a later plain check by name',
    'const check = async () => {}; export const shape = z.string().check(check)',
    'throws',
  ],
  ['a change', 'export const shape = z.string().transform((x) => x)', 'passes'],
  [
    'a later change by name',
    'const change = async (x) => x; export const shape = z.string().transform(change)',
    'throws',
  ],
]
for (const [name, text, what] of answers) {
  test(`in the library for browsers ${name} ${what}`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'build-test-'))
    try {
      const main = join(root, 'main.ts')
      const zod = join(import.meta.dirname, '../src/attestation/library/browser-zod.ts')
      writeFileSync(main, `import { z } from ${JSON.stringify(zod)}\n${text}\n`)
      const bundle = await rolldown({
        input: main,
        platform: 'browser',
        plugins: [slimZod()],
        resolve: { alias: { zod$: zod } },
      })
      const built = bundle.generate({ format: 'esm' })
      if (what === 'does not build') await assert.rejects(built, /answers later/)
      else {
        const file = join(root, 'built.mjs')
        writeFileSync(file, (await built).output[0].code)
        const { shape } = await import(file)
        if (what === 'throws') assert.throws(() => shape.safeParse('x'), TypeError)
        else assert.equal(shape.safeParse('x').success, what === 'passes')
      }
      await bundle.close()
    } finally {
      rmSync(root, { recursive: true })
    }
  })
}
