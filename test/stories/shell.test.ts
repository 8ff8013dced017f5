/** Goal: look around where a stage runs, with what it sees, and leave no trace. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { adopted } from '../support/adopted.ts'
import { sitDown } from '../support/person.ts'
import { words } from '../support/projects.ts'
import { assayProgram, runAssay, scratchEnvironment } from '../support/scratch.ts'

test('a command sees what its stage sees, and nothing of it is kept', async (context) => {
  const project = await adopted(context, { ...words, 'secret.txt': 'tracked\n', 'notes.txt': 'untracked\n' })
  await project.json(0, 'run')
  project.write({ 'untracked.txt': 'x\n' })
  const before = readdirSync(join(project.root, '.assay/runs'))
  const script = 'ls . out; cat out/sorted.txt; echo forged >model/count.txt; echo to-stderr >&2; echo $DVC_STAGE'
  const ran = await project.assay('shell', 'count', '--', 'sh', '-c', script)
  assert.deepEqual([ran.code, ran.stderr], [0, 'to-stderr\n'])
  assert.match(ran.stdout, /sorted\.txt\napple 2\npear 1\npear 3\ncount\n$/)
  assert.doesNotMatch(ran.stdout, /untracked\.txt/)
  assert.match(project.read('model/count.txt'), /pear/)
  assert.deepEqual(readdirSync(join(project.root, '.assay/runs')), before)
  assert.deepEqual(readdirSync(join(project.root, '.assay/boxes')), [])
  await project.json(0, 'status', '--check')
})

test('its end is told: the code of the command, a limit, attempts to reach the network, one document', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const failed = await project.json(3, 'shell', 'count', '--json', '--', 'sh', '-c', 'echo here; exit 7')
  assert.deepEqual([failed.error.code, failed.error.details.exitCode], ['ERR_STAGE_FAILED', 7])
  const connect = 'import socket\ntry: socket.create_connection(("198.51.100.1", 80))\nexcept OSError: pass'
  const document = await project.json(0, 'shell', 'count', '--json', '--', 'python3', '-c', connect)
  assert.deepEqual(document, { stage: 'count', exitCode: 0, deniedAttempts: 1 })
  assert.equal((await project.json(2, 'shell', 'cuont')).error.help, 'did you mean `count`?')
})

test('a script can be piped in, and bytes come out as they are', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const environment = scratchEnvironment(project.keys)
  const said = await runAssay(
    ['shell', 'count'],
    project.root,
    environment,
    'tty\nprintf "\\033[31m\\377"; wc -c < /dev/stdin',
  )
  assert.equal(said.stdout.replace(/\ufffd/, '?'), 'not a tty\n\u001b[31m?0\n')
  const large = `${'x'.repeat(1023)}\n`.repeat(4096)
  const copied = await runAssay(['shell', 'count', '--', 'cat'], project.root, environment, large)
  assert.equal(copied.stdout, large)
})

test('an upstream stage that is out of date is shown as it is, and that is said', async (context) => {
  const project = await adopted(context, words)
  assert.equal((await project.json(2, 'shell', 'count')).error.code, 'ERR_DATA_MISSING')
  await project.json(0, 'run')
  project.write({ 'src/lib.sh': `${words['src/lib.sh']}# edited\n` })
  const ran = await project.assay('shell', 'count', '--', 'cat', 'src/lib.sh', 'out/sorted.txt')
  assert.deepEqual([ran.code, /edited\napple/.test(ran.stdout)], [0, true])
  assert.match(ran.stderr, /`sort` is out of date: its outs are shown as they are/)
})

test('a person at a terminal has job control, Ctrl-C, the right size, and leaves with exit', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const person = sitDown(context, project, 'tty; "$assay" shell count; echo "came back with $?"; stty -a')
  await person.until(/\[count\] \/project/)
  person.type('tty; stty size\r')
  await person.until(/\/dev\/pts\/0\r\n41 123\r\n/)
  person.type('sleep 60\r')
  await sleep(300)
  person.type('\u001a')
  await person.until(/Stopped +sleep 60/)
  person.type('fg\r')
  await sleep(300)
  person.type('\u0003')
  await sleep(300)
  person.type('echo "interrupted: $?"\r')
  await person.until(/interrupted: 130\r\n/)
  person.type('touch model/made; exit 5\r')
  await person.until(/came back with 0\r\n/)
  assert.equal(await person.left, 0)
  assert.match(person.shown().slice(person.shown().indexOf('came back')), /[^-]icanon.*[^-]echo /s, 'as it was before')
  assert.equal(existsSync(join(project.root, 'model/made')), false)
})

test('nothing in a shell can type into the terminal of its caller', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const person = sitDown(context, project, '"$assay" shell count; sleep 1; echo end')
  await person.until(/\[count\] \/project/)
  const inject =
    "import fcntl, termios\nfor fd in range(0, 32):\n try: fcntl.ioctl(fd, termios.TIOCSTI, b'!'); print('typed', fd)\n except OSError as e: print(fd, e.errno)\n"
  person.type(`cat >/tmp/inject.py <<'EOF'\r${inject.replaceAll('\n', '\r')}EOF\r`)
  await sleep(300)
  person.type('python3 /tmp/inject.py 2>&1 | grep -c typed; ls -l /proc/self/fd | grep -c /dev/pts; ls /dev/pts\r')
  await person.until(/\r0\r\n2\r\n0 +ptmx\r\n/)
  // asked for the terminal's name and position at the last moment: the answers must not become words of the caller's
  person.type("printf '\\033[6n\\033[c'; exit\r")
  await sleep(200)
  person.type('\u001b[1;1R\u001b[?1;2c')
  await person.until(/end\r\n/)
  assert.equal(await person.left, 0)
})

test('SIGTERM ends a shell, and nothing of it stays', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const child = spawn(assayProgram, ['shell', 'count', '--', 'sh', '-c', 'echo up; sleep 1234'], {
    cwd: project.root,
    env: scratchEnvironment(project.keys),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGTERM')
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 143)
  assert.deepEqual(readdirSync(join(project.root, '.assay/boxes')), [])
})
