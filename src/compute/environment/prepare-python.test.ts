import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDomainError, sha256Of } from '../../core/index.ts'
import { openStatCache, type StatCache } from '../../data/index.ts'
import { runInBox } from '../bubblewrap/index.ts'
import type { Environment } from '../environment.ts'
import { prepareEnvironment } from './prepare.ts'
import {
  lockOf,
  lockTexts,
  machineNetwork,
  noNetwork,
  prepareWheels,
  requestFor,
  scratchFolder,
  treeOf,
  type WheelToWrite,
  wheelOf,
  wheelsIn,
} from './testing.exec.ts'
import { treeStamp } from './tree-stamp.exec.ts'

const tool: WheelToWrite = {
  project: 'tool',
  files: [
    { name: 'tool/__init__.py', content: 'def main():\n    print("ran", __file__)\n' },
    { name: 'tool/broken.py', content: 'this is not python at all\n' },
    { name: 'tool/__pycache__/__init__.cpython-311.pyc', content: 'bytecode of somebody' },
    { name: 'tool-1.0.data/scripts/hello', content: '#!python\nprint("hello")\n' },
    { name: 'tool-1.0.data/data/share/tool/notes.txt', content: 'notes' },
    { name: 'tool-1.0.data/headers/tool.h', content: '/* */' },
    { name: 'tool-1.0.data/purelib/extra.py', content: 'x = 1\n' },
  ],
  entryPoints: '[console_scripts]\ntool = tool:main\n\n[other.group]\nx = y\n',
}

