import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

const launcher = join(import.meta.dirname, '../../bin/assay')
const tells = `const { readlinkSync } = require('node:fs')
console.log(JSON.stringify({ pid: process.pid, node: process.execPath, argv: process.argv.slice(2), cwd: process.cwd(),
  git: Object.keys(process.env).filter((name) => name.startsWith('GIT_')), mounts: readlinkSync('/proc/self/ns/mnt') }))
`

/** A package that is built, and a Node at the places given. */
function installed(
  context: TestContext,
  place: string,
  nodes: readonly string[],
): Readonly<{ base: string; assay: string }> {
  const base = mkdtempSync(join(tmpdir(), 'assay-launcher-'))
  context.after(() => rmSync(base, { recursive: true, force: true }))
  const root = join(base, place)
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'dist'))
  cpSync(launcher, join(root, 'bin/assay'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  mkdirSync(join(root, 'scripts'))
  cpSync(join(import.meta.dirname, '../../scripts/node.sha256'), join(root, 'scripts/node.sha256'))
  writeFileSync(join(root, 'dist/assay.cjs'), tells)
  for (const node of nodes) {
    mkdirSync(dirname(join(base, node)), { recursive: true })
    symlinkSync(process.execPath, join(base, node))
  }
  return { base, assay: join(root, 'bin/assay') }
}

type Ran = Readonly<{ code: number | null; pid: number | undefined; stdout: string; stderr: string }>

function run(
  program: string,
  args: readonly string[],
  options: Readonly<{ env?: Record<string, string>; cwd?: string }> = {},
): Promise<Ran> {
  const child = spawn(program, args, { env: { PATH: '/usr/bin:/bin', ...options.env }, cwd: options.cwd ?? '/' })
  const read = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    read.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    read.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, pid: child.pid, ...read }))
  })
}

test("becomes the tool: same pid, the package's own Node, arguments and folder as they were", async (context) => {
  const { base, assay } = installed(context, 'assay', ['assay/node_modules/node/bin/node'])
  const ran = await run(assay, ['run', 'a b', '--x=$HOME', ''], { cwd: base })
  assert.equal(ran.code, 0, ran.stderr)
  const told = JSON.parse(ran.stdout)
  assert.deepEqual(told.argv, ['run', 'a b', '--x=$HOME', ''])
  assert.equal(told.pid, ran.pid)
  assert.equal(told.cwd, base)
  const isRoot = process.getuid?.() === 0
  assert.equal(told.mounts !== readlinkSync('/proc/self/ns/mnt'), isRoot, 'root gets mounts of its own')
})

test('is found through links, relative ones too, and by PATH', async (context) => {
  const { base, assay } = installed(context, 'lib/node_modules/assay', [
    'lib/node_modules/assay/node_modules/node/bin/node',
  ])
  mkdirSync(join(base, 'bin'))
  symlinkSync('../lib/node_modules/assay/bin/assay', join(base, 'bin/assay'))
  symlinkSync(join(base, 'bin/assay'), join(base, 'again'))
  for (const [program, env] of [
    [join(base, 'bin/assay'), {}],
    [join(base, 'again'), {}],
    [assay, {}],
  ] as const) {
    assert.equal((await run(program, [], { env })).code, 0, program)
  }
  const shell = await run('/bin/sh', ['-c', 'assay there'], { env: { PATH: `${base}/bin:/usr/bin:/bin` } })
  assert.deepEqual(JSON.parse(shell.stdout).argv, ['there'])
})

test('takes a hoisted Node, then one on PATH that is new enough, and says what is missing otherwise', async (context) => {
  const hoisted = installed(context, 'lib/node_modules/assay', ['lib/node_modules/node/bin/node'])
  assert.equal((await run(hoisted.assay, [])).code, 0)

  const bare = installed(context, 'assay', ['path/node'])
  assert.equal((await run(bare.assay, [], { env: { PATH: `${bare.base}/path:/usr/bin:/bin` } })).code, 0)

  const old = join(bare.base, 'old')
  mkdirSync(old)
  for (const [version, code] of [
    ['v22.11.0', 4],
    ['v18.19.0', 4],
    ['v22.12.0', 0],
    ['v24.0.0', 0],
  ] as const) {
    writeFileSync(
      join(old, 'node'),
      `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || exec ${process.execPath} "$@"\n`,
    )
    chmodSync(join(old, 'node'), 0o755)
    const ran = await run(bare.assay, [], { env: { PATH: `${old}:/usr/bin:/bin` } })
    assert.equal(ran.code, code, `${version}: ${ran.stderr}`)
    if (code !== 0) assert.match(ran.stderr, /^assay: Node .* is too old, 22\.12 or newer is needed/)
  }
})

test('refuses variables that would run other code first, in words and as JSON, and clears those of git', async (context) => {
  const { assay } = installed(context, 'assay', ['assay/node_modules/node/bin/node'])
  for (const name of ['NODE_OPTIONS', 'LD_AUDIT', 'BASH_ENV']) {
    const ran = await run(assay, ['verify', '--json'], { env: { [name]: '/nowhere' } })
    assert.equal(ran.code, 2)
    assert.match(ran.stderr, new RegExp(`assay does not run with ${name} set \\(ERR_USAGE\\)`))
    assert.equal(JSON.parse(ran.stdout).error.code, 'ERR_USAGE')
  }
  const ran = await run(assay, [], { env: { GIT_DIR: '/elsewhere', GIT_CONFIG_COUNT: '1', NODE_OPTIONS: '' } })
  assert.deepEqual(JSON.parse(ran.stdout).git, [])
})
