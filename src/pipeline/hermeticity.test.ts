import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FileTrace, StageOutcome } from '../compute/index.ts'
import { sha256Of } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'
import { hermeticityOf } from './hermeticity.ts'

const stage: StageDefinition = {
  name: 'train',
  file: 'work/dvc.yaml',
  commands: ['python3 train.py'],
  workingDirectory: 'work',
  deps: ['work/train.py', 'data/images', 'data/old.csv'],
  params: { 'work/params.yaml': ['lr'] },
  outs: [],
  frozen: false,
  alwaysChanged: false,
}

const outcome = (files: FileTrace, more: Partial<StageOutcome> = {}): StageOutcome => ({
  end: { kind: 'exited', code: 0 },
  startedAt: new Date(0),
  finishedAt: new Date(0),
  log: { digest: sha256Of(''), sizeBytes: 0, tail: [], lines: [] },
  outs: new Map(),
  faults: [],
  network: { deniedAttempts: 0, destinations: [], tier: 'observed' },
  printedSecrets: [],
  harmlessCredentials: [],
  shell: 'dash',
  undeclaredReads: [],
  discarded: [],
  resources: { wallMs: 1, heldBy: 'rlimits' },
  files,
  ...more,
})

const files: FileTrace = {
  read: [
    '/project/data/images/1.png',
    '/project/work/helper.py',
    '/project/work/params.yaml',
    '/project/work/train.py',
  ],
  missing: ['/etc/shadow-', '/home/stage/.netrc', '/nowhere', '/usr/share/x'],
  refusedWrites: ['/project/work/x', '/usr/y'],
  whole: true,
}
const host = {
  root: '/home/ada/p',
  home: '/home/ada',
  variables: {},
  exists: (path: string) => ['/etc/shadow-', '/home/ada/.netrc', '/usr/share/x'].includes(path),
  programOnPath: () => undefined,
}
const tracked = ['work/train.py', 'work/helper.py', 'work/params.yaml', 'work/other.py']
const reportOf = (given: StageOutcome) => hermeticityOf({ stage, outcome: given, tracked, host }) ?? assert.fail()

test('deps are spelled from the working folder; what a params entry or a folder names is declared', () => {
  assert.deepEqual(
    reportOf(
      outcome(files, {
        undeclaredReads: ['data', 'data/labels.csv', 'work/log', 'work/log/a'],
        discarded: ['work/log/a'],
      }),
    ),
    {
      seenBy: 'trace',
      whole: true,
      usedFiles: ['work/helper.py', 'work/params.yaml', 'work/train.py'],
      undeclaredFiles: ['work/helper.py'],
      unreadDeps: ['data/old.csv'],
      undeclaredReads: ['data', 'data/labels.csv', 'work/log', 'work/log/a'],
      outsideReads: ['/etc/shadow-', '/home/stage/.netrc'],
      refusedWrites: ['/usr/y', 'work/x'],
      discardedWrites: ['work/log/a'],
      network: { deniedAttempts: 0, destinations: [] },
      dvc: {
        place: 'work/dvc.yaml, under train',
        add: ['../data/labels.csv', 'helper.py'],
        remove: ['../data/old.csv'],
      },
    },
  )
})

test('of a stage that failed, or a trace that was cut, no dep is called unread', () => {
  for (const given of [outcome(files, { end: { kind: 'exited', code: 1 } }), outcome({ ...files, whole: false })]) {
    const { whole, unreadDeps, dvc } = reportOf(given)
    assert.deepEqual({ whole, unreadDeps, remove: dvc.remove }, { whole: false, unreadDeps: [], remove: [] })
  }
  const opened = { files: ['work/other.py'], folders: [] }
  assert.deepEqual(reportOf(outcome({ ...files, whole: false }, { opened })).undeclaredFiles, [
    'work/helper.py',
    'work/other.py',
  ])
})
