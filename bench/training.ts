/**
 * What does assay add to a stage that really works? Twenty seconds of arithmetic, bare and in a whole `assay run` with its
 * evidence, by turns; and in `assay reproduce`.
 *
 * LIMIT: 20 s and not 60, so that it can be repeated; what is added does not grow with the time, so that the share of a
 * minute is a third. Both are printed.
 */
import { heading, measure, row } from './measure.ts'
import { assay, project, run } from './scratch.ts'

const work = `import hashlib, sys
state = b'start'
for _ in range(int(sys.argv[1])):
    state = hashlib.sha256(state * 64).digest()
open(sys.argv[2], 'wb').write(state)
`

export async function training(): Promise<void> {
  heading('Training: what is added to a stage that works for 20 s')
  const stage =
    'stages:\n  train:\n    cmd: /usr/bin/python3 train.py $ROUNDS model.bin\n    deps: [train.py]\n    outs: [model.bin]\n'
  const speed = perSecond()
  const root = project('training', {
    'dvc.yaml': stage.replace('$ROUNDS', String(20 * speed)),
    'train.py': work,
    '.gitignore': '/*.bin\n',
  })
  const [bare, whole, again] = measure(
    [
      { name: 'bare', command: ['/usr/bin/python3', 'train.py', String(20 * speed), 'bare.bin'], cwd: root },
      { name: 'assay', command: [assay, 'run', '--force'], cwd: root },
      { name: 'reproduce', command: [assay, 'reproduce'], cwd: root },
    ],
    4,
  )
  if (bare === undefined || whole === undefined || again === undefined) throw new Error('nothing was measured')
  const added = { ms: whole.ms - bare.ms, cpuMs: whole.cpuMs - bare.cpuMs }
  const share = added.ms / 60_000
  row({
    what: 'a stage of 20 s, the whole run',
    ours: whole,
    peer: 'the bare command',
    theirs: bare,
    goal: { text: 'under 2 % of 60 s', met: share < 0.02 },
    note: `added: ${added.ms.toFixed(0)} ms (${((added.ms / bare.ms) * 100).toFixed(1)} % of 20 s, ${(share * 100).toFixed(1)} % of 60 s); processor time ${added.cpuMs.toFixed(0)} ms`,
  })
  const more = again.ms - bare.ms
  row({
    what: 'the same stage, reproduced',
    ours: again,
    peer: 'the bare command',
    theirs: bare,
    goal: { text: 'under 5 % of 60 s', met: more < 0.05 * 60_000 },
    note: `added: ${more.toFixed(0)} ms (${((more / bare.ms) * 100).toFixed(1)} % of 20 s); processor time ${(again.cpuMs - bare.cpuMs).toFixed(0)} ms`,
  })
}

/** Rounds that this machine does in a second. */
function perSecond(): number {
  const script =
    "import hashlib, time\ns = b'x'\nt = time.perf_counter()\nfor _ in range(200000): s = hashlib.sha256(s * 64).digest()\nprint(int(200000 / (time.perf_counter() - t)))"
  return Number(run(['/usr/bin/python3', '-c', script], '/'))
}