/** The environment in a real sandbox of namespaces, at the place that its scripts name. */
function inSandbox(environment: Environment, ...command: readonly string[]): string {
  const binds = environment.mounts.flatMap(({ source, target }) => ['--ro-bind', source, target])
  const usr = ['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib']
  const variables = Object.entries({ ...environment.variables, PATH: environment.path.join(':') })
  const settings = variables.flatMap(([name, value]) => ['--setenv', name, value])
  const options = [...usr, '--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', ...binds]
  return execFileSync('bwrap', [...options, '--unshare-all', '--clearenv', ...settings, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}

test('lays a wheel out as PEP 427 says, and its scripts run where it is mounted', async (context) => {
  const environment = await prepareWheels(scratchFolder(context), [tool])
  const tree = treeOf(environment)
  const version = environment.facts.find(({ name }) => name === 'python/version')?.value ?? ''
  const python = `python${version.split('.').slice(0, 2).join('.')}`
  const site = `lib/${python}/site-packages`
  for (const path of [
    `${site}/tool/__init__.py`,
    `${site}/extra.py`,
    'share/tool/notes.txt',
    `include/site/${python}/tool/tool.h`,
  ]) {
    assert.ok(existsSync(join(tree, path)), path)
  }
  assert.equal(inSandbox(environment, 'tool'), `ran /env/${site}/tool/__init__.py`)
  assert.equal(inSandbox(environment, 'hello'), 'hello')
  const program = 'import sys, tool; print(sys.prefix, sys.flags.no_user_site, tool.__cached__.startswith("/env"))'
  assert.equal(inSandbox(environment, 'python3', '-c', program), '/env 1 True')
})

test('compiles each module once, without time stamps, and never keeps the bytecode of a wheel', async (context) => {
  const tree = treeOf(await prepareWheels(scratchFolder(context), [tool]))
  const site = join(tree, 'lib', readdirSync(join(tree, 'lib'))[0] ?? '', 'site-packages')
  const [compiled = '', ...others] = readdirSync(join(site, 'tool', '__pycache__'))
  assert.deepEqual(others, [])
  const bytes = readFileSync(join(site, 'tool', '__pycache__', compiled))
  assert.equal(bytes.readUInt32LE(4), 0b01) // PEP 552: hash-based, unchecked
})

test('the same lock gives the same digest and the same tree in another folder', async (context) => {
  const root = scratchFolder(context)
  const [left, right] = await Promise.all(['a', 'b'].map((name) => prepareWheels(join(root, name), [tool])))
  assert.equal(left?.digest, right?.digest)
  const tree = (environment: Environment | undefined) => environment?.facts.find(({ name }) => name === 'tree')
  assert.deepEqual(tree(left), tree(right))
  const other = await prepareWheels(join(root, 'c'), [
    { ...tool, version: '1.1', files: [{ name: 'x.py', content: '' }] },
  ])
  assert.notEqual(other.digest, left?.digest)
})

test('one package set gives one tree through every lock format, and each lock has its own digest everywhere', async (context) => {
  const root = scratchFolder(context)
  const wheels = join(root, 'wheels')
  const named = wheelsIn(wheels, [tool, { project: 'other', files: [{ name: 'other.py', content: 'y = 1\n' }] }])
  const network = { ...noNetwork, folders: [wheels] }
  const built = await Promise.all(
    Object.entries(lockTexts).flatMap(([lock, textOf]) => {
      const definition = { kind: 'python' as const, lock, lockBytes: Buffer.from(textOf(named)) }
      return ['a', 'b'].map((place) => prepareEnvironment(requestFor(join(root, place, lock), definition, { network })))
    }),
  )
  const trees = built.map(({ facts }) => facts.find(({ name }) => name === 'tree')?.value)
  assert.equal(new Set(trees).size, 1)
  assert.equal(new Set(built.map(({ digest }) => digest)).size, Object.keys(lockTexts).length)
  for (const [index, { digest }] of built.entries()) assert.equal(digest, built[index - (index % 2)]?.digest)
})

test('a lock that names its files decides alone: an index or folder with a better wheel changes nothing', async (context) => {
  const root = scratchFolder(context)
  const wheels = join(root, 'wheels')
  const [pure] = wheelsIn(wheels, [tool])
  const textOf = lockTexts['poetry.lock'] ?? assert.fail()
  const lockBytes = Buffer.from(textOf(pure === undefined ? [] : [pure]))
  wheelsIn(wheels, [{ ...tool, tag: 'py3-none-linux_x86_64', files: [{ name: 'evil.py', content: 'x = 1\n' }] }])
  const definition = { kind: 'python' as const, lock: 'poetry.lock', lockBytes }
  const { materials } = await prepareEnvironment(
    requestFor(root, definition, { network: { ...noNetwork, folders: [wheels] } }),
  )
  assert.equal(materials[1]?.digest, `sha256:${pure?.hex}`)
})

test('extras and groups are part of the identity', async (context) => {
  const root = scratchFolder(context)
  const text = `lock-version = "1.0"\ncreated-by = "a test"\nextras = ["x"]\npackages = []\n`
  const definition = { kind: 'python' as const, lock: 'pylock.toml', lockBytes: Buffer.from(text) }
  const plain = await prepareEnvironment(requestFor(root, definition))
  const more = await prepareEnvironment(requestFor(root, { ...definition, extras: ['X'] }))
  assert.notEqual(plain.digest, more.digest)
  assert.deepEqual(
    more.facts.filter(({ name }) => name === 'lock/extras').map(({ value }) => value),
    ['x'],
  )
})

const tampering: Readonly<Record<string, (tree: string, site: string) => void>> = {
  'a changed file of the same size and time': (_, site) => {
    const path = join(site, 'extra.py')
    chmodSync(path, 0o644)
    writeFileSync(path, 'x = 2\n')
    utimesSync(path, 0, 0)
  },
  'a new file': (_, site) => writeFileSync(join(site, 'sitecustomize.py'), 'print("owned")'),
  'a lost file': (_, site) => rmSync(join(site, 'extra.py')),
  'a file that is a link now': (_, site) => {
    rmSync(join(site, 'extra.py'))
    symlinkSync('/etc/hostname', join(site, 'extra.py'))
  },
  'changed bytecode': (_, site) => {
    const path = join(site, '__pycache__', readdirSync(join(site, '__pycache__'))[0] ?? '')
    chmodSync(path, 0o644)
    writeFileSync(path, readFileSync(path).fill(0, 20))
  },
  'another interpreter': (tree) => {
    rmSync(join(tree, 'bin', 'python'))
    symlinkSync('/bin/sh', join(tree, 'bin', 'python'))
  },
  'another configuration': (tree) => {
    chmodSync(join(tree, 'pyvenv.cfg'), 0o644)
    writeFileSync(join(tree, 'pyvenv.cfg'), 'home = /tmp\n')
  },
  'a broken manifest': (tree) => writeFileSync(join(tree, '..', 'manifest.json'), '{"files": []}'),
}
for (const [what, tamper] of Object.entries(tampering)) {
  test(`finds ${what} before use, and builds anew`, async (context) => {
    const root = scratchFolder(context)
    using memory = openStatCache(join(root, 'memory'), Buffer.from('seal'))
    const first = await prepareWheels(root, [tool], { memory })
    const tree = treeOf(first)
    assert.deepEqual(await eventsOf(root, { memory }), [], 'it is known')
    tamper(tree, siteOf(tree))
    assert.ok((await eventsOf(root, { memory })).includes('unpacking'))
    assert.equal(inSandbox(await prepareWheels(root, [tool], { memory }), 'hello'), 'hello')
  })
}

test('to be identified a tree is not re-hashed; to be mounted it is, whatever was identified before', async (context) => {
  const root = scratchFolder(context)
  const first = await prepareWheels(root, [tool])
  writeFileSync(join(treeOf(first), 'lib', 'planted.py'), 'x = 1\n')
  const identified = await prepareWheels(root, [tool], { purpose: 'identify' })
  assert.equal(identified.digest, first.digest)
  assert.ok((await eventsOf(root)).includes('unpacking'))
})

test('a tree is read again when nobody knows it, when all of it is asked for, and when the memory is not ours', async (context) => {
  const root = scratchFolder(context)
  using memory = openStatCache(join(root, 'memory'), Buffer.from('seal'))
  await prepareWheels(root, [tool], { memory })
  assert.deepEqual(await eventsOf(root, { memory }), [])
  assert.deepEqual(await eventsOf(root), ['verifying'])
  assert.deepEqual(await eventsOf(root, { memory, rehash: true }), ['verifying'])
  using forged = openStatCache(join(root, 'memory'), Buffer.from('another'))
  assert.deepEqual(await eventsOf(root, { memory: forged }), ['verifying'])
})

test('a tree whose times lie is found by its bytes, and all that rests on times is forgotten', async (context) => {
  const root = scratchFolder(context)
  using memory = openStatCache(join(root, 'memory'))
  const tree = treeOf(await prepareWheels(root, [tool], { memory }))
  // Whoever rules the clock: the stamp of the altered tree is the one that is remembered.
  for (const name of readdirSync(tree, { recursive: true, encoding: 'utf8' })) {
    const path = join(tree, name)
    if (!lstatSync(path).isFile()) continue
    const bytes = readFileSync(path)
    chmodSync(path, 0o644)
    writeFileSync(path, bytes.fill(120))
    chmodSync(path, name.startsWith('bin/') ? 0o555 : 0o444)
  }
  let forgotten = 0
  const altered = await treeStamp(tree)
  const lying = {
    ...memory,
    fact: (key: string) => (key.startsWith('verified-tree:') ? altered.digest : memory.fact(key)),
    clear: () => {
      forgotten += 1
      memory.clear()
    },
  }
  assert.ok((await eventsOf(root, { memory: lying })).includes('unpacking'))
  assert.ok(forgotten > 0)
})

function siteOf(tree: string): string {
  return join(tree, 'lib', readdirSync(join(tree, 'lib'))[0] ?? '', 'site-packages')
}

async function eventsOf(
  root: string,
  given: Readonly<{ memory?: StatCache; rehash?: boolean }> = {},
): Promise<readonly string[]> {
  const kinds: string[] = []
  await prepareWheels(root, [tool], { ...given, onProgress: ({ kind }) => kinds.push(kind) })
  return kinds
}

test('the sandbox makes the same environment as no sandbox does: nothing of either is in it', async (context) => {
  const root = scratchFolder(context)
  chmodSync(root, 0o755)
  const boxed = await prepareWheels(join(root, 'boxed'), [tool], { runInBox })
  const plain = await prepareWheels(join(root, 'plain'), [tool])
  assert.equal(boxed.digest, plain.digest)
  assert.deepEqual(boxed.facts, plain.facts)
  assert.equal(inSandbox(boxed, 'hello'), 'hello')
})

test('builds that run at once all end with the one right tree, and leave nothing beside it', async (context) => {
  const root = scratchFolder(context)
  const built = await Promise.all(Array.from({ length: 4 }, () => prepareWheels(root, [tool])))
  assert.equal(new Set(built.map(treeOf)).size, 1)
  assert.equal(inSandbox(built[0] ?? assert.fail(), 'hello'), 'hello')
  const left = readdirSync(join(root, 'environments')).filter((name) => name !== 'chosen' && name !== 'interpreters')
  assert.equal(left.length, 1)
})

test('a build that is killed leaves temporaries alone, and the next one succeeds', async (context) => {
  const root = scratchFolder(context)
  const lock = lockOf(join(root, 'wheels'), [tool])
  const program = `
    import { prepareEnvironment } from '${import.meta.dirname}/prepare.ts'
    import { noNetwork, requestFor } from '${import.meta.dirname}/testing.exec.ts'
    const definition = { kind: 'python', lock: 'requirements.lock', lockBytes: Buffer.from(${JSON.stringify(lock)}) }
    const network = { ...noNetwork, folders: ['${root}/wheels'] }
    const onProgress = ({ kind }) => { if (kind === 'compiling') process.kill(process.pid, 'SIGKILL') }
    await prepareEnvironment(requestFor('${root}', definition, { network, onProgress }))`
  const killed = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], { encoding: 'utf8' })
  assert.equal(killed.signal, 'SIGKILL', killed.stderr)
  const left = readdirSync(join(root, 'environments')).filter((name) => name !== 'chosen' && name !== 'interpreters')
  assert.ok(left.length > 0 && left.every((name) => name.startsWith('tmp-')), left.join())
  assert.equal(inSandbox(await prepareWheels(root, [tool]), 'hello'), 'hello')
})

