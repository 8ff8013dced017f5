/** Goal: what a stage leaves behind in place of its outs is refused by name, and costs its honest neighbours nothing. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted, statuses } from '../support/adopted.ts'
import { litter } from '../support/interrupt.ts'
import type { Document } from '../support/scratch.ts'

const python = (code: string): string => `python3 -c "${code}"`

/** Stage -> command, the code that refuses it, and what is said. All write one out, `<stage>.out`. */
const bad: Readonly<Record<string, readonly [cmd: string, code: string, said: RegExp]>> = {
  absent: ['true', 'ERR_OUT_MISSING', /absent\.out/],
  link: ['echo x > other; ln -s other link.out', 'ERR_OUT_REFUSED', /link/],
  outward: ['ln -s /etc/passwd outward.out', 'ERR_OUT_REFUSED', /link/],
  dangling: ['ln -s /nowhere dangling.out', 'ERR_OUT_REFUSED', /link/],
  hardlink: ['echo x > hardlink.out; ln hardlink.out twin', 'ERR_OUT_REFUSED', /name/],
  fifo: ['mkfifo fifo.out', 'ERR_OUT_REFUSED', /fifo/],
  socket: [python("import socket; socket.socket(socket.AF_UNIX).bind('socket.out')"), 'ERR_OUT_REFUSED', /socket/],
  setuid: ['echo x > setuid.out; chmod 4755 setuid.out', 'ERR_OUT_REFUSED', /set/],
  sparse: ['truncate -s 5G sparse.out', 'ERR_OUT_REFUSED', /sparse|blocks|holes/],
  newline: [python("import os; os.mkdir('newline.out'); open('newline.out/a\\\\nb', 'w')"), 'ERR_OUT_REFUSED', /name/],
  bytes: [python("import os; os.mkdir('bytes.out'); open(b'bytes.out/\\\\xff', 'w')"), 'ERR_OUT_REFUSED', /UTF-8/],
  escape: [
    python("import os; os.mkdir('escape.out'); open('escape.out/\\\\x1b[31mred', 'w')"),
    'ERR_OUT_REFUSED',
    /control|name/,
  ],
  cases: ['mkdir cases.out; echo x > cases.out/A; echo x > cases.out/a', 'ERR_OUT_REFUSED', /case|same/],
  composed: [
    python(
      "import os; os.mkdir('composed.out'); open('composed.out/\\\\u00e9', 'w'); open('composed.out/e\\\\u0301', 'w')",
    ),
    'ERR_OUT_REFUSED',
    /same|NFC|compos/,
  ],
  inner: ['mkdir inner.out; ln -s /etc inner.out/etc', 'ERR_OUT_REFUSED', /link/],
}
const good: Readonly<Record<string, string>> = {
  honest: 'echo x > honest.out',
  dashes: 'mkdir dashes.out; echo x > dashes.out/-rf; echo x > dashes.out/--help',
  tens: "mkdir 'tens.out'; echo x > 'tens.out/a b'; echo x > 'tens.out/é ü 漢'",
  holes: 'truncate -s 1M holes.out; echo x >> holes.out',
}

