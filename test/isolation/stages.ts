import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { EngineName } from '../../src/core/index.ts'
import { driverOf, folderFor, identities } from './support.ts'

/** What every engine does alike: what a stage is shown, what is taken back, what is counted. */
export function describeStages(engine: EngineName): void {
  describe(`a sandbox (${engine})`, { concurrency: 2 }, () => stagesOf(engine))
}

function stagesOf(engine: EngineName): void {
  const { drive, driveOne } = driverOf(engine)
  for (const identity of identities) {
    describe(`as ${identity}`, { concurrency: 2 }, () => {
      test('shows the view, takes outs back, and throws away what is not declared', async (context) => {
        const answer = await driveOne(identity, context, {
          files: {
            'src/run.sh':
              '#!/bin/sh\ncat data/in.csv > out/copy.csv; echo {} > metrics.json; echo x > out/other; mkdir made\n',
            'data/in.csv': 'a,b\n',
          },
          commands: [
            './src/run.sh',
            'mkdir -p deep/er/folder && echo 1 > deep/er/folder/one && chmod +x deep/er/folder/one',
            'mkdir empty',
          ],
          outs: ['out/copy.csv', 'metrics.json', 'deep/er', 'empty', 'never'],
        })
        assert.deepEqual(answer.end, { kind: 'exited', code: 0 })
        assert.deepEqual(answer.faults, [])
        assert.deepEqual(answer.outs, {
          'out/copy.csv': 'a,b\n',
          'metrics.json': '{}\n',
          'deep/er': { 'folder/one': '1\n' },
          empty: {},
        })
        assert.deepEqual(answer.discarded, ['made/', 'out/other'])
        assert.deepEqual(answer.opened?.files, ['src/run.sh'])
        // gVisor opens each folder that it passes: more counts as listed, never less
        if (engine !== 'gvisor')
          assert.ok(answer.opened.folders.every((each) => ['.', 'out', 'deep', 'made'].includes(each)))
        assert.ok(answer.opened.folders.includes('made'), 'what it made there may have been listed')
        assert.equal(answer.network.deniedAttempts, 0)
      })

      test('sees that the folder around an out was listed, and that it was not', async (context) => {
        const write = 'for i in 1 2 3; do echo > metrics.txt$i; echo > out/deep/x$i; sleep 0.4; done'
        const files = { 'src/run.sh': `${write}; cat src/run.sh\n`, 'data/raw/in.csv': 'a\n' }
        const outs = ['metrics.txt', 'out/deep/x']
        const [still, loud, late] = await drive(identity, context, [
          { files, outs, commands: ['exec sh src/run.sh'] },
          { files, outs, commands: ['ls . out/deep data/raw >/dev/null; exec sh src/run.sh'] },
          { files, outs, commands: ['sh src/run.sh; exec ls . out/deep data/raw'] },
        ])
        for (const each of ['.', 'out/deep', 'data/raw']) {
          assert.ok(loud?.opened?.folders.includes(each), each)
          assert.ok(late?.opened?.folders.includes(each), each)
        }
        if (engine !== 'gvisor')
          assert.deepEqual(still?.opened?.folders, [], 'what assay looks through itself is not its')
      })

      test('keeps what it shows read-only, also beside a file out, and lets a file out be written and renamed', async (context) => {
        const answer = await driveOne(identity, context, {
          files: { 'models/old.bin': 'old\n', 'models/sub/x': 'x\n', 'top.txt': 'top\n' },
          commands: [
            'for f in models/old.bin models/sub/x top.txt; do (echo bad > $f) 2>/dev/null && exit 9; rm -f $f 2>/dev/null && exit 8; chmod 600 $f 2>/dev/null && exit 7; done; ' +
              '(echo bad > models/sub/new) 2>/dev/null && exit 6; ' +
              "python3 -c \"import os; os.rename('models/sub', 'moved')\" 2>/dev/null && exit 5; " +
              'echo new > models/tmp1 && mv models/tmp1 models/new.bin',
            'cat models/old.bin models/sub/x top.txt',
          ],
          outs: ['models/new.bin', 'metrics.json'],
        })
        assert.deepEqual(answer.end, { kind: 'exited', code: 0 })
        assert.deepEqual(answer.log.tail, ['old', 'x', 'top'])
        assert.deepEqual(answer.outs, { 'models/new.bin': 'new\n' })
        assert.deepEqual(answer.discarded, [])
      })

      test('gives a persisted out its previous bytes as a copy that may be changed', async (context) => {
        const root = folderFor(identity, context)
        const more = { root }
        const [answer, again] = await drive(
          identity,
          context,
          [
            {
              commands: ['echo more >> state.txt; echo more >> kept/a.txt'],
              outs: ['state.txt', 'kept'],
              before: { 'state.txt': 'first\n', kept: { 'a.txt': 'a\n', 'b/c.txt': 'c\n' } },
            },
            { commands: ['cat in/state.txt'], files: { 'in/state.txt': 'first\n' } },
          ],
          more,
        )
        assert.deepEqual(answer?.outs, {
          'state.txt': 'first\nmore\n',
          kept: { 'a.txt': 'a\nmore\n', 'b/c.txt': 'c\n' },
        })
        assert.deepEqual(again?.log.tail, ['first'], 'the object in the store is untouched')
      })

      test('runs commands in order in the working folder, and stops at the first that fails', async (context) => {
        const answers = await drive(identity, context, [
          {
            commands: ['pwd; echo one > a.txt', 'cat a.txt; exit 7', 'echo never'],
            workingDirectory: 'work',
            outs: ['work/a.txt'],
          },
          { commands: ['kill -SEGV $$'] },
          {
            commands: ['echo to stdout > /dev/stdout; echo to stderr >&2; printf "\\033]0;x\\007"; echo; echo "a\\rb"'],
          },
        ])
        assert.deepEqual(answers[0]?.end, { kind: 'exited', code: 7 })
        assert.deepEqual(answers[0]?.log.tail, ['/project/work', 'one'])
        assert.deepEqual(answers[1]?.end, { kind: 'signalled', signal: 'SIGSEGV' })
        assert.deepEqual(answers[2]?.log.tail, ['to stdout', 'to stderr', '\\u{1b}]0;x\\u{7}', 'b'])
      })

      test('has only the environment it is given, its own names, and no descriptor but three', async (context) => {
        const answer = await driveOne(
          identity,
          context,
          {
            commands: [
              'env | sort; id -un; id -u; hostname; ls /proc/self/fd | tr "\\n" " "; cat /proc/1/environ | tr "\\0" "\\n"; umask',
            ],
            variables: { MODEL: 'small' },
          },
          {},
          { environment: { CANARY: 'secret' }, inherited: { 40: 0 } },
        )
        const text = answer.log.tail.join('\n')
        assert.match(
          text,
          /^HOME=\/home\/stage\nMODEL=small\nPATH=\/usr\/local\/bin:\/usr\/bin:\/bin\nPWD=\/project\nstage\n1000\nstage\n0 1 2 3 /,
        )
        assert.doesNotMatch(text, /CANARY|secret/)
      })

      test('counts every attempt to reach the network and none that stays inside', async (context) => {
        const python = (code: string): string => `python3 -c '${code}' 2>&1 | tail -1`
        const answers = await drive(identity, context, [
          { commands: [python('import socket; s = socket.socket(); s.connect(("198.51.100.7", 80))')] },
          {
            commands: [
              python(
                'import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b"x", ("2001:db8::1", 53))',
              ),
            ],
          },
          { commands: [python('import socket; socket.getaddrinfo("example.org", 443)')] },
          {
            commands: [
              python(
                'import socket; a = socket.create_server(("127.0.0.1", 0)); socket.create_connection(a.getsockname()); print("inside")',
              ),
            ],
          },
        ])
        assert.deepEqual(
          answers.map(({ network }) => network.deniedAttempts > 0),
          [true, true, true, false],
        )
        assert.deepEqual(answers[3]?.log.tail, ['inside'])
      })

      test('names the hidden file that a failed command asked for', async (context) => {
        const answer = await driveOne(identity, context, {
          commands: ['cat data/labels.csv'],
          hidden: ['data/labels.csv', 'README.md'],
        })
        assert.deepEqual(answer.end, { kind: 'exited', code: 1 })
        assert.deepEqual(answer.undeclaredReads, ['data/labels.csv'])
      })

      test('runs two sandboxes at once that do not see each other', async (context) => {
        const ask = (name: string) => ({
          commands: [
            `echo ${name} > out.txt; echo ${name} > /tmp/mine; sleep 0.3; ls /proc | grep -c '^[0-9]'; cat /tmp/mine out.txt`,
          ],
          outs: ['out.txt'],
        })
        const answers = await drive(identity, context, [ask('one'), ask('two')], { parallel: true })
        assert.deepEqual(
          answers.map(({ outs }) => outs),
          [{ 'out.txt': 'one\n' }, { 'out.txt': 'two\n' }],
        )
        for (const { log } of answers) assert.ok(Number(log.tail[0]) <= 6, 'sees only its own processes')
      })

      test('mounts an environment from a folder that only its owner may enter', async (context) => {
        const root = folderFor(identity, context)
        mkdirSync(join(root, 'prefix'), { mode: 0o755 })
        writeFileSync(join(root, 'prefix/lib.txt'), 'library\n')
        const answer = await driveOne(
          identity,
          context,
          {
            commands: ['cat /opt/env/lib.txt; (echo x > /opt/env/lib.txt) 2>/dev/null || echo read-only'],
            mounts: [{ source: join(root, 'prefix'), target: '/opt/env' }],
          },
          { root },
        )
        assert.deepEqual(answer.log.tail, ['library', 'read-only'])
      })

      test('leaves no box behind and names a policy that does not depend on who runs it', async (context) => {
        const root = folderFor(identity, context)
        const answer = await driveOne(identity, context, { commands: ['true'] }, { root })
        assert.deepEqual(readdirSync(join(root, 'boxes')), [])
        assert.equal(answer.policy.engine, engine)
        assert.equal(answer.policy.facts['dropsUid'], identity === 'root')
        assert.match(answer.policy.digest, /^sha256:[0-9a-f]{64}$/)
      })
    })
  }
}