test('unpacks members that are too large for one piece', async (context) => {
  const large = Buffer.alloc(40 * 1024 ** 2, 'the quick brown fox ')
  const files = [
    { name: 'deflated.bin', content: large },
    { name: 'stored.bin', content: large, method: 0 as const },
  ]
  const { facts } = await prepareWheels(join(scratchFolder(context), 'a'), [{ project: 'large', files }])
  assert.ok(facts.length > 0)
  const lying = [
    { name: 'deflated.bin', content: large, local: { size: large.length - 1 }, central: { size: large.length - 1 } },
  ]
  await assert.rejects(
    () => prepareWheels(join(scratchFolder(context), 'b'), [{ project: 'large', files: lying }]),
    (error) => isDomainError(error, 'ERR_ENV_WHEEL_REFUSED'),
  )
})

test('sweeps what a killed build left, once it is old; not what is young', async (context) => {
  const root = scratchFolder(context)
  const folder = join(root, 'environments')
  for (const name of ['tmp-4194304-old', 'tmp-4194304-young']) mkdirSync(join(folder, name), { recursive: true })
  utimesSync(join(folder, 'tmp-4194304-old'), 0, 0)
  await prepareWheels(root, [tool])
  assert.ok(!existsSync(join(folder, 'tmp-4194304-old')))
  assert.ok(existsSync(join(folder, 'tmp-4194304-young')))
})