test('each bad out is refused with its code and its reason; honest stages beside it succeed; nothing is left', async (context) => {
  const commands = [...Object.entries(bad).map(([name, [cmd]]) => [name, cmd] as const), ...Object.entries(good)]
  const stages = commands.map(([name, cmd]) => `  ${name}:\n    cmd: ${JSON.stringify(cmd)}\n    outs: [${name}.out]\n`)
  const project = await adopted(context, { 'dvc.yaml': `stages:\n${stages.join('')}`, '.gitignore': '*.out\n' })
  const report = await project.json(1, 'run', '--keep-going')

  const byName = new Map<string, Document>(report.stages.map((stage: Document) => [stage.name, stage]))
  for (const [name, [, code, said]] of Object.entries(bad)) {
    const stage = byName.get(name)
    assert.equal(stage.code, code, `${name}: ${JSON.stringify(stage)}`)
    assert.match(stage.because, said, name)
    assert.doesNotMatch(stage.because, /[\u0000-\u001f\u007f-\u009f]/u, name)
    assert.equal(lstatSync(join(project.root, `${name}.out`), { throwIfNoEntry: false }), undefined, name)
  }
  for (const name of Object.keys(good)) assert.equal(byName.get(name).status, 'ran', name)
  assert.equal(readFileSync(join(project.root, 'dashes.out/-rf'), 'utf8'), 'x\n')
  assert.equal((await project.json(0, 'verify', 'tens.out')).trusted, true)
  assert.deepEqual(litter(project), [])
  assert.deepEqual(
    readdirSync(project.root).filter((name) => name === 'other' || name === 'twin'),
    [],
  )
  assert.doesNotMatch(project.read('assay.lock'), /sparse|fifo|bytes/)
})

test('a stage that overwrites its input fails, and the input is as it was; a copy of it may be changed', async (context) => {
  const stage = (cmd: string): string => `stages:\n  up:\n    cmd: ${cmd}\n    deps: [in.txt]\n    outs: [up.txt]\n`
  const project = await adopted(context, {
    'dvc.yaml': stage('echo forged > in.txt && cp in.txt up.txt'),
    'in.txt': 'in\n',
    '.gitignore': 'up.txt\n',
  })
  const { error } = await project.json(3, 'run')
  assert.equal(error.code, 'ERR_STAGE_UNDECLARED_WRITE')
  assert.match((await project.assay('logs', '--stage', 'up')).stdout, /Read-only file system|Permission denied/)
  assert.equal(project.read('in.txt'), 'in\n')
  project.write({ 'dvc.yaml': stage('cat in.txt > up.txt && echo more >> up.txt') })
  project.commit()
  assert.deepEqual(statuses(await project.json(0, 'run')), { up: 'ran' })
  assert.equal(project.read('up.txt'), 'in\nmore\n')
})

test('a circle, overlapping outs, an out that is its own dep and an out outside are refused before anything runs', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages:\n  a: {cmd: touch a.txt, outs: [a.txt]}\n',
    '.gitignore': '*.txt\n',
  })
  const codeOf = async (stages: string): Promise<string> => {
    project.write({ 'dvc.yaml': `stages:\n${stages}` })
    const ran = await project.assay('run', '--json')
    assert.ok(ran.code === 1 || ran.code === 2, ran.stdout)
    const { error } = JSON.parse(ran.stdout)
    assert.ok(error.help.length > 10)
    return error.code
  }
  const touch = 'cmd: touch ran.flag'
  assert.equal(
    await codeOf(`  a: {${touch}, deps: [b.txt], outs: [a.txt]}\n  b: {${touch}, deps: [a.txt], outs: [b.txt]}\n`),
    'ERR_DEFINITION_CYCLE',
  )
  assert.equal(await codeOf(`  a: {${touch}, deps: [a.txt], outs: [a.txt]}\n`), 'ERR_DEFINITION_CYCLE')
  assert.equal(await codeOf(`  a: {${touch}, outs: [d.txt]}\n  b: {${touch}, outs: [d.txt]}\n`), 'ERR_OUT_OVERLAP')
  assert.equal(await codeOf(`  a: {${touch}, outs: [d]}\n  b: {${touch}, outs: [d/e.txt]}\n`), 'ERR_OUT_OVERLAP')
  assert.equal(await codeOf(`  a: {${touch}, outs: [../outside.txt]}\n`), 'ERR_PATH_UNSAFE')
  assert.equal(await codeOf(`  a: {${touch}, outs: ["line\\nbreak.txt"]}\n`), 'ERR_PATH_UNSAFE')
  assert.equal(await codeOf(`  a: {${touch}, deps: [gone.txt], outs: [a.txt]}\n`), 'ERR_DATA_MISSING')
  assert.equal(existsSync(join(project.root, 'ran.flag')), false)
})