test('installs only what applies to the interpreter; two that apply to one project are refused', async (context) => {
  const root = scratchFolder(context)
  const prepare = (suffixes: readonly string[]) => prepareLock(root, suffixes)
  const { packages } = await prepare(["; python_version < '3'", "; python_version >= '3'"])
  assert.equal(packages.length, 1)
  await assert.rejects(
    () => prepare(['', "; python_version >= '3'"]),
    (error) => isDomainError(error, 'ERR_ENV_LOCK_INVALID') && /:2: `tool` is required twice/.test(error.message),
  )
})

/** The wheel `tool` once a line, each with a marker of its own. */
async function prepareLock(root: string, markers: readonly string[]): Promise<Environment> {
  const folder = join(root, 'wheels')
  const [pin = ''] = lockOf(folder, [tool]).split(' --hash')
  const hash = sha256Of(wheelOf(tool))
  const lines = markers.map((marker) => `${pin} ${marker} --hash=${hash}`)
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(lines.join('\n')) }
  return prepareEnvironment(requestFor(root, definition, { network: { ...noNetwork, folders: [folder] } }))
}

test('a wheel that needs another Python, or was renamed to fit, is refused', async (context) => {
  const root = scratchFolder(context)
  await assert.rejects(
    () => prepareWheels(join(root, 'a'), [{ ...tool, metadata: 'Requires-Python: >=4\n' }]),
    (error) => isDomainError(error, 'ERR_ENV_NO_WHEEL') && error.message.includes('needs Python'),
  )
  const fits = await prepareWheels(join(root, 'b'), [{ ...tool, metadata: 'Requires-Python: >=3.8\n' }])
  assert.equal(fits.packages.length, 1)
  await assert.rejects(
    () => prepareWheels(join(root, 'c'), [{ ...tool, tag: 'cp27-cp27m-win32' }]),
    (error) => isDomainError(error, 'ERR_ENV_NO_WHEEL') && error.message.includes('fits this interpreter'),
  )
})

test('tells which dependency of a wheel the lock does not name', async (context) => {
  const metadata =
    'Requires-Dist: Other_Project>=1 ; python_version >= "3"\nRequires-Dist: docs; extra == "docs"\nRequires-Dist: tool\n'
  const { warnings } = await prepareWheels(scratchFolder(context), [{ ...tool, metadata }])
  assert.deepEqual(warnings, ['tool: needs `other-project`, which the lock does not name'])
})

function fromIndex(context: TestContext, lock: string): Promise<Environment> {
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes: Buffer.from(lock) }
  return prepareEnvironment(requestFor(scratchFolder(context), definition, { network: machineNetwork() }))
}

const six = '4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274'
const sixSource = 'ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81'
const iniconfig = 'b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374'

test('installs real projects of the Python Package Index', async (context) => {
  const lock = `six==1.17.0 --hash=sha256:${six} --hash=sha256:${sixSource}\niniconfig==2.0.0 --hash=sha256:${iniconfig}\n`
  const environment = await fromIndex(context, lock)
  const program = 'import six, iniconfig; print(six.__version__, iniconfig.__file__)'
  assert.match(
    inSandbox(environment, 'python', '-c', program),
    /^1\.17\.0 \/env\/lib\/python3\.\d+\/site-packages\/iniconfig/,
  )
  const [, wheel] = environment.materials
  assert.equal(wheel?.digest, `sha256:${six}`)
  assert.match(wheel?.uri ?? '', /^https:\/\/[^@]+\/six-1\.17\.0-py2\.py3-none-any\.whl$/)
})

const refusals = [
  ['a hash of other bytes', `six==1.17.0 --hash=sha256:${'0'.repeat(64)}`, 'ERR_ENV_HASH_MISMATCH'],
  ['a source distribution alone', `six==1.17.0 --hash=sha256:${sixSource}`, 'ERR_ENV_SOURCE_DIST'],
  ['a version that does not exist', `six==99 --hash=sha256:${six}`, 'ERR_ENV_NO_WHEEL'],
  [
    'a wheel for another platform',
    'markupsafe==3.0.2 --hash=sha256:93335ca3812df2f366e80509ae119189886b0f3c2b81325d39efdb84a1e2ae93',
    'ERR_ENV_NO_WHEEL',
  ],
] as const
for (const [what, lock, code] of refusals) {
  test(`refuses ${what} with ${code}`, async (context) => {
    await assert.rejects(
      () => fromIndex(context, lock),
      (error) => isDomainError(error, code),
    )
  })
}

test('refuses an interpreter that is not there, and takes the one that is named', async (context) => {
  const lockBytes = Buffer.from('')
  const definition = { kind: 'python' as const, lock: 'requirements.lock', lockBytes }
  await assert.rejects(
    () => prepareEnvironment(requestFor(scratchFolder(context), { ...definition, interpreter: 'python4.0' })),
    (error) => isDomainError(error, 'ERR_ENV_INTERPRETER'),
  )
  await assert.rejects(
    () => prepareEnvironment(requestFor(scratchFolder(context), { ...definition, interpreter: '/bin/true' })),
    (error) => isDomainError(error, 'ERR_ENV_INTERPRETER'),
  )
  const named = await prepareEnvironment(
    requestFor(scratchFolder(context), { ...definition, interpreter: '/usr/bin/python3' }),
  )
  assert.deepEqual(named.packages, [])
})
